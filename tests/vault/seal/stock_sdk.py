"""The stock AWS Encryption SDK as a judge, with a raw AES key and the one suite that the vault uses."""

from __future__ import annotations

from collections.abc import Mapping

import aws_encryption_sdk
from aws_encryption_sdk.identifiers import (
    AlgorithmSuite,
    CommitmentPolicy,
    EncryptionKeyType,
    WrappingAlgorithm,
)
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider


def _one_key(*, provider: str, key_name: str, key: bytes) -> RawMasterKeyProvider:
    """A keyring of one raw AES-256 key. The SDK takes the provider's name from the class, so each has a class."""

    class OneKey(RawMasterKeyProvider):  # type: ignore[misc]  # the SDK has no types
        provider_id = provider

        def _get_raw_key(self, key_id: bytes) -> WrappingKey:
            return WrappingKey(
                wrapping_algorithm=WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
                wrapping_key=key,
                wrapping_key_type=EncryptionKeyType.SYMMETRIC,
            )

    keys = OneKey()
    keys.add_master_key(key_name)
    return keys


def sdk_seal(
    plaintext: bytes, *, provider: str, key_name: str, key: bytes, context: Mapping[str, str], frame_length: int
) -> bytes:
    """A message as the SDK writes it."""
    keys = _one_key(provider=provider, key_name=key_name, key=key)
    client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    sealed, _ = client.encrypt(
        source=plaintext,
        key_provider=keys,
        encryption_context=dict(context),
        frame_length=frame_length,
        algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
    )
    return bytes(sealed)


def sdk_open(sealed: bytes, *, provider: str, key_name: str, key: bytes) -> tuple[bytes, dict[str, str]]:
    """What the SDK reads in a message: plaintext and context. It raises its own errors."""
    keys = _one_key(provider=provider, key_name=key_name, key=key)
    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, max_encrypted_data_keys=1
    )
    plaintext, header = client.decrypt(source=sealed, key_provider=keys)
    return bytes(plaintext), dict(header.encryption_context)
