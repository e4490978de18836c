"""What is said between a worker and the key process: length-prefixed frames, one question and one answer at a time.

    question: length:u32 | code:u8 | body            answer: length:u32 | status:u8 | generation:u32 | body

The generation of an answer is the one whose keys it may have: 0 where none is known. An error's body is JSON: the
stable code of ``vault.errors``, the message, and the two values that some errors have.

Rule 1: the first frame is a greeting with the version, which is not answered; any other version, and anything
malformed, ends the connection.
Rule 2: no root is ever in a frame. Leaf keys are, on a socket that one user alone can open.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

from vault.errors import Broken, InvalidInput, StrongroomError, Unavailable
from vault.ports import HeldRoot, KeeperStanding
from vault.seal.destruction import Doomed
from vault.seal.increments import ATTEMPT_LENGTH
from vault.seal.keytree import ADDRESS_LENGTH, TREE_ID_LENGTH, LeafAddress, LeafKeys
from vault.seal.secrets import SECRET_LENGTH, Secret

PROTOCOL: Final = 1
GREETING_BYTES_MAX: Final = 64 * 1024
QUESTION_BYTES_MAX: Final = 64 * 1024 * 1024
ANSWER_BYTES_MAX: Final = 2**31
KEYS_LENGTH: Final = 3 * SECRET_LENGTH
LEAVES_MAX: Final = 4096

_LENGTH: Final = struct.Struct(">I")
_QUESTION: Final = struct.Struct(">IB")
_ANSWER: Final = struct.Struct(">IBI")
_COUNT: Final = struct.Struct(">I")
_ATTEMPT: Final = struct.Struct(f">I{ATTEMPT_LENGTH}s")
_PIECE: Final = 64 * 1024


class Ask(IntEnum):
    """The questions."""

    HELLO = 1
    OPEN = 2
    FOUND = 3
    LEAF = 4
    LEAVES = 5
    GENERATION = 6
    RENEW = 7
    PLAN = 8
    STAGE = 9
    PROMOTE = 10
    DESTROY_OTHERS = 11
    STANDING = 12
    DESCRIBE = 13
    BYE = 14


class Status(IntEnum):
    """How a question was answered."""

    DONE = 0
    ERROR = 1
    KEYS = 2
    """DONE, of a leaf of LEAVES."""


class Gone(Exception):
    """The other side closed the connection."""


class Garbled(Exception):
    """What came is no frame of this protocol."""


def receive(line: socket.socket, limit: int) -> bytes:
    """One frame without its length. Raises ``Gone``, ``Garbled``, ``OSError``."""
    came = _some(line)
    while len(came) < _LENGTH.size:
        came += _some(line)
    (length,) = _LENGTH.unpack_from(came)
    if not 1 <= length <= limit:
        raise Garbled(f"a frame of {length} bytes")
    pieces, missing = [came[_LENGTH.size :]], length + _LENGTH.size - len(came)
    while missing > 0:
        pieces.append(_some(line, min(missing, 16 * _PIECE)))
        missing -= len(pieces[-1])
    if missing < 0:
        raise Garbled("more than one question at a time")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def question(code: Ask, body: bytes) -> bytes:
    """A question's frame."""
    return _QUESTION.pack(1 + len(body), code) + body


def greeting(*, read_only: bool, given: Mapping[str, str]) -> bytes:
    """The first frame of a connection: version, whether it is for reading only, what its user was given."""
    return question(Ask.HELLO, bytes([PROTOCOL, read_only]) + json.dumps(dict(given)).encode())


def receive_greeting(line: socket.socket) -> tuple[bool, dict[str, str]]:
    """Whether the connection is for reading only, and the secrets of keepers. Raises ``Gone``, ``Garbled``,
    ``OSError``."""
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size))
    if not 3 <= length <= GREETING_BYTES_MAX:
        raise Garbled("no greeting")
    came = _exactly(line, length)
    if came[:2] != bytes([Ask.HELLO, PROTOCOL]):
        raise Garbled("another version, or no greeting")
    try:
        given = json.loads(came[3:])
    except ValueError:
        raise Garbled("a greeting that is none") from None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Garbled("a greeting that is none")
    return bool(came[2]), given


def answer(status: Status, generation: int, body: bytes) -> bytes:
    """An answer's frame."""
    return _ANSWER.pack(5 + len(body), status, generation) + body


def open_answer(frame: bytes) -> tuple[Status, int, bytes]:
    """Status, generation and body. Raises ``Garbled``."""
    try:
        status, generation = struct.unpack_from(">BI", frame)
        return Status(status), generation, frame[5:]
    except (struct.error, ValueError):
        raise Garbled("an answer that is none") from None


def pack_error(error: StrongroomError) -> bytes:
    """An error as bytes."""
    field = error.field if isinstance(error, InvalidInput) else None
    told = {"code": error.code, "message": error.message, "retry_after_s": error.retry_after_s, "field": field}
    return json.dumps(told).encode()


def open_error(body: bytes) -> StrongroomError:
    """The same error again, of the same class."""
    told = json.loads(body)
    kind = _CLASSES.get(told["code"], Broken)
    if issubclass(kind, InvalidInput):
        return kind(told["message"], field=told["field"])
    if issubclass(kind, Unavailable):
        return kind(told["message"], retry_after_s=told["retry_after_s"])
    return kind(told["message"], retry_after_s=told["retry_after_s"])


def pack_keys(keys: LeafKeys) -> bytes:
    """96 bytes."""
    return keys.kek.expose() + keys.metadata_key.expose() + keys.blinding_key.expose()


