"""Sharing: signed links for people without an account (the rules stand in ``vault/links.py``).

Rule 1: whatever is not validly signed, or names no link, is "not found"; a genuine link that is over says so.
Rule 2: bytes are reserved before they leave. A range game gets no byte beyond the allowance, and what was reserved for
bytes that provably never left is given back.
Rule 3: a pass code is guessed at most 5 times in 15 minutes, per link and per address, and 50 times per link in all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.errors import (
    InvalidInput,
    KeyDestroyed,
    LinkExpired,
    LinkRevoked,
    LinkUsedUp,
    NotFound,
    PassCodeWrong,
    TooManyAttempts,
)
from vault.ids import LinkId, RecordId, UseId, id_from_bytes, id_to_bytes
from vault.links import (
    LIFETIME_MAX,
    PASS_CODE_TRIES_MAX,
    PASS_CODE_WINDOW,
    USE_LIFETIME,
    USES_MAX,
    Link,
    Use,
    byte_allowance,
    checked_pass_code,
)
from vault.permissions import Action, Actor, hides, require_on
from vault.records import NOTE_MAX_CHARACTERS, ContentFacts, RecordState, Version, require_unrestricted
from vault.seal.fields import blind_index
from vault.seal.passwords import hash_pass_code, password_matches
from vault.seal.secrets import Secret
from vault.seal.tokens import open_token, sign_token
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.gates import require_passage
from vault.workflows.retrieval import stream_object
from vault.workflows.vault import Vault
from vault.workflows.watching import is_suspended, note_opening, refusals_watched, require_unsuspended

BUYER: Final = "link-holder"
"""Stands as the actor in the log for whoever holds a link."""

LINK_TRIES_MAX: Final = 50
GONE: Final = "what this link led to no longer exists; ask its sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link as its maker sees it. ``state`` is open, expired, revoked or used-up."""

    link: Link
    note: str
    record_number: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A link as its holder sees it before taking a use; the file's name stays back while a pass code is due."""

    link: Link
    size_bytes: int
    file_name: str | None
    needs_pass_code: bool


@refusals_watched
def make_link(
    vault: Vault,
    actor: Actor,
    record_id: RecordId,
    *,
    lifetime: timedelta,
    uses_max: int,
    pass_code: str | None,
    note: str = "",
) -> tuple[LinkView, str]:
    """Makes a link to a record's current version; gives its token, which is shown once more by ``token_of``.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``.
    """
    actor.require(Action.MAKE_LINK)
    if not timedelta(minutes=1) <= lifetime <= LIFETIME_MAX:
        raise InvalidInput(f"a link lives from one minute to {LIFETIME_MAX.days} days", field="lifetime")
    if not 1 <= uses_max <= USES_MAX:
        raise InvalidInput(f"a link can be used 1 to {USES_MAX} times", field="uses_max")
    if len(note) > NOTE_MAX_CHARACTERS:
        raise InvalidInput(f"the note is longer than {NOTE_MAX_CHARACTERS} characters", field="note")
    pass_code_hash = ""
    if pass_code is not None:
        checked_pass_code(pass_code)
        with vault.hashing.enter():
            pass_code_hash = hash_pass_code(pass_code, token_bytes=vault.randomness.token_bytes)
    now = vault.now()
    with vault.catalogue.write() as tx:
        record = tx.records.get(record_id)
        version = tx.records.version(record_id, record.current_ordinal) if record is not None else None
        alive = record is not None and record.state in (RecordState.RECEIVED, RecordState.FILED)
        if record is None or version is None or not alive or hides(actor, record):
            raise NotFound("there is no such record, or its content no longer exists")
        actor.require(Action.MAKE_LINK, record.class_code)
        require_passage(vault, tx, actor, record)
        require_unrestricted(record)
        link_id = LinkId(vault.new_id())
        leaf = version.object.leaf
        link = Link(
            id=link_id,
            record_id=record.id,
            ordinal=version.ordinal,
            expires_at=now + lifetime,
            uses_max=uses_max,
            uses_taken=0,
            pass_code_hash=pass_code_hash,
            leaf=leaf,
            sealed_note=descriptions.seal(
                vault, leaf, {"note": note.strip()}, subject=link_id, field_set="link", revision=1
            ),
            created_at=now,
            created_by=actor.person_id,
            revoked_at=None,
        )
        tx.links.add(link)
        note_opening(vault, tx, actor)
        detail: Detail = {
            "record": record.id,
            "ordinal": version.ordinal,
            "expires_at": link.expires_at.isoformat(),
            "uses_max": uses_max,
            "pass_code": pass_code is not None,
        }
        tx.audit.append(vault.entry(actor.person_id, Event.LINK_MADE, link.id, detail))
        view = _view(vault, tx, link, now)
    return view, token_of(vault, link.id)


