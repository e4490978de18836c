"""A vault with one of everything that an address can name, for whoever asks at all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from tests.support.people import acting, everything, somebody
from tests.support.vault import add_bytes
from tests.vault.samples import a_class
from vault.audit import Event
from vault.classes import Trigger
from vault.credentials import Passkey, PasskeyFacts
from vault.customers import Profile
from vault.destruction import Targets
from vault.disposal import Decision
from vault.groups import FOUNDING
from vault.holds import HoldScope, MatterProfile
from vault.ids import PasskeyId, PersonId
from vault.permissions import ALL_CLASSES, Action, Actor, Role
from vault.records import Description
from vault.savedviews import ViewWords
from vault.sessions import Client
from vault.watching import Alarm, Sign, hour_of
from vault.workflows import (
    accessreviews,
    borrowing,
    certificates,
    customers,
    descriptions,
    destruction,
    groups,
    holding,
    listing,
    logchecks,
    notices,
    paper,
    people,
    placing,
    proofs,
    reviewing,
    savedviews,
    schedules,
    sessions,
    sharing,
    tokens,
    uploads,
    webhooks,
)
from vault.workflows import disposal as disposals
from vault.workflows.intake import Filing
from vault.workflows.reviewing import Choice
from vault.workflows.vault import Vault

CODE = "visits"
PASSWORD = "easy to remember it is"


def one_of_everything(vault: Vault) -> Mapping[str, str]:
    """Makes it; gives what names each thing, by the name of the parameter of an address."""
    one, two = somebody("a" * 26), somebody("b" * 26)
    rule = replace(a_class(code=CODE, period_years=1, trigger=Trigger.CREATED, mandate=""), notify=True)
    schedules.propose(vault, one, rule, "for the test")
    schedules.approve(vault, two, CODE)
    schedules.propose(vault, one, replace(rule, period_years=2), "waits")
    customer = customers.add_customer(vault, one, Profile(name="Customer", note="")).customer
    gone = add_bytes(vault, one, b"gone", title="Gone").record_id
    batch = destruction.destroy(vault, everything(), Targets(records=frozenset({gone})), alone=True, error=True)
    certificates.issue_now(vault, everything())
    record = add_bytes(vault, one, b"content", title="Record", class_code="contract").record_id
    due = add_bytes(vault, one, b"due", title="Due", customer_id=customer.id).record_id
    holding.file_record(vault, one, due, class_code=CODE, trigger_on=date(2010, 1, 2))
    (made,) = listing.propose_class(vault, one, CODE)
    reviewing.review(vault, one, made.id, Choice(decision=Decision.DESTROY))
    disposals.sign(vault, one, made.id)
    disposals.sign(vault, two, made.id)
    matter = placing.place_hold(
        vault,
        one,
        MatterProfile.checked(title="Matter", reason="a claim", issuer="Court"),
        HoldScope(classes=frozenset({"house"})),
    ).matter
    paper.keep_paper(vault, one, record, box="B-1")
    link, _ = sharing.make_link(vault, one, record, lifetime=timedelta(days=1), uses_max=1, pass_code=None)
    groups.add_group(vault, somebody("s" * 26, Role.SECURITY), "victims")
    groups.grant_role(vault, somebody("s" * 26, Role.SECURITY), "victims", Role.READER, ALL_CLASSES)
    invitation = people.invite(vault, everything(), {"victims"})
    victim = people.accept_invitation(
        vault, invitation, login="victim", name="Victim", password="easy to remember it is"
    )
    theirs = acting(vault, victim.id)
    deal = add_bytes(vault, one, b"deal", title="Deal", class_code="deal").record_id
    loan = borrowing.ask_loan(vault, theirs, deal, purpose="business", words="due diligence", days=1)
    _, api_token = tokens.create(
        vault, theirs, name="theirs", scopes=frozenset({Action.LIST_RECORDS}), lifetime=timedelta(days=1)
    )
    _, signed_in = sessions.begin_session(vault, victim, Client(), by="password", proved_at=vault.now())
    assert signed_in.session is not None
    (told, *_) = notices.notices_of_list(vault, one, made.id)
    (issued, *_) = certificates.list_certificates(vault, everything())
    return {
        "record": record,
        "customer": customer.number,
        "class": CODE,
        "code": CODE,
        "list": made.number,
        "matter": matter.number,
        "link": link.link.id,
        "group": "victims",
        "role": "reader",
        "person": victim.id,
        "session": signed_in.session.id,
        "batch": batch.id,
        "certificate": issued.number,
        "notice": told.notice.id,
        "loan": loan.id,
        "token": api_token.token.id,
    }


def more_of_everything(vault: Vault, known: Mapping[str, str]) -> Mapping[str, str]:
    """Those and the things that only one person, or only those who watch, may see at all."""
    one, theirs = somebody("a" * 26), acting(vault, PersonId(known["person"]))
    return {**known, **_watched_and_told(vault, one, theirs), **_their_own(vault, one, theirs)}


def _watched_and_told(vault: Vault, one: Actor, theirs: Actor) -> Mapping[str, str]:
    """A review of permissions, an alarm about somebody, a check of the log, a webhook and a message to it."""
    invitation = people.invite(vault, everything(), FOUNDING)
    reviewer = people.accept_invitation(
        vault, invitation, login="reviewer", name="Reviewer", password="easy to remember it is"
    )
    review = accessreviews.start_review(vault, one, reviewers=[reviewer.id], groups=["victims"], days=7)
    now = vault.now()
    alarm = Alarm(
        id=vault.new_id(),
        person_id=theirs.person_id,
        sign=Sign.REFUSALS,
        hour=hour_of(now),
        measure=100,
        limit=50,
        days=7,
        raised_at=now,
    )
    with vault.catalogue.write() as tx:
        tx.watching.add_alarm(alarm)
    system = somebody("w" * 26, Role.SYSTEM)
    events = frozenset({Event.RECORD_RECEIVED})
    _, told = webhooks.add(vault, system, url="https://receiver.example/told", events=events)
    message = webhooks.test(vault, system, told.webhook.id).id
    return {
        "review": review.number,
        "alarm": alarm.id,
        "check": logchecks.ask(vault, everything()).id,
        "webhook": told.webhook.id,
        "message": message,
        "delivery": message,
    }


def _their_own(vault: Vault, one: Actor, theirs: Actor) -> Mapping[str, str]:
    """An upload that is under way, a saved view and a passkey, which are one person's each."""
    filing = Filing(
        class_code="contract",
        customer_id=None,
        description=Description.checked(title="Under way"),
        file_name="under way.bin",
        declared_size_bytes=10,
    )
    upload, _ = uploads.begin(vault, one, filing)
    view = savedviews.save_view(vault, theirs, ViewWords.checked(name="Mine", words="", filter={}))
    passkey_id, credential_id = PasskeyId(vault.new_id()), b"\x01" * 16
    facts = PasskeyFacts(name="Key", credential_id=credential_id, public_key=b"\x02" * 32)
    with vault.catalogue.write() as tx:
        person = tx.people.get(theirs.person_id)
        assert person is not None
        tx.credentials.add_passkey(
            Passkey(
                id=passkey_id,
                person_id=person.id,
                credential_index=proofs.credential_index(vault, credential_id),
                sealed=descriptions.seal_passkey(vault, person.profile_leaf, facts, passkey_id=passkey_id),
                sign_count=0,
                created_at=vault.now(),
                last_used_at=None,
            )
        )
    return {"upload": upload.id, "view": view.id, "passkey": passkey_id}
