"""Pages from templates: one Jinja environment a language, everything escaped, unknown names an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

import jinja2
from jinja2.runtime import Context
from starlette.responses import HTMLResponse, Response

from vault.classes import FOR_EVER
from vault.gates import PURPOSES
from vault.permissions import Action
from vault.records import RecordState
from web.i18n import Language, later
from web.menu import menu_of
from web.notices import COOKIE as SAID_COOKIE
from web.notices import said
from web.outcomes import outcome_text
from web.preferences import theme_of, zone_named, zone_of
from web.site import Visit
from web.standing import waiting_text
from web.static import StaticFiles
from web.tones import tone_of

FOLDER: Final = Path(__file__).parent / "templates"

FOR_EVER_SAID: Final = later("for ever")
"""In place of a day that never comes."""
WORDS: Final[Mapping[str, str]] = {
    "received": later("Received"),
    "filed": later("Filed"),
    "erasing": later("Being destroyed"),
    "destroyed": later("Destroyed"),
    "general": later("General"),
    "sensitive": later("Sensitive"),
    "important": later("Important"),
    "created": later("creation of the record"),
    "contract-ended": later("end of the contract"),
    "last-transaction": later("completion of the last transaction"),
    "fiscal-year-end": later("end of the fiscal year"),
    "relation-ended": later("end of the relation with the customer"),
    "business": later("Daily business"),
    "customer-request": later("Request of the customer"),
    "audit": later("Audit"),
    "legal": later("Legal matter"),
    "upkeep": later("Upkeep"),
    "open": later("Open"),
    "expired": later("Expired"),
    "revoked": later("Revoked"),
    "used-up": later("Used up"),
    "role-system": later("System administration"),
    "role-security": later("Security administration"),
    "role-audit": later("Audit"),
    "role-records": later("Records staff"),
    "role-officer": later("Officer"),
    "role-reader": later("Reader"),
    "role-operator": later("Operator of the machine"),
    "group-security": later("Security administrators"),
    "group-system": later("System administrators"),
    "group-audit": later("Auditors"),
    "group-officers": later("Officers"),
    "group-records": later("Everybody in records"),
    "group-readers": later("Readers"),
    "group-added": later("Group made"),
    "role-granted": later("Role granted"),
    "role-revoked": later("Role revoked"),
    "member-added": later("Added to a group"),
    "member-removed": later("Taken out of a group"),
    "may-list-records": later("List, find and look at records"),
    "may-add-record": later("Add records"),
    "may-open-record": later("Open records"),
    "may-lend-record": later("Lend records of important classes"),
    "may-set-gates": later("Publish the agreement and the training"),
    "sign-agreement": later("Sign the confidentiality agreement"),
    "take-training": later("Take the test of the training"),
    "renew-training": later("Take the test again: the last pass ends soon"),
    "decide-loan": later("Decide on a loan"),
    "gate-agreement": later("Confidentiality agreement"),
    "gate-training": later("Training"),
    "gate-borrowing": later("Borrowing"),
    "loan-requested": later("Asked for"),
    "loan-granted": later("Lent"),
    "loan-refused": later("Refused"),
    "loan-returned": later("Returned"),
    "loan-withdrawn": later("Taken back"),
    "agreement-published": later("Agreement published"),
    "agreement-signed": later("Agreement signed"),
    "course-published": later("Training published"),
    "test-taken": later("Test taken"),
    "return-loans": later("Return what was lent"),
    "may-correct-record": later("Correct records"),
    "may-file-record": later("File records"),
    "may-export-sealed": later("Take records out, sealed, with their keys"),
    "may-list-customers": later("List customers"),
    "may-add-customer": later("Add customers"),
    "may-list-links": later("List links"),
    "may-make-link": later("Make links"),
    "may-revoke-link": later("Withdraw links"),
    "may-keep-paper": later("Put paper into boxes"),
    "may-see-restricted": later("See what may only be stored"),
    "may-restrict-record": later("Restrict records, and lift that"),
    "may-mark-unsettled": later("Mark records as unsettled or settled"),
    "may-destroy-records": later("Execute destruction"),
    "may-propose-rule": later("Propose rules"),
    "may-approve-rule": later("Approve rules that others proposed"),
    "may-see-disposals": later("See disposal lists"),
    "may-propose-disposal": later("Propose disposal lists"),
    "may-review-disposal": later("Review disposal lists"),
    "may-sign-disposal": later("Approve disposal lists"),
    "may-supervise-disposal": later("Attend destruction"),
    "may-see-notices": later("Read notices of destruction"),
    "may-give-notice": later("Tell customers of a destruction"),
    "may-see-holds": later("See holds"),
    "may-place-hold": later("Place holds"),
    "may-release-hold": later("Release holds"),
    "may-see-destructions": later("See destructions and certificates"),
    "may-resume-expiry": later("Let automatic expiry go on"),
    "may-see-state": later("See the state of the vault"),
    "may-change-keepers": later("Change keepers and the log's key"),
    "may-invite-person": later("Invite people"),
    "may-see-groups": later("See groups"),
    "may-change-groups": later("Change groups and grants"),
    "may-read-log": later("Read and verify the log"),
    "operator": later("Operator of the machine"),
    "clock": later("Upkeep, by itself"),
    "link-holder": later("Holder of a link"),
    "vault-created": later("Vault created"),
    "record-received": later("Received"),
    "record-corrected": later("Corrected"),
    "record-filed": later("Filed"),
    "record-opened": later("Opened"),
    "record-exported": later("Exported, sealed"),
    "record-recovered": later("Recovered after a crash"),
    "intent-aborted": later("Upload given up"),
    "lock-extended": later("Lock extended"),
    "customer-added": later("Customer added"),
    "person-added": later("Person added"),
    "person-invited": later("Person invited"),
    "signed-in": later("Signed in"),
    "sign-in-refused": later("Sign-in refused"),
    "signed-out": later("Signed out"),
    "link-made": later("Link made"),
    "link-revoked": later("Link revoked"),
    "link-refused": later("Link refused"),
    "link-used": later("Link used"),
    "link-read": later("Read by link"),
    "link-use-returned": later("Use of a link given back"),
    "lock-proved": later("Lock proved"),
    "rule-proposed": later("Rule proposed"),
    "rule-approved": later("Rule approved"),
    "rule-withdrawn": later("Rule withdrawn"),
    "rule-followed": later("Due dates follow a changed rule"),
    "class-retired": later("Class retired"),
    "follow-schedule": later("Follow changed rules"),
    "deal-closed": later("the deal was closed"),
    "hold-placed": later("Hold placed"),
    "hold-scope-added": later("Scope of a hold widened"),
    "hold-release-proposed": later("Release of a hold proposed"),
    "hold-release-withdrawn": later("Proposed release withdrawn"),
    "hold-released": later("Hold released"),
    "list-proposed": later("Disposal list proposed"),
    "list-reviewed": later("Disposal list reviewed"),
    "list-signed": later("Disposal list signed"),
    "list-approved": later("Disposal list approved"),
    "list-objected": later("Objection to a disposal"),
    "list-executed": later("Disposal list executed"),
    "list-done": later("Disposal list done"),
    "list-cancelled": later("Disposal list cancelled"),
    "list-announced": later("Disposal list announced"),
    "notice-told": later("Customers told of a disposal list"),
    "notice-state-waiting": later("To be told yet"),
    "notice-state-told": later("Told"),
    "notice-state-dropped": later("Nothing to tell any more"),
    "channel-pages": later("on these pages"),
    "channel-mail": later("by e-mail"),
    "channel-post": later("by post"),
    "channel-phone": later("by telephone"),
    "channel-in-person": later("in person"),
    "channel-published": later("by public notice"),
    "decision-permanent": later("To be kept for ever"),
    "decide-permanent": later("Keep for ever"),
    "expiry-paused": later("Automatic expiry paused"),
    "expiry-resumed": later("Automatic expiry resumed"),
    "expire": later("Destroy what expires by itself"),
    "propose-lists": later("Propose disposal lists"),
    "holds-mirrored": later("Holds carried over to the store"),
    "record-held": later("Held by a query of a matter"),
    "destruction-begun": later("Destruction begun"),
    "destruction-effective": later("Destruction took effect"),
    "certificate-issued": later("Certificate of destruction issued"),
    "ciphertext-deleted": later("Sealed bytes deleted"),
    "backup-taken": later("Backup taken"),
    "backup-restored": later("Backup restored"),
    "catalogue-rebuilt": later("Catalogue rebuilt"),
    "holds-confirmed": later("Holds confirmed"),
    "drill-run": later("Restore drill run"),
    "keeper-added": later("Keeper added"),
    "keeper-removed": later("Keeper removed"),
    "keeper-shared": later("Recovery shares printed"),
    "keeper-recovered": later("Keeper recovered"),
    "log-key-changed": later("Signing key of the log changed"),
    "nature-personal": later("personal information"),
    "nature-transaction": later("transactions"),
    "nature-contract": later("contracts"),
    "nature-communication": later("communication"),
    "nature-house": later("the house's own"),
    "action-destroy": later("Destruction is proposed"),
    "action-review": later("Review is proposed"),
    "action-transfer": later("Transfer is proposed"),
    "action-keep": later("Kept for ever"),
    "lock-mode-governance": later("GOVERNANCE: the operator may shorten it"),
    "lock-mode-compliance": later("COMPLIANCE: nobody can shorten it"),
    "set-cn": later("Classes of Chinese law"),
    "set-eu-us": later("Classes of European and American law"),
    "strongroom": later("Strongroom"),
    "proposed": later("Proposed"),
    "in-force": later("In force"),
    "superseded": later("Superseded"),
    "withdrawn": later("Withdrawn"),
    "retired": later("Retired"),
    "matter-in-force": later("Holding"),
    "matter-release-proposed": later("Release proposed"),
    "matter-released": later("Released"),
    "scope-record": later("Record"),
    "scope-customer": later("Customer"),
    "scope-class": later("Class"),
    "scope-query": later("Words"),
    "approved": later("Approved"),
    "executing": later("Being executed"),
    "done": later("Done"),
    "cancelled": later("Cancelled"),
    "decision-pending": later("Undecided"),
    "decision-destroy": later("To be destroyed"),
    "decision-extend": later("Extended"),
    "decision-reclassify": later("Filed under another class"),
    "decision-transfer": later("To be transferred"),
    "decision-keep": later("To be kept"),
    "decision-objected": later("Objected to"),
    "decision-left-out": later("Left out"),
    "decide-destroy": later("Destroy"),
    "decide-extend": later("Extend"),
    "decide-reclassify": later("File under another class"),
    "decide-transfer": later("Transfer"),
    "decide-keep": later("Leave alone for now"),
    "cause-held": later("held by a matter"),
    "cause-dead": later("destroyed already"),
    "cause-busy": later("is just being corrected"),
    "cause-reclassified": later("filed under another class meanwhile"),
    "cause-restricted": later("may only be stored"),
    "cause-permanent": later("kept for ever"),
    "cause-not-filed": later("not filed"),
    "cause-unknown-trigger": later("the event from which its period runs is not known"),
    "cause-kept-until": later("its period is not over"),
    "cause-kept-for-ever": later("kept for ever, by decision"),
    "cause-unsettled": later("proves debts or claims that are not settled"),
    "cause-needs-approval": later("not approved"),
    "record-restricted": later("Restricted: only stored from then on"),
    "restriction-lifted": later("Restriction lifted"),
    "record-unsettled": later("Marked as unsettled"),
    "record-settled": later("Settled"),
    "paper-kept": later("Paper put into its box"),
    "paper-destroyed": later("Paper destroyed"),
    "box-kept": later("In its box"),
    "box-destroyed": later("Destroyed"),
    "paper-shredding": later("Shredded"),
    "paper-pulping": later("Pulped"),
    "paper-incineration": later("Incinerated"),
    "certificate-pending": later("Waits for the log"),
    "certificate-complete": later("Complete"),
    "ground-due": later("The period is over"),
    "ground-filed-in-error": later("Filed in error"),
    "part-proposer": later("Proposer"),
    "part-approver": later("Approver"),
    "part-supervisor": later("Supervisor"),
    "batch-erasing": later("Committed"),
    "batch-promoted": later("Waits for keepers"),
    "batch-effective": later("In effect"),
    "keeper-proven": later("Proven"),
    "keeper-holds-older": later("Has older roots"),
    "keeper-behind": later("Behind"),
    "keeper-away": later("Away"),
    "keeper-lost": later("Lost"),
    "settle-intents": later("Settle uploads that were broken off"),
    "send-outbox": later("Send metadata to the store"),
    "issue-certificates": later("Issue certificates of destruction"),
    "mirror-holds": later("Carry holds over to the store"),
    "publish-log": later("Publish the log"),
    "prune-log": later("Tidy the published log"),
    "renew-locks": later("Renew and extend locks"),
    "forget-sessions": later("End sessions and guesses that are over"),
    "prove-lock": later("Prove the lock"),
    "finish-batches": later("Finish destructions"),
    "delete-ciphertext": later("Delete the bytes of what was destroyed"),
    "clear-given-up": later("Delete what given-up uploads left"),
    "back-up": later("Back up"),
    "drill": later("Restore drill"),
    "approve-rule": later("Approve the rule of a class"),
    "release-hold": later("Confirm the release of a hold"),
    "review-list": later("Review a disposal list"),
    "sign-list-proposer": later("Sign a disposal list as its proposer"),
    "sign-list-approver": later("Sign a disposal list as its approver"),
    "sign-list-supervisor": later("Sign a disposal list as its supervisor"),
    "tell-customers": later("Tell customers of a disposal list"),
    "execute-list": later("Execute a disposal list"),
    "next-review-list": later("review"),
    "next-sign-list-proposer": later("the proposer"),
    "next-sign-list-approver": later("an approver"),
    "next-sign-list-supervisor": later("a supervisor"),
    "next-execute-list": later("execution"),
}
"""What codes of the vault are called on pages."""


class Templates:
    """Every template in every language, ready when the process starts."""

    def __init__(self, languages: Mapping[str, Language], static: StaticFiles) -> None:
        self._environments = {tag: _environment(language, languages, static) for tag, language in languages.items()}

    def page(
        self,
        visit: Visit,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> Response:
        """One page for one visit."""
        environment = self._environments[visit.language.tag]
        toast = said(visit)
        text = environment.get_template(template).render(
            visit=visit,
            signed_in=visit.signed_in,
            csrf_token=visit.signed_in.session.csrf_token if visit.signed_in is not None else "",
            path=visit.path,
            menu=menu_of(visit),
            theme=theme_of(visit.request),
            zone=zone_of(visit.request),
            toast=toast,
            **{"names": visit.site.names.of(visit), **values},
        )
        response = HTMLResponse(text, status, headers)
        if toast:
            response.delete_cookie(SAID_COOKIE, path="/", secure=visit.site.secure, httponly=True, samesite="lax")
        return response


def _moment_filter(language: Language) -> Callable[[Context, datetime], str]:
    @jinja2.pass_context
    def moment(context: Context, value: datetime) -> str:
        return language.moment(value, zone_named(str(context.get("zone", ""))))

    return moment


def _day_filter(language: Language) -> Callable[[Context, datetime], str]:
    @jinja2.pass_context
    def day_of(context: Context, value: datetime) -> str:
        return language.day(value.astimezone(zone_named(str(context.get("zone", "")))).date())

    return day_of


def _environment(language: Language, languages: Mapping[str, Language], static: StaticFiles) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # i18n's
    environment.filters |= {
        "day": lambda value: language.text(FOR_EVER_SAID) if value == FOR_EVER else language.day(value),
        "moment": _moment_filter(language),
        "tone": tone_of,
        "dayof": _day_filter(language),
        "number": language.number,
        "size": language.size,
        "group": lambda code: language.text(WORDS[f"group-{code}"]) if f"group-{code}" in WORDS else code,
        "word": lambda code: language.text(WORDS[code]) if code in WORDS else code,
        "outcome": lambda outcome: outcome_text(language, outcome),
        "waiting": lambda reason: waiting_text(language, reason),
        "lasting": language.lasting,
        "instant": datetime.fromisoformat,
        "paired": lambda code: (code, language.text(WORDS[code])),
        "dated": lambda text: language.day(date.fromisoformat(text)),
        "worded": lambda codes: [
            (code, language.text(WORDS[named]) if named in WORDS else code) for code, named in codes
        ],
    }
    environment.globals |= {
        "language": language,
        "languages": languages,
        "static": static.path,
        "states": tuple(RecordState),
        "purposes": PURPOSES,
        "Action": Action,
    }
    for name in environment.list_templates():
        environment.get_template(name)
    return environment
