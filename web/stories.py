"""A record's whole story as one timeline: what is to come first, then what happened, the newest first.

Rule 1: every entry of the log about the record is in it; what is sealed beside an entry (reasons of corrections, names
of files) is told where its key still lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from vault.audit import Event, NumberedEntry
from vault.ids import ID_LENGTH
from vault.records import RecordState
from vault.workflows.retrieval import RecordStory
from web.i18n import Language, later
from web.rendering import WORDS

_TONES: Final[Mapping[Event, str]] = {
    Event.RECORD_FILED: "good",
    Event.RECORD_RECEIVED: "good",
    Event.RECORD_OPENED: "info",
    Event.RECORD_EXPORTED: "info",
    Event.RECORD_CORRECTED: "warn",
    Event.RECORD_RESTRICTED: "bad",
    Event.RECORD_HELD: "bad",
    Event.DESTRUCTION_BEGUN: "bad",
    Event.DESTRUCTION_EFFECTIVE: "bad",
    Event.PAPER_DESTROYED: "bad",
}
_LIVING: Final = (RecordState.RECEIVED, RecordState.FILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One place of a timeline, in the visitor's language."""

    what: str
    when: datetime | None = None
    who: str = ""
    note: str = ""
    tone: str = ""
    href: str = ""


def person_named(language: Language, names: Mapping[str, str], person: str, me: str) -> str:
    """What somebody is called: the visitor is "you", a person by name, another actor by its word."""
    if person == me:
        return language.text(later("you"))
    if person in names:
        return names[person]
    if person in WORDS:
        return language.text(WORDS[person])
    return person[:8] if len(person) == ID_LENGTH else person


def story_told(language: Language, story: RecordStory, names: Mapping[str, str], *, me: str, today: date) -> list[Told]:
    """The timeline of a record's page."""
    reasons = {each.revision.revision: each.description.reason for each in story.revisions}
    brought = {each.revision.ordinal: each.description.reason for each in reversed(story.revisions)}
    versions = {each.version.ordinal: each for each in story.versions}
    told = list(_to_come(language, story, today))
    for numbered in story.entries:
        entry = numbered.entry
        notes = [*_notes(language, numbered)]
        revision, version = entry.detail.get("revision"), entry.detail.get("ordinal")
        if entry.event is Event.RECORD_CORRECTED:
            reason = reasons.get(revision) if isinstance(revision, int) else None
            reason = reason or (brought.get(version) if isinstance(version, int) else None)
            notes += [reason] if reason else []
        if entry.event is Event.RECORD_RECEIVED and version in (None, 1) and 1 in versions:
            notes.append(versions[1].content.file_name)
        told.append(
            Told(
                what=language.text(WORDS.get(entry.event.value, entry.event.value)),
                when=entry.at,
                who=f"{person_named(language, names, str(entry.actor), me)} · #{language.number(numbered.number)}",
                note=" · ".join(notes),
                tone=_TONES.get(entry.event, ""),
            )
        )
    return told


def _to_come(language: Language, story: RecordStory, today: date) -> list[Told]:
    record = story.view.record
    if record.state not in _LIVING or record.due_on is None:
        return []
    what = later("Its period is over") if record.due_on <= today else later("Kept until then")
    at = datetime.combine(record.due_on, time(), tzinfo=UTC)
    return [Told(what=language.text(what), note=language.day(at.date()), tone="warn" if record.due_on <= today else "")]


def _notes(language: Language, numbered: NumberedEntry) -> list[str]:
    detail, notes = numbered.entry.detail, []
    purpose, ordinal, matter = detail.get("purpose"), detail.get("ordinal"), detail.get("matter")
    if isinstance(purpose, str):
        notes.append(language.text(WORDS.get(purpose, purpose)))
    if isinstance(ordinal, int):
        notes.append(language.text(later("Version {number}")).format(number=language.number(ordinal)))
    if isinstance(matter, str):
        notes.append(matter)
    return notes
