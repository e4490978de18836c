"""Marked names, titles, notes, file names and contents go through the vault; then whatever was written anywhere is
searched: not one mark is found in clear, and one that is planted is found in each kind of place.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from storage.searchindex.place import index_folder
from tests.support import files
from tests.support.faultworks import PART, limited
from tests.support.marks import Hit, Marks, Script
from tests.support.postgres import PostgresCluster, postgres_cluster
from tests.support.store import RunningStore, running_store
from tests.support.vault import running_vault
from vault.customers import Profile
from vault.errors import NotSignedIn, PassCodeWrong
from vault.groups import FOUNDING
from vault.holds import HoldScope, MatterProfile
from vault.objects import ListedVersion
from vault.permissions import Actor
from vault.records import Description
from vault.sessions import Client
from vault.workflows import (
    customers,
    deriving,
    finding,
    finishing,
    holding,
    indexing,
    intake,
    matters,
    paper,
    people,
    placing,
    previews,
    restricting,
    retrieval,
    schedules,
    sessions,
    sharing,
    upkeep,
    uploads,
)
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults

SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A vault that was used with marks, still open, and every place that it may have written to."""

    marks: Marks
    vault: Vault
    store: RunningStore
    home: Path
    cluster: PostgresCluster | None
    database: str
    scratch: Path
    kept_scratch: Path
    shared_before: frozenset[str]


