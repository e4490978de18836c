"""Every command of ``strongroom``, by what the permission table has to allow for it; ``{names}`` are things of a vault.

Rule 1: a command that is not named here fails the walk, and so does one that is named and is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vault.permissions import Action

BY_ACTION: Final[Mapping[tuple[Action, ...], tuple[str, ...]]] = {
    (Action.LIST_RECORDS,): (
        "record list",
        "record show {record}",
        "record report {record}",
        "record find words",
        "record work missing",
        "class list",
        "schedule list",
        "schedule show contract",
        "label print {record} --output {new}",
        "loan ask {deal} --words diligence",
        "paper show {record}",
        "paper list B-1",
        "token create mine --scope list-records",
    ),
    (Action.ADD_RECORD,): ("record add {file} --class contract",),
    (Action.OPEN_RECORD,): ("record open {record} --output {new}",),
    (Action.CORRECT_RECORD,): ("record correct {record} --title New --reason walked",),
    (Action.FILE_RECORD,): ("record file {record}",),
    (Action.RESTRICT_RECORD,): ("record restrict {record} --reason walked", "record lift {record} --reason walked"),
    (Action.MARK_UNSETTLED,): ("record unsettle {record} --reason walked", "record settle {record} --reason walked"),
    (Action.EXPORT_SEALED,): ("record export {record} --sealed --output {new}",),
    (Action.LEND_RECORD,): ("loan grant {loan}", "loan refuse {loan} --reason walked"),
    (Action.LIST_CUSTOMERS,): ("customer list", "customer show {customer}"),
    (Action.ADD_CUSTOMER,): ("customer add Another",),
    (Action.PROPOSE_RULE,): (
        "schedule propose contract --years 12 --reason walked",
        "schedule preview contract --years 12",
        "schedule withdraw {class}",
        "schedule adopt eu-us --reason walked",
        "schedule retire contract",
    ),
    (Action.APPROVE_RULE,): ("schedule approve {class}",),
    (Action.MAKE_LINK,): ("link create {record}",),
    (Action.LIST_LINKS,): ("link list",),
    (Action.REVOKE_LINK,): ("link revoke {link}",),
    (Action.KEEP_PAPER,): ("paper keep {record} --box B-2",),
    (Action.DESTROY_RECORDS,): (
        "destruction preview {record}",
        "destruction run {record} --filed-in-error --dry-run",
        "destruction resume",
        "certificate issue",
        "disposition execute {list} --place here --method keys --yes",
        "paper destroy {record} --method pulping --weight 1 --vendor Mill --witness One --witness Two",
    ),
    (Action.SEE_DESTRUCTIONS,): (
        "destruction list",
        "destruction show {batch}",
        "certificate list",
        "certificate show {certificate}",
        "certificate export {certificate} {new}",
        "certificate verify {document}",
        "certificate names {certificate}",
    ),
    (Action.SEE_DISPOSALS,): ("disposition list", "disposition show {list}", "disposition transfers"),
    (Action.PROPOSE_DISPOSAL,): ("disposition propose --class visits",),
    (Action.REVIEW_DISPOSAL,): (
        "disposition review {list} {record} --decision destroy",
        "disposition object {list} {record} --reason walked",
        "disposition cancel {list} --reason walked",
    ),
    (Action.SIGN_DISPOSAL,): ("disposition sign {unsigned}",),
    (Action.RESUME_EXPIRY,): ("disposition resume",),
    (Action.SEE_NOTICES,): ("notice list", "notice show {notice}"),
    (Action.GIVE_NOTICE,): ("notice tell {list} --channel post",),
    (Action.SEE_HOLDS,): ("hold list", "hold show {matter}", "hold mirror"),
    (Action.PLACE_HOLD,): (
        "hold place --title Claim --reason walked --issuer Court --record {record}",
        "hold add {matter} --record {record}",
    ),
    (Action.RELEASE_HOLD,): (
        "hold propose-release {matter} --reason walked",
        "hold withdraw-release {matter}",
        "hold release {matter}",
    ),
    (Action.INVITE_PERSON,): (
        "person invite --group readers",
        "person list",
        "person reset {person}",
        "person deactivate {person}",
        "person reactivate {person}",
        "person end-sessions {person}",
        "oidc bind {person} subject",
        "oidc unbind {person}",
    ),
    (Action.SEE_GROUPS,): ("group list", "group show victims", "group people", "oidc show"),
    (Action.CHANGE_GROUPS,): (
        "group add others",
        "group grant victims --role reader --class deal",
        "group revoke victims --role reader",
        "group join readers {person}",
        "group leave victims {person}",
        "oidc map theirs victims",
        "oidc unmap theirs victims",
    ),
    (Action.SET_GATES,): (
        "agreement publish --zh {file} --en {file}",
        "agreement signatures",
        "training publish --zh {file} --en {file} --questions {questions}",
        "training attempts",
    ),
    (Action.START_REVIEW,): ("review start --reviewer {person}",),
    (Action.SEE_REVIEWS,): ("review list", "review show V-2026-0001", "review report V-2026-0001"),
    (Action.REVIEW_GRANTS,): ("review decide V-2026-0001 --keep 1",),
    (Action.SEE_ALARMS,): ("alarm list", "alarm suspended", "alarm rule"),
    (Action.SET_WATCH,): ("alarm rule --bulk-floor 50",),
    (Action.SETTLE_ALARMS,): (
        "alarm settle {record} --words walked",
        "alarm suspend {record}",
        "alarm lift {record} --words walked",
    ),
    (Action.READ_LOG,): (
        "audit tail",
        "audit search",
        "audit prove 1",
        "audit verify",
        "audit export {new}",
        "audit keys",
    ),
    (Action.READ_LOG, Action.SEE_STATE): ("audit checks",),
}
"""What asks for a role. Of several actions one is enough."""

TENDING: Final[Mapping[tuple[Action, ...], tuple[str, ...]]] = {
    (Action.SEE_STATE,): ("keeper status",),
    (Action.CHANGE_KEEPERS,): (
        "keeper add second --kind file --dry-run",
        "keeper remove second --dry-run",
        "keeper rotate --dry-run",
        "keeper share second --needed 2 --made 3",
        "audit rotate-key",
    ),
    (Action.TEND_WEBHOOKS,): (
        "webhook add https://receiver.invalid/told --event record-filed",
        "webhook list",
        "webhook show {record}",
        "webhook test {record}",
        "webhook resend {record} {record}",
        "webhook end {record}",
    ),
    (Action.TEND_FONDS,): ("fonds add bco --name Another", "fonds list", "fonds rename Another"),
}
"""The same; where nobody is signed in, the machine's operator acts."""

