"""Health for whoever runs the process: alive, and ready."""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse, Response

from web.site import Visit


async def alive(visit: Visit) -> Response:
    """The process answers."""
    return PlainTextResponse("alive\n")


async def ready(visit: Visit) -> Response:
    """Catalogue and store answer; their errors become 503 with Retry-After."""
    await visit.site.call(_ask, visit)
    return JSONResponse({"catalogue": "answers", "store": "answers"})


def _ask(visit: Visit) -> None:
    vault = visit.vault
    with vault.catalogue.read() as tx:
        tx.fonds.first()
    vault.store.head(vault.layout.record(vault.vault_id))