def open_keys(body: bytes) -> LeafKeys:
    """The keys again. Raises ``Garbled``."""
    if len(body) != KEYS_LENGTH:
        raise Garbled("keys of another length")
    kek, metadata_key, blinding_key = (Secret(body[at : at + SECRET_LENGTH]) for at in range(0, KEYS_LENGTH, 32))
    return LeafKeys(kek=kek, metadata_key=metadata_key, blinding_key=blinding_key)


def pack_addresses(addresses: Sequence[LeafAddress]) -> bytes:
    """Addresses behind each other."""
    return b"".join([address.to_bytes() for address in addresses])


def open_addresses(body: bytes) -> list[LeafAddress]:
    """The addresses again. Raises ``Garbled``."""
    if len(body) % ADDRESS_LENGTH or len(body) > LEAVES_MAX * ADDRESS_LENGTH:
        raise Garbled("addresses of another length")
    return [open_address(body[at : at + ADDRESS_LENGTH]) for at in range(0, len(body), ADDRESS_LENGTH)]


def pack_found(found: Sequence[LeafKeys | StrongroomError]) -> bytes:
    """What was found of several leaves: status, length and keys or error of each."""
    parts = []
    for each in found:
        failed = isinstance(each, StrongroomError)
        body = pack_error(each) if failed else pack_keys(each)  # type: ignore[arg-type]  # told apart the line before
        parts += [bytes([Status.ERROR if failed else Status.KEYS]), _COUNT.pack(len(body)), body]
    return b"".join(parts)


def open_found(body: bytes) -> list[LeafKeys | StrongroomError]:
    """The same again. Raises ``Garbled``."""
    found: list[LeafKeys | StrongroomError] = []
    at = 0
    try:
        while at < len(body):
            status, (length,) = body[at], _COUNT.unpack_from(body, at + 1)
            at += 1 + _COUNT.size
            piece = body[at : at + length]
            found.append(open_error(piece) if status == Status.ERROR else open_keys(piece))
            at += length
    except (struct.error, ValueError, KeyError):
        raise Garbled("leaves that are none") from None
    return found


def pack_doomed(doomed: Doomed) -> bytes:
    """What is to be destroyed: counts, addresses, extents."""
    extents = struct.pack(f">{len(doomed.extents)}I", *doomed.extents)
    return _COUNT.pack(len(doomed.leaves)) + pack_addresses(list(doomed.leaves)) + extents


def open_doomed(body: bytes) -> Doomed:
    """The same again. Raises ``Garbled``."""
    try:
        (count,) = _COUNT.unpack_from(body)
        end = _COUNT.size + count * ADDRESS_LENGTH
        leaves = [open_address(body[at : at + ADDRESS_LENGTH]) for at in range(_COUNT.size, end, ADDRESS_LENGTH)]
        extents = struct.unpack(f">{(len(body) - end) // 4}I", body[end:])
    except struct.error:
        raise Garbled("a batch that is none") from None
    return Doomed(leaves=frozenset(leaves), extents=frozenset(extents))


def pack_attempt(generation: int, attempt: bytes) -> bytes:
    """A generation and an attempt at it."""
    return _ATTEMPT.pack(generation, attempt)


def open_attempt(body: bytes) -> tuple[int, bytes]:
    """The same again. Raises ``Garbled``."""
    try:
        generation, attempt = _ATTEMPT.unpack(body)
    except struct.error:
        raise Garbled("an attempt that is none") from None
    return generation, attempt


def open_founding(body: bytes) -> tuple[bytes, bytes]:
    """Tree id and attempt. Raises ``Garbled``."""
    if len(body) != TREE_ID_LENGTH + ATTEMPT_LENGTH:
        raise Garbled("a first root that is none")
    return body[:TREE_ID_LENGTH], body[TREE_ID_LENGTH:]


def pack_standing(standing: Sequence[KeeperStanding]) -> bytes:
    """How keepers stand, as JSON."""
    told = [
        {
            "name": each.name,
            "answers": each.answers,
            "has_root": each.has_root,
            "still_held": [[root.generation, root.attempt.hex(), root.promoted] for root in each.still_held],
            "text": each.text,
        }
        for each in standing
    ]
    return json.dumps(told).encode()


def open_standing(body: bytes) -> list[KeeperStanding]:
    """The same again."""
    return [
        KeeperStanding(
            name=each["name"],
            answers=each["answers"],
            has_root=each["has_root"],
            still_held=tuple(
                HeldRoot(generation=generation, attempt=bytes.fromhex(attempt), promoted=promoted)
                for generation, attempt, promoted in each["still_held"]
            ),
            text=each["text"],
        )
        for each in json.loads(body)
    ]


def _exactly(line: socket.socket, count: int) -> bytes:
    came = b""
    while len(came) < count:
        came += _some(line, count - len(came))
    return came


def _some(line: socket.socket, most: int = _PIECE) -> bytes:
    came = line.recv(most)
    if not came:
        raise Gone
    return came


def open_address(value: bytes) -> LeafAddress:
    """An address. Raises ``Garbled``."""
    try:
        return LeafAddress.from_bytes(value)
    except InvalidInput:
        raise Garbled("an address that is none") from None


def _classes(kind: type[StrongroomError]) -> dict[str, type[StrongroomError]]:
    found = {kind.code: kind}
    for below in kind.__subclasses__():
        found |= _classes(below)
    return found


_CLASSES: Final = _classes(StrongroomError)
