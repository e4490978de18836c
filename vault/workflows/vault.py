"""The opened vault: everything a workflow works with, wired once by ``storage.assembly``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock as Mutex
from typing import TYPE_CHECKING, Generic, TypeVar

from vault.audit import Detail, Entry, Event
from vault.backups import BackupPlan
from vault.certificates import Checked
from vault.credentials import CheckNewPasskey, CheckPasskey
from vault.errors import Overloaded
from vault.fonds import Fonds
from vault.ids import IntentId, PersonId, ProcessId, RecordId, VaultId, new_id
from vault.labels import Label, Stock
from vault.ports import Clock, IdentityProvider, KeyCustody, Layout, ObjectStore, Parsers, Randomness, SearchIndex
from vault.seal.envelope import FRAME_LENGTH
from vault.seal.keytree import LeafAddress, LeafKeys
from vault.shelves import Catalogue
from vault.webhooks import WebhookSending
from vault.workflows.bell import Bell

if TYPE_CHECKING:
    from vault.workflows.logstore import Covering
    from vault.workflows.upkeep import Job

MIB = 1024 * 1024

T = TypeVar("T")

CopyPages = Callable[[str, bytes], None]
"""Puts the key pages of a batch, by their object key, into one backup place, durably; the same again is harmless."""

PrintLabels = Callable[[Sequence[Label], Stock, int], bytes]
"""Makes the PDF of labels on a kind of sheet or roll, from a place of its first page on."""

PrintCertificate = Callable[[Checked, Mapping[str, str], Sequence[str]], bytes]
"""Makes the PDF of a certificate that was checked, with people's names by their ids, in some languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one process takes on. ``part_size_bytes`` is plaintext, a whole number of frames.

    Sealed, and with the header, a part stays within 8 MiB: of a longer one the embedded store makes two pieces, the
    second a small one with a sync of its own.

    ``open_uploads_max`` resumable uploads, announced to be ``open_upload_bytes_max`` bytes together, may somebody have
    under way.

    ``expiry_share_percent`` of the living records, and ``expiry_at_least`` of them, may expire within a day before
    somebody has to look.
    """

    upload_bytes_max: int = 1024 * 1024 * MIB
    part_size_bytes: int = 31 * FRAME_LENGTH
    parts_in_flight: int = 4
    uploads_at_once: int = 32
    open_uploads_max: int = 100
    open_upload_bytes_max: int = 2 * 1024 * 1024 * MIB
    expiry_share_percent: int = 10
    expiry_at_least: int = 20


class Turnstile:
    """Counts what is inside and refuses more than fit; waiting in line is the caller's, where it can be done fairly."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._mutex = Mutex()

    @contextmanager
    def enter(self) -> Iterator[None]:
        """A place for the duration of the block. Raises ``Overloaded``."""
        with self._mutex:
            if self._places == 0:
                raise Overloaded("too much is under way at once; try again in a few seconds", retry_after_s=5)
            self._places -= 1
        try:
            yield
        finally:
            with self._mutex:
                self._places += 1


class Remembered(Generic[T]):
    """What was read of the store lately. It never changes there, so what is remembered stays true."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._mutex = Mutex()
        self._found: dict[str, T] = {}

    def get(self, key: str) -> T | None:
        """What is remembered under a key."""
        with self._mutex:
            found = self._found.pop(key, None)
            if found is not None:
                self._found[key] = found
        return found

    def keep(self, key: str, found: T) -> None:
        """Remembers one more; what was longest not asked for is forgotten."""
        with self._mutex:
            self._found[key] = found
            if len(self._found) > self._places:
                del self._found[next(iter(self._found))]


@dataclass(slots=True)
class Sweep:
    """How far this process's look at all records has come, for what is to be derived; None at their beginning.

    ``put_off`` are records that could not be read, each until it is tried again.
    """

    before: tuple[datetime, RecordId] | None = None
    ended_at: datetime | None = None
    put_off: dict[RecordId, datetime] = field(default_factory=dict)
    mutex: Mutex = field(default_factory=Mutex)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockVerdict:
    """What came of attacking canaries: ``held`` of ``tried`` attacks were withstood."""

    tried: int
    held: int

    @property
    def proved(self) -> bool:
        """Whether every attack was withstood; only then may the store be called WORM."""
        return self.tried > 0 and self.held == self.tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """One fonds of one vault, open. ``pool`` runs the sealing and sending of parts for the whole process.

    ``house`` is the leaf whose keys are the fonds's own. ``description`` says where this process runs; ``is_gone``
    whether the process of a description is known to be dead on this machine. ``media_type_of`` tells a media type by
    a file's first bytes and its name, ``parsers`` look into files, each in a process without keys or network.
    ``prove_lock`` attacks canaries in the store. ``outside_time`` is what time the object store has.
    ``print_certificate`` and ``print_labels`` make a PDF. ``check_new_passkey`` and ``check_passkey`` judge what
    browsers say of passkeys. ``webhook_sending`` tells receivers outside. ``underway`` holds the intents that some
    thread of this process still works on; recovery leaves those alone. ``page_copies`` are the backup places,
    ``duties`` the jobs that this installation has beside those of every vault, ``backups`` where and when it is
    backed up, None where no place is set. ``published`` remembers what was read of the published log, ``covering``
    a checkpoint that proofs lead to, ``headers`` those of objects that are read in ranges. ``bell`` calls a duty before
    its time. ``provider`` is who else signs people in, None where none is set.
    """

    vault_id: VaultId
    fonds: Fonds
    house: LeafAddress
    catalogue: Catalogue
    store: ObjectStore
    keys: KeyCustody
    layout: Layout
    clock: Clock
    randomness: Randomness
    process_id: ProcessId
    description: str
    pool: Executor
    search: SearchIndex
    media_type_of: Callable[[bytes, str], str]
    parsers: Parsers
    is_gone: Callable[[str], bool]
    prove_lock: Callable[[], LockVerdict]
    print_certificate: PrintCertificate
    print_labels: PrintLabels
    outside_time: Callable[[], datetime]
    check_new_passkey: CheckNewPasskey
    check_passkey: CheckPasskey
    webhook_sending: WebhookSending
    limits: Limits = field(default_factory=Limits)
    page_copies: Sequence[CopyPages] = ()
    duties: Sequence[Job] = ()
    backups: BackupPlan | None = None
    provider: IdentityProvider | None = None
    hashing: Turnstile = field(default_factory=lambda: Turnstile(8))
    indexing: Mutex = field(default_factory=Mutex)
    underway: set[IntentId] = field(default_factory=set)
    published: Remembered[bytes] = field(default_factory=lambda: Remembered(512))
    covering: Remembered[Covering] = field(default_factory=lambda: Remembered(1))
    sweep: Sweep = field(default_factory=Sweep)
    headers: Remembered[bytes] = field(default_factory=lambda: Remembered(2048))
    bell: Bell = field(default_factory=Bell)

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        return self.clock.now()

    def new_id(self) -> str:
        """A fresh opaque id."""
        return new_id(self.randomness)

    def leaf_keys(self, leaf: LeafAddress) -> LeafKeys:
        """The keys of a leaf."""
        return self.keys.leaf_keys(leaf)

    def house_keys(self) -> LeafKeys:
        """The keys of the fonds's own first leaf: its blinding key makes the keyed indexes and link tokens."""
        return self.keys.leaf_keys(self.house)

    def entry(self, actor: PersonId | str, event: Event, subject: str, detail: Detail | None = None) -> Entry:
        """An audit entry of now."""
        return Entry(at=self.now(), actor=actor, event=event, subject=subject, detail=detail or {})
