"""The published log: whole, never forked, proven entry by entry, and what was changed in the catalogue is named."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from storage.backup.load import rules_off
from storage.catalogue.database import SqlCatalogue
from storage.objects.s3 import S3Store
from tests.support.vault import add_bytes, staff
from tests.vault.workflows.faults import with_clock
from vault.audit import Event, NumberedEntry
from vault.destruction import Targets
from vault.errors import CatalogueBroken, CatalogueOlder, InvalidInput, KeyDestroyed, NotAllowed, NotFound, SealBroken
from vault.ids import PersonId
from vault.people import CLOCK_ID
from vault.permissions import Actor, Role
from vault.seal.merkle import leaf_hash, require_consistency, require_inclusion
from vault.seal.notes import Checkpoint, open_note, require_endorsement, sign_note
from vault.workflows import destruction, log, logcheck, logdetails, logkeys, logstore, outbox
from vault.workflows.vault import Remembered, Vault


def write_entries(vault: Vault, count: int) -> None:
    """Entries as upkeep would write them."""
    with vault.catalogue.write() as tx:
        for number in range(count):
            tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, {"tried": number, "held": True}))


def tamper(vault: Vault, *commands: str) -> Callable[[], None]:
    """Changes the database as somebody with all of its rights could; gives how to undo it."""
    assert isinstance(vault.catalogue, SqlCatalogue)
    catalogue = vault.catalogue
    with catalogue.maintain() as connection, rules_off(connection):
        kept = connection.execute(text("SELECT * FROM audit_entries ORDER BY number")).mappings().all()
        count = connection.execute(text("SELECT value FROM counters WHERE name = 'audit'")).scalar()
        for command in commands:
            connection.exec_driver_sql(command)

    def undo() -> None:
        with catalogue.maintain() as connection, rules_off(connection):
            connection.execute(text("DELETE FROM audit_entries"))
            names = ("number", "at", "actor", "event", "subject", "detail")
            insert = f"INSERT INTO audit_entries ({', '.join(names)}) VALUES (:{', :'.join(names)})"
            connection.execute(text(insert), [dict(row) for row in kept])
            connection.execute(text("UPDATE counters SET value = :count WHERE name = 'audit'"), {"count": count})

    return undo


def published(vault: Vault) -> logstore.LogHead:
    head = log.publish(vault)
    assert head is not None
    return head


def test_everything_committed_is_published_and_every_entry_is_proven(vault: Vault, actor: Actor) -> None:
    first = published(vault)
    write_entries(vault, 300)
    second = published(vault)
    write_entries(vault, 2)
    third = published(vault)
    assert published(vault) == third, "publishing again changes nothing"
    assert third.size == second.size + 2
    with vault.catalogue.read() as tx:
        entries = tx.audit.between(1, third.size)
        assert third.size == tx.audit.newest() == len(entries)
    for numbered in (*entries[:3], *entries[254:258], entries[-1]):
        proof = log.prove(vault, numbered.number)
        assert NumberedEntry.from_bytes(proof.entry) == numbered
        text_, signers = open_note(proof.note, proof.keys)
        assert text_ == proof.checkpoint.text
        assert signers
        require_inclusion(leaf_hash(proof.entry), proof.index, third.size, proof.path, proof.checkpoint.root)
        assert proof.to_bytes().endswith(third.note)
    tree = logstore.published_tree(vault, third.size)
    for older in (first, second):
        path = tree.prove_consistency(older.size)
        require_consistency(older.size, older.checkpoint.root, third.size, third.checkpoint.root, path)
    assert logcheck.verify(vault, actor, older=[first.note, second.note, third.note]).holds


def test_an_entry_that_is_not_published_yet_is_published_to_be_proven(vault: Vault) -> None:
    published(vault)
    with vault.catalogue.write() as tx:
        number = tx.audit.append_numbered(
            vault.entry(CLOCK_ID, Event.DRILL_RUN, vault.vault_id, {"far": 2**60, "at": None})
        )
    proof = log.prove(vault, number)
    assert proof.index == number - 1
    assert NumberedEntry.from_bytes(proof.entry).entry.detail["far"] == str(2**60)
    for nothing in (0, -1, number + 1):
        with pytest.raises(NotFound):
            log.prove(vault, nothing)


def test_what_was_changed_in_the_catalogue_is_named(vault: Vault, actor: Actor) -> None:
    write_entries(vault, 20)
    head = published(vault)
    last = head.size
    cases = {
        "UPDATE audit_entries SET actor = 'somebody' WHERE number = 3": ([3], []),
        "UPDATE audit_entries SET at = '2020-01-01 00:00:00.000000' WHERE number = 5": ([5], []),
        "UPDATE audit_entries SET detail = '{\"tried\":99}' WHERE number = 7": ([7], []),
        "UPDATE audit_entries SET detail = 'no JSON' WHERE number = 8": ([8], []),
        "UPDATE audit_entries SET event = 'never-was' WHERE number = 9": ([9], []),
        "DELETE FROM audit_entries WHERE number = 4": ([], [4]),
        f"UPDATE audit_entries SET subject = 'x' WHERE number = {last}": ([last], []),
    }
    for command, (changed, missing) in cases.items():
        undo = tamper(vault, command)
        told = logcheck.verify(vault, actor)
        assert (told.changed, told.missing, told.problems) == (changed, missing, []), command
        assert not told.holds
        undo()
        assert logcheck.verify(vault, actor).holds
    undo = tamper(
        vault,
        "UPDATE audit_entries SET number = 1000000 WHERE number = 11",
        "UPDATE audit_entries SET number = 11 WHERE number = 12",
        "UPDATE audit_entries SET number = 12 WHERE number = 1000000",
    )
    assert logcheck.verify(vault, actor).changed == [11, 12]
    undo()


def test_a_catalogue_that_was_rolled_back_is_never_published_over_the_log(vault: Vault, actor: Actor) -> None:
    write_entries(vault, 10)
    head = published(vault)
    undo = tamper(
        vault,
        f"DELETE FROM audit_entries WHERE number > {head.size - 5}",
        f"UPDATE counters SET value = {head.size - 5} WHERE name = 'audit'",
    )
    told = logcheck.verify(vault, actor)
    assert told.missing == []
    assert ["rolled back" in problem for problem in told.problems] == [True]
    with pytest.raises(CatalogueOlder):
        log.publish(vault)
    write_entries(vault, 9)  # It goes on, and reaches further than what was published.
    with pytest.raises(CatalogueBroken, match="not the one that was published"):
        log.publish(vault)
    assert logcheck.verify(vault, actor).changed == list(range(head.size - 4, head.size + 1))
    undo()
    assert published(vault).size == head.size
    assert logcheck.verify(vault, actor).holds


def test_a_log_that_was_replaced_does_not_go_on_from_the_checkpoint_that_an_auditor_kept(
    vault: Vault, actor: Actor, fresh_vault: Vault
) -> None:
    head = published(vault)
    foreign = published(fresh_vault)
    told = logcheck.verify(vault, actor, older=[foreign.note])
    assert len(told.problems) == 1
    signer = logstore.signing_keys(vault)[-1]
    for size in (head.size - 1, head.size, head.size + 1):
        kept = Checkpoint(origin=logstore.origin(vault), size=size, root=bytes(32))
        told = logcheck.verify(vault, actor, older=[sign_note(kept.text, [signer])])
        assert len(told.problems) == 1, size
        assert not told.holds


def test_many_who_publish_at_once_write_one_log(vault: Vault, actor: Actor) -> None:
    def work(number: int) -> None:
        for _ in range(4):
            write_entries(vault, 70)
            published(vault)

    with ThreadPoolExecutor(max_workers=4) as pool:
        for each in [pool.submit(work, number) for number in range(4)]:
            each.result()
    head = published(vault)
    with vault.catalogue.read() as tx:
        assert tx.audit.newest() == head.size
    assert logcheck.verify(vault, actor).holds
    keys = logstore.signing_keys(vault)
    notes = []
    for listed in vault.store.versions(vault.layout.log_checkpoints(vault.fonds.tree_id)):
        notes.append(logstore.read_object(vault, listed.key))
        assert listed.is_latest, "one version of each, and no marker"
    assert len({logstore.open_head(note, keys, logstore.origin(vault)).size for note in notes}) == len(notes)
    assert logcheck.verify(vault, actor, older=notes).holds


def test_a_new_signing_key_is_endorsed_in_the_log_and_both_sign_for_a_month(fresh_vault: Vault) -> None:
    vault, clock = with_clock(fresh_vault)
    actor = staff(vault)
    before = published(vault)
    old = logstore.verifier_keys(vault)
    new = logkeys.rotate_key(vault, actor)
    crossing = published(vault)
    assert crossing.signed_by == (1, 2), "signed by both"
    with vault.catalogue.read() as tx:
        entry = tx.audit.page(event=Event.LOG_KEY_CHANGED, limit=1)[0].entry
    assert entry.detail["verifier"] == new.text
    endorsement = str(entry.detail["endorsement"])
    require_endorsement(endorsement, old[0], 2, new)
    for wrong in ((new, 2, new), (old[0], 3, new), (old[0], 2, old[0])):
        with pytest.raises(SealBroken):
            require_endorsement(endorsement, *wrong)
    clock.advance(logstore.OVERLAP - timedelta(minutes=1))
    write_entries(vault, 1)
    during = published(vault)
    assert during.signed_by == (1, 2), "whoever kept the old key still checks what is new"
    assert open_note(during.note, old)[1] == old
    clock.advance(timedelta(minutes=2))
    write_entries(vault, 1)
    after = published(vault)
    assert after.signed_by == (2,)
    with pytest.raises(SealBroken):
        open_note(after.note, old)
    assert logcheck.verify(vault, actor, older=[each.note for each in (before, crossing, during, after)]).holds
    assert logstore.verifier_keys(vault) == [*old, new]


def test_a_change_of_keys_that_was_cut_off_is_ended_by_the_next(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, staff(fresh_vault)
    published(vault)
    made = logstore.add_key(vault, 2).verifier
    write_entries(vault, 1)
    published(vault)
    assert logkeys.rotate_key(vault, actor) == made, "the key that no entry names is the one that is put in force"
    assert logkeys.rotate_key(vault, actor) != made
    with vault.catalogue.read() as tx:
        told = tx.audit.page(event=Event.LOG_KEY_CHANGED, limit=9)
    assert [each.entry.detail["key"] for each in told] == [3, 2]
    assert logcheck.verify(vault, actor).holds


def test_entries_are_found_by_what_they_tell(vault: Vault) -> None:
    person = PersonId(vault.new_id())
    with vault.catalogue.write() as tx:
        entry = vault.entry(person, Event.SIGNED_OUT, person)
        number = tx.audit.append_numbered(entry)
    with vault.catalogue.read() as tx:
        for given in (
            {"actor": person},
            {"event": Event.SIGNED_OUT, "actor": person},
            {"since": entry.at, "until": entry.at, "subject": person},
        ):
            assert [each.number for each in tx.audit.page(**given)] == [number], given
        assert tx.audit.page(actor=person, since=entry.at + timedelta(microseconds=1)) == []
        assert tx.audit.page(actor=person, until=entry.at - timedelta(microseconds=1)) == []


def test_sealed_words_open_while_the_record_lives_and_never_after_and_the_log_still_verifies(
    vault: Vault, actor: Actor
) -> None:
    record_id = add_bytes(vault, actor, b"a paper").record_id
    with vault.catalogue.read() as tx:
        leaf = tx.records.versions(record_id)[0].object.leaf
    words = {"reason": "Frau Müller hat angerufen", "purpose": "查询"}
    with vault.catalogue.write() as tx:
        entry = vault.entry(actor.person_id, Event.RECORD_OPENED, record_id, {"ordinal": 1})
        number = logdetails.append_sealed(vault, tx, entry, leaf, words)
    assert logdetails.read_sealed(vault, actor, number) == words, "from the outbox"
    outbox.send_pending(vault)
    assert logdetails.read_sealed(vault, actor, number) == words, "from the store"
    told = log.prove(vault, number).entry
    assert b"M\xc3\xbcller" not in told
    assert "查询".encode() not in told
    with pytest.raises(NotFound):
        logdetails.read_sealed(vault, actor, number - 1)
    with pytest.raises(NotAllowed):
        logdetails.read_sealed(vault, Actor(person_id=PersonId("p"), roles=frozenset({Role.READER})), number)
    targets = Targets(records=frozenset({record_id}), customers=frozenset())
    destruction.destroy(vault, actor, targets, alone=True, error=True)
    with pytest.raises(KeyDestroyed):
        logdetails.read_sealed(vault, actor, number)
    assert log.prove(vault, number).entry == told
    assert logcheck.verify(vault, actor).holds


def test_only_those_who_may_read_the_log_verify_and_export_it(vault: Vault) -> None:
    reader = Actor(person_id=PersonId("p"), roles=frozenset({Role.READER, Role.RECORDS}))
    with pytest.raises(NotAllowed):
        logcheck.verify(vault, reader)
    with pytest.raises(NotAllowed):
        next(log.export(vault, reader))
    with pytest.raises(NotAllowed):
        logkeys.rotate_key(vault, reader)


def test_a_tile_that_was_damaged_in_the_store_is_named(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, staff(fresh_vault)
    write_entries(vault, 300)
    published(vault)
    # What an intruder with the store's credentials can do to a locked object: hide it under another version.
    key = vault.layout.log_tile(vault.fonds.tree_id, "tile/0/000")
    damaged = bytearray(logstore.read_object(vault, key))
    damaged[40] ^= 1
    facts = vault.store.head(key)
    assert facts is not None
    _put_over(vault, key, bytes(damaged), hashlib.sha256(damaged).digest())
    told = logcheck.verify(vault, actor)
    assert "entry 2 of the published log is not the one that was signed" in told.problems
    assert "the published entries do not lead to the root of their checkpoint" in told.problems
    # The entries themselves still lead to the root that was signed; changed ones do not.
    assert log.prove(vault, 1).index == 0
    key = vault.layout.log_tile(vault.fonds.tree_id, "tile/entries/000")
    damaged = bytearray(logstore.read_object(vault, key))
    damaged[40] ^= 1
    _put_over(vault, key, bytes(damaged), hashlib.sha256(damaged).digest())
    for number in (1, 256):
        with pytest.raises(SealBroken):
            log.prove(replace(vault, published=Remembered(1)), number)


def _put_over(vault: Vault, key: str, body: bytes, sha256: bytes) -> None:
    assert isinstance(vault.store, S3Store)
    vault.store._sdk.put_object(Bucket=vault.store._bucket, Key=key, Body=body)


def test_partial_tiles_go_when_the_full_one_is_there_and_their_locks_have_lapsed(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, staff(fresh_vault)
    folder = vault.layout.log_tile(vault.fonds.tree_id, "tile") + "/"

    def partial() -> set[str]:
        return {
            each.key.removeprefix(folder)
            for each in vault.store.versions(folder)
            if logstore.partial_number(each.key) is not None and not each.is_delete_marker
        }

    class Lapsed:
        """A store in which every short lock has lapsed: the real one waits a month for that."""

        def __init__(self) -> None:
            self.deleted: set[str] = set()

        def __getattr__(self, name: str) -> object:
            return getattr(vault.store, name)

        def delete_version(self, key: str, version_id: str) -> None:
            facts = vault.store.head(key, version_id)
            assert facts is not None
            assert facts.lock is not None
            assert facts.lock.retain_until < vault.now() + timedelta(days=31), "full tiles are locked for long"
            self.deleted.add(key.removeprefix(folder))

    published(vault)
    write_entries(vault, 300)
    head = published(vault)
    before = partial()
    newest = {f"0/001-p/{head.size - 256}", f"entries/001-p/{head.size - 256}", "1/000-p/1"}
    assert before > newest
    assert log.prune_log(vault).text.startswith("deleted 0"), "they are locked"
    assert partial() == before
    lapsed = Lapsed()
    log.prune_log(replace(vault, store=lapsed))  # type: ignore[arg-type]  # it has what is called
    assert lapsed.deleted == before - newest
    assert logcheck.verify(vault, actor).holds


def test_an_entry_that_could_not_be_published_is_refused_before_it_is_committed(vault: Vault) -> None:
    head = published(vault)
    refused: list[dict[str, object]] = [{"n": 0.5}, {"n": b"a"}, {"n": "\ud800"}, {"n": "x" * 65_600}]
    for detail in refused:
        with pytest.raises(InvalidInput), vault.catalogue.write() as tx:
            tx.audit.append(vault.entry(CLOCK_ID, Event.DRILL_RUN, vault.vault_id, detail))  # type: ignore[arg-type]
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(CLOCK_ID, Event.DRILL_RUN, vault.vault_id, {"n": "档" * 21_000}))
    assert published(vault).size == head.size + 1


def test_a_check_that_finds_wrong_whatever_it_looks_at_keeps_no_more_than_it_names() -> None:
    told = logcheck.LogCheck()
    for number in range(logcheck.NAMED_MAX + 5):
        told.tell(str(number))
    assert (len(told.problems), told.problems[-2:]) == (logcheck.NAMED_MAX + 1, ["999", logcheck.AND_MORE])
