"""Requests of programs that come with an ``Idempotency-Key``: done once, answered alike for a day.

Rule 1: no secret is kept in any form: not in an answer, and not in the digest that tells a request from another.

Uploads have keys of their own, which last as long as what was stored (``vault/workflows/intake.py``).
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from starlette.responses import Response

from vault.answers import Answer
from vault.errors import Refused
from vault.workflows import repeating
from web.api.openapi import schema_of
from web.api.operations import Operation
from web.filings import idempotency_key_of
from web.site import Handler, Visit

REPLAYED: Final = "Idempotency-Replayed"


async def answer_once(visit: Visit, handler: Handler) -> Response:
    """The handler's answer, or the one of before. Raises as ``repeating.begin_request``."""
    operation = visit.row.operation
    key = idempotency_key_of(visit.request) if operation is not None and operation.once else None
    if operation is None or key is None:
        return await handler(visit)
    request, vault, actor = _digest_of(visit, operation), visit.vault, visit.actor
    earlier = await visit.site.call(repeating.begin_request, vault, actor, key, request)
    if earlier is not None:
        kind = "application/json" if earlier.body else None
        return Response(earlier.body, earlier.status, {REPLAYED: "true"}, media_type=kind)
    try:
        response = await handler(visit)
    except Refused:
        await visit.site.call(repeating.give_back_key, vault, actor, key)
        raise
    body = None if operation.secret else bytes(response.body).decode("utf-8")
    answer = Answer(status=response.status_code, body=body)
    await visit.site.call(repeating.keep_answer, vault, actor, key, request, answer)
    return response


def _digest_of(visit: Visit, operation: Operation) -> bytes:
    """Names the request: its row, its address, what it says but for secrets. A digest of these could be guessed at."""
    told = schema_of(operation.body)["properties"] if operation.body is not None else {}
    said = {name: value for name, value in visit.json.items() if not told.get(name, {}).get("writeOnly")}
    parts = [visit.row.name, str(visit.request.url), json.dumps(said, sort_keys=True)]
    return hashlib.sha256("\n".join(parts).encode()).digest()
