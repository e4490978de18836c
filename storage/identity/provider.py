"""A provider of OpenID Connect, asked as its discovery document says (OpenID Connect Discovery 1.0).

Rule 1: authorisation code flow with PKCE (RFC 7636, S256), and nothing else.
Rule 2: the discovery document is the issuer's own: it names exactly the issuer of the settings.
Rule 3: the document is asked for when it is first needed, and kept for an hour; a start needs no provider.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from storage.identity.asking import AWAY, ODD, Asking
from storage.identity.settings import ProviderSettings
from storage.identity.signatures import ALGORITHMS, PublishedKeys
from vault.errors import NotSignedIn, ProviderUnavailable
from vault.providers import ProviderFacts, ProviderState, Redeemed, SignInRequest

KEPT_S: Final = 3600.0
WELL_KNOWN: Final = "/.well-known/openid-configuration"


class OpenIdProvider:
    """``vault.ports.IdentityProvider``."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._asking = Asking(settings)
        self._keys = PublishedKeys(lambda: self._asking.get(self._address_in(self._document(), "jwks_uri")))
        self._turn = Lock()
        self._kept: tuple[float, dict[str, Any]] | None = None

    def close(self) -> None:
        """Closes what is open."""
        self._asking.close()

    @property
    def facts(self) -> ProviderFacts:
        settings = self._settings
        return ProviderFacts(
            name=settings.name,
            issuer=settings.issuer,
            client_id=settings.client_id,
            scopes=settings.scopes,
            groups_claim=settings.groups_claim,
        )

    def address(self, request: SignInRequest) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": self._settings.scopes,
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if request.again:
            asked |= {"prompt": "login", "max_age": "0"}
        return _with_query(self._address_in(self._document(), "authorization_endpoint"), asked)

    def require_issuer(self, issuer: str | None) -> None:
        promised = self._document().get("authorization_response_iss_parameter_supported") is True
        if issuer != self._settings.issuer and (promised or issuer is not None):
            raise NotSignedIn("another provider said this than the one that was asked; begin again")

    def redeem(self, code: str, *, redirect_uri: str, verifier: str) -> Redeemed:
        document = self._document()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        self._prove_client(document, fields, headers)
        status, told = self._asking.post(self._address_in(document, "token_endpoint"), fields, headers)
        if status >= 500:
            raise ProviderUnavailable(AWAY)
        if status in (400, 403) and told is not None and told.get("error") == "invalid_grant":
            raise NotSignedIn("the provider did not take its own answer back: it was used, or is too old; begin again")
        if status != 200 or told is None:
            # The client's name, secret or address is not what the provider knows: whoever set it up has to look.
            raise ProviderUnavailable(ODD)
        token, access = told.get("id_token"), told.get("access_token")
        if not isinstance(token, str) or not isinstance(access, str):
            raise ProviderUnavailable(ODD)
        return Redeemed(claims=self._keys.verified(token, algorithms=_algorithms(document)), access_token=access)

    def user_claims(self, access_token: str) -> Mapping[str, object]:
        document = self._document()
        if "userinfo_endpoint" not in document:
            return {}
        return self._asking.get(self._address_in(document, "userinfo_endpoint"), token=access_token)

    def leave_address(self, *, back: str) -> str | None:
        document = self._document()
        if "end_session_endpoint" not in document:
            return None
        # No id_token_hint: an address stands in histories and logs, and the token has the person's name in it. The
        # provider asks them instead whether they want to (OpenID Connect RP-Initiated Logout 1.0, section 2).
        asked = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back}
        return _with_query(self._address_in(document, "end_session_endpoint"), asked)

    def examine(self) -> ProviderState:
        with self._turn:
            self._kept = None
        document = self._document()
        return ProviderState(
            authorization_endpoint=self._address_in(document, "authorization_endpoint"),
            token_endpoint=self._address_in(document, "token_endpoint"),
            userinfo_endpoint=self._optional(document, "userinfo_endpoint"),
            end_session_endpoint=self._optional(document, "end_session_endpoint"),
            algorithms=_algorithms(document),
            keys=len(self._keys.refresh()),
            names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _document(self) -> dict[str, Any]:
        with self._turn:
            if self._kept is not None and time.monotonic() - self._kept[0] < KEPT_S:
                return self._kept[1]
        document = self._asking.get(self._settings.issuer.rstrip("/") + WELL_KNOWN)
        if document.get("issuer") != self._settings.issuer:
            raise ProviderUnavailable(
                "the provider of OpenID Connect calls itself otherwise than STRONGROOM_OIDC_ISSUER; write it as it does"
            )
        methods = document.get("code_challenge_methods_supported", ["S256"])
        if not isinstance(methods, list) or "S256" not in methods or not _algorithms(document):
            raise ProviderUnavailable(ODD)
        with self._turn:
            self._kept = (time.monotonic(), document)
        return document

    def _address_in(self, document: Mapping[str, Any], name: str) -> str:
        return self._asking.require_ours(document.get(name))

    def _optional(self, document: Mapping[str, Any], name: str) -> str | None:
        return self._address_in(document, name) if name in document else None

    def _prove_client(self, document: Mapping[str, Any], fields: dict[str, str], headers: dict[str, str]) -> None:
        client, secret = self._settings.client_id, self._settings.secret
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret is None:
            fields["client_id"] = client
        elif isinstance(methods, list) and "client_secret_basic" not in methods:
            fields |= {"client_id": client, "client_secret": secret}
        else:
            # RFC 6749 section 2.3.1: both are form-encoded first.
            pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"


def _algorithms(document: Mapping[str, Any]) -> list[str]:
    said = document.get("id_token_signing_alg_values_supported", ["RS256"])
    return [each for each in ALGORITHMS if isinstance(said, list) and each in said]


def _with_query(address: str, fields: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(fields)}"
