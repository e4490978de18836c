"""Requests of programs that come with an ``Idempotency-Key``: done once, answered alike for a day.

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
from web.filings import idempotency_key_of
from web.site import Handler, Visit

REPLAYED: Final = "Idempotency-Replayed"


async def answer_once(visit: Visit, handler: Handler) -> Response:
    """The handler's answer, or the one of before. Raises as ``repeating.begin_request``."""
    operation = visit.row.operation
    key = idempotency_key_of(visit.request) if operation is not None and operation.once else None
    if operation is None or key is None:
        return await handler(visit)
    request, vault, actor = _digest_of(visit), visit.vault, visit.actor
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


def _digest_of(visit: Visit) -> bytes:
    """Names the request: its row, its address, what it says."""
    said = json.dumps(dict(visit.json), sort_keys=True)
    return hashlib.sha256("\n".join([visit.row.name, str(visit.request.url), said]).encode()).digest()
