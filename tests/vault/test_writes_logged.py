"""Every change of the catalogue and every opening is logged: the source of the product, walked.

Whoever writes without an entry is named here with the reason, and nobody else may.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.written import Source

UNLOGGED: Final = {
    # State of the queue, and of duties: what they carry was logged when it was decided.
    "vault.workflows.upkeep.run_due": "when a duty last ran",
    "vault.workflows.upkeep._forget": "sessions and challenges that are over",
    "vault.workflows.outbox.send_pending": "what is in the store leaves the queue",
    "vault.workflows.register.write_pending": "what is in the store leaves the queue",
    "vault.workflows.deliveries.send_webhooks": "what came of old messages is forgotten",
    "vault.workflows.deliveries._queue": "messages about entries of the log",
    "vault.workflows.deliveries._claimed": "a try is counted",
    "vault.workflows.logchecks._claimed": "who carries a check out",
    "vault.workflows.logchecks._carry_out": "how far a check is; asking and its end are logged",
    "vault.workflows.expiry.expire": "when the clock was looked at",
    "vault.workflows.effect._promote": "a step of a destruction, whose beginning and effect are logged",
    "vault.workflows.certificates._complete": "the log's own proof joins a certificate that is logged",
    "vault.cli.backup._keep": "the verdict of somebody who only looked",
    "vault.workflows.watching.watch": "old counts are forgotten; what it raises is logged",
    # Signs of life.
    "vault.workflows.processes.beat": "a sign of life",
    "storage.assembly._signs_of_life": "the end of a process",
    "vault.workflows.sessions._session_in_use": "when a session was last seen",
    "vault.workflows.tokens.use": "when a token was last used",
    # Guesses, and challenges that live for minutes; what comes of them is logged.
    "vault.workflows.guesses.count_guess": "a guess is counted before it is checked",
    "vault.workflows.sharing._check_pass_code": "a guess is counted before it is checked, and taken back",
    "vault.workflows.challenges.begin": "a question",
    "vault.workflows.challenges.take": "its answer",
    "vault.workflows.passwords.change_password": "a right password is no guess",
    "vault.workflows.sessions.sign_in": "a right password is no guess",
    "vault.workflows.sessions._prove": "a right password is no guess",
    "vault.workflows.proofs.check_passkey": "a passkey's counter",
    "vault.workflows.credentials.begin_authenticator": "a secret that nothing counts by until it is confirmed",
    # Addresses and intents: nothing that exists yet.
    "vault.workflows.allocation.reserve_block": "addresses for later",
    "vault.workflows.destructionregister.register_leaf": "an address for the register",
    "storage.assembly._found": "the house's own address; the vault's creation is logged",
    "vault.workflows.reception.Reception._try_announce": "an intent; it becomes a record, or is aborted, with an entry",
    "vault.workflows.reception.Reception._open_large": "an intent's upload",
    "vault.workflows.reception.Reception._complete": "an intent's digest",
    "vault.workflows.uploads.count_pieces": "how much of an upload is there",
    "vault.workflows.finishing.finish_whole": "which uploads ended is forgotten; their ends are logged",
    "vault.workflows.finishing._say_finished": "what became of an upload; its record is logged",
    "vault.workflows.deriving.derive_due": "which process does it",
    "vault.workflows.deriving._derive": "what is made of a record that is logged, under its key",
    # Keys of idempotency: what the request did is logged by whatever did it.
    "vault.workflows.repeating.begin_request": "a key is in use",
    "vault.workflows.repeating.keep_answer": "what was answered under a key",
    "vault.workflows.repeating.give_back_key": "a key is free again",
    # What is somebody's own, and of no record.
    "vault.workflows.savedviews.save_view": "a filter under a name that only its person sees",
    "vault.workflows.savedviews.forget_view": "the same",
    "vault.workflows.recentsearches.remember_search": "what somebody searched for lately, for them alone",
    "vault.workflows.recentsearches._change": "the same",
    "vault.workflows.dryrun.writing": "the transaction that others write in",
}
OPENERS: Final = frozenset({"stream_object", "open_range", "write_key_file"})
"""What derives the bytes of a record, or gives its key away."""
OPENINGS: Final = {
    "vault.workflows.retrieval.open_version": {"RECORD_OPENED"},
    "vault.workflows.retrieval.export_sealed": {"RECORD_EXPORTED"},
    "vault.workflows.sharing.open_use": {"LINK_READ"},
}
MUST: Final = {
    "accessreviews.close_due": "MEMBER_REMOVED ROLE_REVOKED REVIEW_CLOSED",
    "accessreviews.decide": "REVIEW_DECIDED MEMBER_REMOVED ROLE_REVOKED REVIEW_CLOSED",
    "accessreviews.start_review": "REVIEW_STARTED",
    "agreements.publish_agreement": "AGREEMENT_PUBLISHED",
    "agreements.sign_agreement": "AGREEMENT_SIGNED",
    "alarms.lift_suspension": "SUSPENSION_LIFTED",
    "alarms.set_rule": "WATCH_SET",
    "alarms.settle_alarm": "ALARM_SETTLED",
    "alarms.suspend_person": "ACCESS_SUSPENDED",
    "backups.confirm_holds": "HOLDS_CONFIRMED",
    "borrowing.ask_loan": "LOAN_REQUESTED",
    "borrowing.decide_loan": "LOAN_GRANTED LOAN_REFUSED",
    "borrowing.give_back": "LOAN_RETURNED LOAN_WITHDRAWN",
    "certificates.issue_now": "CERTIFICATE_ISSUED",
    "ciphertext.delete_ciphertext": "CIPHERTEXT_DELETED",
    "credentials.add_passkey": "PASSKEY_ADDED",
    "credentials.confirm_authenticator": "AUTHENTICATOR_ADDED RECOVERY_CODES_MADE",
    "credentials.make_recovery_codes": "RECOVERY_CODES_MADE",
    "credentials.remove_authenticator": "AUTHENTICATOR_REMOVED",
    "credentials.remove_passkey": "PASSKEY_REMOVED",
    "credentials.rename_passkey": "PASSKEY_RENAMED",
    "customers.add_customer": "CUSTOMER_ADDED",
    "destruction.destroy": "DESTRUCTION_BEGUN DESTRUCTION_EFFECTIVE",
    "destruction.rotate_root": "DESTRUCTION_BEGUN DESTRUCTION_EFFECTIVE",
    "disposal.cancel": "LIST_CANCELLED",
    "disposal.sign": "LIST_SIGNED LIST_APPROVED",
    "execution.execute": "DESTRUCTION_BEGUN DESTRUCTION_EFFECTIVE LIST_DONE",
    "expiry.expire": "EXPIRY_PAUSED DESTRUCTION_BEGUN",
    "expiry.resume": "EXPIRY_RESUMED",
    "groups.add_group": "GROUP_ADDED",
    "groups.add_member": "MEMBER_ADDED",
    "groups.grant_role": "ROLE_GRANTED",
    "groups.remove_member": "MEMBER_REMOVED",
    "groups.revoke_role": "ROLE_REVOKED",
    "holding.extend_lock_of": "LOCK_EXTENDED",
    "holding.file_record": "RECORD_FILED",
    "intake.begin": "RECORD_RECEIVED INTENT_ABORTED",
    "intake.begin_correction": "RECORD_CORRECTED",
    "intake.revise_description": "RECORD_CORRECTED",
    "listing.propose_class": "LIST_PROPOSED",
    "listing.propose_error": "LIST_PROPOSED",
    "logchecks.ask": "LOG_CHECK_ASKED",
    "logchecks.check_now": "LOG_CHECKED",
    "logkeys.rotate_key": "LOG_KEY_CHANGED",
    "matters.propose_release": "HOLD_RELEASE_PROPOSED",
    "matters.release_hold": "HOLD_RELEASED",
    "matters.withdraw_release": "HOLD_RELEASE_WITHDRAWN",
    "mirror.mirror_now": "HOLDS_MIRRORED",
    "notices.tell": "NOTICE_TOLD",
    "paper.destroy_paper": "PAPER_DESTROYED",
    "paper.keep_paper": "PAPER_KEPT",
    "passwords.change_password": "PASSWORD_CHANGED",
    "passwords.offer_reset": "PASSWORD_RESET_OFFERED",
    "passwords.reset_password": "PASSWORD_RESET",
    "people.accept_invitation": "PERSON_ADDED",
    "people.change_profile": "PROFILE_CHANGED",
    "people.deactivate": "PERSON_DEACTIVATED",
    "people.invite": "PERSON_INVITED",
    "people.reactivate": "PERSON_REACTIVATED",
    "placing.add_to_hold": "HOLD_SCOPE_ADDED",
    "placing.place_hold": "HOLD_PLACED",
    "proofs.check_code": "RECOVERY_CODE_USED",
    "recovery.settle": "RECORD_RECEIVED INTENT_ABORTED",
    "restricting.lift_restriction": "RESTRICTION_LIFTED",
    "restricting.mark_settled": "RECORD_SETTLED",
    "restricting.mark_unsettled": "RECORD_UNSETTLED",
    "restricting.restrict_record": "RECORD_RESTRICTED",
    "reviewing.object_to": "LIST_OBJECTED",
    "reviewing.review": "LIST_REVIEWED",
    "schedules.adopt": "RULE_PROPOSED",
    "schedules.approve": "RULE_APPROVED",
    "schedules.follow": "RULE_FOLLOWED",
    "schedules.propose": "RULE_PROPOSED",
    "schedules.retire": "CLASS_RETIRED",
    "schedules.withdraw": "RULE_WITHDRAWN",
    "sessions.answer_second_factor": "SIGNED_IN SIGN_IN_REFUSED",
    "sessions.end_other_sessions": "SESSION_ENDED",
    "sessions.end_session": "SESSION_ENDED",
    "sessions.end_sessions_of": "SESSION_ENDED",
    "sessions.sign_in": "SIGNED_IN SIGN_IN_REFUSED",
    "sessions.sign_in_by_passkey": "SIGNED_IN SIGN_IN_REFUSED",
    "sessions.sign_out": "SIGNED_OUT",
    "sessions.step_up": "STEPPED_UP STEP_UP_REFUSED",
    "sharing.make_link": "LINK_MADE",
    "sharing.open_use": "LINK_READ",
    "sharing.revoke_link": "LINK_REVOKED",
    "sharing.take_use": "LINK_USED LINK_REFUSED",
    "tokens.create": "TOKEN_MADE",
    "tokens.revoke": "TOKEN_REVOKED",
    "training.publish_course": "COURSE_PUBLISHED",
    "training.take_test": "TEST_TAKEN",
    "watching.watch": "ALARM_RAISED ACCESS_SUSPENDED",
    "webhooks.add": "WEBHOOK_ADDED",
    "webhooks.end": "WEBHOOK_ENDED",
    "webhooks.resend": "WEBHOOK_RESENT",
    "webhooks.test": "WEBHOOK_TESTED",
}
"""The events that each workflow has to be able to write; it may write others, too."""


@pytest.fixture(scope="module")
def source() -> Source:
    """The product, parsed."""
    return Source(["vault", "storage", "web"])


def test_no_transaction_changes_anything_without_an_entry_but_those_that_are_named(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    writes = list(source.writes)
    silent = {each.where for each in writes if not each.logs}
    assert silent - UNLOGGED.keys() == set(), "they write without an entry; add one, or say here why there is none"
    assert UNLOGGED.keys() - silent == set(), "they log by now, or are gone; take them out of the list"
    with capsys.disabled():
        print(f"\nlog walk: {len(writes)} transactions, {len(silent)} of them without an entry, each for a reason")


def test_every_workflow_writes_the_events_that_it_must(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    workflows = [
        name
        for name in source.functions
        if name.startswith("vault.workflows.") and name.count(".") == 3 and not name.rpartition(".")[2].startswith("_")
    ]
    counted = 0
    for name in workflows:
        short, events = name.removeprefix("vault.workflows."), source.events_of(name)
        wanted = set(MUST.get(short, "").split())
        assert wanted <= events, f"{short} no longer writes {sorted(wanted - events)}"
        counted += bool(events)
    assert {f"vault.workflows.{short}" for short in MUST} <= set(workflows)
    with capsys.disabled():
        print(f"\nlog walk: {counted} workflows write entries, {len(MUST)} of them are held to their events")


def test_every_opening_is_logged(source: Source) -> None:
    found = {
        name
        for name in source.functions
        if name.startswith(("vault.workflows.", "vault.cli.", "web."))
        and not name.rpartition(".")[2].startswith("_")
        and name.count(".") == 3
        and source.names_in(name) & OPENERS
        and name.rpartition(".")[2] not in OPENERS
    }
    assert found <= OPENINGS.keys(), "they open records; they have to log it, and to stand here"
    for name, events in OPENINGS.items():
        assert events <= source.events_of(name), name
