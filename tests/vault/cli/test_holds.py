"""``strongroom hold`` from placing to release, as people and programs see it."""

from __future__ import annotations

from pathlib import Path

from tests.support.holding import officer
from tests.vault.cli.conftest import Installation, Strongroom
from vault.cli import exits
from vault.workflows import matters

SAID = ("--title", "Case 7", "--reason", "A claim was filed", "--issuer", "District court")


def add(strongroom: Strongroom, folder: Path, *options: str) -> str:
    path = folder / "paper.txt"
    path.write_bytes(b"a paper")
    done = strongroom("record", "add", path, "--class", "house", "--json", *options)
    assert done.code == exits.OK, done.talk
    number: str = done.document["files"][0]["number"]
    return number


def test_a_hold_from_placing_to_release(strongroom: Strongroom, installation: Installation, tmp_path: Path) -> None:
    number, later = add(strongroom, tmp_path), add(strongroom, tmp_path)
    tried = strongroom("hold", "place", *SAID, "--record", number, "--dry-run", "--json")
    assert (tried.code, tried.document["dry_run"], tried.document["records"]) == (exits.OK, True, 1)
    assert strongroom("hold", "list", "--json").document == {"matters": [], "more": False}
    assert "no matters" in strongroom("hold", "list").talk
    placed = strongroom("hold", "place", *SAID, "--record", number, "--query", "nothing-of-the-kind", "--json")
    assert placed.code == exits.OK, placed.talk
    matter = placed.document["number"]
    assert (placed.document["state"], placed.document["records"], placed.document["title"]) == ("in-force", 1, "Case 7")
    refused = strongroom("destruction", "run", number, "--i-am-alone", "--filed-in-error")
    assert refused.code == exits.REFUSED
    assert f"is held by matter {matter}; release the hold first" in refused.talk
    widened = strongroom("hold", "add", matter, "--record", later, "--json")
    assert (widened.code, widened.document["records"], widened.document["versions_held_in_store"]) == (exits.OK, 2, 0)
    waiting = strongroom("hold", "mirror", "--dry-run", "--json").document
    assert waiting == {"held": 0, "freed": 0, "left": 0, "waiting": 2, "dry_run": True}
    assert "2 held in the store, 0 freed, 0 to do" in strongroom("hold", "mirror").stdout.decode()
    shown = strongroom("hold", "show", matter, "--json").document
    assert (shown["versions_held_in_store"], shown["more"]) == (2, False)
    assert {(each["kind"], each["label"]) for each in shown["scope"]} == {
        ("record", number),
        ("record", later),
        ("query", "nothing-of-the-kind"),
    }
    lines = strongroom("hold", "show", matter).stdout.decode()
    assert "2 of 2 versions have their legal hold" in lines
    assert "A claim was filed" in lines
    assert matter in strongroom("hold", "list").stdout.decode()
    assert strongroom("hold", "release", matter).code == exits.REFUSED
    proposed = strongroom("hold", "propose-release", matter, "--reason", "It was settled", "--json")
    assert proposed.document["release_reason"] == "It was settled"
    alone = strongroom("hold", "release", matter)
    assert alone.code == exits.NOT_ALLOWED
    assert "a second person has to confirm it" in alone.talk
    assert strongroom("hold", "withdraw-release", matter, "--json").document["state"] == "in-force"
    strongroom("hold", "propose-release", matter, "--reason", "It was settled after all")
    with installation.open() as vault:
        matters.release_hold(vault, officer("second"), matters.find_matter(vault, officer("second"), matter).id)
    assert strongroom("hold", "show", matter, "--json").document["released_by"] == "second"
    assert strongroom("hold", "mirror", "--json").document["freed"] == 2


def test_what_is_wrong_is_said_with_the_way_out(strongroom: Strongroom) -> None:
    assert strongroom("hold", "place", *SAID).code == exits.REFUSED
    assert "nothing is named that is to be held" in strongroom("hold", "place", *SAID).talk
    assert strongroom("hold", "place", *SAID, "--record", "1999-000001").code == exits.REFUSED
    assert strongroom("hold", "place", *SAID, "--class", "no-such-class").code == exits.REFUSED
    assert strongroom("hold", "show", "H-1999-0001").code == exits.REFUSED
    assert strongroom("hold", "place", "--title", "x").code == exits.USAGE
