"""Records, their versions, and the intents from which they come.

Rule 1: everything that a person typed or that a file says is sealed: the description (title, date, place, note,
reason) and the content facts (file name, media type, digest). What stands in clear is opaque, a count, or a date that
the vault set.
Rule 2: a version never changes. A correction adds a version, or a revision of the description; the original stays.
Rule 3: transitions of a record's state are those of ``TRANSITIONS``; of an intent's, those of ``IntentState``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vault.errors import Conflict, InvalidInput, NotFound
from vault.ids import CustomerId, FondsId, IntentId, ObjectId, PersonId, ProcessId, RecordId
from vault.objects import Lock
from vault.seal.keytree import LeafAddress

TITLE_MAX_CHARACTERS = 300
PLACE_MAX_CHARACTERS = 200
NOTE_MAX_CHARACTERS = 4000
REASON_MAX_CHARACTERS = 1000
FILE_NAME_MAX_BYTES = 255


class RecordState(StrEnum):
    """Where a record is in its life."""

    RECEIVED = "received"
    FILED = "filed"
    ERASING = "erasing"
    DESTROYED = "destroyed"


TRANSITIONS: frozenset[tuple[RecordState, RecordState]] = frozenset(
    {
        (RecordState.RECEIVED, RecordState.FILED),
        (RecordState.FILED, RecordState.FILED),
        (RecordState.RECEIVED, RecordState.ERASING),
        (RecordState.FILED, RecordState.ERASING),
        (RecordState.ERASING, RecordState.DESTROYED),
    }
)


class IntentState(StrEnum):
    """``open`` (bytes are arriving) -> ``sealed`` (length and digest known, the store may complete) -> ``committed``
    (it is a record) or ``aborted`` (it never became one)."""

    OPEN = "open"
    SEALED = "sealed"
    COMMITTED = "committed"
    ABORTED = "aborted"


def _is_control(character: str) -> bool:
    """Whether it controls instead of being read: C0, DEL and C1, and Unicode's own line and paragraph separators."""
    return ord(character) < 32 or 127 <= ord(character) < 160 or character in "\u2028\u2029"


def _single_line(text: str, *, field: str, max_characters: int) -> str:
    stripped = text.strip()
    if len(stripped) > max_characters:
        raise InvalidInput(f"{field} is longer than {max_characters} characters; shorten it", field=field)
    if any(map(_is_control, stripped)):
        raise InvalidInput(f"{field} holds a control character (a line break, say); remove it", field=field)
    return _encodable(stripped, field=field)


