"""What a sender says of a file, from a header, a form or JSON, turned into the beginning of an upload.

Rule 1: what can be checked without the vault is checked before the body is read.
Rule 2: nothing that a person typed stands in a URL: for raw bodies it travels in the ``Strongroom-Metadata`` header.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request

from vault.errors import InvalidInput, NotFound
from vault.ids import RecordId
from vault.records import Description, checked_file_name
from vault.workflows import customers, intake, retrieval
from vault.workflows.customers import CustomerView
from vault.workflows.intake import Filing, Receiving
from web.forms import date_of, description_of, parse_json_object, text_of, title_from
from web.problems import BodyNotUnderstood
from web.site import Visit

METADATA_HEADER: Final = "Strongroom-Metadata"
METADATA_MAX_CHARACTERS: Final = 32 * 1024
KEY_HEADER: Final = "Idempotency-Key"

Begin = Callable[[], Receiving]


def metadata_of(request: Request) -> Mapping[str, object]:
    """The JSON object in the metadata header (base64url, RFC 4648 section 5). Raises ``InvalidInput``."""
    text = request.headers.get(METADATA_HEADER, "")
    if not text:
        raise InvalidInput(f"the header {METADATA_HEADER} is missing; see the API's description", field=METADATA_HEADER)
    if len(text) > METADATA_MAX_CHARACTERS:
        raise InvalidInput(f"{METADATA_HEADER} is too long", field=METADATA_HEADER)
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"{METADATA_HEADER} is not base64url", field=METADATA_HEADER) from None
    return parse_json_object(raw)


def declared_sha256(request: Request) -> bytes | None:
    """The SHA-256 that the sender announced (RFC 9530), None without one. Raises ``InvalidInput``."""
    for header in ("Repr-Digest", "Content-Digest"):
        for member in request.headers.get(header, "").split(","):
            name, _, value = member.strip().partition("=")
            if name.strip().lower() != "sha-256":
                continue
            try:
                digest = base64.b64decode(value.strip().strip(":"), validate=True)
            except (binascii.Error, ValueError):
                digest = b""
            if len(digest) != 32 or not value.strip().startswith(":"):
                raise InvalidInput(f"{header} is not written like sha-256=:...:", field=header)
            return digest
    return None


def idempotency_key_of(request: Request) -> str | None:
    """The idempotency key, plain or as a structured string."""
    text = request.headers.get(KEY_HEADER)
    return text.strip('"') if text is not None else None


def require_plain_encoding(request: Request) -> None:
    """Raises ``BodyNotUnderstood`` for a compressed body: what is stored must be the file itself."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BodyNotUnderstood("send the file's own bytes, without Content-Encoding")


def beginning_of(
    visit: Visit,
    values: Mapping[str, object],
    file_name: str,
    *,
    size_bytes: int | None = None,
    sha256: bytes | None = None,
    idempotency_key: str | None = None,
) -> Begin:
    """How to begin the upload of a new record. Raises ``InvalidInput``."""
    filing = filing_of(visit, values, file_name, size_bytes=size_bytes, sha256=sha256)
    return lambda: intake.begin(visit.vault, visit.actor, filing(), idempotency_key=idempotency_key)


def filing_of(
    visit: Visit,
    values: Mapping[str, object],
    file_name: str,
    *,
    size_bytes: int | None = None,
    sha256: bytes | None = None,
) -> Callable[[], Filing]:
    """What is said of a file, checked as far as that goes without the vault; calling it blocks.

    Raises ``InvalidInput``.
    """
    name = checked_file_name(file_name)
    description = description_of(values, default_title=title_from(name))
    class_code = text_of(values, "class").strip()
    customer_key = text_of(values, "customer").strip()
    if not class_code:
        raise InvalidInput("a record needs a class; choose one", field="class")

    def filing() -> Filing:
        customer = _customer(visit, customer_key) if customer_key else None
        return Filing(
            class_code=class_code,
            customer_id=customer.customer.id if customer is not None else None,
            description=description,
            file_name=name,
            declared_size_bytes=size_bytes,
            declared_sha256=sha256,
        )

    return filing


def _customer(visit: Visit, key: str) -> CustomerView:
    try:
        return customers.find_customer(visit.vault, visit.actor, key)
    except NotFound as unknown:
        raise InvalidInput(unknown.message, field="customer") from None


def correction_beginning_of(
    visit: Visit,
    record_id: RecordId,
    values: Mapping[str, object],
    file_name: str,
    *,
    size_bytes: int | None = None,
    sha256: bytes | None = None,
    idempotency_key: str | None = None,
) -> Begin:
    """How to begin the upload of a record's next version; what ``values`` leave out of its description stays."""
    name = checked_file_name(file_name)
    date_of(values, "dated_on")

    def begin() -> Receiving:
        return intake.begin_correction(
            visit.vault,
            visit.actor,
            record_id,
            corrected_description(visit, record_id, values),
            name,
            declared_size_bytes=size_bytes,
            declared_sha256=sha256,
            idempotency_key=idempotency_key,
        )

    return begin


def corrected_description(visit: Visit, record_id: RecordId, values: Mapping[str, object]) -> Description:
    """The current description with what ``values`` name replaced; blocking. Raises ``InvalidInput``, ``NotFound``."""
    current = retrieval.show(visit.vault, visit.actor, record_id).view.description
    if current is None:
        return description_of(values)
    kept: dict[str, object] = {
        "title": current.title,
        "dated_on": current.dated_on.isoformat() if current.dated_on is not None else None,
        "place": current.place,
        "note": current.note,
    }
    return description_of({**kept, **{name: value for name, value in values.items() if value is not None}})
