"""A vault with one of everything that an address can name, for whoever asks at all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from tests.support.people import acting, everything, somebody
from tests.support.vault import add_bytes
from tests.vault.samples import a_class
from vault.classes import Trigger
from vault.customers import Profile
from vault.destruction import Targets
from vault.disposal import Decision
from vault.holds import HoldScope, MatterProfile
from vault.permissions import ALL_CLASSES, Action, Role
from vault.sessions import Client
from vault.workflows import (
    borrowing,
    certificates,
    customers,
    destruction,
    groups,
    holding,
    listing,
    notices,
    paper,
    people,
    placing,
    reviewing,
    schedules,
    sessions,
    sharing,
    tokens,
)
from vault.workflows import disposal as disposals
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
