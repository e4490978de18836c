"""Every address of the site, in one table. What has no row here does not exist; what has one names who may come.

Rule 1: a row's permission is an action of ``vault.people``, or an audience: public, signed in, or whoever holds a link.
Rule 2: paths hold opaque ids, numbers and tokens; never a name, a title or what somebody searched for.
"""

from __future__ import annotations

from typing import Final

from vault.permissions import Action
from web import health, static, stepping
from web.api import customers as api_customers
from web.api import links as api_links
from web.api import openapi as api_description
from web.api import people as api_people
from web.api import records as api_records
from web.api import sessions as api_sessions
from web.api import tokens as api_tokens
from web.pages import (
    accessreviews,
    account,
    agreements,
    appearance,
    backups,
    borrowing,
    certificates,
    credentials,
    customers,
    destructions,
    disposal,
    execution,
    filing,
    gallery,
    gates,
    groups,
    home,
    keepers,
    languages,
    links,
    log,
    matters,
    notices,
    outside,
    paper,
    people,
    permissions,
    record,
    records,
    restricting,
    schedules,
    sessions,
    settings,
    state,
    tokens,
    training,
    uploads,
)
from web.site import Audience, Body, Handler, InThread, Kind, Row

SEE_DESTRUCTIONS = Action.SEE_DESTRUCTIONS
PUBLIC, SIGNED_IN, LINK = Audience.PUBLIC, Audience.SIGNED_IN, Audience.LINK


def _row(
    method: str,
    path: str,
    name: str,
    handler: Handler | InThread,
    permission: Action | Audience,
    *,
    body: Body = Body.NONE,
    kind: Kind = Kind.PAGE,
) -> Row:
    return Row(methods=(method,), path=path, name=name, handler=handler, permission=permission, body=body, kind=kind)


def _get(
    path: str, name: str, handler: Handler | InThread, permission: Action | Audience, kind: Kind = Kind.PAGE
) -> Row:
    return _row("GET", path, name, handler, permission, kind=kind)


def _post(
    path: str,
    name: str,
    handler: Handler | InThread,
    permission: Action | Audience,
    body: Body = Body.FORM,
    kind: Kind = Kind.PAGE,
) -> Row:
    return _row("POST", path, name, handler, permission, body=body, kind=kind)


def _api(
    method: str,
    path: str,
    name: str,
    handler: Handler | InThread,
    permission: Action | Audience,
    body: Body = Body.NONE,
) -> Row:
    return _row(method, f"/api/v1{path}", name, handler, permission, body=body, kind=Kind.API)


