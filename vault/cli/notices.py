"""``strongroom notice``: who is to be told that records will be destroyed, and saying that they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, plain_lines, table
from vault.notices import BY_PEOPLE, Channel
from vault.workflows import customers, disposal, notices

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.workflows.notices import NoticeView

LIMIT: Final = 50
_HEADINGS: Final = ("NOTICE", "LIST", "FOR", "RECORDS", "MADE", "STATE")


@click.command("list")
@click.option("--list", "disposal_list", metavar="LIST", help="Only those of this disposal list.")
@click.option("--waiting", is_flag=True, help="Only those whose customer has to be told yet.")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@speaking
@pass_invocation
def list_notices(invocation: Invocation, /, disposal_list: str | None, waiting: bool, limit: int) -> None:
    """List notices of destruction, newest first."""
    with invocation.acting() as (vault, actor):
        if disposal_list:
            found = disposal.find_list(vault, actor, disposal_list)
            views = list(notices.notices_of_list(vault, actor, found.id))
            views = [each for each in views if not waiting or each.notice.told_at is None]
        else:
            views = list(notices.list_notices(vault, actor, only_waiting=waiting, limit=limit + 1))
    _say(invocation, views[:limit])
    if len(views) > limit:
        invocation.speech.talk(f"there are more than {limit}; say --limit to see them")


@click.command("show")
@click.argument("notice")
@speaking
@pass_invocation
def show(invocation: Invocation, /, notice: str) -> None:
    """Show what a notice says, in Chinese and in English, to be sent or read out."""
    with invocation.acting() as (vault, actor):
        view = notices.show_notice(vault, actor, notice)
    lines = [*plain_lines(view.words.text_zh), "", *plain_lines(view.words.text_en)]
    invocation.speech.data({**_document(view), "text_zh": view.words.text_zh, "text_en": view.words.text_en}, lines)
    invocation.speech.talk(f"{_addressee(view)}: {_standing(view)}")


@click.command("tell")
@click.argument("disposal_list", metavar="LIST")
@click.argument("who", nargs=-1, metavar="[CUSTOMER]...")
@click.option("--channel", required=True, type=click.Choice([each.value for each in BY_PEOPLE]), help="By which way.")
@click.option("--remark", default="", metavar="TEXT", help="Such as the number of a registered letter; sealed.")
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@speaking
@pass_invocation
def tell(
    invocation: Invocation, /, disposal_list: str, who: tuple[str, ...], channel: str, remark: str, dry_run: bool
) -> None:
    """Say that customers were told of a list; all that wait, where none is named.

    With the last one the objection window begins.
    """
    with invocation.acting() as (vault, actor):
        found = disposal.find_list(vault, actor, disposal_list)
        chosen = [customers.find_customer(vault, actor, each).customer.id for each in who] if who else None
        views = notices.tell(vault, actor, found.id, Channel(channel), customers=chosen, remark=remark, dry_run=dry_run)
        until = disposal.show_list(vault, actor, found.id).disposal.window_until
    _say(invocation, list(views), dry_run=dry_run)
    if until is not None and not dry_run:
        invocation.speech.talk(f"objections may be made until {local(until)}")


def _say(invocation: Invocation, views: list[NoticeView], *, dry_run: bool = False) -> None:
    document: dict[str, JSON] = {"notices": [_document(each) for each in views], "dry_run": dry_run}
    rows = [
        (
            each.notice.id,
            each.list_number,
            _addressee(each),
            str(each.notice.record_count),
            local(each.notice.made_at),
            _standing(each),
        )
        for each in views
    ]
    invocation.speech.data(document, table(_HEADINGS, rows) if rows else ())
    if not rows:
        invocation.speech.talk("no notices")
    if dry_run:
        invocation.speech.talk("nothing was changed")


def _addressee(view: NoticeView) -> str:
    return view.customer_number or "staff"


def _standing(view: NoticeView) -> str:
    notice = view.notice
    if notice.told_at is None or notice.channel is None:
        return notice.state.value
    said = f" ({view.words.remark})" if view.words.remark else ""
    return plain(f"told {local(notice.told_at)} by {notice.channel.value}{said}")


def _document(view: NoticeView) -> dict[str, JSON]:
    notice = view.notice
    return {
        "id": notice.id,
        "list": view.list_number,
        "audience": notice.audience.value,
        "customer": view.customer_number,
        "records": notice.record_count,
        "state": notice.state.value,
        "made_at": iso(notice.made_at),
        "channel": notice.channel.value if notice.channel else None,
        "told_at": iso(notice.told_at),
        "told_by": notice.told_by,
        "remark": view.words.remark or None,
    }