OWN: Final = (
    "account show",
    "account change --name Another",
    "account password",
    "account sessions",
    "account end-session --others",
    "account authenticator",
    "account recovery-codes",
    "account remove-passkey {record}",
    "token list",
    "token revoke {token}",
    "task list --all",
    "agreement show",
    "agreement sign --sha256 {digest}",
    "training show",
    "training take --answer 1",
    "loan list",
    "loan return {loan}",
)
"""What everybody who is signed in may do for themselves, whatever their roles."""

ANYBODY: Final = ("permission list", "oidc check")
"""What tells nothing of what is in the vault."""

MACHINE: Final = frozenset(
    {
        *("init", "serve", "login", "logout", "doctor", "upkeep run", "restore", "rebuild", "drill"),
        *("backup run", "backup list", "backup verify", "person recover", "keeper recover"),
    }
)
"""What is done by whoever runs commands on the machine and has what it takes (its files, a keeper, a password): no role
is asked for, so no role makes a difference."""

ON_RECORDS: Final[Mapping[Action, Mapping[str, frozenset[str]]]] = {
    Action.LIST_RECORDS: {
        "record show {record}": frozenset({"received", "filed", "held", "restricted", "erasing", "destroyed"}),
        "record report {record}": frozenset({"received", "filed", "held", "restricted", "erasing", "destroyed"}),
        "paper show {record}": frozenset({"received", "filed", "held", "restricted", "erasing", "destroyed"}),
        "label print {record} --output {new}": frozenset({"received", "filed", "held", "restricted"}),
    },
    Action.OPEN_RECORD: {"record open {record} --output {new}": frozenset({"received", "filed", "held"})},
    Action.CORRECT_RECORD: {
        "record correct {record} --title New --reason walked": frozenset({"received", "filed", "held"})
    },
    Action.FILE_RECORD: {"record file {record}": frozenset({"received", "filed", "held"})},
    Action.RESTRICT_RECORD: {
        "record restrict {record} --reason walked": frozenset({"received", "filed", "held"}),
        "record lift {record} --reason walked": frozenset({"restricted"}),
    },
    Action.MARK_UNSETTLED: {
        "record unsettle {record} --reason walked": frozenset({"received", "filed", "held", "restricted"}),
        "record settle {record} --reason walked": frozenset(),
    },
    Action.EXPORT_SEALED: {"record export {record} --sealed --output {new}": frozenset({"received", "filed", "held"})},
    Action.MAKE_LINK: {"link create {record}": frozenset({"received", "filed", "held"})},
    Action.LIST_LINKS: {
        "link list --record {record}": frozenset({"received", "filed", "held", "restricted", "erasing", "destroyed"})
    },
    Action.KEEP_PAPER: {"paper keep {record} --box B-2": frozenset({"received", "filed", "held", "restricted"})},
    Action.PROPOSE_DISPOSAL: {
        "disposition propose {record} --filed-in-error --reason walked --dry-run": frozenset(
            {"received", "filed", "restricted"}
        )
    },
    Action.DESTROY_RECORDS: {
        "destruction preview {record} --filed-in-error": frozenset({"received", "filed", "restricted"}),
        "paper destroy {record} --method pulping --weight 1 --vendor Mill --witness One --witness Two": frozenset(),
    },
}
"""What names one record, and the states of it in which that is possible at all."""
