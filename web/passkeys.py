"""What browsers are given to make and to show passkeys, as JSON (Web Authentication level 3, section 5.1.8 and on).

Rule 1: a passkey belongs to a host name; under a bare IP address there are none, and the pages do not offer them.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from vault.credentials import RelyingParty
from vault.workflows.proofs import PasskeyAnswer
from web.site import Visit

TIMEOUT_MS: Final = 5 * 60_000
NAME: Final = "Strongroom"
ALGORITHMS: Final = (-8, -7, -257)
"""EdDSA, ES256, RS256 (COSE): what the judge takes."""
ANSWER_MAX_CHARACTERS: Final = 16_384

Options = dict[str, Any]


def party_of(visit: Visit) -> RelyingParty | None:
    """Whom a browser shows its passkeys to: this host by its name, None where people come by a bare address."""
    parts = urlsplit(visit.base_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return RelyingParty(id=host, origin=f"{parts.scheme}://{parts.netloc}")
    return None


def creation_options(
    party: RelyingParty, challenge: bytes, *, person_id: str, login: str, name: str, known: Sequence[bytes]
) -> str:
    """For ``navigator.credentials.create()``: kept on the device, and only for who unlocks it."""
    return json.dumps(
        {
            "rp": {"id": party.id, "name": NAME},
            "user": {"id": text_of_bytes(person_id.encode("ascii")), "name": login, "displayName": name},
            "challenge": text_of_bytes(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
            "timeout": TIMEOUT_MS,
            "excludeCredentials": _credentials(known),
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }
    )


def request_options(party: RelyingParty, challenge: bytes, known: Sequence[bytes] = ()) -> str:
    """For ``navigator.credentials.get()``; with none known, the browser offers whatever it has for this host."""
    return json.dumps(
        {
            "rpId": party.id,
            "challenge": text_of_bytes(challenge),
            "timeout": TIMEOUT_MS,
            "userVerification": "required",
            "allowCredentials": _credentials(known),
        }
    )


def answer_of(visit: Visit, assertion: str, challenge: str) -> PasskeyAnswer | None:
    """What a page's script sent in a form, None where it sent nothing."""
    party = party_of(visit)
    if not assertion or len(assertion) > ANSWER_MAX_CHARACTERS or party is None:
        return None
    return PasskeyAnswer(assertion=assertion, challenge=challenge, party=party)


def text_of_bytes(value: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _credentials(known: Sequence[bytes]) -> list[Options]:
    return [{"type": "public-key", "id": text_of_bytes(each)} for each in known]
