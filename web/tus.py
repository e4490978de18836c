"""What tus 1.0 says in headers (https://tus.io/protocols/resumable-upload): versions, offsets, metadata, checksums.

Rule 1: what is not written as the protocol says is refused, naming the header.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from vault.errors import InvalidInput
from vault.uploads import Upload
from web.forms import require_texts
from web.problems import BodyNotUnderstood, TusVersionUnknown

if TYPE_CHECKING:
    from hashlib import _Hash

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,checksum,expiration,termination"
PIECE_TYPE: Final = "application/offset+octet-stream"
METADATA_MAX_CHARACTERS: Final = 32 * 1024
ALGORITHMS: Final[Mapping[str, Callable[[], _Hash]]] = {
    # The protocol asks for SHA-1: against errors on the line it is good enough, and nothing else rests on it.
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
DIGITS_MAX: Final = 18
EVERY_ANSWER: Final = {"Tus-Resumable": VERSION, "Tus-Version": VERSION}


def require_version(request: Request) -> None:
    """Raises ``TusVersionUnknown``."""
    if request.headers.get("tus-resumable") != VERSION:
        raise TusVersionUnknown(f"say Tus-Resumable: {VERSION}; other versions of the protocol are not spoken here")


def require_piece(request: Request) -> None:
    """Raises ``BodyNotUnderstood`` unless the body is a piece of a file as it is."""
    if request.headers.get("content-type", "").strip().lower() != PIECE_TYPE:
        raise BodyNotUnderstood(f"a piece of an upload is {PIECE_TYPE}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BodyNotUnderstood("send the file's own bytes, without Content-Encoding")


def whole_number(request: Request, name: str) -> int:
    """A header that is a number of bytes. Raises ``InvalidInput``."""
    text = request.headers.get(name, "")
    if not text.isascii() or not text.isdigit():
        raise InvalidInput(f"{name} has to be there, a whole number of bytes", field=name)
    # More digits than that are beyond every limit, and told as what is too large is.
    return int(text) if len(text) <= DIGITS_MAX else 10**DIGITS_MAX


def told(request: Request) -> str:
    """What Upload-Metadata says, word for word. Raises ``InvalidInput``."""
    text = request.headers.get("upload-metadata", "").strip()
    if len(text) > METADATA_MAX_CHARACTERS or not text.isascii():
        raise InvalidInput("Upload-Metadata is too long, or not ASCII", field="Upload-Metadata")
    return text


def metadata_of(text: str) -> dict[str, object]:
    """The values of Upload-Metadata: pairs of a key and a base64 text. Raises ``InvalidInput``."""
    values: dict[str, object] = {}
    for pair in filter(None, (each.strip() for each in text.split(","))):
        key, _, coded = pair.partition(" ")
        try:
            value = base64.b64decode(coded.strip().encode("ascii"), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise InvalidInput(f"Upload-Metadata: the value of {key} is not base64 of UTF-8", field=key) from None
        require_texts(value, field=key)
        if key in values:
            raise InvalidInput(f"Upload-Metadata names {key} twice", field=key)
        values[key] = value
    return values


class Checksum:
    """What a piece has to digest to, as its sender announces it; of one without a checksum everything fits."""

    def __init__(self, request: Request) -> None:
        """Raises ``InvalidInput``."""
        text = request.headers.get("upload-checksum")
        self.is_announced = text is not None
        self._digest: _Hash | None = None
        self._expected = b""
        if text is None:
            return
        name, _, coded = text.strip().partition(" ")
        if name not in ALGORITHMS:
            raise InvalidInput(f"Upload-Checksum is by one of {', '.join(ALGORITHMS)}", field="Upload-Checksum")
        self._digest = ALGORITHMS[name]()
        try:
            self._expected = base64.b64decode(coded.strip().encode("ascii"), validate=True)
        except (binascii.Error, ValueError):
            self._expected = b""
        if len(self._expected) != self._digest.digest_size:
            raise InvalidInput(f"Upload-Checksum is written {name} and base64 of the digest", field="Upload-Checksum")

    def take(self, data: memoryview) -> None:
        """The next bytes of the piece."""
        if self._digest is not None:
            self._digest.update(data)

    @property
    def fits(self) -> bool:
        """Whether what was taken is what was announced."""
        return self._digest is None or self._digest.digest() == self._expected


def standing(upload: Upload) -> dict[str, str]:
    """Where an upload is, as headers."""
    from email.utils import format_datetime

    headers = {"Upload-Offset": str(upload.offset_bytes), "Upload-Length": str(upload.size_bytes)}
    if upload.sealed:
        headers["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return headers