def token_of(vault: Vault, link_id: LinkId) -> str:
    """The token of a link: signing is deterministic, so whoever may list links can copy the address again."""
    return sign_token(_blinding(vault), id_to_bytes(link_id))


def list_links(
    vault: Vault,
    actor: Actor,
    *,
    record_id: RecordId | None = None,
    before: tuple[datetime, LinkId] | None = None,
    limit: int = 50,
) -> Sequence[LinkView]:
    """A page of links, newest first. Raises ``NotAllowed``; ``AccessSuspended``, for their addresses open records."""
    actor.require(Action.LIST_LINKS)
    now = vault.now()
    with vault.catalogue.read() as tx:
        record = None
        if record_id is not None:
            record = require_on(actor, Action.LIST_LINKS, tx.records.get(record_id))
        require_unsuspended(tx, actor, record)
        page = tx.links.page(
            record_id=record_id,
            classes=actor.reach(Action.LIST_LINKS),
            restricted_in=actor.reach(Action.SEE_RESTRICTED),
            before=before,
            limit=limit,
        )
        return [_view(vault, tx, link, now) for link in page]


def revoke_link(vault: Vault, actor: Actor, link_id: LinkId) -> None:
    """Withdraws a link, at once and for running downloads too. Doing it again changes nothing.

    Raises ``NotAllowed``, ``NotFound``.
    """
    actor.require(Action.REVOKE_LINK)
    with vault.catalogue.write() as tx:
        link = tx.links.get(link_id)
        record = tx.records.get(link.record_id) if link is not None else None
        if record is None or hides(actor, record):
            raise NotFound("there is no such link; look it up in the list")
        actor.require(Action.REVOKE_LINK, record.class_code)
        if tx.links.revoke(link_id, now=vault.now()):
            tx.audit.append(vault.entry(actor.person_id, Event.LINK_REVOKED, link_id))


def landing(vault: Vault, token: str) -> Landing:
    """What a link's holder sees; takes no use, however often.

    Raises ``NotFound``, ``LinkExpired``, ``LinkRevoked``, ``LinkUsedUp``.
    """
    with vault.catalogue.read() as tx:
        link, version = _link_of(vault, tx, token)
    link.require_open(now=vault.now())
    needs_pass_code = link.pass_code_hash != ""
    file_name = None if needs_pass_code else _content(vault, version).file_name
    return Landing(
        link=link, size_bytes=version.object.size_bytes, file_name=file_name, needs_pass_code=needs_pass_code
    )


def take_use(vault: Vault, token: str, *, pass_code: str | None, origin: str) -> str:
    """Takes one use, atomically; gives the token to read under it. ``origin`` is an address, used keyed only.

    Raises as ``landing``, and ``PassCodeWrong``, ``TooManyAttempts``, ``Overloaded``.
    """
    with vault.catalogue.read() as tx:
        link, version = _link_of(vault, tx, token)
    now = vault.now()
    link.require_open(now=now)
    if link.pass_code_hash:
        _check_pass_code(vault, link, pass_code or "", origin)
    use_token = base64.urlsafe_b64encode(vault.randomness.token_bytes(24)).decode("ascii")
    use = Use(
        id=UseId(vault.new_id()),
        link_id=link.id,
        token_sha256=hashlib.sha256(use_token.encode("ascii")).digest(),
        taken_at=now,
        expires_at=now + USE_LIFETIME,
        bytes_max=byte_allowance(version.object.size_bytes),
        bytes_sent=0,
    )
    with vault.catalogue.write() as tx:
        if not tx.links.take_use(link.id, now=now):
            current = tx.links.get(link.id)
            (current or link).require_open(now=now)
            raise LinkUsedUp("this link has been used as often as it may be; ask its sender for a new one")
        tx.links.add_use(use)
        tx.audit.append(vault.entry(BUYER, Event.LINK_USED, link.id, {"use": use.id, "record": link.record_id}))
    return use_token


