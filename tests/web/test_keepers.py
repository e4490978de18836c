"""The page of keepers: how each stands, and how to have a second one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.web.conftest import Served, serving
from tests.web.visitors import Staff, sign_in
from vault.errors import KeeperUnavailable
from vault.keepers import LOST, Standing, keeper_view
from vault.ports import HeldRoot, KeeperStanding
from vault.workflows.vault import Vault


class _Keys:
    """The vault's own custody, with other keepers."""

    def __init__(self, real: Any, standing: Sequence[KeeperStanding] | None) -> None:
        self._real, self._standing = real, standing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def standing(self) -> Sequence[KeeperStanding]:
        if self._standing is None:
            raise KeeperUnavailable("no keeper answers")
        return self._standing


def with_keepers(vault: Vault, standing: Sequence[KeeperStanding] | None) -> Vault:
    return replace(vault, keys=_Keys(vault.keys, standing))


def keeper(
    name: str, *held: HeldRoot, answers: bool = True, has_root: bool = True, text: str = "up to date"
) -> KeeperStanding:
    return KeeperStanding(name=name, answers=answers, has_root=has_root, still_held=held, text=text)


OLD = HeldRoot(generation=4, attempt=bytes(16), promoted=True)


@pytest.mark.parametrize(
    ("each", "standing", "behind", "older"),
    [
        (keeper("a"), Standing.PROVEN, 0, 0),
        (keeper("a", OLD, text="older roots not yet destroyed"), Standing.HOLDS_OLDER, 0, 1),
        (keeper("a", OLD, has_root=False, text="behind"), Standing.BEHIND, 3, 1),
        (keeper("a", has_root=False, text="behind"), Standing.BEHIND, 7, 0),
        (keeper("a", answers=False, has_root=False, text="its folder is not there"), Standing.AWAY, None, 0),
        (keeper("a", answers=False, has_root=False, text=LOST), Standing.LOST, None, 0),
    ],
)
def test_a_keeper_is_measured_by_the_generation_in_force(
    each: KeeperStanding, standing: Standing, behind: int | None, older: int
) -> None:
    view = keeper_view(each, 7)
    assert (view.standing, view.generations_behind, view.older) == (standing, behind, older)


def test_a_single_keeper_is_warned_of_with_the_command_that_adds_one(staff: Staff) -> None:
    page = staff.client.get("/keepers")
    assert page.status_code == 200
    assert "One keeper: lose it, lose everything" in page.text
    assert 'value="strongroom keeper add second --kind file' in page.text
    assert 'value="strongroom keeper add second --kind file' in staff.client.get("/state").text


def test_the_first_page_of_an_empty_vault_warns_of_a_single_keeper(served: Served) -> None:
    two = [keeper("near"), keeper("far")]
    for standing, warned in ((two[:1], True), (two, False), (None, False)):
        with serving(with_keepers(served.vault, standing)) as running, running.client() as client:
            sign_in(client)
            page = client.get("/records?state=filed")
            assert "One keeper" not in page.text
            page = client.get("/")
            assert "The vault is empty" in page.text
            assert ("One keeper: lose it, lose everything" in page.text) is warned


def test_every_standing_is_shown_in_both_languages(served: Served) -> None:
    several = [
        keeper("near"),
        keeper("slow", OLD, has_root=False, text="behind"),
        keeper("full", OLD, text="older roots not yet destroyed"),
        keeper("far", answers=False, has_root=False, text="not connected"),
        keeper("gone", answers=False, has_root=False, text=LOST),
    ]
    with serving(with_keepers(served.vault, several)) as running, running.client() as client:
        sign_in(client)
        english = client.get("/keepers").text
        assert "lose everything" not in english
        assert all(word in english for word in ("Proven", "Behind", "Has older roots", "Away", "Lost", "not known"))
        assert "Not every keeper is proven" in english
        chinese = client.get("/keepers", headers={"Accept-Language": "zh"}).text
        assert all(word in chinese for word in ("已证实", "落后", "尚存旧根密钥", "无法访问", "已失联"))


def test_the_state_page_shows_itself_when_no_keeper_answers(served: Served) -> None:
    with serving(with_keepers(served.vault, None)) as running, running.client() as client:
        sign_in(client)
        state = client.get("/state")
        assert state.status_code == 200
        assert '<span class="state bad" data-state="">away</span>' in state.text
        answer = client.get("/keepers")
        assert answer.status_code == 503


def test_a_stranger_is_led_to_the_sign_in_page(visitor: httpx.Client) -> None:
    assert visitor.get("/keepers").headers["location"].startswith("/sign-in")
