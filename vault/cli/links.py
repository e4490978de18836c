"""``strongroom link``: signed links that let somebody without an account open one record, for a time."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

import click

from vault.cli.asking import ask_secret
from vault.cli.documents import link_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import lifetime
from vault.cli.plain import local, table
from vault.errors import InvalidInput
from vault.ids import LinkId, RecordId
from vault.links import USES_MAX, checked_pass_code
from vault.permissions import Actor
from vault.workflows import retrieval, sharing
from vault.workflows.sharing import LinkView
from vault.workflows.vault import Vault

LIMIT = 50
PAGE = 100
# Read aloud on the telephone: nothing that looks or sounds like another. 12 of 28 characters are 57 bits.
_ALPHABET: Final = "abcdefghkmnpqrstuvwxyz234678"
_GENERATED_GROUPS: Final = 3


@click.command("create")
@click.argument("record")
@click.option("--expires", default="7d", show_default=True, help="A span (12h, 7d, 2w), a day, or an ISO time.")
@click.option(
    "--uses", type=click.IntRange(1, USES_MAX), default=1, show_default=True, help="How often it may be used."
)
@click.option(
    "--pass-code", "code_by", type=click.Choice(["generate", "ask"]), help="Protect it by a pass code, told apart."
)
@click.option("--for", "note", default="", help="Whom it is for; sealed, and shown in the list.")
@speaking
@pass_invocation
def create(invocation: Invocation, record: str, expires: str, uses: int, code_by: str | None, note: str) -> None:
    """Make a link that lets somebody without an account open one record (its current version)."""
    pass_code = _pass_code(code_by)
    with invocation.acting() as (vault, actor):
        known = retrieval.find_record(vault, actor, record)
        span = lifetime(expires, now=vault.now())
        view, token = sharing.make_link(
            vault, actor, known.id, lifetime=span, uses_max=uses, pass_code=pass_code, note=note
        )
    address = invocation.link_url(token)
    generated = pass_code if code_by == "generate" else None
    lines = [address] if generated is None else [address, generated]
    invocation.speech.data({**link_document(view), "url": address, "generated_pass_code": generated}, lines)
    invocation.speech.talk(f"it opens {view.record_number} until {local(view.link.expires_at)}")
    if generated is not None:
        invocation.speech.talk("the second line is the pass code: send it another way than the link")


def _pass_code(by: str | None) -> str | None:
    if by is None:
        return None
    if by == "ask":
        return checked_pass_code(ask_secret("Pass code", twice=sys.stdin.isatty()))
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(_GENERATED_GROUPS))
    return "-".join(groups)


@click.command("list")
@click.option("--record", help="Only links of this record.")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@click.option("--urls", is_flag=True, help="Show the links' addresses too: who has one can use it.")
@speaking
@pass_invocation
def list_links(invocation: Invocation, record: str | None, limit: int, everything: bool, urls: bool) -> None:
    """List links, newest first. Whoever may list them can have their addresses again, with --urls or --json."""
    with invocation.acting() as (vault, actor):
        record_id = retrieval.find_record(vault, actor, record).id if record else None
        every = _pages(vault, actor, record_id)
        views = list(every if everything else islice(every, limit + 1))
        more = not everything and len(views) > limit
        views = views[:limit] if more else views
        addresses = [invocation.link_url(sharing.token_of(vault, view.link.id)) for view in views]
    rows = [
        (
            view.link.id,
            view.record_number,
            view.state,
            local(view.link.expires_at),
            f"{view.link.uses_taken}/{view.link.uses_max}",
            "yes" if view.link.pass_code_hash else "no",
            view.note,
            *([address] if urls else []),
        )
        for view, address in zip(views, addresses, strict=True)
    ]
    headings = ("LINK", "RECORD", "STATE", "EXPIRES", "USES", "CODE", "FOR", *(["URL"] if urls else []))
    documents = [{**link_document(view), "url": address} for view, address in zip(views, addresses, strict=True)]
    invocation.speech.data(
        {"links": documents, "more": more},
        table(headings, rows) if rows else (),
    )
    if not rows:
        invocation.speech.talk("no links")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit or --all to see them")


def _pages(vault: Vault, actor: Actor, record_id: RecordId | None) -> Iterator[LinkView]:
    before: tuple[datetime, LinkId] | None = None
    while page := sharing.list_links(vault, actor, record_id=record_id, before=before, limit=PAGE):
        yield from page
        before = (page[-1].link.created_at, page[-1].link.id)


@click.command("revoke")
@click.argument("link")
@speaking
@pass_invocation
def revoke(invocation: Invocation, link: str) -> None:
    """Withdraw a link (by the id that `link list` shows), at once, downloads under way included."""
    if "/" in link:
        raise InvalidInput("name the link by its id; `strongroom link list` shows it", field="link")
    with invocation.acting() as (vault, actor):
        sharing.revoke_link(vault, actor, LinkId(link))
    invocation.speech.data({"id": link, "state": "revoked"}, [f"{link}  revoked"])