class UseOpening:
    """A version that a link's holder may read a range of; its bytes are reserved already."""

    def __init__(
        self, vault: Vault, use: Use, version: Version, content: ContentFacts, start: int, length: int
    ) -> None:
        self.content = content
        self.version = version
        self.size_bytes = version.object.size_bytes
        self.start = start
        self.length = length
        self._vault = vault
        self._use = use
        self._sent = 0
        self._streamed = False

    def stream(self) -> Iterator[bytes]:
        """The range's bytes, once: they are reserved once. Closing it early gives back what was never handed out.

        Stops with ``LinkRevoked`` or ``LinkExpired`` when the link is withdrawn, or ends, meanwhile.
        """
        if self._streamed:
            raise LinkUsedUp("this download has been sent already; open the link again")
        self._streamed = True
        checked_at = self._vault.now()
        try:
            for block in stream_object(
                self._vault, self.version.object, self.version.version_id, self.start, self.length
            ):
                if self._vault.now() - checked_at >= timedelta(seconds=2):
                    checked_at = self._vault.now()
                    self._require_alive(checked_at)
                self._sent += len(block)
                yield block
        finally:
            self.close()

    def close(self) -> None:
        """Gives back what was reserved and never handed out; a use of which nothing left returns to its link."""
        unsent, self.length = self.length - self._sent, self._sent
        if unsent <= 0:
            return
        with self._vault.catalogue.write() as tx:
            tx.links.release_bytes(self._use.id, unsent)
            if self._sent == 0 and tx.links.return_use(self._use.id):
                entry = self._vault.entry(BUYER, Event.LINK_USE_RETURNED, self._use.link_id, {"use": self._use.id})
                tx.audit.append(entry)

    def _require_alive(self, now: datetime) -> None:
        with self._vault.catalogue.read() as tx:
            link = tx.links.get(self._use.link_id)
        if link is None:
            raise LinkRevoked("this link was withdrawn; ask its sender for a new one")
        link.require_alive(now=now)


def open_use(vault: Vault, token: str, use_token: str, *, start: int = 0, length: int | None = None) -> UseOpening:
    """Opens a range under a use, its bytes reserved and the reading logged before it returns.

    Raises ``NotFound``, ``LinkExpired``, ``LinkRevoked``, ``LinkUsedUp`` (the use's time or bytes are over),
    ``InvalidInput`` (range).
    """
    now = vault.now()
    digest = hashlib.sha256(use_token.encode("utf-8", "replace")).digest()
    with vault.catalogue.read() as tx:
        link, version = _link_of(vault, tx, token)
        use = tx.links.use(digest)
    if use is None or use.link_id != link.id:
        raise NotFound("no such link")
    link.require_alive(now=now)
    if now >= use.expires_at:
        raise LinkExpired("this download was started more than 24 hours ago; open the link again")
    size = version.object.size_bytes
    wanted = size - start if length is None else length
    if start < 0 or wanted < 0 or start + wanted > size:
        raise InvalidInput(f"the range is not within the file's {size} bytes", field="range")
    with vault.catalogue.write() as tx:
        if not tx.links.reserve_bytes(use.id, wanted):
            raise LinkUsedUp("this download has sent as many bytes as it may; open the link again")
        detail: Detail = {"use": use.id, "record": link.record_id, "start": start, "length": wanted}
        tx.audit.append(vault.entry(BUYER, Event.LINK_READ, link.id, detail))
    return UseOpening(vault, use, version, _content(vault, version), start, wanted)


