"""Two companies behind one address: each is to the other as if it were not there.

Rule 1: whatever one company's people ask for of the other's is answered as what does not exist.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from storage.assembly import open_vault
from storage.fondshomes import make_home
from storage.keeper.configured import secrets_to_ask
from storage.objects.provision import ensure_bucket
from storage.settings import Settings
from tests.support.people import acting
from tests.support.store import RunningStore
from tests.support.things import one_of_everything
from tests.support.vault import add_bytes, running_vault, settings_over
from tests.web.conftest import IDLE_S, answering, loaded_texts
from tests.web.test_foreign_ids import UNKNOWN, asked, path_to, plain, rows
from tests.web.visitors import LOGIN, PASSWORD, form_token, stored_id
from vault.errors import SettingsWrong
from vault.groups import FOUNDING
from vault.ids import FondsCode, PersonId
from vault.permissions import Action
from vault.workflows import fonds, people, sharing, tokens
from vault.workflows.vault import Vault
from web.application import create_application
from web.hall import Hall
from web.main import opened_beside
from web.neighbours import Neighbours
from web.sessions import CSRF_HEADER

PREFIX = "/fonds/bco"
FIRST, SECOND = "Alpha 公司", "Beta 公司"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One of both: its vault, where it is, and its administrator's browser."""

    vault: Vault
    origin: str
    address: str
    person_id: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """Two companies of one process."""

    first: Company
    second: Company
    hall: Hall
    origin: str


