"""Signing in by the outside provider: begun here, proved there, and bound to a person by an invitation or a colleague.

Rule 1: state, nonce and verifier of one attempt are made of its challenge's token, which the browser that began it
keeps. The answer counts once, in that browser, for what was begun.
Rule 2: a subject that is nobody's signs nobody in, whatever address or name the provider tells of it.
Rule 3: the provider's word stands for the password. Who has a second factor here is asked for it as well.
Rule 4: it is a fresh proof only as of the moment when, as the provider says, they proved themselves.
Rule 5: password and passkey work without the provider.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vault.audit import Detail, Event
from vault.challenges import Challenge, ChallengeKind
from vault.errors import (
    AlreadyExists,
    Conflict,
    IdentityUnknown,
    NotFound,
    NotSignedIn,
    SecondFactorNeeded,
    StrongroomError,
)
from vault.identities import Asked, Claims, Identity, checked_subject, judge, read_claims
from vault.ids import PersonId
from vault.people import Person, PersonProfile
from vault.permissions import Action, Actor
from vault.ports import IdentityProvider
from vault.providers import SignInRequest
from vault.seal.passwords import hash_password
from vault.sessions import Client
from vault.shelves import Transaction
from vault.workflows import challenges, descriptions, groupmappings, people, sessions
from vault.workflows.freshness import require_fresh
from vault.workflows.onetime import digest_of, keyed, new_token
from vault.workflows.sessions import Introduced
from vault.workflows.vault import Vault

UNKNOWN = (
    "the provider knows you, but you are nobody here yet; open your invitation first, or give an administrator what it "
    "calls you"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt: ``token`` stays in the browser, ``address`` is where the browser goes."""

    token: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser brings back from the provider, and the token of the attempt that it keeps."""

    token: str
    state: str
    code: str
    issuer: str | None
    redirect_uri: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundView:
    """Somebody who is known by the provider's word, as administrators see them."""

    identity: Identity
    profile: PersonProfile
    issuer: str
    subject: str


def require_provider(vault: Vault) -> IdentityProvider:
    """The provider. Raises ``NotFound`` where the settings name none."""
    if vault.provider is None:
        raise NotFound("no provider of OpenID Connect is set up; STRONGROOM_OIDC_ISSUER names one")
    return vault.provider


def begin(vault: Vault, kind: ChallengeKind, *, redirect_uri: str, person_id: PersonId | None = None) -> Begun:
    """Begins a sign-in, or a proof, at the provider. Raises ``NotFound``, ``ProviderUnavailable``."""
    provider = require_provider(vault)
    token = challenges.begin(vault, kind, person_id)
    state, nonce, verifier = (_secret(vault, token, purpose) for purpose in ("state", "nonce", "verifier"))
    request = SignInRequest(
        redirect_uri=redirect_uri,
        state=state,
        nonce=nonce,
        verifier=verifier,
        again=kind is ChallengeKind.PROVIDER_STEP_UP,
    )
    return Begun(token=token, address=provider.address(request))


def sign_in(vault: Vault, answer: Answer, *, client: Client) -> tuple[str, Introduced]:
    """Signs somebody in whom the provider has signed in; their memberships follow what it says.

    Raises ``IdentityUnknown``, ``NotSignedIn``, ``SecondFactorNeeded``, ``Conflict`` (two administrations),
    ``ProviderUnavailable``.
    """
    person: Person | None = None
    try:
        _, claims = _redeem(vault, answer, ChallengeKind.PROVIDER)
        person = _person_of(vault, claims)
        if person is None or not person.active:
            raise IdentityUnknown(UNKNOWN, subject=claims.subject)
        with vault.catalogue.write() as tx:
            _require_still_theirs(vault, tx, person, claims)
            groupmappings.follow(vault, tx, person.id, claims.groups)
        return _let_in(vault, person, claims, client)
    except SecondFactorNeeded:
        raise
    except (NotSignedIn, Conflict) as error:
        _refused(vault, person, error)
        raise


def join(vault: Vault, answer: Answer, invitation: str, *, client: Client) -> tuple[str, Introduced]:
    """Makes the person whom an invitation is for, and binds them to what the provider calls them.

    Raises ``NotFound`` (the invitation), ``NotSignedIn``, ``Conflict``, ``ProviderUnavailable``.
    """
    issued = people.check_invitation(vault, invitation)
    try:
        _, claims = _redeem(vault, answer, ChallengeKind.PROVIDER)
        if _person_of(vault, claims) is not None:
            raise Conflict("the provider's account is somebody's here already; sign in by it, without the invitation")

        def bind_new(tx: Transaction, person: Person) -> None:
            _bind(vault, tx, person, claims.subject, by=issued.invited_by)
            groupmappings.follow(vault, tx, person.id, claims.groups)

        with vault.hashing.enter():
            # Nobody knows this password; an administrator's link can replace it by one that its person chooses.
            password_hash = hash_password(new_token(vault), token_bytes=vault.randomness.token_bytes)
        profile = PersonProfile.checked(login=_free_login(vault, claims), name=claims.name)
        person = people.become(vault, invitation, profile, password_hash, also=bind_new)
    except (NotSignedIn, Conflict) as error:
        _refused(vault, None, error)
        raise
    return _let_in(vault, person, claims, client)


