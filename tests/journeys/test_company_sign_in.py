"""Signing in by a real provider of OpenID Connect, in a real browser: joining, groups, proving again; attacks."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from storage.identity.signatures import ASKED_AGAIN_AFTER_S
from tests.support.bentprovider import CLIENT, SECRET
from tests.support.browser import Visitor, sign_in, visiting
from tests.support.pages import axe_source, violations
from tests.support.provider import Provider, provided
from tests.support.server import LOGIN, PASSWORD, Server, free_port, served

pytestmark = pytest.mark.journey

MEI: Final = {"name": "Mei Lin", "preferred_username": "mei", "groups": ["archive", "archive officers"]}
CHIEF: Final = {"name": "Chief", "preferred_username": "chief", "groups": ["guards"]}
CLASH: Final = {"name": "Two Hats", "preferred_username": "two", "groups": ["guards", "machine"]}
MAPPED: Final = (
    ("archive", "records"),
    ("archive officers", "officers"),
    ("guards", "security"),
    ("machine", "system"),
)


@pytest.fixture(scope="module", params=[True, False], ids=["by userinfo", "in the token"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Provider]]:
    """A server whose provider runs."""
    port = free_port()
    home: Path = tmp_path_factory.mktemp("company") / "home"
    secret = home.with_name("secret")
    secret.write_text(SECRET, encoding="utf-8")
    with (
        served(
            home,
            STRONGROOM_OIDC_ISSUER=f"http://127.0.0.1:{port}",
            STRONGROOM_OIDC_CLIENT_ID=CLIENT,
            STRONGROOM_OIDC_CLIENT_SECRET_FILE=str(secret),
            STRONGROOM_OIDC_NAME="Work",
        ) as server,
        provided(port, server.url, {"u-mei": MEI}, userinfo=request.param) as provider,
    ):
        server.sign_up()
        yield server, provider


def require_calm(visitor: Visitor, provider: Provider, *refusals: int) -> None:
    """Nothing was noticed but the way to the provider."""
    assert {each for each in visitor.trouble if provider.issuer not in each} == set()
    assert sorted(visitor.refused) == sorted(refusals)


def prove_there(page: Page, account: str) -> None:
    """At the provider."""
    page.get_by_label("Account").fill(account)
    page.get_by_role("button", name="Sign in there").click()


def sign_in_there(visitor: Visitor, account: str, *, path: str = "/sign-in") -> None:
    visitor.visit(path)
    visitor.follow("Sign in with Work")
    prove_there(visitor.page, account)


def roles_of(visitor: Visitor) -> str:
    visitor.visit("/permissions")
    return visitor.text()


def map_groups(visitor: Visitor) -> None:
    for provided_group, code in MAPPED:
        visitor.visit("/provider")
        visitor.fill(provided=provided_group)
        visitor.page.locator("#group").select_option(code)
        visitor.press("Map the group")
        visitor.page.locator("code", has_text=re.compile(f"^{provided_group}$")).first.wait_for()


def invitation(visitor: Visitor, group: str) -> str:
    visitor.visit("/state")
    visitor.page.locator(f"main input[name='{group}']").check()
    visitor.press("Make the invitation")
    return visitor.page.locator("#address").input_value()


def join(browser: Browser, server: Server, address: str, account: str) -> None:
    with visiting(browser, server.url) as newcomer:
        newcomer.visit(address)
        newcomer.follow("Join with Work")
        prove_there(newcomer.page, account)
        newcomer.page.locator("nav#menu").wait_for()


def member_groups(server: Server, browser: Browser, name: str) -> set[str]:
    """The groups in which somebody is, as the first administrator sees them."""
    with visiting(browser, server.url) as admin:
        sign_in(admin, LOGIN, PASSWORD)
        admin.visit("/groups")
        rows: list[Any] = admin.page.locator("main tbody tr").all()
        return {
            row.locator("a").get_attribute("href").rpartition("/")[2]
            for row in rows
            if name in row.locator("td").last.inner_text()
        }


def test_a_colleague_joins_by_the_provider_and_groups_come_and_go(
    browser: Browser, running: tuple[Server, Provider]
) -> None:
    server, provider = running
    axe = axe_source()
    with visiting(browser, server.url) as admin:
        sign_in(admin, LOGIN, PASSWORD)
        admin.visit("/provider")
        admin.press("Ask it how it stands")
        assert "It answers" in admin.text()
        assert violations(admin.page, axe) == []
        map_groups(admin)
        assert violations(admin.page, axe) == []
        address = invitation(admin, "readers")
        admin.require_calm()

    with visiting(browser, server.url) as mei:
        # Before she is invited the provider knows her, and the vault does not; it tells her what she is called there.
        sign_in_there(mei, "u-mei")
        mei.page.locator("[role=alert]").wait_for()
        assert "u-mei" in mei.text()

        assert violations(mei.page, axe) == []
        mei.visit(address)
        assert violations(mei.page, axe) == []
        mei.follow("Join with Work")
        mei.page.locator("nav#menu").wait_for()
        assert member_groups(server, browser, "Mei Lin") == {"readers", "records", "officers"}
        assert "Mei Lin" in mei.page.locator("header").inner_text()
        require_calm(mei, provider, 401)

        # Signing out here, then there; the provider asks whether she wants to.
        mei.sign_out()
        mei.page.get_by_role("heading", name="You are signed out").wait_for()
        assert violations(mei.page, axe) == []
        mei.follow("Sign out of Work, too")
        mei.page.get_by_role("button", name=re.compile("sign me out", re.IGNORECASE)).click()
        mei.page.wait_for_url(f"{server.url}/sign-in")

        # Out of a group there, and out of it here, from the next sign-in on.
        provider.change({"u-mei": {**MEI, "groups": ["archive"]}})
        sign_in_there(mei, "u-mei")
        mei.page.locator("nav#menu").wait_for()
        assert member_groups(server, browser, "Mei Lin") == {"readers", "records"}

        # The provider's keys change; the next sign-in is as good as the one before.
        time.sleep(ASKED_AGAIN_AFTER_S)
        provider.stop()
        provider.start()
        mei.sign_out()
        sign_in_there(mei, "u-mei")
        mei.page.locator("nav#menu").wait_for()
        require_calm(mei, provider, 401)


def test_before_something_grave_the_proof_is_given_at_the_provider_and_the_form_goes_on(
    browser: Browser, running: tuple[Server, Provider]
) -> None:
    server, provider = running
    provider.change({"u-chief": CHIEF, "u-two": CLASH})
    with visiting(browser, server.url) as admin:
        sign_in(admin, LOGIN, PASSWORD)
        map_groups_once(admin)
        address = invitation(admin, "readers")
    join(browser, server, address, "u-chief")
    assert "security" in member_groups(server, browser, "Chief")

    with visiting(browser, server.url) as chief:
        sign_in_there(chief, "u-chief")
        chief.page.locator("nav#menu").wait_for()
        # What the provider did not say when it asked is no fresh proof: inviting asks for one, there, in another tab.
        chief.visit("/state")
        chief.page.locator("main input[name='readers']").check()
        chief.press("Make the invitation")
        chief.page.get_by_role("heading", name="Prove again that it is you").wait_for()
        assert violations(chief.page, axe_source()) == []
        with chief.context.expect_page() as opening:
            chief.follow("Prove it with Work")
        tab = opening.value
        prove_there(tab, "u-chief")
        tab.get_by_role("heading", name="It is you").wait_for()
        tab.close()
        chief.press("I have proved it: go on")
        assert "/welcome/" in chief.page.locator("#address").input_value()
        require_calm(chief, provider, 403)

    # Somebody else's proof there is none for the one who is signed in here.
    with visiting(browser, server.url) as chief:
        sign_in_there(chief, "u-chief")
        chief.page.locator("nav#menu").wait_for()
        chief.visit("/state")
        chief.page.locator("main input[name='readers']").check()
        chief.press("Make the invitation")
        with chief.context.expect_page() as opening:
            chief.follow("Prove it with Work")
        prove_there(opening.value, "u-two")
        opening.value.locator("[role=alert]").wait_for()
        assert "somebody else than you" in opening.value.locator("body").inner_text()
        chief.press("I have proved it: go on")
        chief.page.get_by_role("heading", name="Prove again that it is you").wait_for()


def map_groups_once(visitor: Visitor) -> None:
    visitor.visit("/provider")
    if visitor.page.locator("code", has_text=re.compile("^guards$")).count() == 0:
        map_groups(visitor)


def test_two_administrations_at_the_provider_are_refused_by_name(
    browser: Browser, running: tuple[Server, Provider]
) -> None:
    server, provider = running
    provider.change({"u-two": CLASH})
    with visiting(browser, server.url) as admin:
        sign_in(admin, LOGIN, PASSWORD)
        map_groups_once(admin)
        address = invitation(admin, "readers")
    for language, words in (("en-GB", "two administrations"), ("zh-CN", "两种互斥的管理")):
        with visiting(browser, server.url, locale=language) as two:
            two.visit(address)
            two.page.locator("main a.button").click()
            prove_there(two.page, "u-two")
            two.page.locator("[role=alert]").wait_for()
            assert words in two.text()
            assert "security, system" in two.text()
            require_calm(two, provider, 409)


def test_what_attackers_do_with_answers_signs_nobody_in(browser: Browser, running: tuple[Server, Provider]) -> None:
    server, provider = running
    provider.change({"u-eve": {**MEI, "name": "Eve", "preferred_username": "eve"}})
    with visiting(browser, server.url) as admin:
        sign_in(admin, LOGIN, PASSWORD)
        address = invitation(admin, "readers")
    join(browser, server, address, "u-eve")

    with visiting(browser, server.url) as eve:
        # An answer to nothing.
        assert eve.visit("/sign-in/provider/answer?code=x&state=y") == 401
        # Whoever says no there.
        eve.visit("/sign-in")
        eve.follow("Sign in with Work")
        eve.page.get_by_role("button", name="Cancel").click()
        eve.page.locator("[role=alert]").wait_for()
        assert "did not sign you in" in eve.text()
        # Where it leads afterwards is on this site, whatever the address says.
        came: list[str] = []
        eve.page.on("request", lambda each: came.append(each.url) if "/sign-in/provider/answer" in each.url else None)
        eve.visit("/sign-in?next=//evil.example/")
        eve.visit("/sign-in/provider?next=https://evil.example/")
        prove_there(eve.page, "u-eve")
        eve.page.locator("nav#menu").wait_for()
        assert eve.page.url.startswith(server.url)
        # The same answer once more, in the same browser and in another one.
        assert eve.visit(came[-1]) == 401
        with visiting(browser, server.url) as other:
            assert other.visit(came[-1]) == 401
            assert other.visit("/") == 200
            assert other.page.url.startswith(f"{server.url}/sign-in")
        # An answer with the state of another attempt.
        eve.visit("/sign-in/provider")
        state = re.search(r"state=([0-9a-f]{64})", came[-1])
        assert state
        assert eve.visit(f"/sign-in/provider/answer?code=x&state={state[1]}") == 401
        # And a path of ours is gone to.
        sign_out_here(eve)
        eve.visit("/sign-in?next=/permissions")
        eve.follow("Sign in with Work")
        if eve.page.url.startswith(provider.issuer):
            prove_there(eve.page, "u-eve")
        eve.page.wait_for_url(f"{server.url}/permissions")


def sign_out_here(visitor: Visitor) -> None:
    visitor.visit("/")
    visitor.sign_out()
    visitor.page.get_by_role("heading", name="You are signed out").wait_for()


def test_while_the_provider_is_away_passwords_work(browser: Browser, running: tuple[Server, Provider]) -> None:
    server, provider = running
    provider.stop()
    server.stop()
    server.start()
    try:
        with visiting(browser, server.url) as visitor:
            visitor.visit("/sign-in")
            visitor.follow("Sign in with Work")
            visitor.page.locator("[role=alert]").wait_for()
            assert "Passwords and passkeys of this vault work meanwhile" in visitor.text()
            visitor.fill(login=LOGIN, password=PASSWORD)
            visitor.page.get_by_role("button", name="Sign in", exact=True).click()
            visitor.page.locator("nav#menu").wait_for()
            visitor.visit("/provider")
            visitor.press("Ask it how it stands")
            assert "does not answer" in visitor.text()
            visitor.require_calm(refusals=(503, 503))
    finally:
        provider.start()
