"""Permission reviews and early warning by commands."""

from __future__ import annotations

import csv

from tests.vault.cli.conftest import Done, Installation, Strongroom
from tests.vault.cli.test_gates import PASSWORD, join
from vault.cli import exits


def test_a_review_is_begun_decided_on_and_reported(strongroom: Strongroom, installation: Installation) -> None:
    def acting(login: str, *arguments: str) -> Done:
        assert strongroom("login", "--login", login, "-q", stdin=f"{PASSWORD}\n").code == exits.OK
        return strongroom(*arguments)

    everything = ("--group", "security", "--group", "officers", "--group", "records")
    ann = join(strongroom, installation, "ann", strongroom("person", "invite", *everything, "--json"))
    bea = join(strongroom, installation, "bea", acting("ann", "person", "invite", *everything, "--json"))
    alone = acting("ann", "review", "start", "--reviewer", ann, "--group", "records")
    assert (alone.code, "their own" in alone.talk) == (exits.REFUSED, True)
    both = ("--reviewer", ann, "--reviewer", bea, "--group", "security", "--days", "3")
    number = acting("ann", "review", "start", *both, "--json").document["number"]
    items = strongroom("review", "show", number, "--json").document["items"]
    mine = next(each["item"] for each in items if each["person_id"] == ann)
    theirs = next(each["item"] for each in items if each["person_id"] == bea)
    assert [each["about"] for each in strongroom("task", "list", "--json").document["tasks"]].count(number) == 1
    assert strongroom("review", "decide", number, "--keep", str(mine)).code == exits.NOT_ALLOWED
    assert strongroom("review", "decide", number, "--keep", str(theirs), "--revoke", str(theirs)).code == exits.USAGE
    assert strongroom("review", "decide", number, "--keep", str(theirs)).code == exits.OK
    assert "*" in acting("bea", "review", "show", number).stdout.decode()
    assert strongroom("review", "decide", number, "--keep", str(mine)).code == exits.OK
    assert strongroom("review", "report", number).document["counts"] == {"kept": 2}
    table = strongroom("review", "report", number, "--csv").stdout.decode().splitlines()
    assert [row["ruling"] for row in csv.DictReader(table)] == ["kept", "kept"]
    assert "closed" in strongroom("review", "list").stdout.decode()

    assert strongroom("alarm", "list", "--json").document["alarms"] == []
    assert strongroom("alarm", "suspended", "--json").document["suspended"] == []
    assert strongroom("alarm", "rule", "--suspend", "bulk", "--suspend-nobody").code == exits.USAGE
    ruled = strongroom("alarm", "rule", "--suspend", "bulk", "--bulk-floor", "50", "--json").document
    assert (ruled["bulk_floor"], ruled["odd_floor"], ruled["suspends"]) == (50, 3, ["bulk"])
    assert strongroom("alarm", "rule", "--bulk-floor", "1").code == exits.REFUSED
    assert strongroom("alarm", "rule", "--suspend-nobody", "--json").document["suspends"] == []
    assert strongroom("alarm", "settle", "nothing", "--words", "it was looked at").code == exits.REFUSED