PAGES: Final = (
    _get("/", "home", home.show_home, SIGNED_IN),
    _get("/records", "records", records.show_records, Action.LIST_RECORDS),
    _post("/find", "find", records.find_records, Action.LIST_RECORDS),
    _post("/views", "save-view", records.save_view, Action.LIST_RECORDS),
    _post("/views/{view}/forget", "forget-view", records.forget_view, Action.LIST_RECORDS),
    _get("/upload", "upload", uploads.show_upload, Action.ADD_RECORD),
    _post("/upload", "upload-files", uploads.upload, Action.ADD_RECORD, Body.MULTIPART),
    _get("/records/{record}", "record", record.show_record, Action.LIST_RECORDS),
    _get("/records/{record}/content", "record-content", InThread(record.open_content), Action.OPEN_RECORD),
    _get("/records/{record}/preview", "record-preview", InThread(record.open_preview), Action.OPEN_RECORD),
    _get("/records/{record}/correct", "correction", uploads.show_correction, Action.CORRECT_RECORD),
    _post("/records/{record}/correct", "correct", uploads.correct, Action.CORRECT_RECORD, Body.MULTIPART),
    _get("/records/{record}/file", "filing", filing.show_filing, Action.FILE_RECORD),
    _post("/records/{record}/file", "file", filing.file_record, Action.FILE_RECORD),
    _get("/records/{record}/links", "record-links", links.show_record_links, Action.LIST_LINKS),
    _post("/records/{record}/links", "make-link", links.make_link, Action.MAKE_LINK),
    _post("/records/{record}/restriction", "restrict", restricting.restrict_record, Action.RESTRICT_RECORD),
    _post("/records/{record}/restriction/lift", "lift", restricting.lift_restriction, Action.RESTRICT_RECORD),
    _post("/records/{record}/unsettled", "unsettle", restricting.mark_unsettled, Action.MARK_UNSETTLED),
    _post("/records/{record}/settled", "settle", restricting.mark_settled, Action.MARK_UNSETTLED),
    _post("/records/{record}/paper", "keep-paper", paper.keep_paper, Action.KEEP_PAPER),
    _post("/records/{record}/paper/destruction", "destroy-paper", paper.destroy_paper, Action.DESTROY_RECORDS),
    _get("/links", "links", links.show_links, Action.LIST_LINKS),
    _post("/links/{link}/revoke", "revoke-link", links.revoke_link, Action.REVOKE_LINK),
    _get("/customers", "customers", customers.show_customers, Action.LIST_CUSTOMERS),
    _get("/customers/{customer}", "customer", customers.show_customer, Action.LIST_CUSTOMERS),
    _post("/customers", "add-customer", customers.add_customer, Action.ADD_CUSTOMER),
    _get("/schedule", "schedule", schedules.show_schedule, Action.LIST_RECORDS),
    _post("/schedule/sets", "adopt-rules", schedules.adopt_rules, Action.PROPOSE_RULE),
    _get("/schedule/proposals/form", "rule-form", schedules.show_form, Action.PROPOSE_RULE),
    _post("/schedule/proposals/preview", "look-at-rule", schedules.look_at_rule, Action.PROPOSE_RULE),
    _post("/schedule/proposals", "propose-rule", schedules.propose_rule, Action.PROPOSE_RULE),
    _get("/schedule/classes/{code}", "class-rules", schedules.show_class, Action.LIST_RECORDS),
    _get("/schedule/classes/{code}/affected", "affected", schedules.show_affected, Action.APPROVE_RULE),
    _get("/schedule/classes/{code}/proposal", "proposal", schedules.show_proposal, Action.APPROVE_RULE),
    _post("/schedule/classes/{code}/approve", "approve-rule", schedules.approve_rule, Action.APPROVE_RULE),
    _post("/schedule/classes/{code}/withdraw", "withdraw-rule", schedules.withdraw_rule, Action.PROPOSE_RULE),
    _post("/schedule/classes/{code}/retire", "retire-class", schedules.retire_class, Action.PROPOSE_RULE),
    _get("/matters", "matters", matters.list_matters, Action.SEE_HOLDS),
    _post("/matters", "place-hold", matters.place_hold, Action.PLACE_HOLD),
    _get("/matters/form", "matter-form", matters.show_form, Action.PLACE_HOLD),
    _get("/matters/{matter}", "matter", matters.show_matter, Action.SEE_HOLDS),
    _post("/matters/{matter}/scope", "add-to-hold", matters.add_to_hold, Action.PLACE_HOLD),
    _post("/matters/{matter}/release/propose", "propose-release", matters.propose_release, Action.RELEASE_HOLD),
    _post("/matters/{matter}/release/withdraw", "withdraw-release", matters.withdraw_release, Action.RELEASE_HOLD),
    _post("/matters/{matter}/release", "release-hold", matters.release_hold, Action.RELEASE_HOLD),
    _get("/disposal", "disposals", disposal.show_queue, Action.SEE_DISPOSALS),
    _post("/disposal", "propose-disposal", disposal.propose_class, Action.PROPOSE_DISPOSAL),
    _get("/disposal/error", "disposal-error", disposal.show_error_form, Action.PROPOSE_DISPOSAL),
    _post("/disposal/error", "propose-error", disposal.propose_error, Action.PROPOSE_DISPOSAL),
    _get("/disposal/transfers", "transfers", disposal.show_transfers, Action.SEE_DISPOSALS),
    _post("/disposal/expiry/resume", "resume-expiry", disposal.resume_expiry, Action.RESUME_EXPIRY),
    _get("/disposal/{list}", "disposal", disposal.show_list, Action.SEE_DISPOSALS),
    _post("/disposal/{list}/review", "review-disposal", disposal.review_list, Action.REVIEW_DISPOSAL),
    _post("/disposal/{list}/objections", "object-disposal", disposal.object_to_list, Action.REVIEW_DISPOSAL),
    _get("/notices", "notices", notices.list_notices, Action.SEE_NOTICES),
    _get("/notices/{notice}", "notice", notices.show_notice, Action.SEE_NOTICES),
    _post("/disposal/{list}/notices", "tell-customers", notices.tell_customers, Action.GIVE_NOTICE),
    _post("/disposal/{list}/signatures", "sign-disposal", disposal.sign_list, Action.SEE_DISPOSALS),
    _post("/disposal/{list}/cancel", "cancel-disposal", disposal.cancel_list, Action.REVIEW_DISPOSAL),
    _get("/disposal/{list}/execution", "execution", execution.show_execution, Action.DESTROY_RECORDS),
    _post("/disposal/{list}/execution", "execute-disposal", execution.execute_list, Action.DESTROY_RECORDS),
    _get("/destructions", "destructions", destructions.list_batches, SEE_DESTRUCTIONS),
    _post("/destructions", "destroy", destructions.destroy, Action.DESTROY_RECORDS),
    _get("/destructions/preview", "destroy-preview", destructions.show_preview, Action.DESTROY_RECORDS),
    _post("/destructions/holds", "confirm-holds", destructions.confirm_holds, Action.DESTROY_RECORDS),
    _get("/destructions/{batch}", "destruction", destructions.show_batch, SEE_DESTRUCTIONS),
    _get("/certificates", "certificates", certificates.list_certificates, SEE_DESTRUCTIONS),
    _post("/certificates", "issue-certificates", certificates.issue_certificates, Action.DESTROY_RECORDS),
    _get("/certificates/{certificate}", "certificate", certificates.show_certificate, SEE_DESTRUCTIONS),
    _get(
        "/certificates/{certificate}/document",
        "certificate-document",
        certificates.download_document,
        SEE_DESTRUCTIONS,
    ),
    _get("/certificates/{certificate}/print", "certificate-print", certificates.download_print, SEE_DESTRUCTIONS),
    _get("/keepers", "keepers", keepers.show_keepers, Action.SEE_STATE),
    _get("/backups", "backups", backups.show_backups, Action.SEE_STATE),
    _get("/log", "log", log.show_log, Action.READ_LOG),
    _post("/log/verification", "verify-log", log.verify_log, Action.READ_LOG),
    _post("/log/{number}/proof", "prove-entry", log.prove_entry, Action.READ_LOG),
    _get("/records/{record}/gates", "gates", gates.show_gates, Action.OPEN_RECORD),
    _post("/records/{record}/openings", "open-record", gates.open_record, Action.OPEN_RECORD),
    _post("/records/{record}/loans", "ask-loan", borrowing.ask_loan, Action.OPEN_RECORD),
    _get("/loans", "loans", borrowing.list_loans, Action.OPEN_RECORD),
    _post("/loans/{loan}/decision", "decide-loan", borrowing.decide_loan, Action.LEND_RECORD),
    _post("/loans/{loan}/return", "give-back", borrowing.give_back, Action.OPEN_RECORD),
    _get("/agreement", "agreement", agreements.show_agreement, SIGNED_IN),
    _post("/agreement/signature", "sign-agreement", agreements.sign_agreement, SIGNED_IN),
    _get("/agreement/versions", "agreement-versions", agreements.show_versions, Action.SET_GATES),
    _post("/agreement/versions", "publish-agreement", agreements.publish_agreement, Action.SET_GATES),
    _get("/training", "training", training.show_course, SIGNED_IN),
    _post("/training/test", "take-test", training.take_test, SIGNED_IN),
    _get("/training/courses", "courses", training.show_courses, Action.SET_GATES),
    _post("/training/courses", "publish-course", training.publish_course, Action.SET_GATES),
    _get("/permissions", "permissions", permissions.show_permissions, SIGNED_IN),
    _get("/groups", "groups", groups.list_groups, Action.SEE_GROUPS),
    _post("/groups", "add-group", groups.add_group, Action.CHANGE_GROUPS),
    _get("/groups/{group}", "group", groups.show_group, Action.SEE_GROUPS),
    _post("/groups/{group}/grants", "grant-role", groups.grant_role, Action.CHANGE_GROUPS),
    _post("/groups/{group}/grants/revoke", "revoke-role", groups.revoke_role, Action.CHANGE_GROUPS),
    _post("/groups/{group}/members", "add-member", groups.add_member, Action.CHANGE_GROUPS),
    _post("/groups/{group}/members/remove", "remove-member", groups.remove_member, Action.CHANGE_GROUPS),
    _post("/groups/{group}/leave", "leave-group", groups.leave_group, SIGNED_IN),
    _get("/reviews", "reviews", accessreviews.list_reviews, Action.SEE_REVIEWS),
    _post("/reviews", "start-review", accessreviews.start_review, Action.START_REVIEW),
    _get("/reviews/{review}", "review", accessreviews.show_review, Action.SEE_REVIEWS),
    _post("/reviews/{review}/decisions", "decide-review", accessreviews.decide, Action.REVIEW_GRANTS),
    _get("/reviews/{review}/report", "review-report", accessreviews.download_report, Action.SEE_REVIEWS),
    _get("/state", "state", state.show_state, Action.SEE_STATE),
    _post("/state/invitations", "invite", state.invite_person, Action.INVITE_PERSON),
    _get("/gallery", "gallery", gallery.show_gallery, Action.SEE_STATE),
    _get("/settings", "settings", settings.show_settings, SIGNED_IN),
    _get("/people", "people", people.list_people, Action.INVITE_PERSON),
    _post("/people/{person}/reset", "offer-reset", people.offer_reset, Action.INVITE_PERSON),
    _post("/people/{person}/sessions/end", "end-sessions-of", people.end_sessions, Action.INVITE_PERSON),
    _post("/people/{person}/deactivate", "deactivate-person", people.deactivate, Action.INVITE_PERSON),
    _post("/people/{person}/reactivate", "reactivate-person", people.reactivate, Action.INVITE_PERSON),
    _get("/account", "account", account.show_account, SIGNED_IN),
    _post("/account", "change-profile", account.change_profile, SIGNED_IN),
    _post("/account/password", "change-password", account.change_password, SIGNED_IN),
    _get("/account/factors", "account-factors", credentials.show_factors, SIGNED_IN),
    _post("/account/authenticator", "begin-authenticator", credentials.begin_authenticator, SIGNED_IN),
    _post("/account/authenticator/confirm", "confirm-authenticator", credentials.confirm_authenticator, SIGNED_IN),
    _post("/account/authenticator/remove", "remove-authenticator", credentials.remove_authenticator, SIGNED_IN),
    _post("/account/recovery-codes", "recovery-codes", credentials.make_recovery_codes, SIGNED_IN),
    _post("/account/passkeys/form", "begin-passkey", credentials.begin_passkey, SIGNED_IN),
    _post("/account/passkeys", "add-passkey", credentials.add_passkey, SIGNED_IN),
    _post("/account/passkeys/{passkey}/name", "rename-passkey", credentials.rename_passkey, SIGNED_IN),
    _post("/account/passkeys/{passkey}/remove", "remove-passkey", credentials.remove_passkey, SIGNED_IN),
    _get("/account/sessions", "account-sessions", account.show_sessions, SIGNED_IN),
    _post("/account/sessions/end", "end-other-sessions", account.end_other_sessions, SIGNED_IN),
    _post("/account/sessions/{session}/end", "end-session", account.end_session, SIGNED_IN),
    _get("/account/tokens", "account-tokens", tokens.show_tokens, SIGNED_IN),
    _post("/account/tokens", "create-token", tokens.create_token, SIGNED_IN),
    _post("/account/tokens/{token}/revoke", "revoke-token", tokens.revoke_token, SIGNED_IN),
    _post("/step-up", "step-up", stepping.prove, SIGNED_IN),
    _get("/sign-in", "sign-in", sessions.show_sign_in, PUBLIC),
    _post("/sign-in", "begin-session", sessions.sign_in, PUBLIC),
    _post("/sign-in/second-factor", "second-factor", sessions.answer_second_factor, PUBLIC),
    _post("/sign-in/passkey", "passkey-session", sessions.sign_in_by_passkey, PUBLIC),
    _post("/sign-out", "sign-out", sessions.sign_out, SIGNED_IN),
    _post("/language", "language", languages.choose_language, PUBLIC),
    _post("/theme", "theme", appearance.choose_theme, PUBLIC),
    _get("/static/{release}/{name}", "static", static.serve_static, PUBLIC, Kind.PLAIN),
    _get("/healthz", "alive", health.alive, PUBLIC, Kind.PLAIN),
    _get("/readyz", "ready", health.ready, PUBLIC, Kind.PLAIN),
)

