"""Settings: read once, and every wrong one named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from storage.fondshomes import every_fonds, every_lost
from storage.settings import load_settings
from vault.errors import SettingsWrong
from vault.ids import FondsCode


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STRONGROOM_")]:
        monkeypatch.delenv(name)


def outside(**other: Any) -> dict[str, Any]:
    return {"s3_endpoint": "https://s3.example.org", "s3_access_key": "reader", "s3_secret_key": "sesame", **other}


def test_none_is_needed_on_one_machine(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    assert settings.s3() is None
    assert settings.s3_operator() is None
    assert settings.database_url == f"sqlite:///{tmp_path}/home/catalogue.sqlite"
    assert settings.keeper == tmp_path / "home-keeper"
    assert (settings.host, settings.port, settings.address) == ("127.0.0.1", 8630, "http://127.0.0.1:8630")


def test_the_environment_sets_what_was_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "one"))
    monkeypatch.setenv("STRONGROOM_LISTEN", "[::1]:9000")
    settings = load_settings()
    assert (settings.home, settings.host, settings.port) == (tmp_path / "one", "::1", 9000)
    assert load_settings(home=tmp_path / "two", listen=None).home == tmp_path / "two"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "8630"),
        ("LISTEN", "localhost"),
        ("LISTEN", ":8630"),
        ("LISTEN", "127.0.0.1:"),
        ("LISTEN", "127.0.0.1:65536"),
        ("LISTEN", "127.0.0.1:x"),
        ("LISTEN", "127.0.0.1:٣"),
        ("PUBLIC_URL", "records.example.org"),
        ("PUBLIC_URL", "ftp://records.example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://records.example.org/vault"),
        ("PUBLIC_URL", "https://records.example.org?x"),
        ("PUBLIC_URL", "https://records.example.org:x"),
        ("UPLOAD_BYTES_MAX", "0"),
        ("UPLOAD_BYTES_MAX", "-1"),
        ("UPLOAD_BYTES_MAX", "much"),
        ("S3_PATH_STYLE", "perhaps"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"STRONGROOM_{name}", value)
    with pytest.raises(SettingsWrong, match=f"STRONGROOM_{name}"):
        load_settings()


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(SettingsWrong, match=r"STRONGROOM_LISTEN.*STRONGROOM_UPLOAD_BYTES_MAX"):
        load_settings(listen="x", upload_bytes_max=0)


@pytest.mark.parametrize("missing", ["s3_access_key", "s3_secret_key"])
def test_an_endpoint_needs_both_its_keys(missing: str) -> None:
    with pytest.raises(SettingsWrong, match=f"needs {missing}") as refused:
        load_settings(**outside(**{missing: None}))
    assert "sesame" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    settings = load_settings(**outside())
    assert "sesame" not in repr(settings) + repr(settings.s3())
    s3 = settings.s3()
    assert s3 is not None
    assert s3.secret_key == "sesame"


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("sesame\n", encoding="utf-8")
    s3 = load_settings(**outside(s3_secret_key=None, s3_secret_key_file=file)).s3()
    assert s3 is not None
    assert s3.secret_key == "sesame"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"], ids=["absent", "empty", "blank", "not text"])
def test_a_secrets_file_that_holds_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    settings = load_settings(**outside(s3_secret_key=None, s3_secret_key_file=file))
    with pytest.raises(SettingsWrong, match="STRONGROOM_S3_SECRET_KEY_FILE"):
        settings.s3()


def test_half_of_the_operators_keys_is_named() -> None:
    with pytest.raises(SettingsWrong, match="STRONGROOM_S3_OPERATOR_SECRET_KEY"):
        load_settings(**outside(s3_operator_access_key="owner")).s3_operator()


def test_an_endpoint_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="not-an-endpoint"):
        load_settings(**outside(s3_endpoint="not-an-endpoint")).s3()


def test_the_address_is_the_public_one_where_there_is_one() -> None:
    assert load_settings(public_url="https://records.example.org/").address == "https://records.example.org"
    assert load_settings(public_url="http://10.0.0.1:8080").address == "http://10.0.0.1:8080"


@pytest.mark.parametrize("name", ["keeper_folder", "keeper_key_file"])
@pytest.mark.parametrize("place", ["home", "home/keeper", "home/../home/keeper"])
def test_the_root_key_is_never_in_the_home(tmp_path: Path, name: str, place: str) -> None:
    with pytest.raises(SettingsWrong, match=f"{name} is in the home"):
        load_settings(home=tmp_path / "home", **{name: tmp_path / place})
    kept = tmp_path / "home-keeper"
    assert getattr(load_settings(home=tmp_path / "home", **{name: kept}), name) == kept


def test_a_provider_of_openid_connect_is_named_by_its_issuer(tmp_path: Path) -> None:
    assert load_settings().provider() is None
    secret = tmp_path / "secret"
    secret.write_text("sesame\n", encoding="utf-8")
    named = load_settings(
        oidc_issuer="https://login.example.org/tenant",
        oidc_client_id="vault",
        oidc_client_secret_file=secret,
        oidc_hosts="keys.example.org, API.example.org:8443",
    ).provider()
    assert named is not None
    assert (named.name, named.secret, named.scopes) == ("login.example.org", "sesame", "openid profile")
    assert named.origin_hosts == {"login.example.org", "keys.example.org", "api.example.org:8443"}
    assert "sesame" not in repr(named)


@pytest.mark.parametrize(
    "issuer",
    [
        "login.example.org",
        "http://login.example.org",
        "https://",
        "https://user@login.example.org",
        "https://login.example.org?a=b",
        "https://login.example.org#a",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_an_issuer_that_is_none_or_in_clear_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsWrong, match="STRONGROOM_OIDC_ISSUER"):
        load_settings(oidc_issuer=issuer, oidc_client_id="vault")


def test_a_provider_needs_to_know_us_and_is_asked_who_somebody_is() -> None:
    with pytest.raises(SettingsWrong, match="oidc_client_id"):
        load_settings(oidc_issuer="https://login.example.org")
    with pytest.raises(SettingsWrong, match="STRONGROOM_OIDC_SCOPES"):
        load_settings(oidc_issuer="https://login.example.org", oidc_client_id="vault", oidc_scopes="profile")


def test_a_further_fonds_has_everything_beside_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = outside(
        home=tmp_path / "home",
        catalogue_url="postgresql+psycopg://me:sesame@db.example.org/strongroom?sslmode=require",
        backup_folder=tmp_path / "backups",
        public_url="https://records.example.org",
    )
    monkeypatch.setenv("STRONGROOM_FONDS", "bco")
    settings = load_settings(**given)
    assert (settings.home, settings.keeper) == (tmp_path / "home/fonds/bco", tmp_path / "home-keeper/fonds/bco")
    assert settings.catalogue_url == "postgresql+psycopg://me:sesame@db.example.org/strongroom_bco?sslmode=require"
    assert (settings.s3_bucket, settings.backup_s3_bucket) == ("strongroom-bco", "strongroom-backup-bco")
    assert settings.backup_folder == tmp_path / "backups/fonds/bco"
    assert settings.address == "https://records.example.org/fonds/bco"
    monkeypatch.delenv("STRONGROOM_FONDS")
    first = load_settings(**given)
    assert first.of_fonds(FondsCode("bco")) == settings
    assert (first.home, first.fonds, first.path_prefix) == (tmp_path / "home", None, "")


@pytest.mark.parametrize("buckets", [("strongroom", "strongroom-backup"), ("strongroom-backup", "strongroom")])
def test_no_fonds_gets_a_bucket_of_the_first(tmp_path: Path, buckets: tuple[str, str]) -> None:
    endpoint = "https://store.example.org"
    keys = dict.fromkeys(("s3_access_key", "s3_secret_key", "backup_s3_access_key", "backup_s3_secret_key"), "k")
    places = {"s3_endpoint": endpoint, "backup_s3_endpoint": endpoint}
    names = dict(zip(("s3_bucket", "backup_s3_bucket"), buckets, strict=True))
    first = load_settings(home=tmp_path / "home", **keys, **places, **names)
    with pytest.raises(SettingsWrong, match="another code"):
        first.of_fonds(FondsCode("backup"))
    assert first.of_fonds(FondsCode("bco")).s3_bucket == f"{buckets[0]}-bco"


def test_what_comes_back_is_known_by_the_keepers_folder_where_the_home_is_lost(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    first = load_settings(home=tmp_path / "home", backup_folder=backups)
    for folder in (first.keeper / "fonds/cco", backups / "fonds/bco", first.home / "fonds/aco"):
        folder.mkdir(parents=True)
    assert [each.fonds for each in every_fonds(first)] == [None, "aco"]
    assert [each.fonds for each in every_lost(first)] == [None, "aco", "bco", "cco"]
    assert [each.fonds for each in every_lost(first.of_fonds(FondsCode("bco")))] == ["bco"]


@pytest.mark.parametrize("code", ["", "b", "Bco", "b-co", "../x", "1co", "b" * 17, "b\n", "公司"])
def test_a_code_that_is_none_is_named(code: str) -> None:
    with pytest.raises(SettingsWrong, match="STRONGROOM_FONDS"):
        load_settings(fonds=code)
