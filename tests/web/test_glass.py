"""That the operator let an administrator in again stands on the first page of every administration, of nobody else."""

from __future__ import annotations

from tests.web.conftest import Served
from tests.web.visitors import LOGIN, PASSWORD, Staff, sign_in
from vault.workflows import breakglass, passwords

SAID = "let 张三 in again"


def test_every_administration_sees_it_on_its_first_page(served: Served, auditor: Staff, reader: Staff) -> None:
    assert SAID not in auditor.client.get("/permissions").text
    person_id, link = breakglass.let_in_again(served.vault, LOGIN, nobody_else_can=False)
    assert passwords.reset_password(served.vault, link, password=PASSWORD) == person_id
    with served.client() as client:
        sign_in(client)
        assert SAID in client.get("/").text
    # Whoever has nothing to do with records is led from the first page to what they may do.
    assert SAID in auditor.client.get("/", follow_redirects=True).text
    assert SAID not in reader.client.get("/").text
