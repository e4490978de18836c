"""The verdict: what decides comes first, nothing dies early, and every reason has its words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.samples import NOW, a_class, a_record
from vault.classes import FOR_EVER, DisposalAction
from vault.disposition import _TEXTS, Approval, Ground, Standing, Verdict, explain, verdict
from vault.holds import MatterRef
from vault.ids import MatterId
from vault.records import RecordState
from vault.schedule import today

DUE = Approval(ground=Ground.DUE, list_number="D-2026-0001", rule=("sample", 1))
IN_ERROR = Approval(ground=Ground.FILED_IN_ERROR)
FIRST = datetime(1970, 1, 2)  # noqa: DTZ001 - bounds are naive
AFTER = datetime(2030, 5, 4, 12, tzinfo=UTC)


def a_matter(number: str = "H-2026-0001") -> MatterRef:
    return MatterRef(id=MatterId("m" * 26), number=number)


def codes(found: Verdict) -> list[str]:
    return [each.code for each in found.reasons]


def test_what_is_within_its_period_is_kept_and_says_until_when_under_which_law() -> None:
    found = verdict(a_record(), a_class(mandate="电子商务法 art. 31"), (), NOW)
    assert (found.standing, found.keep_until, found.may_destroy) == (Standing.KEEP, date(2030, 5, 4), False)
    assert dict(found.reasons[0].values) == {"date": "2030-05-04", "class": "sample", "mandate": "电子商务法 art. 31"}
    assert explain(found.reasons[0]) == "class sample keeps it until 2030-05-04 (电子商务法 art. 31)"


def test_it_is_due_once_the_day_has_begun_everywhere_and_not_an_hour_before() -> None:
    just_before = AFTER - timedelta(microseconds=1)
    assert verdict(a_record(), a_class(), (), just_before, approval=DUE).standing is Standing.KEEP
    found = verdict(a_record(), a_class(), (), AFTER)
    assert (found.standing, found.may_destroy) == (Standing.DUE, False)
    assert codes(found) == ["needs-approval", "due"]
    approved = verdict(a_record(), a_class(), (), AFTER, approval=DUE)
    assert (approved.standing, approved.may_destroy) == (Standing.DESTROYABLE, True)
    assert codes(approved) == ["approved", "due"]


def test_a_clock_that_goes_back_brings_the_period_back() -> None:
    assert verdict(a_record(), a_class(), (), AFTER).standing is Standing.DUE
    assert verdict(a_record(), a_class(), (), AFTER - timedelta(days=2)).standing is Standing.KEEP


def test_a_hold_outweighs_every_approval_and_names_every_matter() -> None:
    matters = [a_matter("H-2026-0001"), a_matter("H-2026-0002")]
    for approval in (None, DUE, IN_ERROR):
        found = verdict(a_record(), a_class(), matters, AFTER, approval=approval)
        assert (found.standing, found.may_destroy) == (Standing.HELD, False)
        assert [each.values.get("matter") for each in found.reasons][:2] == ["H-2026-0001", "H-2026-0002"]
        assert len(found.reasons) > 2


def test_filed_in_error_outweighs_period_permanence_and_an_unknown_trigger() -> None:
    for record, rule in (
        (a_record(), a_class()),
        (a_record(trigger_on=None, due_on=None), a_class()),
        (a_record(state=RecordState.RECEIVED, filed_at=None), a_class()),
        (a_record(due_on=None), a_class(period_years=None)),
    ):
        assert not verdict(record, rule, (), NOW, approval=DUE).may_destroy
        found = verdict(record, rule, (), NOW, approval=IN_ERROR)
        assert (found.standing, found.may_destroy, codes(found)[0]) == (Standing.DESTROYABLE, True, "approved")


def test_an_unknown_trigger_never_expires_by_the_day_of_receipt() -> None:
    record = a_record(trigger_on=None, due_on=None, received_at=datetime(1990, 1, 1, tzinfo=UTC))
    found = verdict(record, a_class(period_years=0), (), NOW, approval=DUE)
    assert (found.standing, codes(found)) == (Standing.UNTRIGGERED, ["unknown-trigger"])
    received = verdict(a_record(state=RecordState.RECEIVED), a_class(), (), AFTER, approval=DUE)
    assert (received.standing, codes(received)) == (Standing.UNTRIGGERED, ["not-filed"])


def test_a_permanent_class_and_the_end_of_time_are_never_due() -> None:
    permanent = verdict(a_record(due_on=None), a_class(period_years=None), (), NOW, approval=DUE)
    assert (permanent.standing, permanent.keep_until) == (Standing.PERMANENT, None)
    last_moment = datetime.max.replace(tzinfo=UTC)
    record = a_record(trigger_on=date(9995, 1, 1), due_on=FOR_EVER)
    assert verdict(record, a_class(), (), last_moment, approval=DUE).standing is Standing.KEEP


def test_a_zero_period_is_due_on_the_day_of_its_trigger() -> None:
    record = a_record(trigger_on=today(NOW), due_on=today(NOW))
    assert verdict(record, a_class(period_years=0), (), NOW).standing is Standing.DUE


def test_a_rule_that_became_longer_protects_before_the_record_has_followed() -> None:
    found = verdict(a_record(), a_class(period_years=20), (), AFTER, approval=DUE)
    assert (found.standing, found.keep_until) == (Standing.KEEP, date(2040, 5, 4))
    shorter = verdict(a_record(), a_class(period_years=1), (), NOW, approval=DUE)
    assert (shorter.standing, shorter.keep_until) == (Standing.KEEP, date(2030, 5, 4))


def test_unsettled_debts_keep_what_is_due_where_the_class_says_so() -> None:
    keeps = a_class(unsettled_keeps=True)
    found = verdict(a_record(), keeps, (), AFTER, approval=DUE, unsettled=True)
    assert (found.standing, codes(found)[0]) == (Standing.KEEP, "unsettled")
    assert verdict(a_record(), a_class(), (), AFTER, approval=DUE, unsettled=True).may_destroy


def test_what_is_restricted_is_only_stored_until_it_is_due() -> None:
    found = verdict(a_record(), a_class(), (), NOW, restricted=True)
    assert (found.standing, codes(found)) == (Standing.RESTRICTED, ["restricted", "kept-until"])
    assert verdict(a_record(), a_class(), (), AFTER, restricted=True).standing is Standing.DUE
    assert verdict(a_record(), a_class(), (), AFTER, restricted=True, approval=DUE).may_destroy


@pytest.mark.parametrize("state", [RecordState.ERASING, RecordState.DESTROYED])
def test_what_is_dead_is_dead_whatever_else_is_said(state: RecordState) -> None:
    found = verdict(a_record(state=state), a_class(), [a_matter()], AFTER, approval=IN_ERROR)
    assert (found.standing, codes(found), found.may_destroy) == (Standing.DEAD, ["dead"], False)


@given(
    state=st.sampled_from(list(RecordState)),
    trigger_on=st.none() | st.dates(),
    due_on=st.none() | st.dates(),
    years=st.none() | st.integers(0, 9999),
    held=st.booleans(),
    approval=st.sampled_from([None, DUE, IN_ERROR]),
    restricted=st.booleans(),
    unsettled=st.booleans(),
    supervised=st.booleans(),
    now=st.datetimes(min_value=FIRST, timezones=st.just(UTC)),
)
def test_nothing_may_die_held_dead_unapproved_or_early_and_every_reason_has_words(
    state: RecordState,
    trigger_on: date | None,
    due_on: date | None,
    years: int | None,
    held: bool,
    approval: Approval | None,
    restricted: bool,
    unsettled: bool,
    supervised: bool,
    now: datetime,
) -> None:
    action = DisposalAction.KEEP if years is None else DisposalAction.DESTROY
    rule = a_class(period_years=years, action=action, supervised=supervised, unsettled_keeps=True)
    record = a_record(state=state, trigger_on=trigger_on, due_on=due_on)
    matters = [a_matter()] if held else []
    found = verdict(record, rule, matters, now, approval=approval, restricted=restricted, unsettled=unsettled)
    assert found.reasons
    assert all(explain(each) for each in found.reasons)
    assert found.may_destroy == (found.standing is Standing.DESTROYABLE)
    if found.may_destroy:
        assert approval is not None
        assert not held
        assert state in (RecordState.RECEIVED, RecordState.FILED)
        if approval.ground is Ground.DUE:
            assert state is RecordState.FILED
            assert not unsettled
            assert found.keep_until is not None
            assert found.keep_until <= today(now)
            assert due_on is None or due_on <= today(now)


def test_every_code_that_a_verdict_gives_has_words_and_no_other() -> None:
    given_by = {
        *codes(verdict(a_record(state=RecordState.DESTROYED), a_class(), (), NOW)),
        *codes(verdict(a_record(), a_class(), [a_matter()], NOW, restricted=True)),
        *codes(verdict(a_record(due_on=None), a_class(period_years=None), (), NOW)),
        *codes(verdict(a_record(state=RecordState.RECEIVED), a_class(), (), NOW)),
        *codes(verdict(a_record(trigger_on=None), a_class(), (), NOW)),
        *codes(verdict(a_record(), a_class(supervised=True, unsettled_keeps=True), (), AFTER, unsettled=True)),
        *codes(verdict(a_record(), a_class(), (), AFTER, approval=DUE)),
        *codes(verdict(a_record(due_on=FOR_EVER), a_class(), (), NOW)),
    }
    assert given_by == set(_TEXTS)
