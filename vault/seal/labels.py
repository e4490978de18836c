"""Every label that separates one use of a key from another, in one place.

Rule 1: a label is never reused for a second purpose and never changed; a new meaning takes a new label.
Rule 2: no label is a prefix of another one that is used with the same key.
FORMAT.md lists them with the bytes that follow each.
"""

from __future__ import annotations

from typing import Final

# AWS Encryption SDK message format 2.0, suite 0x0478: fixed by that specification.
MESSAGE_DERIVE_KEY: Final = b"DERIVEKEY"
MESSAGE_COMMIT_KEY: Final = b"COMMITKEY"
FRAME: Final = b"AWSKMSEncryptionClient Frame"
FINAL_FRAME: Final = b"AWSKMSEncryptionClient Final Frame"

# The provider under which a stock raw-AES keyring finds our one data key.
PROVIDER: Final = "strongroom"

# Names in the context of a sealed object. Public for ever: their values are opaque ids.
CONTEXT_PREFIX: Final = "strongroom-"
CONTEXT_VAULT: Final = "strongroom-vault"
CONTEXT_LEAF: Final = "strongroom-leaf"
CONTEXT_OBJECT: Final = "strongroom-object"

# Key tree (HKDF-Expand with SHA-256), and the associated data of a sealed page.
TREE_CHILD: Final = b"strongroom/tree/child"
TREE_PAGE: Final = b"strongroom/tree/page"
TREE_SEALED_PAGE: Final = b"strongroom/tree/sealed-page"
LEAF_KEY_ENCRYPTION: Final = b"strongroom/leaf/key-encryption"
LEAF_METADATA: Final = b"strongroom/leaf/metadata"
LEAF_BLINDING: Final = b"strongroom/leaf/blinding"

# Sealed fields (associated data) and keyed digests (HMAC-SHA256).
FIELDS: Final = b"strongroom/fields"
BLIND_INDEX: Final = b"strongroom/blind-index"
LINK_TOKEN: Final = b"strongroom/link-token"

# The commitment that an entry of the log makes to what is sealed beside it (HMAC-SHA256).
LOG_DETAIL: Final = b"strongroom/log-detail"

# The commitment that a certificate of destruction makes to a person's name (SHA-256), and its nonce (HMAC-SHA256).
CERTIFICATE_NAME: Final = b"strongroom/certificate/name"
CERTIFICATE_NONCE: Final = b"strongroom/certificate/nonce"

# The root keeper's sealed file: HKDF of its unlock key, and the associated data of the sealed root.
ROOT_FILE_KEY: Final = b"strongroom/root-file/key"
ROOT_FILE: Final = b"strongroom/root-file"

# The same, version 2, where generation and attempt are named; the secret that unlocks it, made of a key file's bytes;
# the value that tells a wrong unlock secret before a root is sealed under it; a TPM's password, made of a PIN.
ROOT_SEAL_KEY: Final = b"strongroom/root-seal/key"
ROOT_SEAL: Final = b"strongroom/root-seal/v2"
KEEPER_UNLOCK: Final = b"strongroom/keeper/unlock-from-key"
KEEPER_CHECK: Final = b"strongroom/keeper/check"
KEEPER_TPM_PASSWORD: Final = b"strongroom/keeper/tpm-password"
