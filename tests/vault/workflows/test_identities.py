"""Signing in by a provider of OpenID Connect: who is let in, into which groups, and what does not let in."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storage.identity.provider import OpenIdProvider
from storage.identity.settings import ProviderSettings
from tests.support.accounts import HERE, new_person, with_authenticator
from tests.support.accounts import sign_in as sign_in_here
from tests.support.bentprovider import CLIENT, SECRET, BentProvider, bent_provider
from tests.support.people import acting, everything
from tests.vault.workflows.faults import HandClock, watched, with_clock
from vault.audit import Event
from vault.challenges import ChallengeKind
from vault.errors import (
    AlreadyExists,
    CatalogueBroken,
    Conflict,
    IdentityUnknown,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    ProviderUnavailable,
    SecondFactorNeeded,
    StepUpNeeded,
)
from vault.groups import SECURITY, Membership
from vault.ids import PersonId
from vault.permissions import Actor, Role
from vault.sessions import FRESH
from vault.workflows import freshness, groupmappings, groups, identities, passwords, people, proofs, sessions
from vault.workflows.accessreviews import close_due, start_review
from vault.workflows.identities import Answer
from vault.workflows.proofs import SecondFactor
from vault.workflows.vault import Vault

BACK = "http://127.0.0.1:8630/sign-in/provider/answer"


@pytest.fixture
def bent() -> Iterator[BentProvider]:
    with bent_provider() as provider:
        yield provider


@pytest.fixture
def asking(vault: Vault, bent: BentProvider) -> Iterator[Vault]:
    """A vault that knows the provider, and one person of the security administration who keeps it going."""
    provider = OpenIdProvider(ProviderSettings(issuer=bent.issuer, client_id=CLIENT, secret=SECRET, name="Work"))
    new_person(vault)
    yield replace(vault, provider=provider)
    provider.close()


def person_id(vault: Vault, login: str) -> PersonId:
    return people.find_person(vault, everything(), login).person.id


def led(
    vault: Vault, bent: BentProvider, subject: str, kind: ChallengeKind = ChallengeKind.PROVIDER, **more: Any
) -> Answer:
    """What somebody brings back who signed in at the provider."""
    begun = identities.begin(vault, kind, redirect_uri=BACK, **more)
    said = bent.authorize(begun.address, subject)
    return Answer(token=begun.token, state=said["state"], code=said["code"], issuer=said["iss"], redirect_uri=BACK)


def sign_in(vault: Vault, bent: BentProvider, subject: str) -> tuple[str, sessions.Introduced]:
    return identities.sign_in(vault, led(vault, bent, subject), client=HERE)


def bound(vault: Vault, subject: str, *groups_here: str) -> PersonId:
    """Somebody new whom an administrator bound to a subject."""
    person = person_id(vault, new_person(vault, *groups_here))
    identities.bind(vault, everything(), person, subject)
    return person


def member_of(vault: Vault, person: PersonId) -> set[str]:
    with vault.catalogue.read() as tx:
        return {each.group for each in tx.groups.memberships() if each.person_id == person}


def events(vault: Vault, person: PersonId | str) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in tx.audit.page(limit=1000) if each.entry.subject == person]


# -- who is let in -----------------------------------------------------------------------------------------------------


def test_whom_an_administrator_bound_is_signed_in_and_nobody_else(asking: Vault, bent: BentProvider) -> None:
    login = new_person(asking, "readers")
    with pytest.raises(IdentityUnknown) as unknown:
        sign_in(asking, bent, login)
    assert unknown.value.subject == login
    assert login not in unknown.value.message
    identities.bind(asking, everything(), person_id(asking, login), "Subject-7")
    # The name that the provider tells is not looked at, and a subject is written as it is.
    for other in (login, "subject-7", "Subject-7 "):
        with pytest.raises(NotSignedIn):
            sign_in(asking, bent, other)
    token, who = sign_in(asking, bent, "Subject-7")
    assert who.profile.login == login
    assert sessions.introduced(asking, token).actor.roles == {Role.READER}
    (view,) = [each for each in identities.list_bound(asking, everything()) if each.profile.login == login]
    assert (view.issuer, view.subject) == (bent.issuer, "Subject-7")
    assert view.identity.last_used_at is not None


def test_somebody_invited_joins_without_a_password(asking: Vault, bent: BentProvider) -> None:
    invitation = people.invite(asking, everything(), {"readers"})
    _, who = identities.join(asking, led(asking, bent, "mei"), invitation, client=HERE)
    assert (who.profile.login, who.profile.name) == ("mei", "Mei")
    assert member_of(asking, who.actor.person_id) == {"readers"}
    again, _ = sign_in(asking, bent, "mei")
    assert sessions.introduced(asking, again).profile == who.profile
    with pytest.raises(NotSignedIn):
        sign_in_here(asking, "mei")
    with pytest.raises(NotFound, match="invitation"):
        identities.join(asking, led(asking, bent, "another"), invitation, client=HERE)
    second = people.invite(asking, everything(), {"audit"})
    with pytest.raises(Conflict, match="somebody's here already"):
        identities.join(asking, led(asking, bent, "mei"), second, client=HERE)
    people.check_invitation(asking, second)


def test_a_sign_in_name_that_somebody_has_is_told_apart_by_a_number(asking: Vault, bent: BentProvider) -> None:
    login = new_person(asking, "readers")
    invitation = people.invite(asking, everything(), {"readers"})
    _, who = identities.join(asking, led(asking, bent, login), invitation, client=HERE)
    assert who.profile.login == f"{login}-2"


def test_whom_the_provider_gives_no_name_and_a_long_subject_joins(asking: Vault, bent: BentProvider) -> None:
    def nameless(claims: dict[str, Any]) -> None:
        del claims["name"], claims["preferred_username"]

    subject, bent.bend = "s" * 255, nameless
    bent.answers["/me"] = (200, "application/json", json.dumps({"sub": subject}).encode(), "")
    invitation = people.invite(asking, everything(), {"readers"})
    _, who = identities.join(asking, led(asking, bent, subject), invitation, client=HERE)
    assert who.profile.name == "s" * 64
    assert sign_in(asking, bent, subject)[1].profile == who.profile


def test_who_is_deactivated_or_unbound_is_not_let_in(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "out", "readers")
    token, _ = sign_in(asking, bent, "out")
    people.deactivate(asking, everything(), person)
    with pytest.raises(IdentityUnknown):
        sign_in(asking, bent, "out")
    people.reactivate(asking, everything(), person)
    token, _ = sign_in(asking, bent, "out")
    identities.unbind(asking, everything(), person)
    with pytest.raises(NotSignedIn):
        sessions.introduced(asking, token)
    with pytest.raises(IdentityUnknown):
        sign_in(asking, bent, "out")
    with pytest.raises(NotFound):
        identities.unbind(asking, everything(), person)
    assert {Event.IDENTITY_BOUND, Event.IDENTITY_UNBOUND} <= set(events(asking, person))


@pytest.mark.parametrize("point", ["before:write:2", "before:write:3", "after:write:3"])
def test_who_is_unbound_during_a_sign_in_is_not_let_in(asking: Vault, bent: BentProvider, point: str) -> None:
    subject = f"midway {point}"
    person = bound(asking, subject, "readers")
    mapped(asking, subject, "records")
    bent.groups[subject] = [subject]
    met = []

    def watch(at: str) -> None:
        if at == point:
            met.append(at)
            identities.unbind(asking, everything(), person)

    answer = led(asking, bent, subject)
    if point.startswith("before"):
        with pytest.raises(IdentityUnknown):
            identities.sign_in(watched(asking, watch), answer, client=HERE)
    else:
        token, _ = identities.sign_in(watched(asking, watch), answer, client=HERE)
        with pytest.raises(NotSignedIn):
            sessions.introduced(asking, token)
    assert met == [point]
    assert member_of(asking, person) == {"readers"}


def test_a_session_that_begins_while_its_person_is_unbound_is_ended_too(
    asking: Vault, bent: BentProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = new_person(asking, "readers")
    person, acts = person_id(asking, login), groups.actor_of
    identities.bind(asking, everything(), person, "at once")
    _, who = sign_in_here(asking, login)
    _, codes = with_authenticator(asking, who)
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(asking, bent, "at once")
    with ThreadPoolExecutor(1) as another:
        unbinding: list[Future[None]] = []

        def meanwhile(*told: Any) -> Actor:
            # The session stands in the catalogue, and is not committed.
            unbinding.append(another.submit(identities.unbind, asking, everything(), person))
            wait(unbinding, timeout=0.5)
            return acts(*told)

        with monkeypatch.context() as patched:
            patched.setattr("vault.workflows.sessions.actor_of", meanwhile)
            factor = SecondFactor(code=codes[0])
            token, _ = sessions.answer_second_factor(asking, needed.value.challenge, factor, client=HERE)
        unbinding[0].result()
    with pytest.raises(NotSignedIn):
        sessions.introduced(asking, token)


def test_a_second_factor_does_not_finish_a_sign_in_of_who_was_unbound_or_reset(
    asking: Vault, bent: BentProvider
) -> None:
    login = new_person(asking, "readers")
    person = person_id(asking, login)
    identities.bind(asking, everything(), person, "halfway")
    _, who = sign_in_here(asking, login)
    _, codes = with_authenticator(asking, who)

    def reset() -> None:
        link = passwords.offer_reset(asking, everything(), person, drops_factors=False)
        passwords.reset_password(asking, link, password="another correct horse")

    for ends in (reset, lambda: identities.unbind(asking, everything(), person)):
        with pytest.raises(SecondFactorNeeded) as needed:
            sign_in(asking, bent, "halfway")
        ends()
        with pytest.raises(NotSignedIn, match="took too long"):
            sessions.answer_second_factor(asking, needed.value.challenge, SecondFactor(code=codes[0]), client=HERE)


@pytest.mark.parametrize("is_right", [True, False])
def test_who_is_unbound_while_their_second_factor_is_judged_is_not_let_in(
    asking: Vault, bent: BentProvider, monkeypatch: pytest.MonkeyPatch, is_right: bool
) -> None:
    login = new_person(asking, "readers")
    person, subject = person_id(asking, login), f"judged {is_right}"
    identities.bind(asking, everything(), person, subject)
    _, who = sign_in_here(asking, login)
    _, codes = with_authenticator(asking, who)
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(asking, bent, subject)
    judge = proofs.check_second_factor

    def judged(*told: Any) -> None:
        identities.unbind(asking, everything(), person)
        judge(*told)

    monkeypatch.setattr(proofs, "check_second_factor", judged)
    factor = SecondFactor(code=codes[0] if is_right else "wrong")
    with pytest.raises(NotSignedIn) as refused:
        sessions.answer_second_factor(asking, needed.value.challenge, factor, client=HERE)
    assert not isinstance(refused.value, SecondFactorNeeded), "they are to begin anew"


def test_a_subject_is_one_person_and_binding_ends_their_sessions(asking: Vault, bent: BentProvider) -> None:
    login = new_person(asking, "readers")
    token, _ = sign_in_here(asking, login)
    identities.bind(asking, everything(), person_id(asking, login), "one")
    with pytest.raises(NotSignedIn):
        sessions.introduced(asking, token)
    other = person_id(asking, new_person(asking, "readers"))
    with pytest.raises(AlreadyExists, match="somebody's already"):
        identities.bind(asking, everything(), other, "one")
    with pytest.raises(AlreadyExists, match="bound"):
        identities.bind(asking, everything(), person_id(asking, login), "two")
    with pytest.raises(InvalidInput):
        identities.bind(asking, everything(), other, "")
    with pytest.raises(NotFound):
        identities.bind(asking, everything(), PersonId("nobody"), "three")


def test_whom_another_provider_of_before_knows_is_led_to_no_proof_at_this_one(
    asking: Vault, bent: BentProvider
) -> None:
    person = bound(asking, "mover", "readers")
    assert identities.own_identity(asking, acting(asking, person)) is not None
    with bent_provider() as another:
        now_asked = OpenIdProvider(
            ProviderSettings(issuer=another.issuer, client_id=CLIENT, secret=SECRET, name="Other")
        )
        assert identities.own_identity(replace(asking, provider=now_asked), acting(asking, person)) is None
        now_asked.close()


def test_binding_and_mapping_are_an_administrators_and_ask_for_a_fresh_proof(asking: Vault) -> None:
    reader, _ = sign_in_here(asking, new_person(asking, "readers"))
    nobody = sessions.introduced(asking, reader).actor
    token, _ = sign_in_here(asking, new_person(asking))
    founder = sessions.introduced(asking, token).actor
    stale = replace(founder, stepped_up_at=asking.now() - FRESH)
    person = person_id(asking, new_person(asking, "readers"))
    for actor, error in ((nobody, NotAllowed), (stale, StepUpNeeded)):
        with pytest.raises(error):
            identities.bind(asking, actor, person, "s")
        with pytest.raises(error):
            identities.unbind(asking, actor, person)
        with pytest.raises(error):
            groupmappings.map_group(asking, actor, "x", "readers")
        with pytest.raises(error):
            groupmappings.unmap_group(asking, actor, "x", "readers")
    for look in (groupmappings.list_mappings, identities.list_bound):
        with pytest.raises(NotAllowed):
            look(asking, nobody)


def test_without_a_provider_nothing_of_it_exists(vault: Vault) -> None:
    with pytest.raises(NotFound, match="STRONGROOM_OIDC_ISSUER"):
        identities.begin(vault, ChallengeKind.PROVIDER, redirect_uri=BACK)
    assert identities.own_identity(vault, everything()) is None


# -- attacks on the way ------------------------------------------------------------------------------------------------


def test_an_answer_counts_once_in_the_browser_that_asked(asking: Vault, bent: BentProvider) -> None:
    bound(asking, "victim", "readers")
    answer, other = led(asking, bent, "victim"), led(asking, bent, "victim")
    for forged in (
        replace(answer, state=""),
        replace(answer, state=other.state),
        replace(answer, token=other.token),
        replace(answer, token=""),
        replace(answer, token="\udcff"),
        replace(answer, state="\udcff"),
    ):
        with pytest.raises(NotSignedIn, match="no answer to what this browser asked"):
            identities.sign_in(asking, forged, client=HERE)
    # A code that was put into another attempt does not fit its verifier, nor would its token fit the nonce.
    with pytest.raises(NotSignedIn, match="did not take its own answer back"):
        identities.sign_in(asking, replace(other, code=answer.code), client=HERE)
    answer = led(asking, bent, "victim")
    identities.sign_in(asking, answer, client=HERE)
    with pytest.raises(NotSignedIn):
        identities.sign_in(asking, answer, client=HERE)


def test_an_answer_for_one_purpose_is_none_for_another(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "p", "readers")
    token, _ = sign_in(asking, bent, "p")
    with pytest.raises(NotSignedIn):
        identities.step_up(asking, token, led(asking, bent, "p"))
    answer = led(asking, bent, "p", ChallengeKind.PROVIDER_STEP_UP, person_id=person)
    with pytest.raises(NotSignedIn):
        identities.sign_in(asking, answer, client=HERE)


def test_an_attempt_ends_after_ten_minutes(asking: Vault, bent: BentProvider) -> None:
    bound(asking, "slow", "readers")
    answer = led(asking, bent, "slow")
    clock = HandClock(at=asking.now() + timedelta(minutes=10))
    with pytest.raises(NotSignedIn, match="took too long"):
        identities.sign_in(replace(asking, clock=clock), answer, client=HERE)


@pytest.mark.parametrize("issuer", ["https://login.example.com", None])
def test_an_answer_of_another_issuer_is_refused_before_its_code_goes_anywhere(
    asking: Vault, bent: BentProvider, issuer: str | None
) -> None:
    bound(asking, f"mixed {issuer}"[:12].replace(" ", "-"), "readers")
    answer = replace(led(asking, bent, "mixed-https:"), issuer=issuer)
    bent.asked.clear()
    with pytest.raises(NotSignedIn, match="another provider"):
        identities.sign_in(asking, answer, client=HERE)
    assert "/token" not in bent.asked


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://login.example.com"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 1_000_000_000},
        {"nonce": "another"},
        {"groups": {"security": True}},
    ],
)
def test_claims_that_are_not_for_us_sign_nobody_in_and_change_nothing(
    asking: Vault, bent: BentProvider, changed: dict[str, Any]
) -> None:
    subject = f"bent-{next(iter(changed))}-{len(str(changed))}"
    person = bound(asking, subject, "readers")
    bent.bend = lambda claims: claims.update(changed)
    with pytest.raises(NotSignedIn):
        sign_in(asking, bent, subject)
    assert member_of(asking, person) == {"readers"}
    bent.bend = lambda claims: None
    sign_in(asking, bent, subject)


def test_user_claims_of_somebody_else_are_not_used(asking: Vault, bent: BentProvider) -> None:
    bound(asking, "me", "readers")
    bent.in_token = False
    bent.answers["/me"] = (200, "application/json", b'{"sub": "you", "groups": ["bosses"]}', "")
    with pytest.raises(NotSignedIn, match="two different people"):
        sign_in(asking, bent, "me")


def test_a_provider_that_is_away_stops_nobody_who_has_a_password(asking: Vault, bent: BentProvider) -> None:
    login = new_person(asking, "readers")
    identities.bind(asking, everything(), person_id(asking, login), "away")
    answer = led(asking, bent, "away")
    bent.answers["/token"] = (503, "text/plain", b"", "")
    with pytest.raises(ProviderUnavailable):
        identities.sign_in(asking, answer, client=HERE)
    assert sign_in_here(asking, login)[1].profile.login == login


def test_a_refusal_is_in_the_log_without_whom_it_was_about(asking: Vault, bent: BentProvider) -> None:
    with pytest.raises(IdentityUnknown):
        sign_in(asking, bent, "a-subject-that-is-personal")
    with asking.catalogue.read() as tx:
        newest = tx.audit.page(limit=1)[0].entry
    assert newest.event is Event.SIGN_IN_REFUSED
    assert newest.detail == {"by": "provider", "why": "identity-unknown"}


# -- groups ------------------------------------------------------------------------------------------------------------


def mapped(vault: Vault, provided: str, code: str) -> None:
    groupmappings.map_group(vault, everything(), provided, code)


@pytest.mark.parametrize("in_token", [True, False])
def test_groups_follow_the_provider_at_each_sign_in(asking: Vault, bent: BentProvider, in_token: bool) -> None:
    bent.in_token = in_token
    mine = f"archive-{in_token}"
    person = bound(asking, f"g-{in_token}", "readers")
    mapped(asking, mine, "records")
    mapped(asking, f"{mine} officers", "officers")
    bent.groups[f"g-{in_token}"] = [mine, f"{mine} officers", "unheard-of"]
    _, who = sign_in(asking, bent, f"g-{in_token}")
    assert member_of(asking, person) == {"readers", "records", "officers"}
    assert who.actor.roles == {Role.READER, Role.RECORDS, Role.OFFICER}
    bent.groups[f"g-{in_token}"] = [mine]
    _, who = sign_in(asking, bent, f"g-{in_token}")
    assert member_of(asking, person) == {"readers", "records"}
    # Whom somebody added here stays, also where a mapping would give the same.
    bent.groups[f"g-{in_token}"] = []
    sign_in(asking, bent, f"g-{in_token}")
    assert member_of(asking, person) == {"readers"}
    assert events(asking, person).count(Event.MEMBER_REMOVED) == 2


def test_a_mapping_that_ends_takes_at_once_what_only_it_gave(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "m", "readers")
    mapped(asking, "one", "records")
    mapped(asking, "two", "records")
    bent.groups["m"] = ["one", "two"]
    sign_in(asking, bent, "m")
    assert groupmappings.unmap_group(asking, everything(), "one", "records") == 1
    assert member_of(asking, person) == {"readers"}
    sign_in(asking, bent, "m")
    assert member_of(asking, person) == {"readers", "records"}
    assert groupmappings.unmap_group(asking, everything(), "two", "records") == 1
    assert member_of(asking, person) == {"readers"}
    with pytest.raises(NotFound):
        groupmappings.unmap_group(asking, everything(), "two", "records")
    mapped(asking, "one", "records")
    with pytest.raises(AlreadyExists):
        mapped(asking, "one", "records")
    with pytest.raises(NotFound):
        mapped(asking, "one", "no-such-group")
    groupmappings.unmap_group(asking, everything(), "one", "records")


def test_whoever_would_be_of_two_administrations_is_not_signed_in(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "clash", "audit")
    mapped(asking, "admins", "system")
    mapped(asking, "archive", "records")
    bent.groups["clash"] = ["admins", "archive"]
    with pytest.raises(Conflict, match="audit, system"):
        sign_in(asking, bent, "clash")
    assert member_of(asking, person) == {"audit"}
    invitation = people.invite(asking, everything(), {"audit"})
    bent.groups["clash too"] = ["admins"]
    with pytest.raises(Conflict, match="audit, system"):
        identities.join(asking, led(asking, bent, "clash too"), invitation, client=HERE)
    with asking.catalogue.read() as tx:
        refused = tx.audit.page(limit=1)[0].entry
    assert (refused.event, refused.detail) == (Event.SIGN_IN_REFUSED, {"by": "provider", "why": "conflict"})
    people.check_invitation(asking, invitation)
    bent.groups["clash"] = ["archive"]
    sign_in(asking, bent, "clash")
    assert member_of(asking, person) == {"audit", "records"}
    for provided, code in (("admins", "system"), ("archive", "records")):
        groupmappings.unmap_group(asking, everything(), provided, code)


def test_nobody_comes_into_a_group_by_a_mapping_of_their_own(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "climber", SECURITY)
    groups.add_group(asking, everything(), "vaulters")
    groupmappings.map_group(asking, acting(asking, person), "climbers", "vaulters")
    bent.groups["climber"] = ["climbers"]
    sign_in(asking, bent, "climber")
    assert member_of(asking, person) == {SECURITY}
    mine = Membership(group="vaulters", person_id=person, added_by=person, added_at=asking.now(), provided="climbers")
    with pytest.raises(CatalogueBroken), asking.catalogue.write() as tx:
        tx.groups.join(groups.require_group(tx, "vaulters"), mine)
    other = bound(asking, "other", "readers")
    bent.groups["other"] = ["climbers"]
    sign_in(asking, bent, "other")
    assert member_of(asking, other) == {"readers", "vaulters"}


def test_the_last_security_administrator_stays_one(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "last", "readers")
    mapped(asking, "guards", SECURITY)
    bent.groups["last"] = ["guards"]
    sign_in(asking, bent, "last")
    with asking.catalogue.read() as tx:
        others = [
            each.person_id for each in tx.groups.memberships() if each.group == SECURITY and each.person_id != person
        ]
    for other in others:
        groups.remove_member(asking, everything(), SECURITY, other)
    bent.groups["last"] = []
    sign_in(asking, bent, "last")
    assert member_of(asking, person) == {"readers", SECURITY}
    # Another mapping that gives the same, in place of the first or beside it, keeps nobody out either.
    mapped(asking, "wardens", SECURITY)
    bent.groups["last"] = ["wardens"]
    sign_in(asking, bent, "last")
    assert groupmappings.unmap_group(asking, everything(), "guards", SECURITY) == 0
    sign_in(asking, bent, "last")
    assert member_of(asking, person) == {"readers", SECURITY}
    groupmappings.unmap_group(asking, everything(), "wardens", SECURITY)
    bent.groups["last"] = []
    new_person(asking)
    sign_in(asking, bent, "last")
    assert member_of(asking, person) == {"readers"}


def test_a_mapping_ends_that_gave_every_security_administrator_and_leaves_the_last(
    asking: Vault, bent: BentProvider
) -> None:
    mapped(asking, "all of them", SECURITY)
    new = []
    for subject in ("chief", "deputy", "third"):
        new.append(bound(asking, subject, "readers"))
        bent.groups[subject] = ["all of them"]
        sign_in(asking, bent, subject)
    with asking.catalogue.read() as tx:
        others = [each.person_id for each in tx.groups.memberships() if each.group == SECURITY and not each.provided]
    for other in others:
        groups.remove_member(asking, everything(), SECURITY, other)
    assert groupmappings.unmap_group(asking, everything(), "all of them", SECURITY) == 2
    assert [SECURITY in member_of(asking, each) for each in new] == [False, False, True]


def test_a_mapping_that_ends_during_a_sign_in_gives_nothing_any_more(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "meanwhile", "readers")
    groups.add_group(asking, everything(), "meanwhile-ones")
    mapped(asking, "meanwhile", "meanwhile-ones")
    bent.groups["meanwhile"] = ["meanwhile"]
    began, unmapped = threading.Event(), threading.Event()

    def unmap() -> None:
        with asking.catalogue.write() as tx:
            groups.require_group(tx, "meanwhile-ones", for_update=True)
            began.set()
            # Long enough for the sign-in to come to the lock.
            time.sleep(1)
            tx.identities.unmap_group("meanwhile", "meanwhile-ones")
        unmapped.set()

    answer = led(asking, bent, "meanwhile")
    other = threading.Thread(target=unmap)
    other.start()
    assert began.wait(timeout=30)
    identities.sign_in(asking, answer, client=HERE)
    other.join()
    assert unmapped.is_set()
    assert member_of(asking, person) == {"readers"}


def test_a_membership_that_an_administrator_ends_by_unbinding_is_theirs_in_the_log(
    asking: Vault, bent: BentProvider
) -> None:
    person = bound(asking, "parting", "readers")
    mapped(asking, "parting", "records")
    bent.groups["parting"] = ["parting"]
    sign_in(asking, bent, "parting")
    identities.unbind(asking, everything(), person)
    with asking.catalogue.read() as tx:
        (removed,) = tx.audit.page(event=Event.MEMBER_REMOVED, subject=person)
    assert removed.entry.actor == everything().person_id
    groupmappings.unmap_group(asking, everything(), "parting", "records")


def test_what_a_permission_review_took_back_a_mapping_of_before_does_not_give_again(
    asking: Vault, bent: BentProvider
) -> None:
    asking, clock = with_clock(asking)
    asking = replace(asking, outside_time=clock.now)
    reviewer = acting(asking, person_id(asking, new_person(asking)))
    person = bound(asking, "reviewed", "readers")
    groups.add_group(asking, everything(), "reviewed-ones")
    mapped(asking, "asked", "reviewed-ones")
    bent.groups["reviewed"] = ["asked"]
    sign_in(asking, bent, "reviewed")
    clock.advance(timedelta(seconds=1))
    review = start_review(asking, reviewer, reviewers=[reviewer.person_id], groups=["reviewed-ones"], days=1)
    clock.advance(review.ends_at - clock.at)
    close_due(asking)
    assert member_of(asking, person) == {"readers"}
    clock.advance(-timedelta(days=1))
    sign_in(asking, bent, "reviewed")
    assert member_of(asking, person) == {"readers"}
    # A mapping that somebody makes afterwards does.
    clock.advance(timedelta(days=1, seconds=1))
    groupmappings.unmap_group(asking, everything(), "asked", "reviewed-ones")
    mapped(asking, "asked", "reviewed-ones")
    clock.advance(-timedelta(days=1))
    sign_in(asking, bent, "reviewed")
    assert member_of(asking, person) == {"readers", "reviewed-ones"}


# -- proofs ------------------------------------------------------------------------------------------------------------


def test_a_sign_in_is_as_fresh_as_the_provider_says(asking: Vault, bent: BentProvider) -> None:
    bound(asking, "fresh", "readers")
    _, who = sign_in(asking, bent, "fresh")
    freshness.require_fresh(asking, who.actor)
    bent.bend = lambda claims: claims.update(auth_time=claims["auth_time"] - 3600)
    token, who = sign_in(asking, bent, "fresh")
    with pytest.raises(StepUpNeeded):
        freshness.require_fresh(asking, who.actor)
    bent.bend = lambda claims: claims.pop("auth_time")
    token, _ = sign_in(asking, bent, "fresh")
    with pytest.raises(StepUpNeeded):
        freshness.require_fresh(asking, sessions.introduced(asking, token).actor)


def test_somebody_proves_themselves_again_at_the_provider(asking: Vault, bent: BentProvider) -> None:
    person = bound(asking, "again", "readers")
    bound(asking, "stranger", "readers")
    bent.bend = lambda claims: claims.pop("auth_time")
    token, _ = sign_in(asking, bent, "again")
    kind = ChallengeKind.PROVIDER_STEP_UP
    for bend, subject in (
        (lambda claims: claims.pop("auth_time"), "again"),
        (lambda claims: claims.update(auth_time=claims["auth_time"] - 120), "again"),
        (lambda claims: None, "stranger"),
    ):
        bent.bend = bend
        with pytest.raises(NotSignedIn):
            identities.step_up(asking, token, led(asking, bent, subject, kind, person_id=person))
    assert events(asking, person).count(Event.STEP_UP_REFUSED) == 3
    bent.bend = lambda claims: None
    renewed, who = identities.step_up(asking, token, led(asking, bent, "again", kind, person_id=person))
    freshness.require_fresh(asking, who.actor)
    with pytest.raises(NotSignedIn):
        sessions.introduced(asking, token)
    assert sessions.introduced(asking, renewed).actor.proved_within(FRESH, now=asking.now())


def test_a_proof_at_the_provider_is_as_old_as_it_says_whenever_its_answer_comes(
    asking: Vault, bent: BentProvider
) -> None:
    person = bound(asking, "waiting", "readers")
    token, _ = sign_in(asking, bent, "waiting")
    answer = led(asking, bent, "waiting", ChallengeKind.PROVIDER_STEP_UP, person_id=person)
    late = replace(asking, clock=HandClock(at=asking.now() + FRESH + timedelta(minutes=4)))
    # The provider's token is of now; when its person proved themselves lies before.
    bent.bend = lambda claims: claims.update(iat=int(late.now().timestamp()), exp=int(late.now().timestamp()) + 300)
    token, who = identities.step_up(late, token, answer)
    for actor in (who.actor, sessions.introduced(late, token).actor):
        with pytest.raises(StepUpNeeded):
            freshness.require_fresh(late, actor)


def test_who_has_a_second_factor_here_is_asked_for_it_and_proves_by_it(asking: Vault, bent: BentProvider) -> None:
    login = new_person(asking, "readers")
    person = person_id(asking, login)
    identities.bind(asking, everything(), person, "two")
    token, who = sign_in_here(asking, login)
    _, codes = with_authenticator(asking, who)
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(asking, bent, "two")
    with pytest.raises(NotSignedIn, match="second factor"):
        identities.step_up(asking, token, led(asking, bent, "two", ChallengeKind.PROVIDER_STEP_UP, person_id=person))
    _, who = sessions.answer_second_factor(asking, needed.value.challenge, SecondFactor(code=codes[0]), client=HERE)
    assert who.actor.person_id == person
