"""Opaque identifiers: 128 random bits, written as 26 characters ``[a-z2-7]`` (RFC 4648 base32, lower case, no padding).

Rule 1: an id tells nothing about what it names; ids are what logs, object keys, URLs and audit entries hold.
Rule 2: an id from outside is parsed before it is used.
"""

from __future__ import annotations

import base64
import binascii
from typing import NewType

from vault.errors import InvalidInput
from vault.ports import Randomness

VaultId = NewType("VaultId", str)
FondsId = NewType("FondsId", str)
FondsCode = NewType("FondsCode", str)
RecordId = NewType("RecordId", str)
CustomerId = NewType("CustomerId", str)
PersonId = NewType("PersonId", str)
IntentId = NewType("IntentId", str)
ObjectId = NewType("ObjectId", str)
LinkId = NewType("LinkId", str)
UseId = NewType("UseId", str)
OpeningId = NewType("OpeningId", str)
ProcessId = NewType("ProcessId", str)
BatchId = NewType("BatchId", str)
MatterId = NewType("MatterId", str)
ListId = NewType("ListId", str)
PauseId = NewType("PauseId", str)
CertificateId = NewType("CertificateId", str)
PaperId = NewType("PaperId", str)
NoticeId = NewType("NoticeId", str)
ViewId = NewType("ViewId", str)
SessionId = NewType("SessionId", str)
PasskeyId = NewType("PasskeyId", str)
TokenId = NewType("TokenId", str)
LogCheckId = NewType("LogCheckId", str)
UploadId = NewType("UploadId", str)
WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)

ID_LENGTH = 26


def could_be_key(text: str) -> bool:
    """Whether a text from outside could be an id or a number at all; databases refuse some others in their own ways."""
    return 0 < len(text) <= 64 and text.isascii() and text.isprintable()


def new_id(randomness: Randomness) -> str:
    """A fresh id."""
    return id_from_bytes(randomness.token_bytes(16))


def id_from_bytes(raw: bytes) -> str:
    """The text of 16 bytes."""
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def id_to_bytes(text: str) -> bytes:
    """The 16 bytes of an id. Raises ``InvalidInput`` for anything that ``id_from_bytes`` does not write."""
    try:
        raw = base64.b32decode(text.upper() + "======") if text.islower() or text.isdigit() else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(text) != ID_LENGTH or len(raw) != 16 or id_from_bytes(raw) != text:
        raise InvalidInput("this is not an id: an id has 26 characters a-z and 2-7", field="id")
    return raw
