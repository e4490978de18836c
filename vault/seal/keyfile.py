"""The key file that goes with an exported sealed object: all that ``scripts/open_sealed`` or a stock SDK needs.

Whoever has the file can open the objects of that one leaf; it opens nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from vault.seal import labels
from vault.seal.context import require_context
from vault.seal.secrets import Secret


def write_key_file(leaf_kek: Secret, context: Mapping[str, str], *, plaintext_length: int) -> bytes:
    """The key file of one object, JSON in UTF-8. It holds the leaf's key in clear: hand it over as such.

    Raises ``ValueError`` when the context is not one of ours.
    """
    require_context(context)
    content = {
        "provider": labels.PROVIDER,
        "key_name": context[labels.CONTEXT_LEAF],
        "key_base64": base64.b64encode(leaf_kek.expose()).decode(),
        "context": dict(sorted(context.items())),
        "plaintext_length": plaintext_length,
    }
    return json.dumps(content, indent=2).encode() + b"\n"
