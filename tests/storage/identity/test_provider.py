"""A provider that is honest, one that lies, one that somebody else speaks for, and one that is away."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from storage.identity import patience, signatures
from storage.identity.provider import OpenIdProvider
from storage.identity.settings import ProviderSettings
from tests.support.bentprovider import CLIENT, SECRET, BentProvider, bent_provider, new_key
from tests.support.server import free_port
from vault.errors import NotSignedIn, ProviderUnavailable
from vault.providers import Redeemed, SignInRequest

BACK = "http://127.0.0.1:8630/sign-in/provider/answer"
VERIFIER = "v" * 64


@pytest.fixture
def bent() -> Iterator[BentProvider]:
    with bent_provider() as provider:
        yield provider


@pytest.fixture
def provider(bent: BentProvider) -> Iterator[OpenIdProvider]:
    asked = OpenIdProvider(settings(bent.issuer))
    yield asked
    asked.close()


def settings(issuer: str, **changed: Any) -> ProviderSettings:
    given: dict[str, Any] = {"issuer": issuer, "client_id": CLIENT, "secret": SECRET, "name": "Work", **changed}
    return ProviderSettings(**given)


def signed_in(bent: BentProvider, provider: OpenIdProvider, *, verifier: str = VERIFIER) -> Redeemed:
    request = SignInRequest(redirect_uri=BACK, state="s", nonce="n", verifier=VERIFIER)
    code = bent.authorize(provider.address(request), "li")["code"]
    return provider.redeem(code, redirect_uri=BACK, verifier=verifier)


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def test_a_code_is_given_back_for_claims_that_the_provider_signed(bent: BentProvider, provider: OpenIdProvider) -> None:
    bent.groups["li"] = ["staff"]
    redeemed = signed_in(bent, provider)
    assert (redeemed.claims["sub"], redeemed.claims["nonce"]) == ("li", "n")
    assert provider.user_claims(redeemed.access_token)["groups"] == ["staff"]
    assert provider.leave_address(back="http://127.0.0.1/sign-in") == (
        f"{bent.issuer}/leave?client_id=strongroom&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%2Fsign-in"
    )


def test_the_address_asks_for_a_code_with_pkce_and_on_demand_for_a_new_proof(provider: OpenIdProvider) -> None:
    request = SignInRequest(redirect_uri=BACK, state="s", nonce="n", verifier=VERIFIER)
    address = provider.address(request)
    assert "code_challenge_method=S256" in address
    assert VERIFIER not in address
    assert SECRET not in address
    assert "prompt" not in address
    again = provider.address(SignInRequest(redirect_uri=BACK, state="s", nonce="n", verifier=VERIFIER, again=True))
    assert "prompt=login&max_age=0" in again


def test_a_code_counts_once_and_for_its_verifier(bent: BentProvider, provider: OpenIdProvider) -> None:
    with pytest.raises(NotSignedIn):
        signed_in(bent, provider, verifier="w" * 64)
    request = SignInRequest(redirect_uri=BACK, state="s", nonce="n", verifier=VERIFIER)
    code = bent.authorize(provider.address(request), "li")["code"]
    provider.redeem(code, redirect_uri=BACK, verifier=VERIFIER)
    with pytest.raises(NotSignedIn, match="used, or is too old"):
        provider.redeem(code, redirect_uri=BACK, verifier=VERIFIER)


def unsigned(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: f"{part({'alg': 'none'})}.{part(claims)}."


def by_the_public_key(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    """The published key as the secret of an HMAC; made by hand, for the library refuses to."""
    assert isinstance(bent.key, RSAKey)
    public = bent.key.as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:
        said = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims)}"
        tag = hmac.digest(public, said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"

    return sign


def by_the_client_secret(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def by_another_key(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    other = new_key("first")
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, other)


def by_a_key_that_it_brings_along(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    other = new_key("other")
    header = {"alg": "RS256", "kid": "other", "jwk": other.as_dict(private=False)}
    return lambda claims: jwt.encode(header, claims, other)


def by_a_key_of_another_kind(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    other = ECKey.generate_key("P-256")
    return lambda claims: jwt.encode({"alg": "ES256", "kid": "first"}, claims, other)


def altered(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    def sign(claims: dict[str, Any]) -> str:
        head, _, signature = jwt.encode({"alg": "RS256", "kid": "first"}, claims, bent.key).split(".")
        return f"{head}.{part({**claims, 'sub': 'administrator'})}.{signature}"

    return sign


def cut(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, bent.key).rpartition(".")[0]


def critical(bent: BentProvider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: f"{part({'alg': 'RS256', 'kid': 'first', 'crit': ['b64'], 'b64': False})}.{part(claims)}.AA"


@pytest.mark.parametrize(
    "way",
    [
        unsigned,
        by_the_public_key,
        by_the_client_secret,
        by_another_key,
        by_a_key_that_it_brings_along,
        by_a_key_of_another_kind,
        altered,
        cut,
        critical,
    ],
)
def test_what_one_of_its_keys_did_not_sign_signs_nobody_in(
    bent: BentProvider, provider: OpenIdProvider, way: Callable[[BentProvider], Callable[[dict[str, Any]], str]]
) -> None:
    signed_in(bent, provider)
    bent.sign = way(bent)
    with pytest.raises(NotSignedIn):
        signed_in(bent, provider)


def test_its_keys_may_change_at_any_time_and_inventing_names_does_not_make_us_ask(
    bent: BentProvider, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(bent, provider)
    bent.key = new_key("second")
    bent.published = [bent.key]
    with pytest.raises(NotSignedIn):
        signed_in(bent, provider)
    assert bent.asked.count("/jwks") == 1
    monkeypatch.setattr(signatures, "ASKED_AGAIN_AFTER_S", 0.0)
    assert signed_in(bent, provider).claims["sub"] == "li"
    assert bent.asked.count("/jwks") == 2


def test_a_weak_key_and_one_for_encrypting_are_no_keys() -> None:
    weak = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xff" * 128).decode(), "kid": "weak"}
    sealing = {**new_key("sealing").as_dict(private=False), "use": "enc"}
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}
    good = new_key("good").as_dict(private=False)
    assert [key.kid for key in signatures.read_keys({"keys": [weak, sealing, secret, "odd", {}, good]})] == ["good"]
    for none in ({}, {"keys": 7}, {"keys": [weak]}):
        with pytest.raises(ProviderUnavailable):
            signatures.read_keys(none)


def test_an_answer_that_names_another_issuer_or_none_is_refused(bent: BentProvider, provider: OpenIdProvider) -> None:
    provider.require_issuer(bent.issuer)
    for issuer in ("https://login.example.com", "", None):
        with pytest.raises(NotSignedIn, match="another provider"):
            provider.require_issuer(issuer)


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "authorization_endpoint"])
@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "//127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://[::1",
        7,
        None,
    ],
)
def test_only_addresses_at_the_issuer_are_asked(
    bent: BentProvider, provider: OpenIdProvider, name: str, address: object
) -> None:
    bent.document = {name: address}
    with pytest.raises(ProviderUnavailable):
        signed_in(bent, provider)


def test_a_host_that_the_settings_name_is_asked_too(bent: BentProvider) -> None:
    with bent_provider() as elsewhere:
        elsewhere.published = bent.published
        bent.document = {"jwks_uri": f"{elsewhere.issuer}/jwks"}
        host = elsewhere.issuer.removeprefix("http://")
        provider = OpenIdProvider(settings(bent.issuer, hosts=frozenset({host})))
        assert signed_in(bent, provider).claims["sub"] == "li"
        assert elsewhere.asked == ["/jwks"]
        provider.close()


def test_a_redirect_is_not_followed(bent: BentProvider, provider: OpenIdProvider) -> None:
    with bent_provider() as inner:
        bent.answers["/token"] = (307, "text/plain", b"", f"{inner.issuer}/token")
        with pytest.raises(ProviderUnavailable):
            signed_in(bent, provider)
        assert inner.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, "application/json", b"[]", ""),
        (200, "text/html", b"<html>", ""),
        (200, "application/json", b"{" + b" " * 2_000_000 + b"}", ""),
        (200, "application/json", b'{"issuer": "https://login.example.com"}', ""),
        (404, "text/plain", b"", ""),
        (500, "text/plain", b"", ""),
    ],
)
def test_what_answers_otherwise_than_a_provider_is_away(
    bent: BentProvider, provider: OpenIdProvider, answer: tuple[int, str, bytes, str]
) -> None:
    bent.answers["/.well-known/openid-configuration"] = answer
    with pytest.raises(ProviderUnavailable):
        provider.examine()


@pytest.mark.parametrize(
    "answer",
    [
        (200, "application/json", b"{}", ""),
        (200, "application/json", b'{"id_token": 7, "access_token": "a"}', ""),
        (401, "application/json", b'{"error": "invalid_client"}', ""),
        (503, "text/plain", b"", ""),
    ],
)
def test_a_token_endpoint_that_is_not_well_signs_nobody_in_and_says_whose_fault_it_is(
    bent: BentProvider, provider: OpenIdProvider, answer: tuple[int, str, bytes, str]
) -> None:
    bent.answers["/token"] = answer
    with pytest.raises(ProviderUnavailable) as error:
        signed_in(bent, provider)
    assert SECRET not in error.value.message


def test_a_provider_that_is_not_there_is_away() -> None:
    provider = OpenIdProvider(settings(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(ProviderUnavailable, match="passwords and passkeys work"):
        provider.examine()


def test_a_provider_that_hangs_keeps_one_at_most_waiting(bent: BentProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    bent.answering.clear()
    hasty, patient = OpenIdProvider(settings(bent.issuer, timeout_s=0.6)), OpenIdProvider(settings(bent.issuer))
    for _ in range(3):
        with pytest.raises(ProviderUnavailable, match="passwords and passkeys work"):
            hasty.examine()
    assert len(bent.asked) == 1
    # Once the pause is over one asks, and nobody beside them.
    monkeypatch.setattr(patience, "PAUSE_S", 0.0)
    patient._asking._patience = hasty._asking._patience
    with ThreadPoolExecutor(1) as other:
        asking = other.submit(patient.examine)
        while len(bent.asked) < 2:
            assert not asking.done()
            time.sleep(0.01)
        for _ in range(3):
            with pytest.raises(ProviderUnavailable, match="passwords and passkeys work"):
                hasty.examine()
        assert len(bent.asked) == 2
        bent.answering.set()
        assert asking.result().keys == hasty.examine().keys == 1
    for each in (hasty, patient):
        each.close()


def test_a_provider_that_says_a_byte_now_and_then_is_away(bent: BentProvider) -> None:
    bent.drips = True
    provider = OpenIdProvider(settings(bent.issuer, timeout_s=0.3))
    with pytest.raises(ProviderUnavailable, match="passwords and passkeys work"):
        provider.examine()
    provider.close()


def test_what_it_says_of_itself_is_shown(bent: BentProvider, provider: OpenIdProvider) -> None:
    state = provider.examine()
    assert (state.keys, state.algorithms, state.names_issuer) == (1, ["RS256"], True)
    bent.document = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    with pytest.raises(ProviderUnavailable):
        provider.examine()
    bent.document = {"code_challenge_methods_supported": ["plain"]}
    with pytest.raises(ProviderUnavailable):
        provider.examine()
