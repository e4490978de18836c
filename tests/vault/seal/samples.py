"""What the tests of sealing share: an address, a key, a context, repeatable bytes, and the vectors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from vault.seal.envelope import header_length, object_context
from vault.seal.keytree import LeafAddress
from vault.seal.secrets import Secret

FRAME: Final = 128
ADDRESS: Final = LeafAddress(tree_id=bytes(range(16)), extent=4711, leaf=9)
CONTEXT: Final = object_context(vault_id="v-1", leaf=ADDRESS, object_id="o-1")
HEADER_LENGTH: Final = header_length(CONTEXT)
KEK: Final = Secret(hashlib.sha256(b"kek").digest())


def some_bytes(count: int, name: str = "plaintext") -> bytes:
    """The same pseudo-random bytes for the same name and count."""
    return hashlib.shake_256(name.encode()).digest(count)


def vectors(name: str) -> Any:
    """The content of ``vectors/NAME.json``."""
    return json.loads((Path(__file__).parent / "vectors" / f"{name}.json").read_text(encoding="utf-8"))
