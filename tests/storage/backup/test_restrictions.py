"""A rebuilt catalogue knows what may only be stored, who said so, and what is not settled."""

from __future__ import annotations

import pytest

from tests.storage.backup.test_rebuild import rebuilt
from tests.support.backups import Sites, add_for
from tests.support.holding import officer
from vault.errors import NotAllowed
from vault.workflows import outbox, restricting, retrieval, upkeep

ONE, TWO = officer("one"), officer("two")


@pytest.mark.parametrize("registered", [True, False], ids=["in-a-register", "sent-after-it"])
def test_restrictions_come_back(sites: Sites, registered: bool) -> None:
    site = sites.new()
    with site.open() as vault:
        stored, open_again, unsettled = (add_for(vault, None, b"x") for _ in range(3))
        upkeep.send_outbox(vault)
        restricting.restrict_record(vault, ONE, stored, "asked for")
        restricting.restrict_record(vault, ONE, open_again, "asked for")
        restricting.lift_restriction(vault, TWO, open_again, "no more")
        restricting.mark_unsettled(vault, ONE, unsettled, "a loan")
        if registered:
            upkeep.send_outbox(vault)
        else:
            outbox.send_pending(vault)
    again = sites.new(like=site, same_store=True)
    rebuilt(again)
    with again.open() as vault:
        found = [retrieval.find_record(vault, ONE, each) for each in (stored, open_again, unsettled)]
        assert [each.is_restricted for each in found] == [True, False, False]
        assert [each.is_unsettled for each in found] == [False, False, True]
        with pytest.raises(NotAllowed, match="second person"):
            restricting.lift_restriction(vault, ONE, stored, "no more")