@pytest.fixture(scope="module")
def both(shared_store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Each has one administrator, of the same name and password, in every group that may be combined."""
    folder: Path = tmp_path_factory.mktemp("both")
    neighbours = Neighbours()
    with ExitStack() as stack:
        vaults = [
            stack.enter_context(running_vault(shared_store.settings, folder / name)) for name in ("first", "second")
        ]
        applications = [
            create_application(vault, client_idle_s=IDLE_S, prefix=prefix, neighbours=neighbours, texts=loaded_texts())
            for vault, prefix in zip(vaults, ("", PREFIX), strict=True)
        ]
        hall = Hall(applications[0])
        hall.open(PREFIX, applications[1])
        origin = stack.enter_context(answering(hall))
        made = []
        for vault, prefix, name in zip(vaults, ("", PREFIX), (FIRST, SECOND), strict=True):
            fonds.name_fonds(vault, people.machine_operator(), name)
            token = people.invite(vault, people.operator(vault), FOUNDING)
            person = people.accept_invitation(vault, token, login=LOGIN, name="张三", password=PASSWORD)
            made.append(Company(vault=vault, origin=origin, address=f"{origin}{prefix}", person_id=person.id))
        yield Both(first=made[0], second=made[1], hall=hall, origin=origin)


def browser() -> httpx.Client:
    """A browser that is signed in nowhere."""
    return httpx.Client(timeout=60, trust_env=False)


def sign_in(client: httpx.Client, company: Company) -> None:
    """Signs in there as well; the browser goes on there."""
    client.base_url = httpx.URL(company.address)
    answer = client.post("/sign-in", data={"login": LOGIN, "password": PASSWORD})
    assert answer.headers["location"] == company.address.removeprefix(company.origin) + "/"
    client.headers[CSRF_HEADER] = form_token(client.get("/permissions"))


def test_what_is_the_other_companys_is_answered_as_what_does_not_exist(
    both: Both, capsys: pytest.CaptureFixture[str]
) -> None:
    compared = 0
    known = one_of_everything(both.first.vault)
    with browser() as client:
        sign_in(client, both.second)
        for row, name in rows():
            if name in known:
                compared += 1
                paths = [path_to(row, {**known, name: key}) for key in (known[name], UNKNOWN)]
                foreign, missing = (asked(client, row, path) for path in paths)
                assert plain(foreign, known[name]) == plain(missing, UNKNOWN), row.name
                assert foreign.status_code in (303, 400, 403, 404, 415), (row.name, foreign.status_code)
    assert compared > 60
    with capsys.disabled():
        print(f"\nfonds: {compared} rows answer ids of the other company as unknown ones")


def test_sessions_tokens_links_and_invitations_of_one_mean_nothing_in_the_other(both: Both) -> None:
    first, second = both.first, both.second
    one = acting(first.vault, first.person_id)
    record_id = add_bytes(first.vault, one, b"alpha", title="Alpha's").record_id
    _, link = sharing.make_link(first.vault, one, record_id, lifetime=timedelta(days=1), uses_max=1, pass_code=None)
    invitation = people.invite(first.vault, one, {"readers"})
    with browser() as client:
        sign_in(client, first)
        api = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD}).json()["token"]
        scopes = frozenset({Action.LIST_RECORDS})
        token, _ = tokens.create(first.vault, one, name="a program", scopes=scopes, lifetime=timedelta(days=1))
        cookie = client.cookies["strongroom"]
    with httpx.Client(timeout=60) as stranger:
        for bearer in (api, token):
            headers = {"Authorization": f"Bearer {bearer}"}
            assert stranger.get(f"{first.address}/api/v1/records", headers=headers).status_code == 200
            assert stranger.get(f"{second.address}/api/v1/records", headers=headers).status_code == 401
        for path in (f"/l/{link}", f"/welcome/{invitation}"):
            assert stranger.get(first.address + path).status_code == 200
            assert stranger.get(second.address + path).status_code == 404
        for name in ("strongroom", "strongroom-fonds-bco"):
            answer = stranger.get(f"{second.address}/records", headers={"Cookie": f"{name}={cookie}"})
            assert (answer.status_code, answer.headers["location"]) == (
                303,
                f"{PREFIX}/sign-in?next={PREFIX}/records",
            )


def test_only_who_is_signed_in_at_both_is_told_of_both_and_goes_from_one_to_the_other(both: Both) -> None:
    with browser() as client:
        sign_in(client, both.first)
        alone = client.get("/account").text
        assert FIRST in alone
        assert SECOND not in alone
        assert PREFIX not in alone
        sign_in(client, both.second)
        there = client.get("/account").text
        assert f'<a href="/">{FIRST}</a>' in there
        assert f'href="{PREFIX}/records"' in there
        assert 'href="/records"' not in there
        here = client.get(f"{both.first.address}/account").text
        assert f'<a href="{PREFIX}/">{SECOND}</a>' in here
        # What is done in one asks for the form's token of that one.
        stale = client.headers[CSRF_HEADER]
        assert stored_id(client, b"beta", title="a letter")
        answer = client.post(
            f"{both.first.address}/api/v1/customers", json={"name": "Customer"}, headers={CSRF_HEADER: stale}
        )
        assert answer.json()["code"] == "foreign-request"
        assert client.post("/sign-out", data={"csrf_token": stale}).headers["location"] == f"{PREFIX}/sign-in"
        after = client.get(f"{both.first.address}/account").text
        assert SECOND not in after
        assert client.get("/account").headers["location"] == f"{PREFIX}/sign-in?next={PREFIX}/account"
        # A path of another fonds is nowhere to go back to.
        fields = {"login": LOGIN, "password": PASSWORD, "next": "/records"}
        assert client.post("/sign-in", data=fields).headers["location"] == f"{PREFIX}/"


def test_a_fonds_that_is_not_open_says_so_and_an_unknown_one_is_no_address(both: Both) -> None:
    with httpx.Client(base_url=both.origin, timeout=60) as client:
        both.hall.close("/fonds/away")
        answer = client.get("/fonds/away/sign-in")
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert client.post("/fonds/away/api/v1/sessions", json={}).json()["code"] == "catalogue-unavailable"
        unknown, stray = (
            client.get(path).text.replace(path, "PATH") for path in ("/fonds/nobody/sign-in", "/nothing/at/all")
        )
        assert unknown == stray


def test_a_server_opens_what_was_added_and_makes_none_where_a_backup_is_awaited(
    shared_store: RunningStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.main.FONDS_EVERY_S", 0.05)
    settings = settings_over(shared_store.endpoint.operator, tmp_path / "home")
    settings.home.mkdir(mode=0o700)
    its = make_home(settings, FondsCode("bco"))
    ensure_bucket(replace(shared_store.endpoint.operator, bucket=its.s3_bucket))

    def unlock(wanted: Settings) -> Settings:
        raise SettingsWrong("its list of keepers cannot be read")

    with open_vault(settings, create=True) as first:
        neighbours = Neighbours()
        hall = Hall(create_application(first, neighbours=neighbours, texts=loaded_texts()))
        site = neighbours.any()
        assert site is not None
        opening = partial(opened_beside, settings, first, hall, neighbours, origin="http://127.0.0.1")
        with opening(unlock=unlock) as at_once:
            time.sleep(0.5)  # several looks
            assert at_once == []
            assert neighbours.beside(site) == []
            assert list(its.home.iterdir()) == []
            assert not its.keeper.exists()
            with open_vault(its, create=True) as made:
                fonds_id = made.fonds.id
            until = time.monotonic() + 30
            while not neighbours.beside(site) and time.monotonic() < until:
                time.sleep(0.05)
            assert [each.vault.fonds.id for each in neighbours.beside(site)] == [fonds_id]
        with opening(unlock=lambda wanted: wanted) as at_once:
            assert at_once == ["http://127.0.0.1/fonds/bco"]


def test_what_was_typed_for_the_first_opens_no_other_and_each_is_asked_for(
    shared_store: RunningStore, tmp_path: Path
) -> None:
    def typed(wanted: Settings, passphrase: str) -> Settings:
        return wanted.model_copy(update={"keeper_answers": {"file": SecretStr(passphrase)}})

    def ask(wanted: Settings) -> Settings:
        assert [each.at for each in secrets_to_ask(wanted.keepers())] == ["file"]
        return typed(wanted, "its passphrase")

    settings = typed(settings_over(shared_store.endpoint.operator, tmp_path / "home"), "the passphrase of the first")
    settings.home.mkdir(mode=0o700)
    its = make_home(settings, FondsCode("bco"))
    ensure_bucket(replace(shared_store.endpoint.operator, bucket=its.s3_bucket))
    with open_vault(typed(its, "its passphrase"), create=True):
        pass
    with open_vault(settings, create=True) as first:
        neighbours = Neighbours()
        hall = Hall(create_application(first, neighbours=neighbours, texts=loaded_texts()))
        opening = partial(opened_beside, settings, first, hall, neighbours, origin="http://127.0.0.1")
        with capture_logs() as told, opening(unlock=lambda wanted: wanted) as at_once:
            assert at_once == []
        (why,) = [each["message"] for each in told if each["event"] == "fonds-not-open"]
        assert "start it in a terminal" in why
        assert "passphrase of the first" not in str(told)
        with opening(unlock=ask) as at_once:
            assert at_once == ["http://127.0.0.1/fonds/bco"]
