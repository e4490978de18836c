"""Destroying: the preview with its typed confirmation, the batches, and what is left of each.

Rule 1: nothing is destroyed by GET. The preview's form carries what was seen; what has changed since is looked
at again.
Rule 2: a form that is sent twice leads to the one batch that it made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from vault.destruction import BatchState, Targets
from vault.errors import Conflict, Refused
from vault.ids import BatchId
from vault.workflows import backups, batches, certificates, customers, destruction, destructionscope, retrieval
from web.classes import classes_of
from web.forms import PAGE_SIZE, text_of, whole_number_of
from web.problems import PROBLEMS, describe
from web.rendering import WORDS
from web.seen import count_of_preview, digest_of_preview, require_same
from web.site import Visit
from web.standing import blocker_text

SHOWN_MAX: Final = 200
REASONS_MAX: Final = 20
STUBS_SHOWN: Final = 100
_NUMBER_MAX: Final = 10**12


async def show_preview(visit: Visit) -> Response:
    """What would be destroyed, exactly, and what stands against it."""
    query = visit.request.query_params
    targets = await visit.site.call(_targets, visit, query.getlist("record"), query.getlist("customer"))
    return await visit.site.call(_preview_page, visit, targets, error=visit.query("error") == "yes")


async def destroy(visit: Visit) -> Response:
    """Destroys what the preview showed, once."""
    records, chosen = text_of(visit.form, "records").split(), text_of(visit.form, "customers").split()
    targets = await visit.site.call(_targets, visit, records, chosen)
    return await visit.site.call(_destroy, visit, targets)


async def confirm_holds(visit: Visit) -> Response:
    """Confirms the holds of a rebuilt catalogue, as one of two people."""
    await visit.site.call(backups.confirm_holds, visit.vault, visit.actor)
    return RedirectResponse(visit.path("destructions"), 303)


async def list_batches(visit: Visit) -> Response:
    """Every destruction, newest first: the history of the key tree's generations."""
    before = whole_number_of({"before": visit.query("before")}, "before", default=0, low=0, high=_NUMBER_MAX)
    found = await visit.site.call(
        batches.list_batches, visit.vault, visit.actor, before=before or None, limit=PAGE_SIZE + 1
    )
    shown = found[:PAGE_SIZE]
    return visit.site.templates.page(
        visit,
        "destructions.html",
        batches=shown,
        following=shown[-1].generation if len(found) > PAGE_SIZE else None,
        first_page=not before,
    )


async def show_batch(visit: Visit) -> Response:
    """How far one came, what it waits for, and what is left of its records."""
    batch_id = BatchId(visit.parameter("batch"))
    after = whole_number_of({"after": visit.query("after")}, "after", default=0, low=0, high=_NUMBER_MAX)
    view = await visit.site.call(batches.show_batch, visit.vault, visit.actor, batch_id)
    stubs = await visit.site.call(
        batches.stub_views, visit.vault, visit.actor, batch_id, after=after, limit=STUBS_SHOWN + 1
    )
    return visit.site.templates.page(
        visit,
        "destruction.html",
        batch=view.batch,
        waiting=view.waiting,
        steps=_steps(view.batch.state),
        certificate=await visit.site.call(certificates.certificate_of, visit.vault, visit.actor, view.batch),
        class_title=(await visit.site.call(classes_of, visit)).title,
        stubs=stubs[:STUBS_SHOWN],
        after=after,
        following=after + STUBS_SHOWN if len(stubs) > STUBS_SHOWN else None,
    )


def _steps(state: BatchState) -> Sequence[bool]:
    """Which of the three steps of a batch are done: committed, promoted, effective."""
    return [True, state is not BatchState.ERASING, state is BatchState.EFFECTIVE]


def _targets(visit: Visit, records: Sequence[str], chosen: Sequence[str]) -> Targets:
    """What ids and numbers name. Raises ``NotFound``."""
    return Targets(
        records=frozenset(retrieval.find_record(visit.vault, visit.actor, each).id for each in records),
        customers=frozenset(customers.find_customer(visit.vault, visit.actor, each).customer.id for each in chosen),
    )


def _destroy(visit: Visit, targets: Targets) -> Response:
    done = batches.batch_of(visit.vault, visit.actor, targets) if targets else None
    if done is not None:
        return RedirectResponse(visit.path("destruction", batch=done.id), 303)
    error, alone = visit.form.get("error") == "yes", visit.form.get("alone") == "yes"
    seen = destructionscope.preview(visit.vault, visit.actor, targets, error=error)
    try:
        require_same(
            digest=visit.form.get("seen", ""),
            now=digest_of_preview(seen),
            count=visit.form.get("count", ""),
            now_count=count_of_preview(seen),
        )
        batch = destruction.destroy(visit.vault, visit.actor, targets, alone=alone, error=error)
    except Conflict as refusal:
        # Sent twice at once: the other one was first.
        done = batches.batch_of(visit.vault, visit.actor, targets)
        if done is None:
            return _preview_page(visit, targets, error=error, refusal=refusal)
        return RedirectResponse(visit.path("destruction", batch=done.id), 303)
    except Refused as refusal:
        return _preview_page(visit, targets, error=error, refusal=refusal)
    return RedirectResponse(visit.path("destruction", batch=batch.id), 303)


def _preview_page(visit: Visit, targets: Targets, *, error: bool, refusal: Refused | None = None) -> Response:
    seen = destructionscope.preview(visit.vault, visit.actor, targets, error=error)
    named: list[tuple[str, str]] = [("record", each) for each in sorted(targets.records)]
    named += [("customer", each) for each in sorted(targets.customers)]
    known = classes_of(visit)

    def name(code: str) -> str:
        return visit.language.text(WORDS[code]) if code in WORDS else known.title(code)

    address = visit.path("destroy-preview") + "?" + urlencode(named)
    shown = [each.record.id for each in seen.candidates[:SHOWN_MAX]]
    return visit.site.templates.page(
        visit,
        "destroy.html",
        status=PROBLEMS[refusal.code].status if refusal is not None else 200,
        address=address,
        filed_in_error=error,
        seen=seen,
        class_title=known.title,
        views={view.record.id: view for view in retrieval.views_of(visit.vault, shown)},
        names={each.id: customers.customer_view(visit.vault, each).profile.name for each in seen.customers},
        records=" ".join(sorted(targets.records)),
        customers=" ".join(sorted(targets.customers)),
        digest=digest_of_preview(seen),
        count=count_of_preview(seen),
        shown_max=SHOWN_MAX,
        reasons=[blocker_text(visit.language, each, name) for each in seen.blockers[:REASONS_MAX]],
        rebuild=backups.holds_to_confirm(visit.vault, visit.actor),
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=(getattr(refusal, "field", None) or "") if refusal is not None else "",
    )
