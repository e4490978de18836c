"""What a provider says of somebody, judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import InvalidInput, NotSignedIn
from vault.identities import SKEW, Asked, Told, checked_provided_group, checked_subject, judge, read_claims

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ASKED = Asked(issuer="https://login.example.org", client_id="vault", nonce="n" * 64)
TOLD = Told(subject="u1", proved_at=None)


def at(moment: datetime) -> int:
    return int(moment.timestamp())


def claims(**changed: Any) -> dict[str, Any]:
    """Claims that are in order, but for what is changed; None takes a claim away."""
    whole = {
        "iss": ASKED.issuer,
        "sub": "u1",
        "aud": "vault",
        "nonce": ASKED.nonce,
        "iat": at(NOW),
        "exp": at(NOW + timedelta(minutes=5)),
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def test_claims_in_order_tell_who_it_is() -> None:
    assert judge(claims(), ASKED, now=NOW) == Told(subject="u1", proved_at=None)
    assert judge(claims(aud=["vault"], azp="vault"), ASKED, now=NOW).subject == "u1"
    assert judge(claims(auth_time=at(NOW)), ASKED, now=NOW).proved_at == NOW


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://login.example.com"},
        {"iss": "https://login.example.org/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["vault", "another"], "azp": "vault"},
        {"aud": []},
        {"aud": None},
        {"azp": "another"},
        {"nonce": "m" * 64},
        {"nonce": None},
        {"nonce": ["n" * 64]},
        {"exp": at(NOW - SKEW)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": -62135596800},
        {"iat": 253402300799},
        {"nbf": 253402300799},
        {"auth_time": 253402300799},
        {"exp": float("nan")},
        {"iat": at(NOW + SKEW) + 1},
        {"iat": None},
        {"nbf": at(NOW + SKEW) + 1},
        {"auth_time": at(NOW + SKEW) + 1},
        {"auth_time": "just now"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
    ],
)
def test_claims_that_are_not_for_us_or_not_of_now_sign_nobody_in(changed: dict[str, Any]) -> None:
    with pytest.raises(NotSignedIn):
        judge(claims(**changed), ASKED, now=NOW)


def test_clocks_may_differ_by_a_minute() -> None:
    late = claims(exp=at(NOW) - 59, iat=at(NOW) + 59, nbf=at(NOW) + 59, auth_time=at(NOW) + 59)
    assert judge(late, ASKED, now=NOW).subject == "u1"


def test_the_first_and_the_last_moment_there_is_are_moments_like_others() -> None:
    first, last = -62135596800, 253402300799
    told = judge(claims(exp=last, iat=first, nbf=first, auth_time=first), ASKED, now=NOW)
    assert told.proved_at == datetime.min.replace(tzinfo=UTC)
    with pytest.raises(NotSignedIn, match="prove yourself again"):
        judge(claims(auth_time=first), replace(ASKED, since=NOW), now=NOW)


def test_a_proof_again_has_to_be_of_after_it_was_asked_for() -> None:
    again = replace(ASKED, since=NOW - timedelta(minutes=2))
    assert judge(claims(auth_time=at(NOW - timedelta(minutes=1))), again, now=NOW).subject == "u1"
    for auth_time in (
        at(NOW - timedelta(hours=1)),
        at(NOW - timedelta(days=1)),
        at(NOW - timedelta(minutes=2) - SKEW) - 1,
    ):
        with pytest.raises(NotSignedIn, match="prove yourself again"):
            judge(claims(auth_time=auth_time), again, now=NOW)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "azp", "nonce", "exp", "iat", "nbf", "auth_time"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists),
    )
)
def test_whatever_a_provider_writes_is_judged_or_refused(said: dict[str, Any]) -> None:
    try:
        told = judge({**claims(), **said}, ASKED, now=NOW)
    except NotSignedIn:
        return
    assert told.subject == said.get("sub", "u1")


def test_groups_are_a_list_of_names_or_one_name_and_none_is_none() -> None:
    assert read_claims(TOLD, {"groups": ["a", "b"]}, groups_claim="groups").groups == {"a", "b"}
    assert read_claims(TOLD, {"groups": "a"}, groups_claim="groups").groups == {"a"}
    assert read_claims(TOLD, {}, {"groups": ["c"]}, groups_claim="groups").groups == {"c"}
    assert read_claims(TOLD, {}, groups_claim="groups").groups == frozenset()
    for odd in ({"a": 1}, 7, ["a", 7], None, ["a"] * 2001):
        with pytest.raises(NotSignedIn, match="no list of names"):
            read_claims(TOLD, {"groups": odd}, groups_claim="groups")


def test_groups_that_the_provider_leaves_out_because_they_are_many_are_not_taken_for_none() -> None:
    said = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://elsewhere"}}}
    with pytest.raises(NotSignedIn, match="too many groups"):
        read_claims(TOLD, said, groups_claim="groups")


def test_a_name_is_shown_without_what_could_not_be_shown() -> None:
    said = read_claims(TOLD, {"name": "Li\n\u202eNa\ud800" + "x" * 90, "preferred_username": " li "}, groups_claim="g")
    assert (said.name, said.login) == ("LiNa" + "x" * 60, "li")
    assert read_claims(TOLD, {"name": 7}, groups_claim="g").login == "u1"


def test_what_administrators_type_is_checked() -> None:
    assert checked_subject("0|abc") == "0|abc"
    assert checked_provided_group(" /staff/档案 ") == "/staff/档案"
    for subject in ("", " a", "名", "x" * 256):
        with pytest.raises(InvalidInput):
            checked_subject(subject)
    for group in ("", " ", "a\nb", "x" * 201):
        with pytest.raises(InvalidInput):
            checked_provided_group(group)
