"""Tokens of signed links: they name a link, and nobody but the vault can make one (FORMAT.md 4).

Rule 1: a token has one spelling. 33 bytes fill 44 characters of base64url to the last bit, so no other text decodes to
the same bytes, and no padding is taken.
Rule 2: whatever is wrong with a token, the answer is ``NotFound``; expiry, revocation and uses are the catalogue's.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Final

from vault.errors import NotFound
from vault.seal import labels
from vault.seal.secrets import Secret

TOKEN_VERSION: Final = 1
LINK_ID_LENGTH: Final = 16
TOKEN_TAG_LENGTH: Final = 16
TOKEN_TEXT_LENGTH: Final = 44

_TOKEN = re.compile(r"[A-Za-z0-9_-]{44}", re.ASCII)


def sign_token(key: Secret, link_id: bytes) -> str:
    """The token of a link: 44 characters, fit for a URL. ``link_id`` has 16 bytes, random.

    Raises ``ValueError`` on any other length.
    """
    if len(link_id) != LINK_ID_LENGTH:
        raise ValueError(f"a link id has {LINK_ID_LENGTH} bytes, not {len(link_id)}")
    body = bytes((TOKEN_VERSION,)) + link_id
    return base64.urlsafe_b64encode(body + _tag(key, body)).decode()


def open_token(key: Secret, token: str) -> bytes:
    """The link id that a token names, once its tag is verified. Raises ``NotFound`` on anything else."""
    if _TOKEN.fullmatch(token) is None:
        raise NotFound("no such link")
    value = base64.urlsafe_b64decode(token)
    body, tag = value[: 1 + LINK_ID_LENGTH], value[1 + LINK_ID_LENGTH :]
    # The version is under the tag: a tag of another version's body does not verify here.
    if not hmac.compare_digest(_tag(key, body), tag) or body[0] != TOKEN_VERSION:
        raise NotFound("no such link")
    return body[1:]


def _tag(key: Secret, body: bytes) -> bytes:
    # HMAC-SHA256 truncated to 128 bits (RFC 2104 section 5): forging takes some 2**128 tries, each of them a request.
    return hmac.digest(key.expose(), labels.LINK_TOKEN + body, "sha256")[:TOKEN_TAG_LENGTH]
