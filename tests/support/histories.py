"""Histories of ingest and destruction, with deaths at every step, and somebody who collects everything on the way.

    with history(folder, store) as life:
        life.destroy(point=point)    # a destruction in another process, killed there; then recovered in this one
        life.destroy(by_process=True, keys_die_after_s=0.002, dies=False)   # by the key process, which is killed
        life.destroy(...)            # one that is not killed
        life.verify()                # what died is beyond reach of the collector; what lives opens

The collector gets every page ever computed (of batches never committed, too), the pages of the database after each
step, the increments in the store, whatever ``sources`` add, and at the end what the keepers still hold. Backups and
restores are ``tests.support.pastbackups``.
"""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGKILL
from typing import Any

from storage.catalogue.database import open_catalogue
from storage.layout import RECORDS_PREFIX, TREES_PREFIX
from storage.machine import SystemClock
from storage.objects.settings import S3Settings
from tests.support.adversary import Adversary
from tests.support.mortal import KEEPERS, Place, read_pages_log
from tests.support.vault import add_bytes, read_bytes, staff
from tests.vault.workflows.faults import PART, with_parts
from vault.customers import CustomerState, Profile
from vault.destruction import BatchState, Targets
from vault.errors import CatalogueOlder, Conflict, KeyDestroyed, StrongroomError
from vault.ids import CustomerId, RecordId
from vault.records import Description, RecordState
from vault.seal.increments import read_increment
from vault.seal.keytree import LeafAddress, leaf_keys, leaf_secret
from vault.seal.secrets import Secret
from vault.workflows import customers, destruction, effect, intake
from vault.workflows.vault import Vault

Point = tuple[str, int]
NOT_DONE = (2, 3)
"""How a destruction may end whose key process died: something does not answer, or its plan is lost."""

WORD_BYTES = 8
CARVED_BYTES = 512
"""What a page is recognised by; its end may lie in the next block."""

ROOT_FOLDER = Path(__file__).parents[2]


