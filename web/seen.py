"""What somebody looked at before they destroy: a digest that names exactly that, carried by forms and by programs."""

from __future__ import annotations

import hashlib

from vault.errors import Conflict, InvalidInput
from vault.workflows.destructionscope import Preview
from vault.workflows.execution import Judged


def digest_of_judged(judged: Judged) -> str:
    """Names exactly what an execution would destroy and what it leaves out."""
    named = sorted(each.record.id for each in judged.dying)
    out = [f"{each} {cause}" for each, cause in sorted(judged.left_out.items())]
    return hashlib.sha256("\n".join([str(judged.disposal.change), *named, *out]).encode("ascii")).hexdigest()


def digest_of_preview(seen: Preview) -> str:
    """Names exactly what would die."""
    named = sorted([each.record.id for each in seen.candidates] + [each.id for each in seen.customers])
    counted = f"{seen.version_count} {len(named)}"
    return hashlib.sha256("\n".join([counted, *named]).encode("ascii")).hexdigest()


def count_of_preview(seen: Preview) -> int:
    """The number that is to be typed: the records, or the customers where they have none."""
    return len(seen.candidates) or len(seen.customers)


def require_same(*, digest: str, now: str, count: object, now_count: int) -> None:
    """Raises ``Conflict`` where other things would die than were looked at, ``InvalidInput`` for another number."""
    if digest != now:
        raise Conflict("what would be destroyed has changed since it was shown; look at it again")
    if str(count).strip() != str(now_count):
        raise InvalidInput("this is not how many would be destroyed; type the number that stands above", field="count")
