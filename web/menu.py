"""The navigation: the pages of the vault, in sections, at the side of every page.

Rule 1: nobody is shown a way to a page that their role does not open; a section of which nothing is left does not show.
Rule 2: pages of daily work come first and need no heading; the others stand under theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vault.permissions import Action
from web.i18n import later
from web.site import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One page of the navigation: its row, what it is called, who may come (for one of ``actions``; without any,
    everybody who is signed in), and the rows that belong to it."""

    row: str
    label: str
    actions: tuple[Action, ...]
    rows: frozenset[str] = frozenset()

    def holds(self, row: str) -> bool:
        """Whether a row's page belongs here."""
        return row == self.row or row in self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pages that stand together under one heading; an empty one for those of daily work."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """What one visitor sees."""

    sections: Sequence[Section]


def _page(row: str, label: str, action: Action | tuple[Action, ...] | None, *rows: str) -> Entry:
    actions = action if isinstance(action, tuple) else () if action is None else (action,)
    return Entry(row=row, label=label, actions=actions, rows=frozenset(rows))


AT_HOME: Final = (Action.LIST_RECORDS, Action.SEE_REVIEWS)
"""Who has a first page: whoever works with records, and whoever watches over those who do."""

SECTIONS: Final = (
    Section(
        label="",
        entries=(
            _page("home", later("Home"), AT_HOME),
            _page("records", later("Records"), Action.LIST_RECORDS, "find", "save-view", "record", "correction",
                  "correct", "filing", "file", "filing-report", "filings", "file-many", "record-links", "make-link"),
            _page("upload", later("Upload"), Action.ADD_RECORD, "upload-files"),
            _page("quality", later("Data quality"), Action.LIST_RECORDS, "work"),
            _page("customers", later("Customers"), Action.LIST_CUSTOMERS, "customer", "add-customer"),
            _page("links", later("Links"), Action.LIST_LINKS),
        ),
    ),
    Section(
        label=later("Retention"),
        entries=(
            _page("disposals", later("Disposal"), Action.SEE_DISPOSALS, "disposal", "propose-disposal",
                  "disposal-error", "propose-error", "resume-expiry", "review-disposal", "object-disposal",
                  "sign-disposal", "cancel-disposal", "execution", "execute-disposal", "tell-customers", "transfers"),
            _page("notices", later("Notices"), Action.SEE_NOTICES, "notice"),
            _page("schedule", later("Schedule"), Action.LIST_RECORDS, "class-rules", "rule-form", "look-at-rule",
                  "propose-rule", "adopt-rules", "proposal", "approve-rule", "withdraw-rule", "retire-class",
                  "affected"),
            _page("matters", later("Holds"), Action.SEE_HOLDS, "matter-form", "place-hold", "matter", "add-to-hold",
                  "propose-release", "withdraw-release", "release-hold"),
            _page("destructions", later("Destructions"), Action.SEE_DESTRUCTIONS, "destruction", "destroy-preview",
                  "destroy"),
            _page("certificates", later("Certificates"), Action.SEE_DESTRUCTIONS, "certificate", "issue-certificates"),
        ),
    ),
    Section(
        label=later("Vault"),
        entries=(
            _page("state", later("State"), Action.SEE_STATE, "invite"),
            _page("log", later("Log"), Action.READ_LOG, "verify-log"),
            _page("keepers", later("Keepers"), Action.SEE_STATE),
            _page("backups", later("Backups"), Action.SEE_STATE),
            _page("webhooks", later("Webhooks"), Action.TEND_WEBHOOKS, "webhook", "add-webhook"),
        ),
    ),
    Section(
        label=later("People"),
        entries=(
            _page("people", later("Accounts"), Action.INVITE_PERSON, "offer-reset"),
            _page("groups", later("Groups"), Action.SEE_GROUPS, "group", "add-group", "grant-role", "revoke-role",
                  "add-member", "remove-member"),
            _page("reviews", later("Permission reviews"), Action.SEE_REVIEWS, "review", "start-review",
                  "decide-review"),
            _page("provider", later("Company sign-in"), Action.SEE_GROUPS, "check-provider", "map-group", "unmap-group",
                  "bind-person", "unbind-person"),
            _page("alarms", later("Early warning"), Action.SEE_ALARMS, "set-watch", "settle-alarm", "suspend-person"),
            _page("permissions", later("What each role may do"), None),
            _page("agreement", later("Confidentiality agreement"), None, "sign-agreement", "agreement-versions",
                  "publish-agreement"),
            _page("training", later("Training"), None, "take-test", "courses", "publish-course"),
            _page("loans", later("Loans"), Action.OPEN_RECORD, "ask-loan", "decide-loan", "give-back"),
        ),
    ),
    Section(
        label=later("Your account"),
        entries=(
            _page("account", later("Name and password"), None, "change-profile", "change-password"),
            _page("account-factors", later("Second factors"), None, "begin-authenticator", "confirm-authenticator",
                  "recovery-codes", "begin-passkey", "add-passkey", "rename-passkey"),
            _page("account-sessions", later("Sessions"), None),
            _page("account-tokens", later("API tokens"), None, "create-token"),
        ),
    ),
)  # fmt: skip


def menu_of(visit: Visit) -> Menu:
    """The navigation of one visitor on one page."""
    sections = []
    for section in SECTIONS:
        entries = tuple(each for each in section.entries if not each.actions or any(map(visit.may, each.actions)))
        if entries:
            sections.append(Section(label=section.label, entries=entries))
    return Menu(sections=sections)