def step_up(vault: Vault, session_token: str, answer: Answer) -> tuple[str, Introduced]:
    """Proves again at the provider that it is them; gives the session's new token.

    Raises ``NotSignedIn`` for a wrong proof, and for who has a second factor here.
    """
    who = sessions.signed_in(vault, session_token)
    try:
        challenge, claims = _redeem(vault, answer, ChallengeKind.PROVIDER_STEP_UP)
        person = _person_of(vault, claims)
        if person is None or not person.id == challenge.person_id == who.actor.person_id:
            raise NotSignedIn("the provider has proved somebody else than you; sign in there as yourself")
        with vault.catalogue.read() as tx:
            if tx.credentials.has_second_factor(person.id):
                raise NotSignedIn("you have a second factor here; prove yourself by it")
    except NotSignedIn:
        with vault.catalogue.write() as tx:
            actor = who.actor.person_id
            tx.audit.append(vault.entry(actor, Event.STEP_UP_REFUSED, actor, {"by": groupmappings.BY_PROVIDER}))
        raise
    proved_at = _proved_at(vault, claims)
    if proved_at is None:
        raise NotSignedIn("the provider did not ask you to prove yourself again; sign in there anew")
    return sessions.renew(vault, who, session_token, person, by=groupmappings.BY_PROVIDER, proved_at=proved_at)


def bind(vault: Vault, actor: Actor, person_id: PersonId, subject: str) -> Identity:
    """Says which of the provider's subjects somebody is. Their sessions end, so that they notice.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``, ``InvalidInput``, ``AlreadyExists``.
    """
    actor.require(Action.INVITE_PERSON)
    require_fresh(vault, actor)
    require_provider(vault)
    clean = checked_subject(subject)
    with vault.catalogue.write() as tx:
        person = tx.people.get(person_id)
        if person is None:
            raise NotFound("there is no such person; look them up in the list")
        if tx.identities.of_person(person_id) is not None:
            raise AlreadyExists("this person is bound to a subject of the provider already; unbind them first")
        if tx.identities.by_subject(_index(vault, clean)) is not None:
            raise AlreadyExists("this subject of the provider is somebody's already; look at who it is")
        identity = _bind(vault, tx, person, clean, by=actor.person_id)
        if person_id != actor.person_id:
            tx.sessions.end_all(person_id)
    return identity


def unbind(vault: Vault, actor: Actor, person_id: PersonId) -> None:
    """Lets the provider sign somebody in no more: their sessions end, and so do memberships that followed it.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``, ``Conflict``.
    """
    actor.require(Action.INVITE_PERSON)
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        tx.people.get(person_id, for_update=True)  # a sign-in that begins their session now is before this, or after
        if not tx.identities.remove(person_id):
            raise NotFound("the provider signs no such person in; look them up in the list")
        groupmappings.follow(vault, tx, person_id, (), by=actor.person_id)
        tx.sessions.end_all(person_id)
        tx.challenges.drop_of(person_id)
        tx.audit.append(vault.entry(actor.person_id, Event.IDENTITY_UNBOUND, person_id))


def list_bound(vault: Vault, actor: Actor) -> Sequence[BoundView]:
    """Everybody who is known by the provider's word. Raises ``NotAllowed``."""
    actor.require(Action.INVITE_PERSON)
    with vault.catalogue.read() as tx:
        found = [(each, tx.people.get(each.person_id)) for each in tx.identities.all()]
    views = []
    for identity, person in found:
        if person is None:
            continue
        issuer, subject = descriptions.open_subject(vault, person.profile_leaf, identity)
        profile = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
        views.append(BoundView(identity=identity, profile=profile, issuer=issuer, subject=subject))
    return views


def own_identity(vault: Vault, actor: Actor) -> Identity | None:
    """One's own at the provider that is set up; None for who is bound to none, or to another one of before."""
    if vault.provider is None:
        return None
    with vault.catalogue.read() as tx:
        identity, person = tx.identities.of_person(actor.person_id), tx.people.get(actor.person_id)
    if identity is None or person is None:
        return None
    issuer, _ = descriptions.open_subject(vault, person.profile_leaf, identity)
    return identity if issuer == vault.provider.facts.issuer else None


