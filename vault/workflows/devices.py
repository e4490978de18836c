"""Devices from which somebody has signed in: each has a signed cookie, and so a counter of guesses of its own.

Rule 1: the cookie signs nobody in. It only says that its bearer's guesses are counted apart.
Rule 2: it belongs to one person: for another one's name it counts as none.
"""

from __future__ import annotations

import hmac

from vault.ids import ID_LENGTH, PersonId
from vault.sessions import Client
from vault.workflows.onetime import keyed
from vault.workflows.vault import Vault


def new_device(vault: Vault, person_id: PersonId) -> str:
    """The cookie of a device from which somebody has just signed in."""
    nonce = vault.new_id()
    return f"{nonce}.{_tag(vault, person_id, nonce)}"


def device_of(vault: Vault, client: Client, person_id: PersonId | None) -> str | None:
    """The device's own random name, None when it has no cookie of this person."""
    nonce, _, tag = (client.device or "").partition(".")
    # An unknown name is compared too, with what no cookie has: the answer takes as long.
    wanted = _tag(vault, person_id if person_id is not None else PersonId(""), nonce[:ID_LENGTH])
    if not hmac.compare_digest(wanted.encode(), tag.encode("utf-8", "replace")):
        return None
    return nonce if person_id is not None and len(nonce) == ID_LENGTH else None


def _tag(vault: Vault, person_id: PersonId, nonce: str) -> str:
    return keyed(vault, "device", f"{person_id} {nonce}").hex()
