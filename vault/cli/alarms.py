"""``strongroom alarm``: early warning: what stands out, who is suspended, and the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, table
from vault.watching import NUMBERS_OF_RULE, Sign, WatchRule, beginning_of
from vault.workflows import alarms

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.workflows.alarms import AlarmView


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Settled ones, too.")
@speaking
@pass_invocation
def list_alarms(invocation: Invocation, everything: bool) -> None:
    """List alarms, the newest first; their evidence: `strongroom audit tail --actor PERSON`."""
    with invocation.acting() as (vault, actor):
        views = alarms.list_alarms(vault, actor, unsettled=not everything)
    rows = [
        (
            each.alarm.id,
            each.alarm.sign.value,
            each.name,
            local(beginning_of(each.alarm.hour)),
            f"{each.alarm.measure} (usual {each.alarm.limit})",
            "suspended" if each.suspension is not None else "",
        )
        for each in views
    ]
    document: dict[str, JSON] = {"alarms": [_document(each) for each in views]}
    invocation.speech.data(document, table(("ALARM", "SIGN", "NAME", "HOUR", "COUNTED", ""), rows) if rows else ())
    if not rows:
        invocation.speech.talk("nothing stands out")


@click.command("suspended")
@speaking
@pass_invocation
def list_suspended(invocation: Invocation) -> None:
    """List who is suspended, with the alarm by which `strongroom alarm lift` lets them in again."""
    with invocation.acting() as (vault, actor):
        views = alarms.list_suspended(vault, actor)
    suspended: list[JSON] = [
        {
            "alarm": each.suspension.alarm_id,
            "person_id": each.suspension.person_id,
            "name": each.name,
            "by": each.suspension.by,
            "at": iso(each.suspension.at),
        }
        for each in views
    ]
    rows = [(each.suspension.alarm_id, each.name, local(each.suspension.at), each.suspension.by) for each in views]
    invocation.speech.data({"suspended": suspended}, table(("ALARM", "NAME", "SINCE", "BY"), rows) if rows else ())
    if not rows:
        invocation.speech.talk("nobody is suspended")


@click.command("settle")
@click.argument("alarm")
@click.option("--words", required=True, help="What it was; sealed beside the log.")
@speaking
@pass_invocation
def settle(invocation: Invocation, alarm: str, words: str) -> None:
    """Say that you looked at an alarm, and what it was."""
    with invocation.acting(fresh=True) as (vault, actor):
        settled = alarms.settle_alarm(vault, actor, alarm, words)
    invocation.speech.data({"alarm": settled.id}, ())
    invocation.speech.talk("settled")


@click.command("suspend")
@click.argument("alarm")
@speaking
@pass_invocation
def suspend(invocation: Invocation, alarm: str) -> None:
    """Let whom an alarm is about open nothing any more."""
    with invocation.acting(fresh=True) as (vault, actor):
        alarms.suspend_person(vault, actor, alarm)
    invocation.speech.data({"alarm": alarm}, ())
    invocation.speech.talk("suspended; `strongroom alarm lift` lets them in again")


@click.command("lift")
@click.argument("alarm")
@click.option("--words", required=True, help="Why; sealed beside the log.")
@speaking
@pass_invocation
def lift(invocation: Invocation, alarm: str, words: str) -> None:
    """Let whom an alarm is about open records again."""
    with invocation.acting(fresh=True) as (vault, actor):
        alarms.lift_suspension(vault, actor, alarm, words)
    invocation.speech.data({"alarm": alarm}, ())
    invocation.speech.talk("lifted")


@click.command("rule")
@click.option("--bulk-floor", type=int, help="Openings an hour that are never too many.")
@click.option("--odd-floor", type=int, help="Openings in an unusual hour from which it counts.")
@click.option("--refused-floor", type=int, help="Refusals an hour that are never too many.")
@click.option("--factor-percent", type=int, help="How much more than usual, in percent, stands out.")
@click.option("--history-days", type=int, help="On how many days somebody was active before they are judged.")
@click.option(
    "--suspend",
    "suspends",
    multiple=True,
    type=click.Choice([each.value for each in Sign]),
    help="A sign that suspends by itself.",
)
@click.option("--suspend-nobody", is_flag=True, help="No sign suspends.")
@speaking
@pass_invocation
def rule(invocation: Invocation, /, suspends: tuple[str, ...], suspend_nobody: bool, **numbers: int | None) -> None:
    """Show the rule; with options, put another one in force. What is not said stays as it is."""
    if suspends and suspend_nobody:
        raise click.UsageError("signs suspend, or none does: --suspend and --suspend-nobody do not go together")
    said = {name: value for name, value in numbers.items() if value is not None}
    changes = bool(said or suspends or suspend_nobody)
    with invocation.acting(fresh=changes) as (vault, actor):
        now = alarms.show_rule(vault, actor)
        if changes:
            kept = frozenset() if suspend_nobody else frozenset(map(Sign, suspends)) or now.suspends
            now = alarms.set_rule(vault, actor, **{**_numbers(now), **said}, suspends=kept)
    named = sorted(each.value for each in now.suspends)
    document: dict[str, JSON] = {"version": now.version, **_numbers(now), "suspends": named}
    lines = [f"{name.replace('_', '-')}  {value}" for name, value in _numbers(now).items()]
    invocation.speech.data(document, [*lines, f"suspends  {' '.join(named) or 'nobody'}"])


def _numbers(found: WatchRule) -> dict[str, int]:
    return {name: getattr(found, name) for name in NUMBERS_OF_RULE}


def _document(view: AlarmView) -> JSON:
    alarm = view.alarm
    return {
        "alarm": alarm.id,
        "sign": alarm.sign.value,
        "person_id": alarm.person_id,
        "name": view.name,
        "hour": iso(beginning_of(alarm.hour)),
        "measure": alarm.measure,
        "usual": alarm.limit,
        "days": alarm.days,
        "settled_at": iso(alarm.settled_at) if alarm.settled_at is not None else None,
        "suspended": view.suspension is not None,
    }
