"""Passkeys in a real browser, with its own virtual authenticator: made, used to sign in and to prove, removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, CDPSession

from tests.support.browser import Visitor, sign_in, visiting
from tests.support.server import LOGIN, PASSWORD, Server

pytestmark = pytest.mark.journey


class Device:
    """A virtual authenticator of the browser (WebDriver, Web Authentication level 2, section 11)."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self._id = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        """What it keeps."""
        found = self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._id})["credentials"]
        return list(found)

    def verify_its_user(self, verified: bool) -> None:
        """Whether finger, face or PIN are right from here on."""
        self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": verified})

    def set_count(self, count: int) -> None:
        """Lets it be a copy whose count is this one."""
        (credential,) = self.credentials()
        named = {"authenticatorId": self._id, "credentialId": credential["credentialId"]}
        self._session.send("WebAuthn.removeCredential", named)
        credential = {**credential, "signCount": count}
        self._session.send("WebAuthn.addCredential", {"authenticatorId": self._id, "credential": credential})


@contextmanager
def with_device(browser: Browser, server: Server) -> Iterator[tuple[Visitor, Device]]:
    """A visitor by the machine's name, for passkeys belong to one, with a device."""
    server.sign_up()
    with visiting(browser, server.url.replace("127.0.0.1", "localhost")) as visitor:
        yield visitor, Device(visitor.page.context.new_cdp_session(visitor.page))


def test_a_passkey_is_made_signs_in_proves_and_is_removed(browser: Browser, new_server: Server) -> None:
    with with_device(browser, new_server) as (visitor, device):
        sign_in(visitor, LOGIN, PASSWORD)
        visitor.visit("/account/factors")
        visitor.press("Add a passkey")
        visitor.fill(name="Telephone")
        visitor.press("Make the passkey")
        visitor.page.locator("ul.codes li").first.wait_for()
        assert visitor.page.locator("ul.codes li").count() == 10
        (credential,) = device.credentials()
        assert credential["isResidentCredential"]
        assert credential["rpId"] == "localhost"

        visitor.sign_out()
        visitor.press("Sign in with a passkey")
        visitor.page.locator("nav#menu").wait_for()

        # A password alone does not do from here on; the passkey beside it does.
        visitor.sign_out()
        visitor.fill(login=LOGIN, password=PASSWORD)
        visitor.page.get_by_role("button", name="Sign in", exact=True).click()
        visitor.page.locator("h1", has_text="One more proof").wait_for()
        visitor.press("Use a passkey")
        visitor.page.locator("nav#menu").wait_for()

        # Somebody else with the device, whom it does not verify, gets nowhere.
        visitor.sign_out()
        device.verify_its_user(False)
        visitor.press("Sign in with a passkey")
        visitor.page.locator("[data-trouble]:visible").first.wait_for()
        device.verify_its_user(True)
        visitor.press("Sign in with a passkey")
        visitor.page.locator("nav#menu").wait_for()

        # A copy of the device, whose count lags behind, is refused.
        visitor.sign_out()
        count = device.credentials()[0]["signCount"]
        device.set_count(0)
        visitor.press("Sign in with a passkey")
        visitor.page.locator("[role=alert]").first.wait_for()
        assert "did not prove anything" in visitor.text()
        device.set_count(count + 10)
        visitor.press("Sign in with a passkey")
        visitor.page.locator("nav#menu").wait_for()

        visitor.visit("/account/factors")
        assert visitor.page.get_by_label("Name", exact=True).input_value() == "Telephone"
        visitor.page.get_by_label("Name", exact=True).fill("Telephone, the old one")
        visitor.press("Rename")
        assert visitor.page.get_by_label("Name", exact=True).input_value() == "Telephone, the old one"
        visitor.press("Remove")
        visitor.page.get_by_text("You have no passkey yet.").wait_for()
        visitor.require_calm(refusals=(401, 401))


def test_without_a_script_or_under_a_bare_address_no_passkey_is_offered(browser: Browser, new_server: Server) -> None:
    new_server.sign_up()
    for url, scripts in ((new_server.url, True), (new_server.url.replace("127.0.0.1", "localhost"), False)):
        with visiting(browser, url, scripts=scripts) as visitor:
            visitor.visit("/sign-in")
            assert visitor.page.get_by_role("button", name="Sign in", exact=True).count() == 1
            assert visitor.page.get_by_role("button", name="Sign in with a passkey").count() == 0


def test_an_answer_is_taken_once(browser: Browser, new_server: Server) -> None:
    with with_device(browser, new_server) as (visitor, _):
        sign_in(visitor, LOGIN, PASSWORD)
        visitor.visit("/account/factors")
        visitor.press("Add a passkey")
        visitor.fill(name="Key")
        visitor.press("Make the passkey")
        visitor.page.locator("ul.codes li, table").first.wait_for()
        visitor.sign_out()
        sent: list[str] = []
        visitor.page.on("request", lambda each: sent.append(each.post_data or "") if each.method == "POST" else None)
        visitor.press("Sign in with a passkey")
        visitor.page.locator("nav#menu").wait_for()
        body = next(each for each in sent if "passkey=" in each)
        with httpx.Client(base_url=visitor.page.url.rstrip("/"), trust_env=False) as attacker:
            again = attacker.post(
                "/sign-in/passkey", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
            )
        assert again.status_code == 401
        assert "strongroom" not in again.cookies
