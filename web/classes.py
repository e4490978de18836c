"""The classes as pages show them: read once a request, for the schedule may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vault.classes import RecordClass
from vault.permissions import Action
from vault.workflows import schedules
from web.i18n import Language
from web.site import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """``offered`` are the visitor's of those that new records may take; ``known`` are by code, retired ones too."""

    offered: Sequence[RecordClass]
    known: Mapping[str, RecordClass]
    language: Language

    def title(self, code: str) -> str:
        """What a class is called; its code, where no rule governs it."""
        found = self.known.get(code)
        return code if found is None else self.language.class_title(found)


def classes_of(visit: Visit, action: Action = Action.LIST_RECORDS) -> Classes:
    """The classes of now; offered are those for which the visitor may do that. Raises ``NotAllowed``."""
    rules = schedules.governing_rules(visit.vault, visit.actor)
    return Classes(
        offered=[each.rule for each in rules if each.is_in_force and visit.may(action, each.code)],
        known={each.code: each.rule for each in rules},
        language=visit.language,
    )
