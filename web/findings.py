"""What was found about a record when it was filed, in the visitor's language.

Rule 1: ``FINDINGS`` says every code of ``vault.findings``; facts take their places in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vault.filingreports import Examination, Finding, Property, Verdict
from vault.ids import RecordId
from vault.records import Record
from web.i18n import Language, later

FINDINGS: Final[Mapping[str, str]] = {
    "bytes-same": later(
        "The bytes in the store, read and digested anew, are those that were received (SHA-256 {sha256})."
    ),
    "bytes-differ": later("The bytes in the store are not those that were received. Have the operator run the doctor."),
    "bytes-broken": later("The sealed bytes in the store are missing or altered. Have the operator run the doctor."),
    "bytes-unread": later(
        "The file was not read again ({bytes} bytes): it is too large, or too much was filed at once."
    ),
    "store-away": later("The store did not answer, so the bytes were not read again."),
    "declared": later("The sender named the SHA-256 before anything was acknowledged, and it was the same."),
    "undeclared": later("The sender named no digest; the vault's own is that of what arrived."),
    "received": later("Entry {entry} of the log tells of the receipt."),
    "unlogged": later("The log here does not tell of the receipt; look into the published log."),
    "twin": later("Another record here has the same bytes."),
    "described": later("All that its class asks for is said, and no dates contradict each other."),
    "no-date": later("The document has no date."),
    "no-customer": later("Its class belongs to a customer, and none is named."),
    "dated-late": later("The document is dated after it was received."),
    "ended-early": later("The event from which its period runs is before the date of the document."),
    "ended-ahead": later("The event from which its period runs is still to come."),
    "no-trigger": later("The event from which its period runs is not known, so it never becomes due."),
    "size-same": later("It is as long as what was received ({bytes} bytes)."),
    "size-differs": later("It has {stored} bytes in the store, and {bytes} were received."),
    "pages": later("Pages: {pages}, in version {version}."),
    "type-known": later("Its type is {type}."),
    "type-unknown": later("Its type is not known."),
    "parser-away": later("No parser could be asked now."),
    "opened": later("A parser opened it and read it."),
    "not-opened-unsupported": later("Files of its kind are not looked into."),
    "not-opened-encrypted": later("It is encrypted or protected by a password."),
    "not-opened-broken": later("It is broken, or not what its type says."),
    "not-opened-empty": later("It is empty."),
    "not-opened-too-large": later("What it holds is larger than parsers look into."),
    "not-opened-bomb": later("It unpacks to far more than it is."),
    "not-opened-old-office": later("It is an old office format, or protected by a password."),
    "not-opened-no-such-page": later("It has no page."),
    "not-opened-took-too-long": later("Looking into it took too long."),
    "not-opened-gave-up": later("Its parser gave up on it."),
    "program": later("It is a program, by its first bytes or its name."),
    "name-agrees": later("Its name promises what it is."),
    "name-differs": later("Its name promises another type than {type}."),
    "has-macro": later("It holds macros."),
    "has-launch": later("It starts a program when it is opened."),
    "has-script": later("It holds a script."),
    "has-sends-data": later("It fetches something from elsewhere, or sends something there."),
    "has-embedded-file": later("It holds other files or objects."),
    "has-attachment": later("Files are attached to it."),
    "has-bomb": later("It unpacks to far more than it is."),
    "unsearched": later("It was not searched, or not to its end, for what would act."),
    "nothing-acts": later("Nothing was found in it that would act."),
}
_COUNTS: Final = ("bytes", "stored", "entry", "pages", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidFinding:
    """One finding as a sentence; ``twin`` is the record that it is about, if it is about another."""

    text: str
    verdict: Verdict
    twin: Record | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidProperty:
    """A property with its verdict and what was found."""

    property: Property
    verdict: Verdict
    findings: Sequence[SaidFinding]


def properties_said(language: Language, examination: Examination, twins: Sequence[Record]) -> Sequence[SaidProperty]:
    """All four, in their order."""
    known = {each.id: each for each in twins}
    return [
        SaidProperty(
            property=each,
            verdict=examination.verdict(each),
            findings=[
                SaidFinding(
                    text=_text(language, found),
                    verdict=found.verdict,
                    twin=known.get(RecordId(str(found.facts.get("record")))),
                )
                for found in examination.of(each)
            ],
        )
        for each in Property
    ]


def _text(language: Language, found: Finding) -> str:
    values = {
        name: language.number(value) if name in _COUNTS and isinstance(value, int) else value
        for name, value in found.facts.items()
    }
    return language.text(FINDINGS.get(found.code, found.code)).format(**values)
