"""Destructions for programs: what would die, the deed of somebody who is alone, batches and what is left of them."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.destruction import Batch, Targets
from vault.ids import BatchId
from vault.workflows import backups, batches, customers, destruction, destructionscope, retrieval
from vault.workflows.batches import StubView
from vault.workflows.destructionscope import Preview
from web.api.paging import JSON, limit_of, moment, page_of, whole_key_of
from web.forms import text_of
from web.seen import count_of_preview, digest_of_preview, require_same
from web.site import Visit


async def preview(visit: Visit) -> Response:
    """What would die, what stays and until when, what stands against it; with the digest that names exactly that."""

    def seen() -> JSON:
        return _preview_json(destructionscope.preview(visit.vault, visit.actor, _targets(visit), error=_error(visit)))

    return JSONResponse(await visit.site.call(seen))


async def destroy(visit: Visit) -> Response:
    """Destroys what was looked at."""

    def destroy_now() -> JSON:
        targets = _targets(visit)
        seen = destructionscope.preview(visit.vault, visit.actor, targets, error=_error(visit))
        require_same(
            digest=text_of(visit.json, "seen"),
            now=digest_of_preview(seen),
            count=visit.json["count"],
            now_count=count_of_preview(seen),
        )
        alone = visit.json.get("alone") is True
        batch = destruction.destroy(visit.vault, visit.actor, targets, alone=alone, error=_error(visit))
        return batch_json(batch)

    return JSONResponse(await visit.site.call(destroy_now), 201)


async def list_batches(visit: Visit) -> Response:
    """A page of batches, newest first."""
    before, limit = whole_key_of(visit, "before") or None, limit_of(visit)
    found = await visit.site.call(batches.list_batches, visit.vault, visit.actor, before=before, limit=limit + 1)
    return JSONResponse(page_of("destructions", found, limit, shown=batch_json, key=lambda each: each.generation))


async def show_batch(visit: Visit) -> Response:
    """How far a batch came, and what it waits for."""
    view = await visit.site.call(batches.show_batch, visit.vault, visit.actor, BatchId(visit.parameter("batch")))
    return JSONResponse({**batch_json(view.batch), "waiting": list(view.waiting)})


async def list_stubs(visit: Visit) -> Response:
    """A page of what is left of a batch's records."""
    batch_id, after, limit = BatchId(visit.parameter("batch")), whole_key_of(visit, "after"), limit_of(visit)

    def seen() -> JSON:
        batches.show_batch(visit.vault, visit.actor, batch_id)
        found = batches.stub_views(visit.vault, visit.actor, batch_id, after=after, limit=limit + 1)
        return page_of("stubs", found, limit, shown=_stub_json, key=lambda _: after + limit)

    return JSONResponse(await visit.site.call(seen))


async def confirm_holds(visit: Visit) -> Response:
    """Confirms the holds of a rebuilt catalogue, as one of two people."""
    await visit.site.call(backups.confirm_holds, visit.vault, visit.actor)
    return Response(status_code=204)


def batch_json(batch: Batch) -> JSON:
    """A batch."""
    return {
        "id": batch.id,
        "generation": batch.generation,
        "state": batch.state.value,
        "records": batch.record_count,
        "customers": batch.customer_count,
        "requested_by": batch.requested_by,
        "alone": batch.alone,
        "created_at": moment(batch.created_at),
        "effective_at": moment(batch.effective_at),
    }


def _targets(visit: Visit) -> Targets:
    """What a body names by ids and numbers. Raises ``NotFound``."""
    records: list[str] = visit.json.get("records") or []  # type: ignore[assignment]  # lists of texts by the schema
    chosen: list[str] = visit.json.get("customers") or []  # type: ignore[assignment]
    return Targets(
        records=frozenset(retrieval.find_record(visit.vault, visit.actor, each).id for each in records),
        customers=frozenset(customers.find_customer(visit.vault, visit.actor, each).customer.id for each in chosen),
    )


def _error(visit: Visit) -> bool:
    return visit.json.get("filed_in_error") is True


def _preview_json(seen: Preview) -> JSON:
    return {
        "records": [
            {
                "record_id": each.record.id,
                "number": each.record.number,
                "class": each.record.class_code,
                "versions": each.version_count,
                "size_bytes": each.size_bytes,
                "links": each.link_count,
                "locked_until": moment(each.locked_until),
            }
            for each in seen.candidates
        ],
        "customers": [{"id": each.id, "number": each.number} for each in seen.customers],
        "versions": seen.version_count,
        "size_bytes": seen.size_bytes,
        "links": seen.link_count,
        "ciphertext_until": moment(seen.ciphertext_until),
        "needs_two": seen.needs_two,
        "blockers": [{"subject": each.subject, "code": each.code, "message": each.message} for each in seen.blockers],
        "count": count_of_preview(seen),
        "seen": digest_of_preview(seen),
    }


def _stub_json(view: StubView) -> JSON:
    return {
        "record_id": view.record.id,
        "number": view.record.number,
        "class": view.record.class_code,
        "locked_until": moment(view.locked_until),
        "deleted_at": moment(view.deleted_at),
    }
