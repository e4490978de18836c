"""``strongroom schedule``: rules proposed, shown and withdrawn; whoever is alone approves nothing."""

from __future__ import annotations

from pathlib import Path

from tests.vault.cli.conftest import Strongroom
from vault.cli import exits

NEW = (
    "--title-zh",
    "样本",
    "--title-en",
    "Sample",
    "--nature",
    "house",
    "--sensitivity",
    "general",
    "--trigger",
    "created",
)


def test_a_rule_is_previewed_proposed_shown_and_withdrawn(strongroom: Strongroom) -> None:
    seen = strongroom("schedule", "preview", "contract", "--years", "12", "--json")
    assert seen.code == exits.OK, seen.talk
    assert (seen.document["before"]["period_years"], seen.document["class"]["period_years"]) == (10, 12)
    tried = strongroom("schedule", "propose", "contract", "--years", "12", "--reason", "longer", "--dry-run", "--json")
    assert (tried.code, tried.document["dry_run"]) == (exits.OK, True)
    done = strongroom("schedule", "propose", "contract", "--years", "12", "--reason", "longer", "--json")
    assert done.code == exits.OK, done.talk
    assert (done.document["version"], done.document["state"], done.document["title_en"]) == (2, "proposed", "Contracts")
    approving = strongroom("schedule", "approve", "contract", "--dry-run", "--json")
    assert approving.document["previews"][0]["class"]["period_years"] == 12
    alone = strongroom("schedule", "approve", "contract")
    assert alone.code == exits.NOT_ALLOWED
    assert "somebody else has to approve it" in alone.talk
    shown = strongroom("schedule", "show", "contract", "--json").document["versions"]
    assert [(each["version"], each["state"], each["reason"]) for each in shown] == [
        (2, "proposed", "longer"),
        (1, "in-force", ""),
    ]
    assert "12 years from contract-ended" in strongroom("schedule", "show", "contract").stdout.decode()
    listed = strongroom("schedule", "list", "--json").document["rules"]
    assert ("contract", 2) in {(each["code"], each["version"]) for each in listed}
    assert strongroom("schedule", "withdraw", "contract").code == exits.OK
    assert strongroom("schedule", "withdraw", "contract").code == exits.REFUSED


def test_a_new_class_needs_all_that_a_class_is(strongroom: Strongroom) -> None:
    refused = strongroom("schedule", "propose", "sample", "--years", "1", "--reason", "new")
    assert refused.code == exits.REFUSED
    assert "--title-zh, --title-en, --nature, --sensitivity, --trigger" in refused.talk
    assert "--permanent" in strongroom("schedule", "propose", "sample", *NEW, "--reason", "new").talk
    both = strongroom("schedule", "preview", "sample", *NEW, "--years", "1", "--permanent")
    assert (both.code, "no period" in both.talk) == (exits.REFUSED, True)
    forbidden = strongroom("schedule", "preview", "sample", *NEW, "--months", "6", "--automatic", "--supervised")
    assert "two supervisors" in forbidden.talk
    done = strongroom("schedule", "propose", "sample", *NEW, "--months", "6", "--reason", "new", "--json")
    assert (done.document["period_years"], done.document["period_months"]) == (0, 6)
    ever = strongroom("schedule", "preview", "house", "--years", "5", "--json")
    assert (ever.document["class"]["action"], ever.document["before"]["action"]) == ("destroy", "keep")
    kept = strongroom("schedule", "preview", "contract", "--permanent", "--json")
    assert (kept.document["class"]["period_years"], kept.document["class"]["action"]) == (None, "keep")


def test_a_set_is_looked_at_before_it_is_adopted(strongroom: Strongroom) -> None:
    tried = strongroom("schedule", "adopt", "eu-us", "--reason", "we work there", "--dry-run", "--json")
    assert tried.code == exits.OK, tried.talk
    assert "eu-due-diligence" in {each["code"] for each in tried.document["classes"]}
    assert "eu-due-diligence" not in {
        each["code"] for each in strongroom("schedule", "list", "--json").document["rules"]
    }
    assert strongroom("schedule", "adopt", "moon", "--reason", "why").code == exits.REFUSED
    nothing = strongroom("schedule", "adopt", "cn", "--reason", "all of it")
    assert (nothing.code, "in force or proposed already" in nothing.talk) == (exits.OK, True)


def test_a_class_with_records_is_not_retired(strongroom: Strongroom, tmp_path: Path) -> None:
    path = tmp_path / "deal.txt"
    path.write_bytes(b"a deal")
    assert strongroom("schedule", "retire", "deal", "--dry-run").code == exits.OK
    added = strongroom("record", "add", path, "--class", "deal", "--json")
    number = added.document["files"][0]["number"]
    refused = strongroom("schedule", "retire", "deal")
    assert (refused.code, "1 records have class deal" in refused.talk) == (exits.REFUSED, True)
    story = strongroom("record", "show", number, "--json").document
    assert (story["verdict"]["standing"], story["verdict"]["may_destroy"]) == ("untriggered", False)
    assert "why it cannot be destroyed" in strongroom("record", "show", number).stdout.decode()
    assert strongroom("record", "add", path, "--class", "no-class").code == exits.REFUSED
