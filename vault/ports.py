"""Promises that other rooms keep for the vault: an object store, a root keeper, a clock, and randomness.

Each port promises its errors too; whatever an adapter meets inside, only errors of ``vault.errors`` come out.
The catalogue has no port: its queries are ``storage.catalogue``'s, reached through the protocols in ``vault.shelves``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from vault.objects import ListedVersion, Lock, ObjectFacts, Part, PendingUpload, StoredObject

if TYPE_CHECKING:
    from vault.errors import StrongroomError
    from vault.findable import Findable, Sight
    from vault.ids import RecordId
    from vault.previews import Parsed, Source
    from vault.providers import ProviderFacts, ProviderState, Redeemed, SignInRequest
    from vault.queries import Query
    from vault.seal.destruction import Doomed
    from vault.seal.increments import Increment
    from vault.seal.keytree import LeafAddress, LeafKeys
    from vault.seal.secrets import Secret

Buffer = bytes | bytearray | memoryview


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...


class Randomness(Protocol):
    """Gives unpredictable bytes."""

    def token_bytes(self, count: int) -> bytes:
        """``count`` bytes from the operating system's generator."""
        ...


class ObjectStore(Protocol):
    """One bucket of an S3 server with versioning and Object Lock. Every method may be called from any thread.

    Every method raises ``StoreUnavailable`` when the server does not answer or says that it cannot now (the call may
    have taken effect), ``StoreFull`` when it says that it has no room.
    """

    def put(
        self,
        key: str,
        body: Buffer,
        *,
        sha256: bytes,
        metadata: Mapping[str, str] = ...,
        lock: Lock | None = None,
    ) -> StoredObject:
        """Writes a whole object once (``If-None-Match: *``), the lock in the same request.

        Raises ``AlreadyExists`` when the key has an object; the caller settles whether that is its own retry.
        """
        ...

    def start_upload(self, key: str, *, metadata: Mapping[str, str] = ..., lock: Lock | None = None) -> str:
        """Starts a multipart upload, the lock in the request; gives the upload id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: Buffer, *, sha256: bytes) -> Part:
        """Sends part ``number`` (from 1). Sending the same part again replaces it. Raises ``ObjectMissing`` when the
        upload is no longer known."""
        ...

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> StoredObject:
        """Joins the parts (``If-None-Match: *``). Raises ``AlreadyExists`` (settle by ``head``), ``ObjectMissing`` when
        the upload is no longer known (settle by ``head`` too: a lost answer looks like that)."""
        ...

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Forgets an upload and its parts; one that is unknown is as good as aborted."""
        ...

    def pending_uploads(self, prefix: str = "") -> Iterator[PendingUpload]:
        """Uploads neither completed nor aborted."""
        ...

    def head(self, key: str, version_id: str | None = None) -> ObjectFacts | None:
        """Facts of one version (the latest when none is named), or None when there is none."""
        ...

    def read(
        self, key: str, version_id: str | None, *, start: int = 0, length: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Streams ``length`` bytes of one version from offset ``start``; None names the newest one, where no delete
        marker hides it. Leaving the context early drops the line.

        Raises ``ObjectMissing`` when there is no such version. The iterator raises ``StoreUnavailable`` when the
        connection breaks before ``length`` bytes came.
        """
        ...

    def versions(self, prefix: str = "") -> Iterator[ListedVersion]:
        """Every version and delete marker under a prefix."""
        ...

    def extend_lock(self, key: str, version_id: str, lock: Lock) -> Lock:
        """Sets retention of one version, serialised per version, read back and compared; gives what the store keeps.

        Raises ``LockNotKept`` when what is read back is shorter than what was asked, ``ObjectMissing``.
        """
        ...

    def set_legal_hold(self, key: str, version_id: str, *, held: bool) -> None:
        """Places or releases the S3 legal hold of one version, read back and compared. Raises ``LockNotKept``,
        ``ObjectMissing``."""
        ...

    def delete_version(self, key: str, version_id: str) -> None:
        """Deletes one version; an absent one is as good as deleted. Raises ``StillLocked``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRoot:
    """One root secret that a keeper still has; several attempts at one generation may be there, one is promoted."""

    generation: int
    attempt: bytes
    """16 random bytes, drawn once for each try at a generation."""
    promoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperState:
    """What a keeper says of itself, for the doctor and for people."""

    answers: bool
    text: str
    warnings: tuple[str, ...] = ()


class RootKeeper(Protocol):
    """Holds the root secret of every fonds by generation and attempt, outside the catalogue and outside backups.

    Every method raises ``KeeperUnavailable`` when the keeper does not answer now (away, read-only, full), and
    ``SettingsWrong`` when it never will as it is set up (wrong passphrase or PIN, folder open to others).
    """

    @property
    def name(self) -> str:
        """Stable, from the settings: ``file``, ``pkcs11:...``, ``tpm``. Certificates name keepers by it."""
        ...

    def held(self, tree_id: bytes) -> Sequence[HeldRoot]:
        """What is not destroyed here of one tree, oldest generation first. Needs no unlocking where possible."""
        ...

    def root(self, tree_id: bytes, generation: int, attempt: bytes) -> Secret:
        """One root. Raises ``NotFound`` when it is not here (any more), ``SealBroken`` when it was altered."""
        ...

    def stage(self, tree_id: bytes, generation: int, attempt: bytes, root: Secret) -> None:
        """Keeps a root durably before it returns; the same again is as good as kept.

        Raises ``AlreadyExists`` when this generation and attempt has another root.
        """
        ...

    def promote(self, tree_id: bytes, generation: int, attempt: bytes) -> None:
        """Marks a staged root as the one in force, durably; the same again changes nothing. Raises ``NotFound``."""
        ...

    def destroy_others(self, tree_id: bytes, generation: int, attempt: bytes) -> int:
        """Destroys every older generation and every other attempt at this one; gives how many were destroyed.

        Newer generations are left alone: another batch may be staging one. Raises ``Conflict``, and destroys nothing,
        unless the named root is promoted here and opens.
        """
        ...

    def trees(self) -> Iterable[bytes]:
        """The tree ids that something is held of."""
        ...

    def describe(self) -> KeeperState:
        """Whether it answers, and what somebody should know. Raises nothing."""
        ...


class LeafKeySource(Protocol):
    """Gives the keys of leaves; whoever keeps this promise holds, or asks the holder of, the root."""

    def leaf_keys(self, address: LeafAddress) -> LeafKeys:
        """The keys of one leaf. Raises ``KeeperUnavailable``; ``NotFound`` for a tree that it has no root of."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperStanding:
    """How one keeper stands to the root in force."""

    name: str
    answers: bool
    has_root: bool
    """Whether it has the root in force, or a newer one, promoted."""
    still_held: tuple[HeldRoot, ...]
    """Older generations and other attempts at this one: what delays effect."""
    text: str

    @property
    def is_proven(self) -> bool:
        """Whether it is known to have nothing that was to be destroyed."""
        return self.answers and self.has_root and not self.still_held


class KeyCustody(LeafKeySource, Protocol):
    """Gives the keys of leaves, and is the only one that has the root of the fonds or draws the next one.

    Every method may be called from any thread. All raise ``KeeperUnavailable`` and ``CatalogueUnavailable``.
    """

    def leaf_keys(self, address: LeafAddress) -> LeafKeys:
        """The keys of one leaf. Raises ``KeyDestroyed``; ``SealBroken`` when a key page is missing or was altered."""
        ...

    def many_leaf_keys(
        self, addresses: Sequence[LeafAddress], *, keep: bool = True
    ) -> Sequence[LeafKeys | StrongroomError]:
        """The keys of many leaves in a few questions, or what each one's error is; where they are kept, ``leaf_keys``
        has them then. Without ``keep`` they push out no others."""
        ...

    def generation(self) -> int:
        """The generation that it serves: it has no root, and no page, of an older one."""
        ...

    def renew(self) -> int:
        """Goes to the catalogue's generation, forgetting the one before; gives the generation it then serves."""
        ...

    def plan(self, doomed: Doomed) -> Increment:
        """Computes the next batch outside of any transaction; the new root stays here until it is staged.

        Raises ``SealBroken`` when a key page on the way is missing or was altered.
        """
        ...

    def stage(self, increment: Increment) -> None:
        """Keeps the root of a planned increment durably on every keeper that answers (on two, where two are set up).

        Raises ``Conflict`` when it was not planned here; ``KeeperUnavailable`` when too few answer. The catalogue is
        not touched, so this may be called inside a transaction.
        """
        ...

    def promote(self, generation: int, attempt: bytes) -> None:
        """Puts a staged root in force on all keepers that answer, one at least."""
        ...

    def destroy_others(self, generation: int, attempt: bytes) -> int:
        """Destroys every older generation, and every other attempt at this one, on all keepers that answer and have
        this one in force; gives how many were destroyed. Raises ``Conflict`` when none has it."""
        ...

    def standing(self) -> Sequence[KeeperStanding]:
        """How each keeper stands to the catalogue's root."""
        ...


class Layout(Protocol):
    """Spells object keys: plain ``[a-z0-9/-]``, no trailing slash, no segment ending in ``.versions``."""

    def record(self, object_id: str) -> str:
        """A version's sealed object."""
        ...

    def meta(self, subject_id: str, revision: str) -> str:
        """A sealed metadata object of a record, a customer or another subject; never overwritten."""
        ...

    def meta_folder(self, subject_id: str) -> str:
        """What the keys of all metadata objects of a subject begin with."""
        ...

    def staging(self, tree_id: bytes, upload_id: str = "", object_id: str = "") -> str:
        """A piece of an upload under way; with less named, what the keys of all such pieces begin with."""
        ...

    def lasts(self, key: str) -> bool:
        """Whether the vault needs what lies under a key for as long as it lives, and never deletes it."""
        ...

    def block(self, tree_id: bytes, block: int) -> str:
        """The write-once object that reserves a block of extents."""
        ...

    def increment(self, tree_id: bytes, generation: int, attempt: bytes) -> str:
        """The key pages that one destruction batch wrote; never overwritten."""
        ...

    def log_tile(self, tree_id: bytes, path: str) -> str:
        """A tile of the log; ``path`` as C2SP tlog-tiles spells it."""
        ...

    def log_checkpoints(self, tree_id: bytes) -> str:
        """What the keys of all checkpoints begin with. They list newest first."""
        ...

    def log_checkpoint(self, tree_id: bytes, size: int) -> str:
        """The checkpoint of the log with so many entries."""
        ...

    def log_stamps(self, tree_id: bytes) -> str:
        """What the keys of all time stamps over checkpoints begin with. They list newest first."""
        ...

    def log_stamp(self, tree_id: bytes, size: int) -> str:
        """The time stamp over the checkpoint with so many entries."""
        ...

    def log_size_of(self, key: str) -> int:
        """How many entries the checkpoint under a key has, or the one that the stamp under it is over."""
        ...

    def log_crossing(self, tree_id: bytes, key: int) -> str:
        """The checkpoint that a signing key and the one before it both signed."""
        ...

    def log_key(self, tree_id: bytes, key: int) -> str:
        """A signing key of the log, sealed."""
        ...


class Parsers(Protocol):
    """Look into files, each in a process of its own that has no key, no network and no other file."""

    def parse(self, order: Mapping[str, Any], source: Source) -> Parsed:
        """What a parser says of a file; it is as trustworthy as the file.

        Raises ``NotReadable`` with the reason, ``Overloaded``, ``ParsersUnavailable``, and as reading ``source``.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStanding:
    """How far the index is. ``position`` is the change number that it has followed; ``is_filled``: what is older is in
    it, too; ``filled_down_to`` is where filling has come, newest first. ``records`` of ``expected`` are in it."""

    position: int = 0
    is_filled: bool = False
    filled_down_to: tuple[datetime, RecordId] | None = None
    records: int = 0
    expected: int = 0
    text_position: int = 0
    """The number of what is derived from files that it has followed."""
    is_full_of_texts: bool = False
    """There is no room for more texts of files: what else there is goes first."""
    is_full: bool = False
    """There is no room for more: what is missing stays missing."""


class SearchIndex(Protocol):
    """Finds records by words. Derived state: in memory only, filled from sealed metadata (DESIGN 10).

    One process of a machine leads, the others read what it wrote. Every method may be called from any thread.
    """

    def lead(self) -> bool:
        """Whether this process is the one that writes; it becomes it where there is none. A new leader begins empty."""
        ...

    def keep(self, entries: Sequence[Findable], gone: Sequence[str], standing: IndexStanding) -> None:
        """Adds or replaces entries, forgets records, and says how far the index is then, all or nothing. The counts of
        ``standing`` are the index's own."""
        ...

    def keep_texts(self, texts: Mapping[str, str], standing: IndexStanding) -> None:
        """Gives records the text of their files, folded, in place of what they had; those that are not in it stay out.
        An entry that is replaced keeps its text."""
        ...

    def cleanse(self) -> bool:
        """One step of removing for good what was forgotten; False when nothing of it is left anywhere."""
        ...

    def standing(self) -> IndexStanding:
        """How far it is; of an index that nobody leads, nothing."""
        ...

    def find(
        self,
        query: Query,
        classes: frozenset[str] | None,
        sight: Sight,
        *,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> Sequence[str]:
        """Ids of records that a query finds, newest first, behind ``before`` (time of receipt, id). ``classes`` are
        those that the query's own names stand for."""
        ...

    def twins(self, record_id: str, *, limit: int) -> Sequence[str]:
        """Ids of other records of the same owner (the house: of the same class) with the same bytes, newest first."""
        ...


class IdentityProvider(Protocol):
    """The one provider of OpenID Connect that the settings name. Every method may be called from any thread.

    Every method but ``facts`` raises ``ProviderUnavailable`` when it does not answer, or not as a provider does. Only
    addresses at its issuer, and at hosts that the settings name, are ever asked.
    """

    @property
    def facts(self) -> ProviderFacts:
        """What the settings say of it."""
        ...

    def address(self, request: SignInRequest) -> str:
        """Where somebody's browser is sent to sign in (RFC 6749 section 4.1, with PKCE)."""
        ...

    def require_issuer(self, issuer: str | None) -> None:
        """Raises ``NotSignedIn`` unless an answer that names this issuer can be the provider's (RFC 9207)."""
        ...

    def redeem(self, code: str, *, redirect_uri: str, verifier: str) -> Redeemed:
        """Gives a code back for an ID token whose signature holds. Raises ``NotSignedIn``."""
        ...

    def user_claims(self, access_token: str) -> Mapping[str, object]:
        """What else the provider says of somebody; empty where it has no such place. Raises ``NotSignedIn``."""
        ...

    def leave_address(self, *, back: str) -> str | None:
        """Where somebody signs out of the provider, too, and then comes back; None where it has no such place."""
        ...

    def examine(self) -> ProviderState:
        """Asks it anew what it is, and for its keys."""
        ...