OUTSIDE: Final = (
    _get("/welcome/{token}", "welcome", sessions.show_welcome, LINK, Kind.OUTSIDE),
    _post("/welcome/{token}", "accept-welcome", sessions.accept_welcome, LINK, Body.FORM, Kind.OUTSIDE),
    _get("/reset/{token}", "reset", people.show_reset, LINK, Kind.OUTSIDE),
    _post("/reset/{token}", "reset-password", people.reset_password, LINK, Body.FORM, Kind.OUTSIDE),
    _get("/l/{token}", "link", outside.show_link, LINK, Kind.OUTSIDE),
    _post("/l/{token}", "link-use", outside.take_use, LINK, Body.FORM, Kind.OUTSIDE),
    _get("/l/{token}/{use}", "link-download", outside.download, LINK, Kind.OUTSIDE),
)

API: Final = (
    _api("GET", "/openapi.json", "api-description", api_description.describe_api, PUBLIC),
    _api("POST", "/sessions", "api-begin-session", api_sessions.begin_session, PUBLIC, Body.JSON),
    _api("DELETE", "/sessions/current", "api-end-session", api_sessions.end_session, SIGNED_IN),
    _api("POST", "/sessions/current/proof", "api-step-up", api_sessions.step_up, SIGNED_IN, Body.JSON),
    _api("GET", "/sessions", "api-sessions", api_sessions.list_sessions, SIGNED_IN),
    _api("DELETE", "/sessions/{session}", "api-end-one-session", api_sessions.end_one, SIGNED_IN),
    _api("GET", "/profile", "api-profile", api_people.show_profile, SIGNED_IN),
    _api("POST", "/profile", "api-change-profile", api_people.change_profile, SIGNED_IN, Body.JSON),
    _api("GET", "/tokens", "api-tokens", api_tokens.list_tokens, SIGNED_IN),
    _api("POST", "/tokens", "api-create-token", api_tokens.create_token, SIGNED_IN, Body.JSON),
    _api("DELETE", "/tokens/{token}", "api-revoke-token", api_tokens.revoke_token, SIGNED_IN),
    _api("GET", "/people", "api-people", api_people.list_people, Action.INVITE_PERSON),
    _api("GET", "/people/{person}", "api-person", api_people.show_person, Action.INVITE_PERSON),
    _api("POST", "/people/{person}/deactivation", "api-deactivate", api_people.deactivate, Action.INVITE_PERSON),
    _api("DELETE", "/people/{person}/deactivation", "api-reactivate", api_people.reactivate, Action.INVITE_PERSON),
    _api("DELETE", "/people/{person}/sessions", "api-end-sessions", api_people.end_sessions, Action.INVITE_PERSON),
    _api("POST", "/people/{person}/resets", "api-reset", api_people.offer_reset, Action.INVITE_PERSON, Body.JSON),
    _api("GET", "/classes", "api-classes", api_customers.list_classes, Action.LIST_RECORDS),
    _api("GET", "/customers", "api-customers", api_customers.list_customers, Action.LIST_CUSTOMERS),
    _api("POST", "/customers", "api-add-customer", api_customers.add_customer, Action.ADD_CUSTOMER, Body.JSON),
    _api("GET", "/customers/{customer}", "api-customer", api_customers.show_customer, Action.LIST_CUSTOMERS),
    _api("GET", "/records", "api-records", api_records.list_records, Action.LIST_RECORDS),
    _api("POST", "/records", "api-create-record", api_records.create_record, Action.ADD_RECORD, Body.RAW),
    _api("POST", "/records/find", "api-find", api_records.find_records, Action.LIST_RECORDS, Body.JSON),
    _api("GET", "/records/{record}", "api-record", api_records.show_record, Action.LIST_RECORDS),
    _api("GET", "/records/{record}/content", "api-content", InThread(api_records.open_content), Action.OPEN_RECORD),
    _api(
        "POST", "/records/{record}/versions", "api-correct", api_records.create_version, Action.CORRECT_RECORD, Body.RAW
    ),
    _api(
        "POST",
        "/records/{record}/descriptions",
        "api-revise",
        api_records.revise_description,
        Action.CORRECT_RECORD,
        Body.JSON,
    ),
    _api("POST", "/records/{record}/filing", "api-file", api_records.file_record, Action.FILE_RECORD, Body.JSON),
    _api("POST", "/records/{record}/links", "api-make-link", api_links.make_link, Action.MAKE_LINK, Body.JSON),
    _api("GET", "/links", "api-links", api_links.list_links, Action.LIST_LINKS),
    _api("DELETE", "/links/{link}", "api-revoke-link", api_links.revoke_link, Action.REVOKE_LINK),
)

ROWS: Final = API + PAGES + OUTSIDE
"""The router looks at one after the other: programs, which ask most often, come first."""
