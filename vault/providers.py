"""The outside provider of OpenID Connect, as far as the vault knows it; ``ports.IdentityProvider`` asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """What the settings say: ``name`` stands on the button, ``groups_claim`` names the claim with somebody's groups."""

    name: str
    issuer: str
    client_id: str
    scopes: str
    groups_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What a browser takes to the provider. ``again``: whoever sits there has to prove themselves, signed in or not."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """What a code was given back for. The claims' signature was checked, and nothing else of them."""

    claims: Mapping[str, object]
    access_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """What the provider said of itself just now. ``keys`` are those that could sign for us."""

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: Sequence[str]
    keys: int
    names_issuer: bool