class Mortal:
    """The process whose forks die."""

    def __init__(self, place: Place) -> None:
        self._folder = place.folder
        self._log = (place.folder / "mortal.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.support.mortal"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT_FOLDER,
        )
        names = ("endpoint_url", "bucket", "access_key", "secret_key", "region", "path_style")
        store = {name: getattr(place.store, name) for name in names}
        self._say({"folder": str(place.folder), "store": store, "catalogue_url": place.catalogue_url})

    def destroy(
        self,
        records: Sequence[RecordId],
        customer_ids: Sequence[CustomerId],
        point: Point | None,
        *,
        by_process: bool = False,
        keys_die_after_s: float | None = None,
        dies: bool = True,
    ) -> tuple[int, list[Point]]:
        """One life; gives its exit status (negative: the signal that ended it) and the points that it passed."""
        answer = self._folder / "answer.json"
        answer.unlink(missing_ok=True)
        life = {"by_process": by_process, "keys_die_after_s": keys_die_after_s, "dies": dies, "answer": str(answer)}
        self._say({"records": records, "customers": customer_ids, "point": point, **life})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process whose forks die has ended; see {self._log.name}")
        status = json.loads(line)["status"]
        points = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else []
        return status, [(point, turn) for point, turn in points]

    def last_words(self) -> str:
        """The end of what it said on stderr."""
        return Path(str(self._log.name)).read_text(encoding="utf-8", errors="replace")[-2000:]

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()
        self._log.close()

    def _say(self, values: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(values) + "\n")
        self._process.stdin.flush()


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of a history. Empty ``wrong`` and ``found`` are what is promised."""

    kills: int
    batches: int
    dead_leaves: int
    live_records: int
    pages: int
    found: set[LeafAddress]
    wrong: list[str]
    counts: Counter[str]


@dataclass(slots=True)
class History:
    """One vault, what was put into it, what died, and what somebody collected meanwhile."""

    place: Place
    vault: Vault
    mortal: Mortal
    first_root: Secret
    chance: random.Random
    opening: ExitStack
    """What is closed when the vault is lost, or the history ends: the vault, and the process whose forks die."""
    further: ExitStack
    """What is there until the history ends."""
    databases: Callable[[], AbstractContextManager[str]] | None = None
    """Further empty databases; none where the catalogue is a file."""
    live: dict[RecordId, bytes] = field(default_factory=dict)
    owners: dict[RecordId, CustomerId] = field(default_factory=dict)
    dead: set[RecordId] = field(default_factory=set)
    doomed: set[LeafAddress] = field(default_factory=set)
    roots: list[tuple[int, Secret]] = field(default_factory=list)
    snapshots: dict[tuple[int, int], set[bytes]] = field(default_factory=dict)
    copies: list[str] = field(default_factory=list)
    """Catalogues of earlier days, by their URLs."""
    sources: list[Callable[[Adversary], None]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    wrong: list[str] = field(default_factory=list)

    # -- what happens ---------------------------------------------------------------------------------------------

    def ingest(self, count: int = 1) -> None:
        """Records of the house."""
        for _ in range(count):
            content = self.chance.randbytes(64)
            self.live[add_bytes(self.today, staff(self.vault), content).record_id] = content

    def ingest_customer(self, count: int) -> CustomerId:
        """A customer with so many records."""
        vault, actor = self.today, staff(self.vault)
        customer_id = customers.add_customer(vault, actor, Profile(name="Somebody")).customer.id
        for _ in range(count):
            self.ingest_for(customer_id)
        return customer_id

    def ingest_for(self, customer_id: CustomerId) -> None:
        """One record of a customer."""
        vault, content = self.today, self.chance.randbytes(64)
        with intake.begin(vault, staff(vault), _filing(customer_id)) as receiving:
            record_id = intake.receive_from(vault, receiving, io.BytesIO(content).readinto).record_id
        self.live[record_id], self.owners[record_id] = content, customer_id

    def points(self, *, by_process: bool = False) -> list[Point]:
        """Every point that a destruction passes, by carrying one out."""
        self.ingest()
        victim = self._victims(1)
        status, points = self.mortal.destroy(victim, [], None, by_process=by_process)
        if status:
            self.wrong.append(f"an undisturbed destruction ended with {status}: {self.mortal.last_words()}")
        self._recover(victim, [])
        return points

    def destroy(
        self,
        count: int = 1,
        *,
        point: Point | None = None,
        customer: bool = False,
        late: bool = False,
        by_process: bool = False,
        keys_die_after_s: float | None = None,
        dies: bool = True,
    ) -> None:
        """A destruction in another process, killed at a point where one is named, then recovered in this one.

        With ``late`` a file was announced before, of the record or the customer, and comes when all is done.
        ``keys_die_after_s`` kills the key process that is asked, from that point on; ``dies`` the life itself.
        """
        records: list[RecordId] = []
        customer_ids: list[CustomerId] = []
        if customer:
            customer_ids = [self.ingest_customer(count)]
        else:
            self.ingest(count)
            records = self._victims(count)
        arriving = self._announce(records, customer_ids) if late else None
        self._note_root()
        status, _ = self.mortal.destroy(
            records, customer_ids, point, by_process=by_process, keys_die_after_s=keys_die_after_s, dies=dies
        )
        self.counts["destructions by the key process"] += by_process
        self.counts["key processes killed meanwhile"] += keys_die_after_s is not None
        if point is not None and dies and status == -SIGKILL:
            self.kills += 1
        elif status and (keys_die_after_s is None or status not in NOT_DONE):
            self.wrong.append(f"a destruction at {point} ended with {status}: {self.mortal.last_words()}")
        if by_process:
            with self.place.open(by_process=True):
                self.snapshot()
        self._recover(records, customer_ids)
        if arriving is not None:
            self._arrive(arriving, records, customer_ids)

    def overlap(self) -> None:
        """A correction whose first part is there keeps its record from dying; once it is whole, both die."""
        self.ingest()
        (record_id,) = self._victims(1)
        vault, content = with_parts(self.today), self.chance.randbytes(PART + 1)
        targets = Targets(records=frozenset({record_id}))
        with intake.begin_correction(vault, staff(vault), record_id, _CORRECTION, "p") as receiving:
            receiving.accept(memoryview(content)[:PART], final=False).result()
            try:
                destruction.destroy(self.vault, staff(self.vault), targets, alone=True, error=True)
                self.wrong.append("a record was destroyed while a file for it came in")
            except Conflict:
                pass
            receiving.accept(memoryview(content)[PART:], final=True).result()
            receiving.finish()
        self._note_root()
        status, _ = self.mortal.destroy([record_id], [], None)
        if status:
            self.wrong.append(f"a record of two versions was not destroyed: {self.mortal.last_words()}")
        self._recover([record_id], [])

    def lose(self, place: Place, restore: Callable[[], None]) -> None:
        """The vault is closed; whatever ``restore`` makes at ``place`` is opened, and the history goes on with it."""
        self.opening.close()
        restore()
        self.place = place
        self.vault = self.opening.enter_context(place.open())
        self.mortal = Mortal(place)
        self.opening.callback(self.mortal.close)
        effect.resume(self.vault)
        self.snapshot()

    def copy_database(self) -> None:
        """Somebody's backup of the catalogue (SQLite)."""
        copy = self.place.folder / f"copy-{len(self.copies)}.sqlite"
        database = self.place.folder / "home" / "catalogue.sqlite"
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        self.copies.append(f"sqlite:///{copy}")

    def take_away(self, name: str) -> None:
        """A keeper is out of reach from here on."""
        folder = self.place.keeper(name).folder
        folder.rename(folder.with_name(f"{folder.name}-away"))

    def bring_back(self, name: str) -> None:
        """It is there again, as it was."""
        folder = self.place.keeper(name).folder
        folder.with_name(f"{folder.name}-away").rename(folder)

    # -- what is looked at ----------------------------------------------------------------------------------------

    def collector(self) -> Adversary:
        """Somebody with every page of any time. Roots are still to be learnt."""
        adversary = Adversary(self.vault.fonds.tree_id)
        for level, number, sealed in read_pages_log(self.place.folder / "pages.log"):
            adversary.learn_page(level, number, sealed)
        for (level, number), pages in self.snapshots.items():
            for sealed in pages:
                adversary.learn_page(level, number, sealed)
        for listed in self.vault.store.versions(f"{TREES_PREFIX}{self.vault.fonds.tree_id.hex()}/"):
            with self.vault.store.read(listed.key, listed.version_id) as chunks:
                adversary.learn_increment(read_increment(chunks))
        for source in self.sources:
            source(adversary)
        return adversary

    def carve(self, data_folder: Path) -> tuple[list[tuple[int, int, bytes]], int]:
        """Key pages that lie in a database server's files, old versions of rows and its log included; and how many
        file numbers of records, which are kept in clear, were found the same way."""
        pages = {sealed: (level, number) for level, number, sealed in read_pages_log(self.place.folder / "pages.log")}
        # A page begins with a random nonce: its first word tells it, wherever it lies. Each word is looked up once.
        starts = {int.from_bytes(sealed[:WORD_BYTES], sys.byteorder): sealed for sealed in pages}
        first_words = set(starts)
        with self.vault.catalogue.read() as tx:
            records = [tx.records.get(record_id) for record_id in self.live]
        numbers = {record.number.encode() for record in records if record is not None}
        found: set[bytes] = set()
        clear: set[bytes] = set()
        for path in sorted(data_folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                for shift in range(WORD_BYTES):
                    end = len(data) - (len(data) - shift) % WORD_BYTES
                    words = memoryview(data)[shift : max(shift, end)].cast("Q")
                    seen = (starts[word] for word in first_words.intersection(words))
                    found |= {sealed for sealed in seen if sealed[:CARVED_BYTES] in data}
                clear |= {number for number in numbers if number in data}
        return [(*pages[sealed], sealed) for sealed in found], len(clear)

    def earlier_roots(self) -> list[tuple[int, Secret]]:
        """Roots that a thief may have kept, with their generations; not the one in force, which a failed last
        destruction left there."""
        generation = self.vault.keys.generation()
        return [(each, root) for each, root in self.roots if each < generation]

    def held_roots(self) -> list[Secret]:
        """Everything that every keeper still holds."""
        tree_id = self.vault.fonds.tree_id
        keepers = [self.place.keeper(name) for name in KEEPERS]
        return [k.root(tree_id, each.generation, each.attempt) for k in keepers for each in k.held(tree_id)]

    def secrets(self, leaves: set[LeafAddress]) -> list[tuple[LeafAddress, Secret]]:
        """The secrets that leaves were born with."""
        return [(leaf, leaf_secret(self.first_root, leaf)) for leaf in leaves]

    def live_leaves(self) -> set[LeafAddress]:
        """The leaves of everything that lives."""
        with self.vault.catalogue.read() as tx:
            return {version.object.leaf for record_id in self.live for version in tx.records.versions(record_id)}

    def stored_leaves(self) -> set[LeafAddress]:
        """The leaves of all sealed bytes of this vault that the store has, as their headers name them."""
        found = set()
        for listed in self.vault.store.versions(RECORDS_PREFIX):
            with self.vault.store.read(listed.key, listed.version_id) as chunks:
                match = re.search(rb"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{2}", next(iter(chunks), b""))
            if match is None:
                self.wrong.append(f"{listed.key} names no leaf")
            else:
                found.add(LeafAddress.parse(match[0].decode("ascii")))
        return {leaf for leaf in found if leaf.tree_id == self.vault.fonds.tree_id}

    def check(self, vault: Vault, where: str) -> None:
        """Opens everything that lives and tries everything that is dead, in some opened vault."""
        actor = staff(vault)
        for record_id, content in self.live.items():
            try:
                if read_bytes(vault, actor, record_id) != content:
                    self.wrong.append(f"{where}: {record_id} opens to other bytes")
            except StrongroomError as exc:
                self.wrong.append(f"{where}: {record_id} lives and does not open: {exc.code}")
        for leaf in self.doomed:
            try:
                vault.leaf_keys(leaf)
                self.wrong.append(f"{where}: leaf {leaf} is destroyed and has keys")
            except KeyDestroyed:
                pass
        with vault.catalogue.read() as tx:
            for record_id in self.dead:
                record = tx.records.get(record_id)
                if record is not None and record.state not in (RecordState.ERASING, RecordState.DESTROYED):
                    self.wrong.append(f"{where}: {record_id} is destroyed and {record.state.value}")

    def verify(self) -> Verdict:
        """Holds everything that was collected against what died, and opens everything that lives."""
        effect.resume(self.vault)
        with self.vault.catalogue.read() as tx:
            batches = tx.batches.page(self.vault.fonds.id, limit=100_000)
        self.wrong += [f"batch {each.generation} is {each.state.value}" for each in batches if not _is_done(each.state)]
        self.check(self.vault, "root in this process")
        with self.place.open(by_process=True) as opened:
            self.check(opened, "key process")
        live = self.live_leaves()
        for leaf, secret in self.secrets(live):
            if self.vault.leaf_keys(leaf) != leaf_keys(secret):
                self.wrong.append(f"leaf {leaf} has other keys than it was born with")
        # Bytes that no live record has: of what was destroyed, or of a file that came too late.
        others = self.stored_leaves() - live
        for leaf in others - self.doomed:
            self.wrong.append(f"leaf {leaf} has bytes in the store, and neither lives nor was destroyed")
        self._refuse_copies()
        adversary = self.collector()
        for root in self.held_roots():
            adversary.learn_root(root)
        if len(adversary.found_among(self.secrets(live))) != len(live):
            self.wrong.append("the collector with the final root does not even find what lives")
        return Verdict(
            kills=self.kills,
            batches=len(batches),
            dead_leaves=len(self.doomed),
            live_records=len(self.live),
            pages=sum(1 for _ in read_pages_log(self.place.folder / "pages.log")),
            found=adversary.found_among(self.secrets(self.doomed | others)),
            wrong=self.wrong,
            counts=self.counts,
        )

    def keeper_files(self) -> dict[str, tuple[int, bytes]]:
        """Every file of every keeper: when it was written, and what is in it."""
        folders = [self.place.keeper_folder(name) for name in KEEPERS]
        files = [path for folder in folders for path in folder.glob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    @contextmanager
    def keepers_unchanged(self, what: str) -> Iterator[None]:
        """Whatever happens in the block, no keeper is changed by it."""
        before = self.keeper_files()
        yield
        if self.keeper_files() != before:
            self.wrong.append(f"{what} changed a keeper")

    @property
    def today(self) -> Vault:
        """The vault on a day from whose view those of destructions lie behind all locks."""
        return replace(self.vault, clock=SystemClock())

    # -- inside ---------------------------------------------------------------------------------------------------

    def _victims(self, count: int) -> list[RecordId]:
        return self.chance.sample(sorted(self.live.keys() - self.owners.keys()), count)

    def _note_root(self) -> None:
        """What a thief would have kept: the root in force."""
        tree_id = self.vault.fonds.tree_id
        keeper = self.place.keeper("first")
        newest = max((each for each in keeper.held(tree_id) if each.promoted), key=lambda each: each.generation)
        self.roots.append((newest.generation, keeper.root(tree_id, newest.generation, newest.attempt)))

    def _recover(self, records: Sequence[RecordId], customer_ids: Sequence[CustomerId]) -> None:
        """Another process finishes what was committed; what was not has changed nothing."""
        self.snapshot()
        effect.resume(self.vault)
        self.vault.keys.renew()
        self.snapshot()
        with self.vault.catalogue.read() as tx:
            theirs = [each for each, owner in self.owners.items() if owner in customer_ids and each in self.live]
            states = set()
            gone: set[LeafAddress] = set()
            for record_id in (*records, *theirs):
                record = tx.records.get(record_id)
                assert record is not None
                states.add(record.state in (RecordState.ERASING, RecordState.DESTROYED))
                gone |= {version.object.leaf for version in tx.records.versions(record_id)}
            for customer_id in customer_ids:
                for extent in tx.extents.of_owner(self.vault.fonds.id, customer_id):
                    gone |= {
                        LeafAddress(tree_id=self.vault.fonds.tree_id, extent=extent.number, leaf=leaf)
                        for leaf in (0, 1, 31, 63)
                    }
        if len(states) > 1:
            self.wrong.append("a batch was carried out by halves")
        if True in states:
            self.doomed |= gone
            for record_id in (*records, *theirs):
                del self.live[record_id]
                self.dead.add(record_id)

    def snapshot(self) -> None:
        """The pages of the database as they are now."""
        with self.vault.catalogue.read() as tx:
            for (level, number), sealed in tx.trees.pages(self.vault.fonds.id):
                self.snapshots.setdefault((level, number), set()).add(sealed)

    def _announce(self, records: Sequence[RecordId], customer_ids: Sequence[CustomerId]) -> intake.Receiving:
        vault = self.today
        if customer_ids:
            return intake.begin(vault, staff(vault), _filing(customer_ids[0]))
        return intake.begin_correction(vault, staff(vault), records[0], _CORRECTION, "p")

    def _arrive(
        self, receiving: intake.Receiving, records: Sequence[RecordId], customer_ids: Sequence[CustomerId]
    ) -> None:
        """The bytes of what was announced come; they are taken for what lives, and only for that."""
        content = self.chance.randbytes(64)
        with self.vault.catalogue.read() as tx:
            customer = tx.customers.get(customer_ids[0]) if customer_ids else None
        is_dead = customer.state is not CustomerState.LIVE if customer is not None else records[0] in self.dead
        try:
            with receiving:
                record_id = intake.receive_from(self.today, receiving, io.BytesIO(content).readinto).record_id
        except Conflict:
            self.counts["files refused that came after the destruction"] += 1
            if not is_dead:
                self.wrong.append("a file for something that lives was refused")
            return
        if is_dead:
            self.wrong.append("a file was taken for something that is destroyed")
        self.live[record_id] = content
        if customer_ids:
            self.owners[record_id] = customer_ids[0]

    def _refuse_copies(self) -> None:
        """Every older copy of the catalogue is refused, and no keeper is changed by the trying."""
        generation = self.vault.keys.generation()
        for url in self.copies:
            with closing(open_catalogue(url)) as copy, copy.read() as tx:
                tree = tx.trees.get(self.vault.fonds.id)
            if tree is None or tree.generation == generation:
                continue
            self.refuse(Place(folder=self.place.folder, store=self.place.store, catalogue_url=url))

    def refuse(self, older: Place) -> None:
        """An older catalogue is refused beside the live one, and no keeper is changed by the trying."""
        with self.keepers_unchanged("trying an older catalogue"):
            for by_process in (False, True):
                try:
                    with older.open(by_process=by_process):
                        self.wrong.append("an older catalogue was opened")
                except CatalogueOlder:
                    self.counts["older catalogues refused"] += 1


_CORRECTION = Description(title="Paper", reason="a better scan")


def _filing(customer_id: CustomerId) -> intake.Filing:
    return intake.Filing(
        class_code="contract", customer_id=customer_id, description=Description(title="Paper"), file_name="p"
    )


def _is_done(state: BatchState) -> bool:
    return state is BatchState.EFFECTIVE


@contextmanager
def history(
    folder: Path,
    store: S3Settings,
    *,
    catalogue_url: str | None = None,
    databases: Callable[[], AbstractContextManager[str]] | None = None,
    seed: int = 1,
) -> Iterator[History]:
    """A new vault with three keepers, and what happens to it; removed afterwards."""
    folder.mkdir(parents=True)
    place = Place(folder=folder, store=store, catalogue_url=catalogue_url)
    with ExitStack() as kept:
        kept.callback(shutil.rmtree, folder, ignore_errors=True)
        further = kept.enter_context(ExitStack())
        opening = kept.enter_context(ExitStack())
        vault = opening.enter_context(place.open(create=True))
        mortal = Mortal(place)
        opening.callback(mortal.close)
        tree_id = vault.fonds.tree_id
        (first,) = place.keeper("first").held(tree_id)
        root = place.keeper("first").root(tree_id, first.generation, first.attempt)
        yield History(place, vault, mortal, root, random.Random(seed), opening, further, databases)
