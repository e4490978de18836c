"""Tokens that are shown once and known by their digest afterwards.

They are 256 random bits, so a fast digest is enough.
"""

from __future__ import annotations

import base64
import hashlib

from vault.seal.fields import blind_index
from vault.workflows.vault import Vault


def new_token(vault: Vault) -> str:
    """A token: 43 characters, fit for a URL."""
    return base64.urlsafe_b64encode(vault.randomness.token_bytes(32)).rstrip(b"=").decode("ascii")


def digest_of(token: str) -> bytes:
    """What is kept of a token: its SHA-256. Whatever came from outside has one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def keyed(vault: Vault, domain: str, text: str) -> bytes:
    """A keyed digest of a text under the house's own key; whatever came from outside has one."""
    return blind_index(vault.house_keys().blinding_key, domain, text.encode("utf-8", "replace").decode("utf-8"))
