"""API tokens: made and revoked by their person, used by programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vault.audit import Detail, Event
from vault.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from vault.ids import PersonId, TokenId
from vault.people import Person
from vault.permissions import Action, Actor
from vault.sessions import TOUCH_AFTER
from vault.tokens import TOKEN_PREFIX, TOKENS_MAX, ApiToken, checked_lifetime, checked_token_name
from vault.workflows import descriptions
from vault.workflows.freshness import require_fresh, require_oneself
from vault.workflows.groups import actor_of
from vault.workflows.onetime import digest_of, new_token
from vault.workflows.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token as its person sees it, and whether it opens anything."""

    token: ApiToken
    name: str
    live: bool


def create(
    vault: Vault, actor: Actor, *, name: str, scopes: frozenset[Action], lifetime: timedelta
) -> tuple[str, TokenView]:
    """A token, shown once. Raises ``NotAllowed`` for what the person may not do themselves, ``StepUpNeeded``,
    ``InvalidInput``, ``Conflict`` when they have fifty."""
    clean = checked_token_name(name)
    checked_lifetime(lifetime)
    require_fresh(vault, actor)
    for action in scopes:
        actor.require(action)
    now, text, token_id = vault.now(), TOKEN_PREFIX + new_token(vault), TokenId(vault.new_id())
    with vault.catalogue.write() as tx:
        person = tx.people.get(actor.person_id)
        if person is None:
            raise NotAllowed("only people have API tokens; sign in first")
        if sum(each.is_live(now=now) for each in tx.tokens.of_person(person.id)) >= TOKENS_MAX:
            raise Conflict(f"you have {TOKENS_MAX} tokens; revoke one that is not used")
        token = ApiToken(
            id=token_id,
            token_sha256=digest_of(text),
            person_id=person.id,
            sealed=descriptions.seal_token_name(vault, person.profile_leaf, clean, token_id=token_id),
            scopes=scopes,
            created_at=now,
            expires_at=now + lifetime,
            last_used_at=None,
            revoked_at=None,
        )
        tx.tokens.add(token)
        detail: Detail = {
            "expires": token.expires_at.isoformat(),
            "scopes": ",".join(sorted(action.value for action in scopes)),
        }
        tx.audit.append(vault.entry(person.id, Event.TOKEN_MADE, token_id, detail))
    return text, TokenView(token=token, name=clean, live=True)


def own_tokens(vault: Vault, actor: Actor) -> Sequence[TokenView]:
    """Somebody's own tokens, newest first. Raises ``NotAllowed``."""
    require_oneself(actor)
    now = vault.now()
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
        found = tx.tokens.of_person(actor.person_id)
    if person is None:
        return ()
    return [_view(vault, person, token, now) for token in found]


def revoke(vault: Vault, actor: Actor, token_id: TokenId) -> None:
    """Ends a token of one's own, at once. Raises ``NotFound`` for one that is revoked, or somebody else's."""
    require_oneself(actor)
    with vault.catalogue.write() as tx:
        if not tx.tokens.revoke(token_id, person_id=actor.person_id, at=vault.now()):
            raise NotFound("there is no such token, or it was revoked; look at the list again")
        tx.audit.append(vault.entry(actor.person_id, Event.TOKEN_REVOKED, token_id))


def use(vault: Vault, text: str) -> tuple[Actor, ApiToken]:
    """Whose token this is. Raises ``NotSignedIn`` when it is none, revoked or over, or its person was deactivated."""
    now = vault.now()
    with vault.catalogue.read() as tx:
        token = tx.tokens.by_digest(digest_of(text))
        # Looked for in any case: a token that nobody has takes the same work as one that is over.
        person = tx.people.get(token.person_id if token is not None else PersonId(""))
        if token is None or person is None or not person.active or not token.is_live(now=now):
            raise NotSignedIn("this API token is not known, revoked or over; make another one")
        actor = actor_of(tx, person.id, vault.fonds.id)
    if token.last_used_at is None or now - token.last_used_at >= TOUCH_AFTER:
        with vault.catalogue.write() as tx:
            tx.tokens.used(token.id, at=now)
    return actor, token


def _view(vault: Vault, person: Person, token: ApiToken, now: datetime) -> TokenView:
    name = descriptions.open_token_name(vault, person.profile_leaf, token)
    return TokenView(token=token, name=name, live=token.is_live(now=now))
