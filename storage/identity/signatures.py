"""Checks who signed an ID token, by ``joserfc`` (RFC 7515, 7517, 7519).

Rule 1: algorithms are pinned to those with a key pair. ``none`` is not among them, nor is HMAC: a public key as its
secret, or the client's secret, signs nothing here.
Rule 2: only the provider's own published keys count: what a token says of its key beside the name is not looked at.
Rule 3: a name that is not known is asked for anew, at most once in a while: so keys may change at any time, and nobody
makes us ask by inventing names.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from vault.errors import NotSignedIn, ProviderUnavailable

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_FAMILIES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
ASKED_AGAIN_AFTER_S: Final = 5.0
KEPT_S: Final = 3600.0
RSA_BITS_MIN: Final = 2048
TOKEN_MAX_CHARACTERS: Final = 64 * 1024
_WRONG: Final = "what the provider says is not signed by one of its keys; begin again"


class PublishedKeys:
    """The provider's keys, as it last published them; ``fetch`` gives its key set (JSON)."""

    def __init__(self, fetch: Callable[[], Mapping[str, object]]) -> None:
        self._fetch = fetch
        self._turn = Lock()
        self._keys: Sequence[Key] = ()
        self._asked_at: float | None = None

    def refresh(self) -> Sequence[Key]:
        """Asks for them anew. Raises ``ProviderUnavailable``."""
        keys = read_keys(self._fetch())
        with self._turn:
            self._keys, self._asked_at = keys, time.monotonic()
        return keys

    def verified(self, token: str, *, algorithms: Sequence[str]) -> Mapping[str, object]:
        """The claims of a token that one of the keys signed. Raises ``NotSignedIn``, ``ProviderUnavailable``."""
        header = _header(token)
        algorithm, name = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or algorithm not in algorithms:
            raise NotSignedIn("the provider signs in a way that is not taken here; ask whoever set it up")
        key = self._find(str(algorithm), name)
        try:
            return jwt.decode(token, key, algorithms=[str(algorithm)]).claims
        except (JoseError, ValueError, TypeError) as exc:
            raise NotSignedIn(_WRONG) from exc

    def _find(self, algorithm: str, name: object) -> Key:
        age = None if self._asked_at is None else time.monotonic() - self._asked_at
        if age is None or age > KEPT_S:
            self.refresh()
            age = 0.0
        found = _fitting(self._keys, algorithm, name)
        if not found and age > ASKED_AGAIN_AFTER_S:
            found = _fitting(self.refresh(), algorithm, name)
        if len(found) != 1:
            raise NotSignedIn(_WRONG)
        return found[0]


def read_keys(document: Mapping[str, object]) -> Sequence[Key]:
    """The keys of a set that can check signatures of ours; others are passed over. Raises ``ProviderUnavailable``."""
    listed = document.get("keys")
    keys = [_key(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    fit = [each for each in keys if each is not None]
    if not fit:
        raise ProviderUnavailable(
            "the provider of OpenID Connect publishes no key that signs; see `strongroom oidc check`"
        )
    return fit


def _key(document: dict[str, Any]) -> Key | None:
    if document.get("kty") not in ("RSA", "EC") or document.get("use", "sig") != "sig":
        return None
    if "verify" not in document.get("key_ops", ["verify"]):
        return None
    # Weak keys are passed over here, before the library would warn of them.
    if document["kty"] == "RSA" and _bits(document.get("n")) < RSA_BITS_MIN:
        return None
    try:
        return JWKRegistry.import_key(document)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _bits(number: object) -> int:
    try:
        raw = base64.urlsafe_b64decode(str(number) + "=" * (-len(str(number)) % 4))
    except ValueError:
        return 0
    return int.from_bytes(raw, "big").bit_length()


def _fitting(keys: Sequence[Key], algorithm: str, name: object) -> Sequence[Key]:
    """The keys of that name, or, for a token that names none, of that kind."""
    kind = _FAMILIES[algorithm[:2]]
    fit = [each for each in keys if each.key_type == kind and each.get("alg") in (None, algorithm)]
    return fit if name is None else [each for each in fit if each.get("kid") == name]


def _header(token: str) -> Mapping[str, object]:
    try:
        if len(token) > TOKEN_MAX_CHARACTERS or token.count(".") != 2:
            raise NotSignedIn(_WRONG)
        first = token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        raise NotSignedIn(_WRONG) from None
    if not isinstance(header, dict) or "crit" in header:
        raise NotSignedIn(_WRONG)
    return header
