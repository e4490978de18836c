"""The door, walked: every row of the route table by somebody of each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.test_routes import path_of
from tests.web.visitors import PASSWORD, sign_in
from vault.permissions import PERMISSIONS, Action, Role
from vault.workflows import people
from web.routes import ROWS
from web.sessions import CSRF_HEADER
from web.site import Kind

GROUPS = {
    Role.SYSTEM: "system",
    Role.SECURITY: "security",
    Role.AUDIT: "audit",
    Role.RECORDS: "records",
    Role.OFFICER: "officers",
    Role.READER: "readers",
}


@pytest.fixture(scope="module")
def visitors(served: Served) -> Iterator[Mapping[Role, httpx.Client]]:
    """The browser of somebody of each role."""
    clients = {}
    for role, group in GROUPS.items():
        token = people.invite(served.vault, everything(), {group})
        people.accept_invitation(served.vault, token, login=f"one-{group}", name=group, password=PASSWORD)
        client = served.client()
        client.headers[CSRF_HEADER] = sign_in(client, f"one-{group}").csrf_token
        clients[role] = client
    yield clients
    for client in clients.values():
        client.close()


def test_every_row_lets_in_whom_the_table_names_and_nobody_else(
    visitors: Mapping[Role, httpx.Client], capsys: pytest.CaptureFixture[str]
) -> None:
    cells = 0
    guarded = [row for row in ROWS if isinstance(row.permission, Action)]
    for row in guarded:
        assert isinstance(row.permission, Action)
        method, allowed = row.methods[0], PERMISSIONS[row.permission].roles
        for role, client in visitors.items():
            cells += 1
            # Of a change the door is all that is tried: a body of no type that a row takes is refused behind it.
            changes = {} if method == "GET" else {"content": b"-", "headers": {"Content-Type": "text/plain"}}
            answer = client.request(method, path_of(row), **changes)  # type: ignore[arg-type]  # httpx's own
            refused = answer.status_code == 403
            assert refused == (role not in allowed), (row.name, role.value, answer.status_code)
            if refused and row.kind is Kind.API:
                assert answer.json()["code"] == "not-allowed"
    assert cells == len(guarded) * len(GROUPS)
    with capsys.disabled():
        print(f"\npermission walk: {cells} cells of {len(guarded)} guarded rows")