def _redeem(vault: Vault, answer: Answer, kind: ChallengeKind) -> tuple[Challenge, Claims]:
    provider = require_provider(vault)
    if not hmac.compare_digest(
        _secret(vault, answer.token, "state").encode(), answer.state.encode("utf-8", "surrogatepass")
    ):
        raise NotSignedIn("this is no answer to what this browser asked the provider; begin again")
    challenge = challenges.take(vault, kind, answer.token)
    provider.require_issuer(answer.issuer)
    if answer.error or not answer.code:
        raise NotSignedIn("the provider did not sign you in; try again there, or sign in with your password")
    redeemed = provider.redeem(
        answer.code, redirect_uri=answer.redirect_uri, verifier=_secret(vault, answer.token, "verifier")
    )
    facts = provider.facts
    asked = Asked(
        issuer=facts.issuer,
        client_id=facts.client_id,
        nonce=_secret(vault, answer.token, "nonce"),
        since=challenge.begun_at if kind is ChallengeKind.PROVIDER_STEP_UP else None,
    )
    told = judge(redeemed.claims, asked, now=vault.now())
    more: Mapping[str, object] = {}
    if kind is ChallengeKind.PROVIDER and not {facts.groups_claim, "name"} <= redeemed.claims.keys():
        more = provider.user_claims(redeemed.access_token)
        # OpenID Connect Core 1.0, section 5.3.2: of somebody else it may not be used.
        if more and more.get("sub") != told.subject:
            raise NotSignedIn("the provider speaks of two different people; begin again")
    return challenge, read_claims(told, redeemed.claims, more, groups_claim=facts.groups_claim)


def _let_in(vault: Vault, person: Person, claims: Claims, client: Client) -> tuple[str, Introduced]:
    def still_theirs(tx: Transaction) -> None:
        _require_still_theirs(vault, tx, person, claims)

    with vault.catalogue.read() as tx:
        needs_factor = tx.credentials.has_second_factor(person.id)
    if needs_factor:
        challenge = challenges.begin(vault, ChallengeKind.SECOND_FACTOR, person.id, require=still_theirs)
        raise SecondFactorNeeded("a code or a passkey is needed too", challenge=challenge)
    return sessions.begin_session(
        vault,
        person,
        client,
        by=groupmappings.BY_PROVIDER,
        proved_at=_proved_at(vault, claims),
        require=still_theirs,
    )


def _require_still_theirs(vault: Vault, tx: Transaction, person: Person, claims: Claims) -> None:
    """Raises ``IdentityUnknown`` for who was unbound meanwhile; nobody unbinds them before the transaction ends."""
    if not tx.identities.used(person.id, _index(vault, claims.subject), at=vault.now()):
        raise IdentityUnknown(UNKNOWN, subject=claims.subject)


def _proved_at(vault: Vault, claims: Claims) -> datetime | None:
    """When they proved themselves there, and never later than now: the provider's clock may be ahead of ours."""
    return None if claims.proved_at is None else min(claims.proved_at, vault.now())


def _bind(vault: Vault, tx: Transaction, person: Person, subject: str, *, by: PersonId) -> Identity:
    issuer = require_provider(vault).facts.issuer
    identity = Identity(
        person_id=person.id,
        subject_index=_index(vault, subject),
        sealed=descriptions.seal_subject(vault, person.profile_leaf, issuer, subject, person_id=person.id),
        bound_by=by,
        bound_at=vault.now(),
        last_used_at=None,
    )
    tx.identities.add(identity)
    tx.audit.append(vault.entry(by, Event.IDENTITY_BOUND, person.id))
    return identity


def _index(vault: Vault, subject: str) -> bytes:
    # Of the digest, for the keyed one takes no note of capital letters, and subjects may differ by those alone.
    issuer = require_provider(vault).facts.issuer
    return keyed(vault, "identity", digest_of(f"{issuer}\n{subject}").hex())


def _person_of(vault: Vault, claims: Claims) -> Person | None:
    with vault.catalogue.read() as tx:
        identity = tx.identities.by_subject(_index(vault, claims.subject))
        return None if identity is None else tx.people.get(identity.person_id)


def _free_login(vault: Vault, claims: Claims) -> str:
    """A sign-in name that nobody has: the one that the provider suggests, else with a number."""
    wanted = claims.login[:56] or "somebody"
    with vault.catalogue.read() as tx:
        for number in range(1, 1000):
            login = wanted if number == 1 else f"{wanted}-{number}"
            if tx.people.by_login_index(sessions.login_index(vault, login)) is None:
                return login
    return f"{wanted[:40]}-{vault.new_id()[:8]}"


def _secret(vault: Vault, token: str, purpose: str) -> str:
    """64 characters that only the vault makes of an attempt's token."""
    return challenges.derived(vault, token, purpose).hex()


def _refused(vault: Vault, person: Person | None, error: StrongroomError) -> None:
    who = person.id if person is not None else "unknown"
    detail: Detail = {"by": groupmappings.BY_PROVIDER, "why": error.code}
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(who, Event.SIGN_IN_REFUSED, who, detail))
