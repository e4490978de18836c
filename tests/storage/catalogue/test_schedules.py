"""Rules in the catalogue: what ships, two people by constraint, what never changes, and records by their periods."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from storage.backup.load import upgrade_to
from storage.catalogue.database import SqlCatalogue, migrate, open_catalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from tests.vault.samples import a_class
from vault.errors import AlreadyExists, CatalogueBroken
from vault.ids import PersonId, RecordId
from vault.records import RecordState
from vault.schedule import SHIPPED_BY, RuleState, RuleVersion
from vault.shelves import Transaction
from vault.statutes import FIRST_SET, SHIPPED

ONE, TWO = PersonId("person-one"), PersonId("person-two")


def a_code() -> str:
    return f"t-{an_id()}"


def proposed(code: str, version: int = 1, **changes: Any) -> RuleVersion:
    rule = changes.pop("rule", None) or a_class(code=code)
    values = RuleVersion(
        code=code,
        version=version,
        rule=rule,
        state=RuleState.PROPOSED,
        shipped=False,
        sealed_reason=b"sealed",
        proposed_by=ONE,
        proposed_at=NOW,
        decided_by=None,
        decided_at=None,
        change=1,
    )
    return replace(values, **changes)


def decided(rule: RuleVersion, by: PersonId = TWO, state: RuleState = RuleState.IN_FORCE) -> RuleVersion:
    return replace(rule, state=state, decided_by=by, decided_at=NOW, change=rule.change + 1)


def in_force(tx: Transaction, code: str, version: int = 1, **changes: Any) -> RuleVersion:
    rule = proposed(code, version, **changes)
    tx.schedules.add(rule)
    tx.schedules.decide(decided(rule))
    return decided(rule)


def test_what_ships_is_in_force_from_the_start(fresh_catalogue: SqlCatalogue) -> None:
    with fresh_catalogue.read() as tx:
        rules = tx.schedules.in_force()
        assert tx.schedules.proposals() == []
        assert tx.schedules.changed_since(0) == []
    assert {each.code: each.rule for each in rules} == {each.code: each for each in SHIPPED[FIRST_SET]}
    assert {(each.version, each.shipped, each.proposed_by, each.decided_by) for each in rules} == {
        (1, True, SHIPPED_BY, None)
    }


def test_a_rule_comes_back_as_it_was_proposed_and_governs_once_it_is_approved(catalogue: SqlCatalogue) -> None:
    code = a_code()
    rule = a_class(code=code, period_years=0, period_months=6, supervised=True, notify=True, mandate="某法 art. 1")
    with catalogue.write() as tx:
        assert tx.schedules.newest(code) == 0
        tx.schedules.add(proposed(code, rule=rule))
    with catalogue.read() as tx:
        assert tx.schedules.rule(code) is None
        assert tx.schedules.proposal(code) == proposed(code, rule=rule)
    with catalogue.write() as tx:
        tx.schedules.decide(decided(proposed(code, rule=rule)))
    with catalogue.read() as tx:
        assert tx.schedules.rule(code) == decided(proposed(code, rule=rule))
        assert tx.schedules.proposal(code) is None
        assert tx.schedules.newest(code) == 1


def test_who_proposed_a_rule_does_not_approve_it(catalogue: SqlCatalogue) -> None:
    rule = proposed(a_code())
    with catalogue.write() as tx:
        tx.schedules.add(rule)
    with pytest.raises(CatalogueBroken, match="two_people"), catalogue.write() as tx:
        tx.schedules.decide(decided(rule, by=ONE))
    with pytest.raises(CatalogueBroken), catalogue.write() as tx:
        tx.schedules.decide(replace(rule, state=RuleState.IN_FORCE, change=2))
    with catalogue.write() as tx:
        tx.schedules.decide(decided(rule, by=ONE, state=RuleState.WITHDRAWN))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": RuleState.IN_FORCE, "decided_by": TWO, "decided_at": NOW},
        {"rule": a_class(automatic=True, supervised=True)},
        {"rule": a_class(automatic=True), "shipped": True},
        {"rule": a_class(period_years=-1)},
        {"rule": a_class(period_months=12)},
        {"decided_by": TWO, "decided_at": NOW},
        {"version": 0},
    ],
)
def test_what_no_rule_may_be_the_database_refuses(catalogue: SqlCatalogue, changes: dict[str, Any]) -> None:
    with pytest.raises(CatalogueBroken), catalogue.write() as tx:
        tx.schedules.add(proposed(a_code(), **{"version": 1, **changes}))


def test_of_one_class_one_version_governs_and_one_proposal_waits(catalogue: SqlCatalogue) -> None:
    code = a_code()
    with catalogue.write() as tx:
        first = in_force(tx, code)
        tx.schedules.add(proposed(code, 2))
    with pytest.raises(AlreadyExists), catalogue.write() as tx:
        tx.schedules.add(proposed(code, 3))
    with pytest.raises(AlreadyExists), catalogue.write() as tx:
        tx.schedules.decide(decided(proposed(code, 2)))
    with catalogue.write() as tx:
        tx.schedules.decide(replace(first, state=RuleState.SUPERSEDED, change=5))
        tx.schedules.decide(decided(proposed(code, 2)))
    with catalogue.read() as tx:
        assert [(each.version, each.state) for each in tx.schedules.versions(code)] == [
            (2, RuleState.IN_FORCE),
            (1, RuleState.SUPERSEDED),
        ]


def test_a_retired_class_still_governs_its_records(catalogue: SqlCatalogue) -> None:
    code = a_code()
    with catalogue.write() as tx:
        tx.schedules.decide(replace(in_force(tx, code), state=RuleState.RETIRED, change=3))
    with catalogue.read() as tx:
        found = tx.schedules.rule(code)
        assert found is not None
        assert (found.governs, found.is_in_force) == (True, False)
        assert code in {each.code for each in tx.schedules.governing()}
        assert code not in {each.code for each in tx.schedules.in_force()}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE schedules SET period_years = 1 WHERE code = :code",
        "UPDATE schedules SET period_years = NULL, action = 'keep' WHERE code = :code",
        "UPDATE schedules SET mandate = 'another law' WHERE code = :code",
        "UPDATE schedules SET proposed_by = 'somebody' WHERE code = :code",
        "UPDATE schedules SET decided_by = 'somebody' WHERE code = :code",
        "UPDATE schedules SET state = 'proposed', decided_by = NULL, decided_at = NULL WHERE code = :code",
        "UPDATE schedules SET state = 'withdrawn' WHERE code = :code",
        "DELETE FROM schedules WHERE code = :code",
    ],
)
def test_what_a_rule_says_and_who_decided_never_changes(catalogue: SqlCatalogue, url: str, statement: str) -> None:
    code = a_code()
    with catalogue.write() as tx:
        in_force(tx, code)
    engine = create_engine(url)
    with pytest.raises(IntegrityError, match="rule"), engine.begin() as connection:
        connection.execute(text(statement), {"code": code})
    engine.dispose()


def test_rules_that_changed_are_found_by_change_number(catalogue: SqlCatalogue) -> None:
    code, start = a_code(), 10_000_000
    with catalogue.write() as tx:
        tx.schedules.add(proposed(code, change=start))
        tx.schedules.decide(decided(proposed(code, change=start)))
    with catalogue.read() as tx:
        assert [each.code for each in tx.schedules.changed_since(start)] == [code]
        assert tx.schedules.changed_since(start + 1) == []


def filed(home: Home, code: str, **changes: Any) -> RecordId:
    values = {"state": RecordState.FILED, "filed_at": NOW, "filed_by": ONE, "class_code": code, **changes}
    return home.keep(**values)[0].id


def test_what_is_due_comes_by_date_page_after_page(home: Home) -> None:
    code, day = a_code(), date(2026, 5, 1)
    due = {filed(home, code, due_on=day - timedelta(days=number % 3)): number % 3 for number in range(7)}
    filed(home, code, due_on=day + timedelta(days=1))
    filed(home, code, due_on=None)
    filed(home, a_code(), due_on=day)
    home.keep(class_code=code)
    seen: list[tuple[date, RecordId]] = []
    with home.catalogue.read() as tx:
        after = None
        while page := tx.records.due(code, day, after=after, limit=2):
            assert len(page) <= 2
            seen += [(each.due_on or date.max, each.id) for each in page]
            after = seen[-1]
    assert seen == sorted((day - timedelta(days=number), record_id) for record_id, number in due.items())


def test_who_has_not_followed_a_rule_is_found_and_dates_are_counted(home: Home) -> None:
    code, trigger, due = a_code(), date(2020, 1, 1), date(2030, 1, 1)
    behind = filed(home, code, trigger_on=trigger, due_on=due)
    filed(home, code, trigger_on=trigger, due_on=due, rule_version=2)
    unknown = filed(home, code, rule_version=2)
    home.keep(class_code=code)
    with home.catalogue.write() as tx:
        assert [each.id for each in tx.records.behind_rule(code, 2, for_update=True)] == [behind]
        assert tx.records.behind_rule(code, 1) == []
        assert sorted(tx.records.due_dates(code), key=str) == sorted([(trigger, due, 2), (None, None, 1)], key=str)
        assert [each.id for each in tx.records.with_dates(code, None, None)] == [unknown]
        assert len(tx.records.with_dates(code, trigger, due, limit=1)) == 1
        assert tx.records.with_dates(code, trigger, due, limit=0) == []
        assert tx.records.count_of_class(code) == 4


def test_due_lists_walk_their_index(home: Home, url: str) -> None:
    code = a_code()
    filed(home, code, due_on=date(2026, 1, 1))
    engine = create_engine(url)
    with engine.begin() as connection:
        if url.startswith("postgresql"):
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        explain = "EXPLAIN" if url.startswith("postgresql") else "EXPLAIN QUERY PLAN"
        rows = connection.execute(
            text(
                f"{explain} SELECT * FROM records WHERE class_code = :code AND state = 'filed' AND due_on <= :day"
                " ORDER BY due_on, id LIMIT 100"
            ),
            {"code": code, "day": date(2026, 5, 1)},
        ).all()
    engine.dispose()
    assert "ix_records_class_code_due_on_id" in str(rows)
    assert "TEMP B-TREE" not in str(rows)


def test_a_home_of_before_keeps_its_records_due_dates(fresh_url: str) -> None:
    """Revision 3 had its classes in the program; what was filed then has followed what ships now."""
    record_id = an_id()
    engine = create_engine(fresh_url)
    with engine.begin() as connection:
        upgrade_to(connection, "0003")
        connection.execute(
            text("INSERT INTO fonds VALUES ('fonds', 'vault', :tree, 1, '2026-01-01 00:00:00.000000')"),
            {"tree": bytes(16)},
        )
        connection.execute(
            text(
                "INSERT INTO records (id, fonds_id, number, class_code, state, received_at, received_by, filed_at,"
                " filed_by, trigger_on, due_on, current_ordinal, current_revision, change) VALUES (:id, 'fonds',"
                " '2026-000001', 'contract', 'filed', '2026-01-01 00:00:00.000000', 'operator',"
                " '2026-01-01 00:00:00.000000', 'operator', '2020-01-01', '2030-01-01', 1, 1, 1)"
            ),
            {"id": record_id},
        )
    engine.dispose()
    migrate(fresh_url)
    with closing(open_catalogue(fresh_url)) as catalogue, catalogue.read() as tx:
        record, rule = tx.records.get(RecordId(record_id)), tx.schedules.rule("contract")
        assert record is not None
        assert rule is not None
        assert (record.due_on, record.rule_version) == (date(2030, 1, 1), 1)
        assert rule.rule.due_on(date(2020, 1, 1)) == record.due_on
        assert tx.records.behind_rule("contract", rule.version) == []