@contextmanager
def _keeping_scratch(scratch: Path, kept: Path) -> Iterator[None]:
    """Hard links to every file that appears in the scratch folder, however short it lives."""
    ended = threading.Event()

    def keep() -> None:
        seen: set[int] = set()
        while not ended.wait(0.002):
            for path in scratch.rglob("*"):
                with suppress(OSError):
                    number = path.stat().st_ino
                    if number not in seen and path.is_file():
                        seen.add(number)
                        os.link(path, kept / f"{number}-{path.name}")

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The run."""
    folder = tmp_path_factory.mktemp("marked")
    scratch, kept = folder / "scratch", folder / "kept-scratch"
    for made in (scratch, kept, folder / "home" / "logs"):
        made.mkdir(parents=True, mode=0o700)
    (folder / "home").chmod(0o700)
    shared_before = frozenset(os.listdir(SHARED_MEMORY))
    usual = tempfile.tempdir
    log = logging.FileHandler(folder / "home" / "logs" / "debug.log", encoding="utf-8")
    level = logging.root.level
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        cluster = None
        if request.param == "postgresql":
            cluster = stack.enter_context(postgres_cluster(durable=True))
        patch.setenv("TMPDIR", str(scratch))
        tempfile.tempdir = str(scratch)
        logging.root.addHandler(log)
        logging.root.setLevel(logging.DEBUG)
        try:
            with (
                _keeping_scratch(scratch, kept),
                running_store(folder / "store") as store,
                running_vault(
                    store.settings, folder / "home", catalogue_url=cluster.url() if cluster is not None else None
                ) as opened,
            ):
                marks = Marks(20_260_101)
                vault = limited(opened)
                _use(vault, marks)
                log.flush()
                yield Ground(
                    marks=marks,
                    vault=vault,
                    store=store,
                    home=folder / "home",
                    cluster=cluster,
                    database="postgres",
                    scratch=scratch,
                    kept_scratch=kept,
                    shared_before=shared_before,
                )
        finally:
            tempfile.tempdir = usual
            logging.root.setLevel(level)
            logging.root.removeHandler(log)
            log.close()


def _use(vault: Vault, marks: Marks) -> None:
    """Everything that takes a text from a person."""
    operator = people.operator(vault)
    customer = customers.add_customer(
        vault,
        operator,
        Profile(name=marks.new(Script.CJK), note=marks.new(Script.GREEK)),
    )
    records = []
    for script in Script:
        content = "\n".join(marks.new(script) for _ in range(3))
        for number, body in enumerate(
            (
                content.encode("utf-8"),
                content.encode("utf-16"),
                content.encode("gb18030"),
                b"x" * PART + content.encode(),
            )
        ):
            if number > 0 and script is not Script.CJK:
                continue
            filing = intake.Filing(
                class_code="contract",
                customer_id=customer.customer.id,
                description=Description.checked(
                    title=marks.new(script),
                    dated_on=date(2024, 5, 17),
                    place=marks.new(script),
                    note=marks.new(script) * (40 if number == 0 else 1),
                ),
                file_name=marks.new(script) + ".txt",
            )
            key = marks.new()
            with intake.begin(vault, operator, filing, idempotency_key=key) as receiving:
                records.append(intake.receive_from(vault, receiving, io.BytesIO(body).readinto))
    _in_pieces(vault, operator, marks)
    first = records[0].record_id
    said = Description.checked(
        title=marks.new(Script.HANGUL),
        reason=marks.new(Script.CYRILLIC),
        note=marks.new(Script.KANA),
    )
    with intake.begin_correction(vault, operator, first, said, marks.new() + ".txt") as receiving:
        body = marks.new(Script.ARABIC).encode("utf-8")
        intake.receive_from(vault, receiving, io.BytesIO(body).readinto)
    again = Description.checked(title=marks.new(Script.CJK), reason=marks.new())
    intake.revise_description(vault, operator, first, again)
    holding.file_record(vault, operator, first, trigger_on=date(2026, 1, 31))
    matter = placing.place_hold(
        vault,
        operator,
        MatterProfile.checked(title=marks.new(Script.CJK), reason=marks.new(Script.CYRILLIC), issuer=marks.new()),
        HoldScope(records=frozenset({first}), queries=(marks.new(Script.GREEK),)),
    )
    matters.propose_release(vault, operator, matter.matter.id, marks.new(Script.KANA))
    pass_code = marks.new()
    _, token = sharing.make_link(
        vault,
        operator,
        first,
        lifetime=timedelta(hours=1),
        uses_max=3,
        pass_code=pass_code,
        note=marks.new(Script.CJK),
    )
    with pytest.raises(PassCodeWrong):
        sharing.take_use(vault, token, pass_code=marks.new(), origin="192.0.2.77")
    use = sharing.take_use(vault, token, pass_code=pass_code, origin="192.0.2.77")
    b"".join(sharing.open_use(vault, token, use).stream())
    indexing.follow(vault)
    finding.find(vault, operator, marks.new(Script.CJK))
    for receipt in records:
        b"".join(retrieval.open_version(vault, operator, receipt.record_id, ordinal=1, purpose="legal").stream())
    second = records[1].record_id
    paper.keep_paper(vault, operator, second, box="B-0001", place=marks.new(Script.CJK))
    restricting.mark_unsettled(vault, operator, second, marks.new(Script.GREEK))
    restricting.restrict_record(vault, operator, second, marks.new(Script.HANGUL))
    rule = schedules.find_rule(vault, "contract").rule
    schedules.propose(vault, operator, replace(rule, period_years=12), marks.new(Script.CYRILLIC))
    invitation = people.invite(vault, operator, FOUNDING)
    login, password = marks.new(), marks.new()
    people.accept_invitation(vault, invitation, login=login, name=marks.new(Script.CJK), password=password)
    session, _ = sessions.sign_in(vault, login=login, password=password, client=Client(address="192.0.2.77"))
    sessions.signed_in(vault, session)
    with pytest.raises(NotSignedIn):
        sessions.sign_in(
            vault, login=marks.new(), password=marks.new(), client=Client(address="192.0.2.78", agent=marks.new())
        )
    _look_at(vault, operator, marks)
    upkeep.run_due(vault)


def _look_at(vault: Vault, operator: Actor, marks: Marks) -> None:
    """Pages are drawn and read, text and pictures are derived: in parser processes, which write nothing either."""
    for file_name, body in (
        (marks.new() + ".pdf", files.pdf(marks.new(Script.CJK), marks.new())),
        (marks.new() + ".docx", files.docx(marks.new(Script.CJK))),
    ):
        filing = intake.Filing(
            class_code="contract",
            customer_id=None,
            description=Description.checked(title=marks.new()),
            file_name=file_name,
        )
        with intake.begin(vault, operator, filing, idempotency_key=marks.new()) as receiving:
            receipt = intake.receive_from(vault, receiving, io.BytesIO(body).readinto)
        look = previews.look_at(vault, operator, receipt.record_id, purpose="business")
        if file_name.endswith(".pdf"):
            assert look.pages == 2
            assert previews.draw_page(vault, operator, receipt.record_id, 1, width=600, purpose="business").body
        else:
            assert previews.read_passage(vault, operator, receipt.record_id, 1, purpose="business").text
    assert deriving.derive_due(vault).values["made"] in range(2, 1000)


def _in_pieces(vault: Vault, operator: Actor, marks: Marks) -> None:
    """An upload that is under way, and one that became a record."""
    for whole in (False, True):
        body = (b"x" * 100 + marks.new(Script.CJK).encode("utf-16") + marks.new(Script.GREEK).encode()) * 3
        filing = intake.Filing(
            class_code="contract",
            customer_id=None,
            description=Description.checked(title=marks.new(Script.HANGUL), note=marks.new(Script.ARABIC)),
            file_name=marks.new(Script.CYRILLIC) + ".txt",
            declared_size_bytes=len(body),
        )
        begun, _ = uploads.begin(vault, operator, filing, told=marks.new(), idempotency_key=marks.new())
        opened = uploads.find_open(vault, operator, begun.id)
        for start, end in ((0, 150), (150, len(body) if whole else len(body) - 1)):
            assert uploads.count_pieces(vault, [uploads.stage(vault, opened, start, body[start:end])])
        if whole:
            finishing.finish(vault, operator, uploads.find(vault, operator, begun.id))


# -- the search --------------------------------------------------------------------------------------------------------


def _columns(ground: Ground) -> Iterator[tuple[str, bytes]]:
    """Every value of every column of every table, as bytes."""
    if ground.cluster is None:
        with closing(sqlite3.connect(ground.home / "catalogue.sqlite")) as file:
            tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                rows = file.execute(f'SELECT * FROM "{table}"')
                names = [column[0] for column in rows.description]
                for row in rows:
                    for name, value in zip(names, row, strict=True):
                        yield f"{table}.{name}", value if isinstance(value, bytes) else str(value).encode("utf-8")
        return
    with ground.cluster.connect(ground.database) as connection:
        tables = [
            str(row[0])
            for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        ]
        for table in tables:
            found = connection.execute(f'SELECT * FROM "{table}"'.encode())
            named = [column.name for column in found.description or ()]
            for values in found.fetchall():
                for column, value in zip(named, values, strict=True):
                    yield f"{table}.{column}", value if isinstance(value, bytes) else str(value).encode("utf-8")


def _objects(ground: Ground) -> list[ListedVersion]:
    return [listed for listed in ground.vault.store.versions() if not listed.is_delete_marker]


def _search(ground: Ground) -> tuple[list[Hit], dict[str, int]]:
    """What is found in clear, and how many things of each kind were searched."""
    marks, hits = ground.marks, []
    counts = dict.fromkeys(("column", "object-key", "object-metadata", "object-bytes"), 0)
    for place, value in _columns(ground):
        counts["column"] += 1
        hits += marks.search(f"column {place}", value)
    for listed in _objects(ground):
        counts["object-key"] += 1
        hits += marks.search("object-key", listed.key.encode("utf-8"))
        facts = ground.vault.store.head(listed.key, listed.version_id)
        assert facts is not None
        for name, text in facts.metadata.items():
            counts["object-metadata"] += 1
            hits += marks.search("object-metadata", f"{name}: {text}".encode())
        with ground.vault.store.read(listed.key, listed.version_id, length=listed.size_bytes) as chunks:
            counts["object-bytes"] += 1
            hits += marks.search("object-bytes", b"".join(chunks))
    hits += marks.search_folder("store-folder", ground.store.embedded.home)
    hits += marks.search_folder("home", ground.home)
    hits += marks.search_folder("keeper", ground.home.with_name(ground.home.name + "-keeper"))
    hits += marks.search_folder("scratch", ground.kept_scratch)
    # The search index is plaintext in memory by design; ``tests/storage/searchindex`` looks at who may read it.
    index = index_folder(ground.home, None)
    for name in set(os.listdir(SHARED_MEMORY)) - ground.shared_before - {index.name if index is not None else ""}:
        hits += marks.search_tree("shared-memory", SHARED_MEMORY / name)
    if ground.cluster is not None:
        with ground.cluster.connect() as connection:
            connection.execute("CHECKPOINT")
        hits += marks.search_folder("postgres-folder", ground.cluster.folder)
    return hits, counts


def test_nothing_that_a_person_typed_or_a_file_says_is_written_in_clear_anywhere(ground: Ground) -> None:
    hits, counts = _search(ground)
    assert hits == []
    assert counts["column"] > 500
    assert counts["object-bytes"] >= 12
    assert counts["object-metadata"] >= 10


def test_a_mark_that_is_planted_is_found_in_each_kind_of_place(ground: Ground) -> None:
    planted = ground.marks.new()
    utf16 = ground.marks.new(Script.CJK).encode("utf-16-le")
    if ground.cluster is None:
        file = sqlite3.connect(ground.home / "catalogue.sqlite", isolation_level=None)
        file.execute("CREATE TABLE planted (text TEXT)")
        file.execute("INSERT INTO planted VALUES (?)", (planted,))
    else:
        with ground.cluster.connect(ground.database) as connection:
            connection.execute("CREATE TABLE planted (text TEXT)")
            connection.execute("INSERT INTO planted VALUES (%s)", (planted,))
    body = b"before " + planted.encode("ascii") + b" after " + utf16
    stored = ground.vault.store.put(
        f"planted/{planted}", body, sha256=hashlib.sha256(body).digest(), metadata={"planted": planted}
    )
    logging.getLogger("planted").info("somebody wrote %s here", planted)
    with tempfile.NamedTemporaryFile() as scratch:
        scratch.write(utf16)
        scratch.flush()
        threading.Event().wait(0.3)
    shared = SHARED_MEMORY / f"planted-{os.getpid()}"
    beside_the_root = ground.home.with_name(ground.home.name + "-keeper") / "planted"
    for place in (shared, beside_the_root):
        place.write_bytes(planted.encode("ascii"))
    try:
        hits, _ = _search(ground)
    finally:
        shared.unlink()
        beside_the_root.unlink()
        ground.vault.store.delete_version(stored.key, stored.version_id)
        if ground.cluster is None:
            file.close()
    places = {hit.place.split(":")[0].split(".")[0] for hit in hits}
    wanted = {"column planted", "object-key", "object-metadata", "object-bytes", "store-folder", "home", "keeper"}
    wanted |= {"scratch", "shared-memory"} | ({"postgres-folder"} if ground.cluster is not None else set())
    assert places == wanted
    files = {hit.place for hit in hits}
    assert any("debug.log" in place for place in files)
    if ground.cluster is None:
        assert any("catalogue.sqlite-wal" in place for place in files)
    else:
        assert any("pg_wal" in place for place in files)


def test_the_searcher_knows_a_mark_in_every_dress() -> None:
    marks = Marks(5)
    for script in Script:
        text = marks.new(script)
        for plain in (text.encode("utf-8"), text.encode("utf-16-le"), text.encode("gb18030")):
            for before in (b"", b"1", b"12", b"123"):
                for dress in (plain, base64.b64encode(before + plain + b"zz"), (before + plain).hex().encode("ascii")):
                    assert marks.search("here", dress), (script, dress)
