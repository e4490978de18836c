"""Recent searches: sent again from below the search field, cleared, and switched off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import RedirectResponse, Response

from vault.workflows import recentsearches, savedviews
from web.notices import say
from web.recordfilters import WORDS
from web.site import Visit


async def clear_searches(visit: Visit) -> Response:
    """Forgets what was searched for."""
    await visit.site.call(recentsearches.clear_searches, visit.vault, visit.actor)
    return say(visit, RedirectResponse(visit.path("settings"), 303), "searches-cleared")


async def keep_searches(visit: Visit) -> Response:
    """Keeps searches from now on, or none any more."""
    kept = visit.form.get("kept") == "yes"
    await visit.site.call(_keep, visit, kept)
    notice = "searches-kept" if kept else "searches-not-kept"
    return say(visit, RedirectResponse(visit.path("settings"), 303), notice)


def _keep(visit: Visit, kept: bool) -> None:
    recentsearches.keep_searches(visit.vault, visit.actor, kept=kept)


def recent_of(visit: Visit) -> Sequence[Mapping[str, str]]:
    """What whoever asks searched for lately, newest first, each with the address that finds it again."""
    found = recentsearches.recent_searches(visit.vault, visit.actor)
    return [
        {
            "words": words,
            "address": f"{visit.path('records')}?{WORDS}={savedviews.refer_to(visit.vault, visit.actor, words)}",
        }
        for words in found.words
    ]