def _encodable(text: str, *, field: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(f"{field} is not valid Unicode; type it again", field=field) from None
    return text


def _many_lines(text: str, *, field: str, max_characters: int) -> str:
    stripped = text.strip()
    if len(stripped) > max_characters:
        raise InvalidInput(f"{field} is longer than {max_characters} characters; shorten it", field=field)
    if any(_is_control(character) for character in stripped if character not in "\n\r\t\u2028\u2029"):
        raise InvalidInput(f"{field} holds a control character; remove it", field=field)
    return _encodable(stripped, field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What people say of a record: sealed, and searched only in memory. ``dated_on`` is the document's own date."""

    title: str
    dated_on: date | None = None
    place: str = ""
    note: str = ""
    reason: str = ""

    @classmethod
    def checked(
        cls, *, title: str, dated_on: date | None = None, place: str = "", note: str = "", reason: str = ""
    ) -> Description:
        """A description from outside. Raises ``InvalidInput`` naming the field."""
        clean_title = _single_line(title, field="title", max_characters=TITLE_MAX_CHARACTERS)
        if not clean_title:
            raise InvalidInput("a record needs a title; give one", field="title")
        return cls(
            title=clean_title,
            dated_on=dated_on,
            place=_single_line(place, field="place", max_characters=PLACE_MAX_CHARACTERS),
            note=_many_lines(note, field="note", max_characters=NOTE_MAX_CHARACTERS),
            reason=_many_lines(reason, field="reason", max_characters=REASON_MAX_CHARACTERS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFacts:
    """What a version's bytes are: sealed. ``sha256`` is of the plaintext; ``declared`` says that its sender named it
    before anything was acknowledged."""

    file_name: str
    media_type: str
    size_bytes: int
    sha256: bytes
    declared: bool = False


def checked_file_name(name: str) -> str:
    """The last segment of a file's name as its owner gave it, NUL and line breaks refused.

    Raises ``InvalidInput``. Names of up to 255 bytes of UTF-8 in every script are kept unchanged.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1] if "/" in name or "\\" in name else name
    if not last or last in (".", ".."):
        raise InvalidInput("the file has no name; give one", field="file_name")
    if any(map(_is_control, last)):
        raise InvalidInput("the file's name holds a control character; rename the file", field="file_name")
    if len(_encodable(last, field="file_name").encode("utf-8")) > FILE_NAME_MAX_BYTES:
        raise InvalidInput(f"the file's name is longer than {FILE_NAME_MAX_BYTES} bytes; rename it", field="file_name")
    return last


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedObject:
    """Where a sealed object is and what its bytes must be.

    ``sealed_sha256`` follows ``vault.objects`` rule 2: composite over ``part_count`` parts, or of the whole when
    ``part_count`` is 0. A part has ``part_size_bytes`` bytes of frames, the first one the header before them, the last
    one whatever is left (with the final frame's own 40 bytes that can be more). ``size_bytes`` is plaintext.
    """

    object_id: ObjectId
    key: str
    leaf: LeafAddress
    size_bytes: int
    sealed_size_bytes: int
    sealed_sha256: bytes
    part_count: int
    part_size_bytes: int
    header_length: int
    frame_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. ``change`` grows with every change of any record (the search index follows it).

    ``rule_version`` is the version of its class's rule under which ``due_on`` was computed. ``restricted_by`` said that
    it may only be stored (封存), until somebody else lifted that; ``unsettled_by`` that debts or claims which it proves
    are not settled.
    """

    id: RecordId
    fonds_id: FondsId
    number: str
    class_code: str
    customer_id: CustomerId | None
    state: RecordState
    received_at: datetime
    received_by: PersonId
    filed_at: datetime | None
    filed_by: PersonId | None
    trigger_on: date | None
    due_on: date | None
    current_ordinal: int
    current_revision: int
    change: int
    rule_version: int = 1
    restricted_by: PersonId | None = None
    restriction_lifted_by: PersonId | None = None
    unsettled_by: PersonId | None = None

    @property
    def is_restricted(self) -> bool:
        """Whether it may only be stored."""
        return self.restricted_by is not None and self.restriction_lifted_by is None

    @property
    def is_unsettled(self) -> bool:
        """Whether debts or claims that it proves are not settled."""
        return self.unsettled_by is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a record's bytes; ``ordinal`` counts from 1. ``sealed_content`` opens to ``ContentFacts``.

    ``legal_hold`` is what the store confirmed of its legal hold; None where that is to be set again.
    """

    record_id: RecordId
    ordinal: int
    object: SealedObject
    version_id: str
    lock: Lock
    sealed_content: bytes
    created_at: datetime
    created_by: PersonId
    legal_hold: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptionRevision:
    """One state of a record's description; ``revision`` counts from 1; sealed under ``leaf``."""

    record_id: RecordId
    revision: int
    ordinal: int
    leaf: LeafAddress
    sealed: bytes
    created_at: datetime
    created_by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An announced version: written before any byte reaches the store, settled into a record version or aborted.

    ``ordinal`` 1 announces a new record; more announces a correction of ``record_id``, whose current version must then
    be ``ordinal - 1``. ``object`` carries the final sizes and digests only from ``sealed`` on. ``sealed_content`` and
    ``sealed_description`` are what the version and the revision will hold. ``idempotency_key_hash`` is keyed, 32 bytes.
    """

    id: IntentId
    state: IntentState
    fonds_id: FondsId
    record_id: RecordId
    ordinal: int
    revision: int
    class_code: str
    customer_id: CustomerId | None
    person_id: PersonId
    process_id: ProcessId
    idempotency_key_hash: bytes | None
    object: SealedObject
    lock: Lock
    sealed_content: bytes
    sealed_description: bytes
    upload_id: str
    created_at: datetime


def require_unrestricted(record: Record) -> Record:
    """The record, if it may be more than stored (封存; 个人信息保护法 art. 47). Raises ``Conflict``."""
    if record.is_restricted:
        raise Conflict(f"record {record.number} may only be stored; have the restriction lifted first")
    return record


def require_correctable(record: Record | None) -> Record:
    """The record, if it can be corrected. Raises ``NotFound``, ``Conflict``."""
    if record is None:
        raise NotFound("there is no such record; look it up in the list")
    if record.state not in (RecordState.RECEIVED, RecordState.FILED):
        raise Conflict(f"record {record.number} is {record.state.value}; it cannot be corrected any more")
    return require_unrestricted(record)
