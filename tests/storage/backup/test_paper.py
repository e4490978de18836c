"""A rebuilt catalogue knows where paper is, and how some of it was destroyed, whose record's bytes are gone."""

from __future__ import annotations

from tests.storage.backup.test_rebuild import rebuilt
from tests.support.backups import Sites, add_for, destroy
from tests.support.holding import officer
from vault.paper import PaperMethod
from vault.workflows import paper, upkeep

ONE = officer("one")


def test_paper_comes_back(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        kept, gone = add_for(vault, None, b"kept"), add_for(vault, None, b"gone")
        for record_id in (kept, gone):
            paper.keep_paper(vault, ONE, record_id, box="B-1", place="Cellar")
        paper.keep_paper(vault, ONE, kept, box="B-2", place="Attic")
        destroy(vault, gone)
        paper.destroy_paper(
            vault, ONE, gone, method=PaperMethod.PULPING, weight_grams=9, vendor="Paper Ltd", witnesses=("a", "b")
        )
        upkeep.send_outbox(vault)
        before = [paper.show_paper(vault, ONE, each) for each in (kept, gone)]
    again = sites.new(like=site, same_store=True)
    rebuilt(again)
    with again.open() as vault:
        after = [paper.show_paper(vault, ONE, each) for each in (kept, gone)]
        assert [(view.words, view.paper.state, view.paper.box) for view in after if view] == [
            (view.words, view.paper.state, view.paper.box) for view in before if view
        ]