def peek_use(vault: Vault, token: str, use_token: str) -> tuple[ContentFacts, Version]:
    """What HEAD and range arithmetic need of a use; reserves nothing. Raises as ``open_use``."""
    digest = hashlib.sha256(use_token.encode("utf-8", "replace")).digest()
    with vault.catalogue.read() as tx:
        link, version = _link_of(vault, tx, token)
        use = tx.links.use(digest)
    if use is None or use.link_id != link.id:
        raise NotFound("no such link")
    link.require_alive(now=vault.now())
    if vault.now() >= use.expires_at:
        raise LinkExpired("this download was started more than 24 hours ago; open the link again")
    return _content(vault, version), version


def _check_pass_code(vault: Vault, link: Link, pass_code: str, origin: str) -> None:
    now = vault.now()
    blinding = _blinding(vault)
    here = blind_index(blinding, "pass-code", f"{link.id} {origin}")
    anywhere = blind_index(blinding, "pass-code", link.id)
    since = now - PASS_CODE_WINDOW
    with vault.catalogue.write() as tx:
        # Counted before it is checked, so that guesses made at once are counted too.
        if (
            tx.attempts.count(here, since=since) >= PASS_CODE_TRIES_MAX
            or tx.attempts.count(anywhere, since=since) >= LINK_TRIES_MAX
        ):
            refused = True
        else:
            refused = False
            tx.attempts.add(here, at=now)
            tx.attempts.add(anywhere, at=now)
    with vault.catalogue.read() as tx:
        # Of guesses made at once none saw the others then; each sees here all that were counted before it.
        refused = (
            refused
            or tx.attempts.count(here, since=since) > PASS_CODE_TRIES_MAX
            or tx.attempts.count(anywhere, since=since) > LINK_TRIES_MAX
        )
    if refused:
        raise TooManyAttempts("too many wrong pass codes; wait 15 minutes and try again", retry_after_s=900)
    with vault.hashing.enter():
        matches = password_matches(pass_code, link.pass_code_hash)
    if not matches:
        with vault.catalogue.write() as tx:
            tx.audit.append(vault.entry(BUYER, Event.LINK_REFUSED, link.id, {"reason": "pass-code"}))
        raise PassCodeWrong("the pass code is wrong; ask the sender of the link for it")
    with vault.catalogue.write() as tx:
        tx.attempts.forget(here)
        # It was no guess: however many know the code, they do not use up each other's tries.
        tx.attempts.take_back(anywhere, at=now)


def _link_of(vault: Vault, tx: Transaction, token: str) -> tuple[Link, Version]:
    link_id = LinkId(id_from_bytes(open_token(_blinding(vault), token)))
    link = tx.links.get(link_id)
    if link is None:
        raise NotFound("no such link")
    record = tx.records.get(link.record_id)
    version = tx.records.version(link.record_id, link.ordinal)
    if record is None or version is None or record.state not in (RecordState.RECEIVED, RecordState.FILED):
        raise LinkRevoked(GONE)
    if record.is_restricted:
        raise LinkRevoked(GONE)
    if is_suspended(tx, link.created_by):
        raise LinkRevoked("this link is withheld for now; ask its sender")
    return link, version


def _view(vault: Vault, tx: Transaction, link: Link, now: datetime) -> LinkView:
    record = tx.records.get(link.record_id)
    try:
        link.require_open(now=now)
        state = "open"
    except (LinkExpired, LinkRevoked, LinkUsedUp) as over:
        state = over.code.removeprefix("link-")
    alive = record is not None and record.state in (RecordState.RECEIVED, RecordState.FILED)
    alive = alive and not (record is not None and record.is_restricted)
    if not alive and state == "open":
        state = "revoked"
    note = _note(vault, link) if alive else ""
    return LinkView(link=link, note=note, record_number=record.number if record is not None else "", state=state)


def _note(vault: Vault, link: Link) -> str:
    try:
        values = descriptions.unseal(vault, link.leaf, link.sealed_note, subject=link.id, field_set="link", revision=1)
    except KeyDestroyed:
        return ""
    return str(values.get("note", ""))


def _content(vault: Vault, version: Version) -> ContentFacts:
    try:
        return descriptions.open_content(
            vault, version.object.leaf, version.sealed_content, record_id=version.record_id, ordinal=version.ordinal
        )
    except KeyDestroyed as gone:
        raise LinkRevoked(GONE) from gone


def _blinding(vault: Vault) -> Secret:
    return vault.house_keys().blinding_key
