"""``strongroom disposition`` from the proposal to the execution, as people and programs see it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.disposing import ANN, BEA, due_day, rule_in_force
from tests.vault.cli.conftest import Installation, Strongroom
from vault.classes import DisposalAction
from vault.cli import exits
from vault.workflows import disposal, holding
from vault.workflows.retrieval import find_record


def add(strongroom: Strongroom, folder: Path, code: str) -> str:
    path = folder / "paper.txt"
    path.write_bytes(b"a paper")
    done = strongroom("record", "add", path, "--class", code, "--json")
    assert done.code == exits.OK, done.talk
    number: str = done.document["files"][0]["number"]
    return number


def test_a_list_from_the_proposal_to_the_execution(
    strongroom: Strongroom, installation: Installation, tmp_path: Path
) -> None:
    assert strongroom("disposition", "list", "--json").document["lists"] == []
    with installation.open() as vault:
        rule = rule_in_force(vault)
    asked = strongroom("disposition", "propose", "--class", rule.code, "--dry-run")
    assert (asked.code, asked.stdout) == (exits.OK, b"")
    assert f"nothing of the class {rule.code} is due" in asked.talk
    numbers = [add(strongroom, tmp_path, rule.code) for _ in range(3)]
    with installation.open() as vault:
        for number in numbers:
            record = find_record(vault, ANN, number)
            holding.file_record(vault, ANN, record.id, trigger_on=due_day(vault))
        until = (due_day(vault) + timedelta(days=30)).isoformat()
    seen = strongroom("disposition", "propose", "--class", rule.code, "--dry-run", "--json").document
    assert sorted(seen["records"]) == numbers
    made = strongroom("disposition", "propose", "--class", rule.code, "--json")
    assert made.code == exits.OK, made.talk
    number = made.document["lists"][0]["number"]
    assert "nothing is due" in strongroom("disposition", "propose", "--class", rule.code).talk
    assert strongroom("disposition", "sign", number).code == exits.REFUSED
    kept = strongroom(
        "disposition",
        "review",
        number,
        numbers[0],
        "--decision",
        "extend",
        "--reason",
        "a claim",
        "--until",
        until,
        "--json",
    )
    assert kept.document["decisions"]["extend"] == 1, kept.talk
    rest = strongroom("disposition", "review", number, "--decision", "destroy", "--json").document
    assert (rest["decisions"]["pending"], rest["decisions"]["destroy"]) == (0, 2)
    signed = strongroom("disposition", "sign", number, "--as", "proposer", "--json").document
    assert signed["next"] == {"part": "approver", "step": 1, "title": "approver"}
    again = strongroom("disposition", "sign", number)
    assert (again.code, "somebody else" in again.talk) == (exits.NOT_ALLOWED, True)
    assert strongroom("disposition", "execute", number).code == exits.REFUSED
    with installation.open() as vault:
        disposal.sign(vault, BEA, disposal.find_list(vault, BEA, number).id)
    objected = strongroom("disposition", "object", number, numbers[1], "--reason", "the customer wants it kept")
    assert objected.code == exits.OK, objected.talk
    tried = strongroom("disposition", "execute", number, "--dry-run", "--json").document
    assert (tried["records"], tried["dry_run"]) == ([numbers[2]], True)
    done = strongroom("disposition", "execute", number, "--json")
    assert done.code == exits.OK, done.talk
    assert (done.document["state"], done.document["records"]) == ("done", 1)
    shown = strongroom("disposition", "show", number, "--json").document
    assert {each["number"]: each["decision"] for each in shown["items"]} == dict(
        zip(numbers, ("extend", "objected", "destroy"), strict=True)
    )
    lines = strongroom("disposition", "show", number).stdout.decode()
    assert "a claim" in lines
    assert number in strongroom("disposition", "list").stdout.decode()
    assert strongroom("disposition", "resume", "--dry-run").code == exits.REFUSED
    error = strongroom("disposition", "propose", numbers[1], "--filed-in-error", "--reason", "private", "--json")
    other = error.document["lists"][0]["number"]
    cancelled = strongroom("disposition", "cancel", other, "--reason", "it was not", "--json").document
    assert (cancelled["state"], cancelled["cancelled"]) == ("cancelled", "it was not")
    assert strongroom("disposition", "propose", numbers[1]).code == exits.REFUSED


def test_customers_are_told_and_the_window_begins(
    strongroom: Strongroom, installation: Installation, tmp_path: Path
) -> None:
    with installation.open() as vault:
        rule = rule_in_force(vault, notify=True, objection_days=9, action=DisposalAction.TRANSFER)
    customer = strongroom("customer", "add", "Hillside Bakery", "--json").document["number"]
    path = tmp_path / "lease.txt"
    path.write_bytes(b"a lease")
    added = strongroom("record", "add", path, "--class", rule.code, "--customer", customer, "--json")
    record = added.document["files"][0]["number"]
    with installation.open() as vault:
        holding.file_record(vault, ANN, find_record(vault, ANN, record).id, trigger_on=due_day(vault))
    number = strongroom("disposition", "propose", "--class", rule.code, "--json").document["lists"][0]["number"]
    assert strongroom("disposition", "review", number, "--decision", "destroy").code == exits.REFUSED
    said = ("disposition", "review", number, "--decision", "permanent", "--reason", "of lasting value", "--json")
    tried = strongroom(*said, "--dry-run").document
    assert (tried["decisions"]["extend"], tried["dry_run"]) == (1, True)
    why = ("--reason", "nobody takes it")
    assert strongroom("disposition", "review", number, "--decision", "destroy", *why).code == exits.OK
    signed = strongroom("disposition", "sign", number, "--json").document
    opinion = strongroom("record", "show", signed["opinion"], "--json").document
    assert (opinion["class"], number in opinion["title"]) == ("appraisal", True)
    with installation.open() as vault:
        disposal.sign(vault, BEA, disposal.find_list(vault, BEA, number).id)
    assert "1 customers have not been told" in strongroom("disposition", "execute", number, "--yes").talk
    rows = strongroom("notice", "list", "--list", number, "--json").document["notices"]
    assert [(each["audience"], each["customer"], each["state"]) for each in rows] == [
        ("staff", None, "told"),
        ("customer", customer, "waiting"),
    ]
    shown = strongroom("notice", "show", rows[1]["id"], "--json").document
    assert record in shown["text_en"]
    assert "9 天" in shown["text_zh"]
    tell = ("notice", "tell", number, customer, "--channel", "post", "--remark", "RR 1")
    assert strongroom(*tell, "--dry-run").code == exits.OK
    done = strongroom(*tell)
    assert (done.code, "objections may be made until" in done.talk) == (exits.OK, True), done.talk
    assert strongroom(*tell).code == exits.REFUSED
    assert "told" in strongroom("notice", "list").stdout.decode()
    assert strongroom("notice", "list", "--waiting", "--json").document["notices"] == []
