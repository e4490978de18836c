"""The installation in several parts, as far as it can be checked without a container engine."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from storage.objects.seaweed import application_policy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """docker-compose.yml, read."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return read


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder of secrets as the installation makes them."""
    subprocess.run([ROOT / "scripts" / "make_secrets", tmp_path / "secrets"], check=True)
    return tmp_path / "secrets"


def test_every_setting_it_names_is_one_that_the_product_reads(compose: dict[str, Any]) -> None:
    from storage.settings import Settings

    known = {f"STRONGROOM_{name}".upper() for name in Settings.model_fields}
    named = set(compose["services"]["application"]["environment"])
    assert {name for name in named if name.startswith("STRONGROOM_")} <= known


def test_every_published_port_is_bound_to_the_loopback_interface(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    assert not any(service.get("network_mode") == "host" for service in compose["services"].values())


def test_no_secret_is_written_in_it(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if any(word in name for word in ("PASSWORD", "SECRET", "ACCESS_KEY", "KEEPER_KEY")):
                assert name.endswith("_FILE")
                assert value.startswith("/run/strongroom/")


def test_every_file_of_secrets_that_it_names_is_made(compose: dict[str, Any], secrets: Path) -> None:
    text = json.dumps(compose)
    named = {word.split('"')[0].split()[0] for word in text.split("/run/strongroom/")[1:]}
    assert named
    assert {name for name in named if not (secrets / name).is_file()} == set()
    assert (secrets / "security.toml").is_file()


def test_every_part_waits_until_what_it_needs_is_healthy(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed]


def test_secrets_are_private_unguessable_and_kept(secrets: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secrets.iterdir())
    drawn = [value for name, value in before.items() if name.startswith(("s3_", "keeper", "database"))]
    assert len(set(drawn)) == len(drawn) == 6
    assert all(len(value) >= 20 for value in drawn)
    subprocess.run([ROOT / "scripts" / "make_secrets", secrets], check=True)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


def test_the_application_may_do_in_the_store_what_it_may_in_the_embedded_one(secrets: Path) -> None:
    store = json.loads((secrets / "store.json").read_text(encoding="utf-8"))
    application = next(identity for identity in store["identities"] if identity["name"] == "application")
    assert application["actions"] == []
    assert application["policyNames"] == ["application"]
    statements = json.loads(store["policies"][0]["content"])["Statement"]
    denied = [row["Action"] for row in statements if row["Effect"] == "Deny"]
    assert denied == [["s3:BypassGovernanceRetention"]]
    assert allowed(statements) == allowed(application_policy("strongroom")["Statement"])


def allowed(statements: Any) -> dict[str, set[str]]:
    """The actions that a policy allows, by resource."""
    return {",".join(row["Resource"]): set(row["Action"]) for row in statements if row["Effect"] == "Allow"}
