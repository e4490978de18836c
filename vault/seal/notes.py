"""Signed notes (C2SP signed-note) with Ed25519, and the checkpoints of the log (C2SP tlog-checkpoint) in them.

Rule 1: a note has one spelling; any other (another line break, base64 with spare bits) is refused.
Rule 2: a key is known by name and four bytes of a digest; that only finds the key, the signature is what proves.
Rule 3: signing is deterministic (RFC 8032): the same text under the same key is the same note, whoever signs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.errors import SealBroken
from vault.seal.merkle import HASH_LENGTH
from vault.seal.secrets import Secret

_ED25519: Final = b"\x01"
_ENDORSEMENT: Final = "strongroom/log-key"
_NAME: Final = re.compile(r"[^\s+]{1,200}")
_SIGNATURE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """The public key of a log. ``text`` is what auditors keep: ``name+hex(id)+base64(01 | key)``."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that find the key: of SHA-256 over name, line break, algorithm and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """The one spelling in text."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Reads ``text`` back. Raises ``SealBroken`` on any other spelling."""
        name, _, rest = text.partition("+")
        _, _, encoded = rest.partition("+")
        value = _unbase64(encoded)
        if value is None or len(value) != 33 or value[:1] != _ED25519 or _NAME.fullmatch(name) is None:
            raise SealBroken("this is no verifier key; it reads NAME+HEX+BASE64 and is an Ed25519 key")
        key = cls(name=name, public=value[1:])
        if key.text != text:
            raise SealBroken("the verifier key's id does not belong to its key; take another copy")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerKey:
    """A log's signing key: 32 bytes of seed (RFC 8032). ``since`` is when it came in force, where that is known."""

    name: str
    seed: Secret
    since: datetime | None = None

    @property
    def verifier(self) -> VerifierKey:
        """Its public half."""
        return VerifierKey(name=self.name, public=self._private().public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signature line of a text."""
        signature = self._private().sign(text.encode())
        return f"— {self.name} {_base64(self.verifier.key_id + signature)}\n"

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed.expose())


def endorsement_text(number: int, successor: VerifierKey) -> str:
    """What key ``number`` - 1 signs of the next one. No checkpoint reads so: its first line is a log's name."""
    return f"{_ENDORSEMENT}\n{number}\n{successor.text}\n"


def endorse(signer: SignerKey, number: int, successor: VerifierKey) -> str:
    """The signature of a key on its successor: base64 of key id and signature."""
    return signer.sign(endorsement_text(number, successor)).rstrip("\n").rpartition(" ")[2]


def require_endorsement(endorsement: str, key: VerifierKey, number: int, successor: VerifierKey) -> None:
    """Raises ``SealBroken`` unless ``key`` signed that ``successor`` is key ``number`` of the log."""
    open_note(f"{endorsement_text(number, successor)}\n— {key.name} {endorsement}\n".encode(), [key])


def sign_note(text: str, signers: Sequence[SignerKey]) -> bytes:
    """The note of a text that ends with a line break, signed by each of the signers."""
    if not text.endswith("\n") or "\n\n" in text or not signers:
        raise ValueError("a note's text ends with a line break, has no empty line, and somebody signs it")
    return "".join([text, "\n", *(signer.sign(text) for signer in signers)]).encode()


def open_note(note: bytes, keys: Sequence[VerifierKey]) -> tuple[str, list[VerifierKey]]:
    """A note's text, and those of ``keys`` that signed it. Raises ``SealBroken`` when none did, or one did wrongly."""
    try:
        text, separator, signatures = note.decode().rpartition("\n\n")
    except UnicodeDecodeError as exc:
        raise SealBroken("the note is not UTF-8") from exc
    lines = signatures.split("\n")
    if not separator or len(lines) < 2 or lines.pop() != "":
        raise SealBroken("this is no signed note")
    text += "\n"
    signed = []
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        value = _unbase64(match[2]) if match is not None else None
        if match is None or value is None or len(value) < 5:
            raise SealBroken("a signature line of the note is not one")
        for key in keys:
            if key.name == match[1] and key.key_id == value[:4]:
                _require_signature(key, value[4:], text)
                signed.append(key)
    if not signed:
        raise SealBroken("none of the keys that are trusted signed this note")
    return text, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of its note."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Reads ``text`` back. Raises ``SealBroken`` on any other spelling."""
        lines = text.split("\n")
        root = _unbase64(lines[2]) if len(lines) == 4 else None
        if root is None or len(root) != HASH_LENGTH or _SIZE.fullmatch(lines[1]) is None:
            raise SealBroken("this is no checkpoint of a log")
        checkpoint = cls(origin=lines[0], size=int(lines[1]), root=root)
        if checkpoint.text != text:
            raise SealBroken("this is no checkpoint of a log")
        return checkpoint


def _require_signature(key: VerifierKey, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except (InvalidSignature, ValueError) as exc:
        raise SealBroken(f"the signature by {key.text} does not belong to this note") from exc


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _unbase64(text: str) -> bytes | None:
    """None for anything but the one spelling of some bytes."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if _base64(value) == text else None
