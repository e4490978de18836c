"""What came of a duty of upkeep, as data: a code, and the counts and names that belong to it.

Rule 1: ``FORMS`` has every code with its English text; commands print that, pages say it in the visitor's language.
Rule 2: what a duty gives as a plain text is kept as it is (``said``): commands print it, pages tell what it comes to.
Rule 3: values are counts, dates, opaque ids and names of keepers and backups; nothing personal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "said": "{text}",
        "failed": "failed: {error}",
        "settled": "settled {settled}, {left} left to the doctor",
        "settled-and-aborted": "settled {settled}, {left} left to the doctor; {strays} stray uploads aborted",
        "locks-extended": "extended {extended}, {left} left to the doctor",
        "sent": "sent {sent}, with {changes} changes of the register",
        "all-effective": "every destruction is effective",
        "not-effective": "{count} destructions not effective yet: {waiting}",
        "ciphertext-deleted": "deleted the bytes of {deleted} records, {left} still locked",
        "given-up-cleared": "deleted what {deleted} uploads that were given up had left, {left} still locked",
        "certificates-issued": "issued {issued}, completed {completed}; {left} wait",
        "holds-mirrored": "{held} held in the store, {freed} freed, {left} left to the doctor, {waiting} to do",
        "rules-followed": "{followed} records followed their rule, {moved} got another due date",
        "reviews-closed": "{closed} permission reviews closed, {lapsed} rights taken back because nobody decided",
        "watched": "looked at {people} people, {raised} alarms raised",
        "loans-returned": "{count} loans came to their end",
        "lists-proposed": "made {lists} disposal lists of {records} records",
        "expired": "{destroyed} records expired, {left_out} left out, {listed} listed, {waiting} lists tried again",
        "expiry-paused": "PAUSED ({cause}): somebody has to look, then `strongroom disposition resume`",
        "log-published": "the published log has {entries} entries",
        "log-stamped": "the checkpoint of {entries} entries is time-stamped: {at}",
        "nothing-to-stamp": "nothing is published yet",
        "webhooks-sent": "sent {sent} messages to webhooks, {failed} failed, {waiting} wait",
        "log-pruned": "deleted {deleted} partial tiles of the log",
        "log-being-checked": "the log is being checked",
        "log-holds": "the log holds, up to entry {entries}",
        "log-broken": "BROKEN: {wrong} things are wrong with the log, checked up to entry {entries}",
        "uploads-finished": "{finished} uploads became records, {left} not yet; {expired} ended",
        "pieces-swept": "deleted {swept} pieces of uploads that are not open",
        "derived": "derived text and pictures of {made} versions",
        "derived-but-for": "derived text and pictures of {made} versions; {left} cannot be read now, and wait",
        "sessions-ended": "ended {ended} sessions",
        "lock-held": "held: {held} of {tried} attacks withstood",
        "lock-broken": "BROKEN: {held} of {tried} attacks withstood",
        "backup-fresh": "the newest is {backup}",
        "backup-taken": "took {backup}, {copied} objects copied",
        "backup-goes-on": "copied {copied} objects, goes on",
        "backup-damaged": "BROKEN: {backup}, and {damaged} objects are not as they were sealed",
        "no-backup": "there is no backup yet",
        "verified": "{backup} is whole: {objects} objects, {pages} key pages",
        "verify-broken": "BROKEN: {problems} things of {backup} would not come back",
        "drill-passed": "passed, backup {backup}: {opened} records opened, {dead} destroyed ones stay dead",
        "drill-broken": "BROKEN, backup {backup}: {opened} records opened, {dead} destroyed ones stay dead; {problems}",
    }
)
_BROKEN: Final = frozenset(
    {"expiry-paused", "lock-broken", "log-broken", "backup-damaged", "verify-broken", "drill-broken"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a duty: one of ``FORMS``, with the values that its text names."""

    code: str
    values: Mapping[str, int | str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, code: str, **values: int | str) -> Outcome:
        """An outcome with its values."""
        return cls(code=code, values=values)

    @classmethod
    def said(cls, text: str) -> Outcome:
        """What a duty told in words of its own."""
        return cls.of("said", text=text)

    @classmethod
    def read(cls, kept: str) -> Outcome:
        """An outcome as the catalogue keeps it; an earlier version kept plain texts."""
        try:
            values = json.loads(kept)
            code = values.pop("code")
            return cls(code=code, values=values) if FORMS[code].format(**values) else cls.said(kept)
        except (ValueError, KeyError, AttributeError, TypeError):
            return cls.said(kept)

    def kept(self) -> str:
        """As the catalogue keeps it."""
        return json.dumps({"code": self.code, **self.values}, ensure_ascii=False)

    @property
    def text(self) -> str:
        """In English, for commands."""
        return FORMS[self.code].format(**self.values)

    @property
    def is_failed(self) -> bool:
        """Whether it could not be done now; it is tried again."""
        return self.code == "failed"

    @property
    def is_broken(self) -> bool:
        """Whether somebody has to look."""
        return self.code in _BROKEN or (self.code == "said" and self.text.startswith("BROKEN"))
