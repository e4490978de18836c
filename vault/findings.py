"""What each finding of a filing report says, in English, for programs and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vault.filingreports import Examination, Finding

SENTENCES: Final[Mapping[str, str]] = {
    "bytes-same": "the bytes in the store, read and digested anew, are those that were received (SHA-256 {sha256})",
    "bytes-differ": "the bytes in the store are not those that were received; run `strongroom doctor --deep`",
    "bytes-broken": "the sealed bytes in the store are missing or altered; run `strongroom doctor --deep`",
    "bytes-unread": "the file was not read again ({bytes} bytes): it is too large, or too much was filed at once",
    "store-away": "the store did not answer, so the bytes were not read again",
    "declared": "the sender named the SHA-256 before anything was acknowledged, and it was the same",
    "undeclared": "the sender named no digest; the vault's own is that of what arrived",
    "received": "entry {entry} of the log tells of the receipt",
    "unlogged": "the log here does not tell of the receipt; look into the published log",
    "twin": "another record here has the same bytes",
    "described": "all that its class asks for is said, and no dates contradict each other",
    "no-date": "the document has no date",
    "no-customer": "its class belongs to a customer, and none is named",
    "dated-late": "the document is dated after it was received",
    "ended-early": "the event from which its period runs is before the date of the document",
    "ended-ahead": "the event from which its period runs is still to come",
    "no-trigger": "the event from which its period runs is not known, so it never becomes due",
    "size-same": "it is as long as what was received ({bytes} bytes)",
    "size-differs": "it has {stored} bytes in the store, and {bytes} were received",
    "pages": "pages: {pages}, in version {version}",
    "type-known": "its type is {type}",
    "type-unknown": "its type is not known",
    "parser-away": "no parser could be asked now",
    "opened": "a parser opened it and read it",
    "not-opened-unsupported": "files of its kind are not looked into",
    "not-opened-encrypted": "it is encrypted or protected by a password",
    "not-opened-broken": "it is broken, or not what its type says",
    "not-opened-empty": "it is empty",
    "not-opened-too-large": "what it holds is larger than parsers look into",
    "not-opened-bomb": "it unpacks to far more than it is",
    "not-opened-old-office": "it is an old office format, or protected by a password",
    "not-opened-no-such-page": "it has no page",
    "not-opened-took-too-long": "looking into it took too long",
    "not-opened-gave-up": "its parser gave up on it",
    "program": "it is a program, by its first bytes or its name",
    "name-agrees": "its name promises what it is",
    "name-differs": "its name promises another type than {type}",
    "has-macro": "it holds macros",
    "has-launch": "it starts a program when it is opened",
    "has-script": "it holds a script",
    "has-sends-data": "it fetches something from elsewhere, or sends something there",
    "has-embedded-file": "it holds other files or objects",
    "has-attachment": "files are attached to it",
    "has-bomb": "it unpacks to far more than it is",
    "unsearched": "it was not searched, or not to its end, for what would act",
    "nothing-acts": "nothing was found in it that would act",
}
"""Nothing of a file is run here, whatever is in it: pages are drawn anew, or are text."""


def explain(finding: Finding) -> str:
    """A finding as a sentence; of a code that this version does not know, the code."""
    return SENTENCES.get(finding.code, finding.code).format_map(_Values(finding.facts))


def document_of(examination: Examination) -> dict[str, Any]:
    """What was found, for programs (JSON): verdicts, and each finding as a code with facts, and in English."""
    return {
        "version": examination.ordinal,
        "verdicts": {each.value: verdict.value for each, verdict in examination.verdicts.items()},
        "findings": [
            {
                "property": each.property.value,
                "code": each.code,
                "verdict": each.verdict.value,
                "facts": dict(each.facts),
                "text": explain(each),
            }
            for each in examination.findings
        ],
    }


class _Values(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "?"
