"""The API judged by schemathesis: what it makes of the description, as each role; ``scripts/bench api`` sends more."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from tests.support.judged import judge
from tests.support.people import everything
from tests.support.things import one_of_everything
from tests.web.conftest import Served
from vault.customers import Profile
from vault.permissions import PERMISSIONS
from vault.workflows import customers


def test_no_request_breaks_the_server_or_gets_what_is_not_described(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.process_time()
    found = judge(served.vault, served.address, known=one_of_everything(served.vault), examples=1)
    spent_s = time.process_time() - begun
    with capsys.disabled():
        print(f"\njudged by schemathesis: {found.answers} answers, {dict(found.by_status)}, {spent_s:.0f} CPU s")
    assert not found.faults, "\n".join(found.faults[:20])
    assert found.answers > 1000


def _only(description: dict[str, Any], path: str) -> dict[str, Any]:
    """The description of one address, which names neither what is not there nor what an answer has."""
    operations = description["paths"][f"/api/v1{path}"]
    for operation in operations.values():
        operation["responses"].pop("404")
        operation["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "array"}
    return {**description, "paths": {f"/api/v1{path}": operations}}


def test_the_judge_finds_what_is_not_described_and_who_should_not_get_it(served: Served) -> None:
    customer = customers.add_customer(served.vault, everything(), Profile(name="Customer", note="")).customer
    nobody = {action: replace(each, roles=frozenset()) for action, each in PERMISSIONS.items()}
    found = judge(
        served.vault,
        served.address,
        known={"customer": customer.number},
        examples=1,
        permissions=nobody,
        described=lambda description: _only(description, "/customers/{customer}"),
    )
    assert not found.server_errors
    assert any("-> 404" in each for each in found.undocumented)
    assert any("-> 200" in each for each in found.undocumented)
    assert {each.partition(":")[0] for each in found.forbidden} >= {"reader", "records", "officer", "token"}
