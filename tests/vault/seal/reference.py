"""The formats once more, written down plainly from FORMAT.md for the vectors; shares no line with ``vault.seal``.

Slow and small on purpose: HKDF is spelled out with HMAC, AES-GCM goes through the low-level cipher interface.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM


def hkdf_expand(digest: str, prk: bytes, info: bytes, length: int = 32) -> bytes:
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([counter]), digest).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def gcm(key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    encryptor = Cipher(AES(key), GCM(iv)).encryptor()
    encryptor.authenticate_additional_data(aad)
    return encryptor.update(plaintext) + encryptor.finalize(), encryptor.tag


def ungcm(key: bytes, iv: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
    decryptor = Cipher(AES(key), GCM(iv, tag)).decryptor()
    decryptor.authenticate_additional_data(aad)
    return decryptor.update(ciphertext) + decryptor.finalize()


def u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def named(value: bytes) -> bytes:
    return u16(len(value)) + value


def context_bytes(context: Mapping[str, str]) -> bytes:
    if not context:
        return b""
    pairs = sorted((k.encode(), v.encode()) for k, v in context.items())
    return u16(len(pairs)) + b"".join(named(k) + named(v) for k, v in pairs)


class Message:
    """The pieces of one sealed message, so that refusals can be put together from them."""

    def __init__(
        self,
        *,
        kek: bytes,
        context: Mapping[str, str],
        data_key: bytes,
        message_id: bytes,
        wrap_iv: bytes,
        frame_length: int,
        plaintext: bytes,
        provider: str = "strongroom",
        key_name: str | None = None,
        suite: int = 0x0478,
        version: int = 2,
        data_key_count: int = 1,
        full_final_frame: bool = False,
    ) -> None:
        self.message_id = message_id
        self.frame_length = frame_length
        aad = context_bytes(context)
        name = (context["strongroom-leaf"] if key_name is None else key_name).encode()
        wrapped = b"".join(gcm(kek, wrap_iv, data_key, aad))
        info = name + u32(128) + u32(12) + wrap_iv
        data_keys = (named(provider.encode()) + named(info) + named(wrapped)) * data_key_count
        prk = hmac.new(message_id, data_key, "sha512").digest()
        self.key = hkdf_expand("sha512", prk, u16(suite) + b"DERIVEKEY")
        commitment = hkdf_expand("sha512", prk, b"COMMITKEY")
        fields = [
            ("version", bytes([version])),
            ("suite", u16(suite)),
            ("message id", message_id),
            ("context length", u16(len(aad))),
            ("context", aad),
            ("data key count", u16(data_key_count)),
            ("data keys", data_keys),
            ("content type", b"\x02"),
            ("frame length", u32(frame_length)),
            ("commitment", commitment),
        ]
        body = b"".join(value for _, value in fields)
        self.fields = [*fields, ("header tag", gcm(self.key, bytes(12), b"", body)[1])]
        self.header = b"".join(value for _, value in self.fields)
        full, rest = divmod(len(plaintext), frame_length)
        if full_final_frame and full and not rest:
            full -= 1
        cut = full * frame_length
        self.frames = [
            self.frame(k + 1, plaintext[k * frame_length : (k + 1) * frame_length], final=False) for k in range(full)
        ]
        self.frames.append(self.frame(full + 1, plaintext[cut:], final=True))

    def frame(self, sequence: int, plaintext: bytes, *, final: bool) -> bytes:
        iv = sequence.to_bytes(12, "big")
        what = b"AWSKMSEncryptionClient Final Frame" if final else b"AWSKMSEncryptionClient Frame"
        aad = self.message_id + what + u32(sequence) + len(plaintext).to_bytes(8, "big")
        ciphertext, tag = gcm(self.key, iv, plaintext, aad)
        start = b"\xff\xff\xff\xff" + u32(sequence) if final else u32(sequence)
        return start + iv + (u32(len(plaintext)) if final else b"") + ciphertext + tag

    @property
    def sealed(self) -> bytes:
        return self.header + b"".join(self.frames)


def leaf_secret(root: bytes, digits: list[int]) -> bytes:
    for digit in digits:
        root = hkdf_expand("sha256", root, b"strongroom/tree/child" + u16(digit))
    return root


def leaf_keys(leaf: bytes) -> dict[str, bytes]:
    return {
        "kek": hkdf_expand("sha256", leaf, b"strongroom/leaf/key-encryption"),
        "metadata_key": hkdf_expand("sha256", leaf, b"strongroom/leaf/metadata"),
        "blinding_key": hkdf_expand("sha256", leaf, b"strongroom/leaf/blinding"),
    }


def sealed_fields(key: bytes, json_text: str, subject_id: str, field_set: str, revision: int, nonce: bytes) -> bytes:
    aad = b"strongroom/fields\x01" + named(subject_id.encode()) + named(field_set.encode())
    ciphertext, tag = gcm(key, nonce, json_text.encode(), aad + revision.to_bytes(8, "big"))
    return b"\x01" + nonce + ciphertext + tag


def blind_index(key: bytes, domain: str, folded: str) -> bytes:
    return hmac.new(key, b"strongroom/blind-index" + named(domain.encode()) + folded.encode(), hashlib.sha256).digest()


def link_token(key: bytes, link_id: bytes) -> str:
    body = b"\x01" + link_id
    tag = hmac.new(key, b"strongroom/link-token" + body, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(body + tag).decode().rstrip("=")


def unwrap(sealed: bytes, kek: bytes) -> dict[str, bytes]:
    """Message id, wrapping IV and data key of a well-formed message with one data key, read by fixed steps."""
    message_id, at = sealed[3:35], 35

    def take() -> bytes:
        nonlocal at
        length = int.from_bytes(sealed[at : at + 2], "big")
        value = sealed[at + 2 : at + 2 + length]
        at += 2 + length
        return value

    aad = take()
    at += 2
    take()
    wrap_iv = take()[-12:]
    wrapped = take()
    data_key = ungcm(kek, wrap_iv, wrapped[:32], wrapped[32:], aad)
    return {"message_id": message_id, "wrap_iv": wrap_iv, "data_key": data_key}


def to_json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
