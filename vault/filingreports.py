"""Filing reports (四性检测, after DA/T 70): what was found about a record when it was filed, by four properties.

    authentic (真实性)  the bytes are those that were received, and the log knows from whom and when
    complete  (完整性)  all that its class asks for is said, and nothing of the file is missing
    usable    (可用性)  its type is known, and a parser opens it
    safe      (安全性)  nothing in it acts where it is opened, and its name does not hide what it is

Rule 1: a property is as good as the worst that was found about it; what could not be checked is told as that, never as
passed.
Rule 2: findings are codes with counts, sizes and ids; they are said in words where they are shown.
Rule 3: a record with a failed property is filed by somebody who says why, or not at all.
Rule 4: a report is sealed under the leaf of the version that it speaks of, never changed, and dies with the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from vault.errors import InvalidInput, SealBroken
from vault.ids import PersonId, RecordId

REASON_MAX_CHARACTERS: Final = 2000
FIELD_SET: Final = "filing-report"
"""What a sealed report is called, for the seal (subject: the record, revision: its number)."""

Facts = Mapping[str, str | int]


class Property(StrEnum):
    """One of the four."""

    AUTHENTIC = "authentic"
    COMPLETE = "complete"
    USABLE = "usable"
    SAFE = "safe"


class Verdict(StrEnum):
    """What a check, or all checks of a property, came to; in the order of their weight."""

    PASSED = "passed"
    UNCHECKED = "unchecked"
    WARNED = "warned"
    FAILED = "failed"


_WEIGHT: Final = {verdict: weight for weight, verdict in enumerate(Verdict)}


class Way(StrEnum):
    """Where somebody filed."""

    PAGE = "page"
    PROGRAM = "program"
    COMMAND = "command"
    VAULT = "vault"
    """By the vault itself, in the course of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check came to; ``code`` names the check and its outcome."""

    property: Property
    code: str
    verdict: Verdict
    facts: Facts = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found about one version of a record."""

    ordinal: int
    findings: tuple[Finding, ...]

    def of(self, its_property: Property) -> tuple[Finding, ...]:
        """What was found about a property."""
        return tuple(each for each in self.findings if each.property is its_property)

    def verdict(self, its_property: Property) -> Verdict:
        """The worst of it; nothing found is nothing checked."""
        found = [each.verdict for each in self.of(its_property)]
        return max(found, key=_WEIGHT.__getitem__, default=Verdict.UNCHECKED)

    @property
    def verdicts(self) -> Mapping[Property, Verdict]:
        """All four."""
        return {each: self.verdict(each) for each in Property}

    def without(self, code: str) -> Examination:
        """The same, had that not been found."""
        return replace(self, findings=tuple(each for each in self.findings if each.code != code))

    @property
    def failed(self) -> tuple[Property, ...]:
        """The properties that failed."""
        return tuple(each for each in Property if self.verdict(each) is Verdict.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingReport:
    """What is kept of one filing: ``number`` counts from 1 within a record. ``address`` is from where, as far as known;
    ``reason`` why it was filed although a property failed."""

    record_id: RecordId
    number: int
    examination: Examination
    filed_by: PersonId
    filed_at: datetime
    way: Way
    address: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report as the catalogue keeps it: ``sealed`` opens to what was found."""

    record_id: RecordId
    number: int
    ordinal: int
    filed_by: PersonId
    filed_at: datetime
    verdicts: Mapping[Property, Verdict]
    sealed: bytes = field(repr=False)


def require_knowing(examination: Examination, number: str, reason: str) -> str:
    """The reason, where one is needed or given. Raises ``InvalidInput`` (rule 3)."""
    clean = reason.strip()
    if len(clean) > REASON_MAX_CHARACTERS:
        raise InvalidInput(f"reason is longer than {REASON_MAX_CHARACTERS} characters; shorten it", field="reason")
    if examination.failed and not clean:
        raise InvalidInput(
            f"record {number} failed a check of its properties; look at what was found, and say why it is filed all "
            "the same",
            field="reason",
        )
    return clean if examination.failed else ""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of several."""
    return max(verdicts, key=_WEIGHT.__getitem__, default=Verdict.UNCHECKED)


def report_values(report: FilingReport) -> dict[str, Any]:
    """What of a report is sealed."""
    return {
        "way": report.way.value,
        "address": report.address,
        "reason": report.reason,
        "findings": [
            {"property": each.property.value, "code": each.code, "verdict": each.verdict.value, "facts": {**each.facts}}
            for each in report.examination.findings
        ],
    }


def report_of(kept: KeptReport, values: Mapping[str, Any]) -> FilingReport:
    """The report of what was sealed. Raises ``SealBroken`` when it has another shape."""
    try:
        findings = tuple(
            Finding(
                property=Property(each["property"]),
                code=str(each["code"]),
                verdict=Verdict(each["verdict"]),
                facts=dict(each["facts"]),
            )
            for each in values["findings"]
        )
        return FilingReport(
            record_id=kept.record_id,
            number=kept.number,
            examination=Examination(ordinal=kept.ordinal, findings=findings),
            filed_by=kept.filed_by,
            filed_at=kept.filed_at,
            way=Way(values["way"]),
            address=str(values["address"]),
            reason=str(values["reason"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise SealBroken("a sealed filing report has another shape than one") from exc
