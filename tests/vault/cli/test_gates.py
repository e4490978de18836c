"""Groups, gates and tasks by commands: from an empty vault to an important record that somebody else lent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vault.cli.conftest import Done, Installation, Strongroom
from vault.cli import exits
from vault.training import SHIPPED
from vault.workflows import people

PASSWORD = "a long enough password"
ANSWERS = [part for question in SHIPPED.questions for part in ("--answer", str(question.right + 1))]


@pytest.fixture
def acting(strongroom: Strongroom, installation: Installation) -> Strongroom:
    """Runs a command as whoever is named first."""

    def run(login: str, *arguments: str | Path, stdin: str = "") -> Done:
        assert strongroom("login", "--login", login, "-q", stdin=f"{PASSWORD}\n").code == exits.OK
        return strongroom(*arguments, stdin=stdin)

    return run


def join(strongroom: Strongroom, installation: Installation, login: str, invited: Done) -> str:
    assert invited.code == exits.OK, invited.talk
    token = invited.document["url"].rsplit("/", 1)[-1]
    with installation.open() as vault:
        return people.accept_invitation(vault, token, login=login, name=login.title(), password=PASSWORD).id


def test_from_an_empty_vault_to_a_record_that_somebody_lent(
    strongroom: Strongroom, acting: Strongroom, installation: Installation, tmp_path: Path
) -> None:
    groups = [each["group"] for each in strongroom("group", "list", "--json").document["groups"]]
    assert groups == ["audit", "officers", "readers", "records", "security", "system"]
    assert {"action": "read-log", "by_class": False, "roles": ["audit", "operator"]} in strongroom(
        "permission", "list", "--json"
    ).document["permissions"]
    everything = ("--group", "security", "--group", "officers", "--group", "records")
    join(strongroom, installation, "ann", strongroom("person", "invite", *everything, "--json"))
    bea = join(strongroom, installation, "bea", acting("ann", "person", "invite", "--group", "readers", "--json"))
    assert acting("ann", "group", "join", "officers", bea).code == exits.OK
    assert bea in acting("ann", "group", "show", "officers").stdout.decode()
    assert bea in acting("ann", "group", "people").stdout.decode()
    assert acting("bea", "group", "list").code == exits.NOT_ALLOWED

    assert acting("ann", "group", "add", "deals").code == exits.OK
    assert acting("ann", "group", "grant", "deals", "--role", "reader", "--class", "deal").code == exits.OK
    shown = acting("ann", "group", "show", "deals", "--json").document
    assert shown["grants"] == [{"role": "reader", "class": "deal"}]
    assert acting("ann", "group", "revoke", "deals", "--role", "reader", "--class", "deal").code == exits.OK
    both = acting("ann", "person", "invite", "--group", "system", "--group", "audit")
    assert both.code == exits.REFUSED
    assert "two administrations" in both.talk

    path = tmp_path / "deal.txt"
    path.write_bytes(b"a deal")
    added = acting("ann", "record", "add", path, "--class", "deal", "--json").document
    number = added["files"][0]["number"]
    opening = ("record", "open", number, "--output", tmp_path / "out.txt", "--overwrite", "--words", "due diligence")
    for way_out, deed in (
        ("agreement sign", ("agreement", "sign", "--sha256")),
        ("training take", ("training", "take", *ANSWERS)),
        ("loan ask", ("loan", "ask", number, "--words", "due diligence", "--json")),
    ):
        refused = acting("ann", *opening)
        assert refused.code == exits.NOT_ALLOWED
        assert way_out in refused.talk
        if deed[0] == "agreement":
            deed = (*deed, acting("ann", "agreement", "show", "--json").document["sha256"])
        done = acting("ann", *deed)
        assert done.code == exits.OK, done.talk
    loan = done.document["loan"]
    assert acting("ann", "loan", "grant", loan).code == exits.NOT_ALLOWED
    waiting = acting("bea", "task", "list", "--json").document["tasks"]
    assert ("decide-loan", number, True) in {(each["kind"], each["about"], each["mine"]) for each in waiting}
    assert acting("bea", "loan", "list", "--json").document["to_decide"][0]["words"] == "due diligence"
    assert acting("bea", "loan", "grant", loan).code == exits.OK
    assert acting("ann", *opening).code == exits.OK
    assert (tmp_path / "out.txt").read_bytes() == b"a deal"
    assert acting("ann", "loan", "return", loan).code == exits.OK
    assert acting("ann", *opening).code == exits.NOT_ALLOWED
    again = acting("ann", "loan", "ask", number, "--words", "once more", "--json").document["loan"]
    assert acting("bea", "loan", "refuse", again, "--reason", "it is closed").code == exits.OK

    texts = []
    for language in ("zh", "en"):
        text = tmp_path / f"{language}.txt"
        text.write_text("保密" if language == "zh" else "Keep it to yourself", encoding="utf-8")
        texts += [f"--{language}", text]
    assert acting("ann", "agreement", "publish", *texts).code == exits.OK
    assert acting("ann", "agreement", "signatures", "--json").document["signatures"][0]["current"] is False
    questions = tmp_path / "questions.txt"
    questions.write_text("问 | Question\n* 对 | right\n- 错 | wrong\n", encoding="utf-8")
    published = acting("ann", "training", "publish", *texts, "--questions", questions, "--json")
    assert published.document == {"version": 2}
    assert acting("ann", "training", "take", stdin="1\n").code == exits.OK
    scores = [each["score"] for each in acting("ann", "training", "attempts", "--json").document["attempts"]]
    assert scores == [100, 100]
    assert acting("bea", "training", "publish", *texts, "--questions", questions).code == exits.NOT_ALLOWED
    assert "Keep it" in acting("ann", "training", "show").stdout.decode()
    assert acting("bea", "group", "leave", "officers").code == exits.OK
    assert strongroom("logout").code == exits.OK
    # Keepers stay the machine's operator's.
    assert strongroom("keeper", "status").code in (exits.OK, exits.UNAVAILABLE)
    assert strongroom("record", "list").code == exits.NOT_ALLOWED
