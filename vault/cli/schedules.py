"""``strongroom schedule``: the rules that say how long classes are kept, who proposed them and who approved them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import click

from vault.classes import DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.cli.classes import period_text
from vault.cli.documents import class_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, iso_date, local, plain, plain_lines, table
from vault.cli.speech import JSON
from vault.errors import InvalidInput
from vault.objects import LockMode
from vault.permissions import Actor
from vault.schedule import RuleVersion
from vault.workflows import schedules
from vault.workflows.rulepreview import Moved, RulePreview
from vault.workflows.schedules import RuleView
from vault.workflows.vault import Vault

_HEADINGS: Final = ("CLASS", "VERSION", "STATE", "KEPT", "THEN", "LAW", "PROPOSED BY", "DECIDED BY")
_NEW_CLASS: Final = ("title_zh", "title_en", "nature", "sensitivity", "trigger")


def _choice(values: type[Nature | Sensitivity | Trigger | DisposalAction]) -> click.Choice[str]:
    return click.Choice([each.value for each in values])


_OPTIONS: Final = (
    click.option("--title-zh", metavar="TEXT", help="What the class is called in Chinese."),
    click.option("--title-en", metavar="TEXT", help="What the class is called in English."),
    click.option("--nature", type=_choice(Nature), help="What kind of information it holds."),
    click.option("--sensitivity", type=_choice(Sensitivity), help="How sensitive it is."),
    click.option("--trigger", type=_choice(Trigger), help="The event from which the period runs."),
    click.option("--years", "period_years", type=int, metavar="N", help="Years of the period."),
    click.option("--months", "period_months", type=int, metavar="N", help="Months of the period, 0 to 11."),
    click.option("--permanent", is_flag=True, help="Kept for ever: no period, and the action 'keep'."),
    click.option("--action", type=_choice(DisposalAction), help="What is proposed once the period is over."),
    click.option(
        "--lock-mode", type=click.Choice([each.value for each in LockMode]), help="How the bytes are locked until then."
    ),
    click.option("--mandate", metavar="TEXT", help="The law that sets the period, with its article."),
    click.option("--automatic/--no-automatic", default=None, help="Destroyed when due, without a person."),
    click.option("--supervised/--no-supervised", default=None, help="Two supervisors have to attend."),
    click.option("--lead-days", type=int, metavar="N", help="How long before the due date it is announced."),
    click.option("--objection-days", type=int, metavar="N", help="How long those concerned may object; 0: not at all."),
    click.option("--notify/--no-notify", default=None, help="Those concerned are told."),
    click.option(
        "--signing", multiple=True, metavar="TITLE", help="Who approves a disposal list, in order; may be repeated."
    ),
    click.option(
        "--unsettled-keeps/--no-unsettled-keeps", default=None, help="What proves unsettled debts or claims stays."
    ),
)


def _rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("list")
@speaking
@pass_invocation
def list_rules(invocation: Invocation) -> None:
    """List what governs each class, and what is proposed."""
    with invocation.acting() as (vault, actor):
        found = schedules.list_rules(vault, actor)
    invocation.speech.data(
        {"rules": [rule_document(each) for each in found]}, table(_HEADINGS, [_row(each) for each in found])
    )


@click.command("show")
@click.argument("code", metavar="CLASS")
@speaking
@pass_invocation
def show(invocation: Invocation, code: str) -> None:
    """Show every version of a class's rule, newest first, with the reason that was given for it."""
    with invocation.acting() as (vault, actor):
        views = schedules.show_class(vault, actor, code)
    invocation.speech.data({"versions": [_view_document(each) for each in views]}, _view_lines(views))


@click.command("preview")
@click.argument("code", metavar="CLASS")
@_rule_options
@click.option("--all", "every", is_flag=True, help="Every record whose date changes, not the first ones only.")
@speaking
@pass_invocation
def preview(invocation: Invocation, /, code: str, every: bool, **said: Any) -> None:
    """Show how many records a rule would touch, and which dates they would get. Nothing is changed."""
    moved: list[Moved] = []
    with invocation.acting() as (vault, actor):
        rule = _rule(vault, actor, code, said)
        seen = schedules.preview(vault, actor, rule)
        following, more = "", every
        while more:
            page = schedules.affected(vault, actor, rule, after=following)
            moved += page.moved
            following, more = page.following, bool(page.following)
    if every:
        document: dict[str, JSON] = {**_preview_document(seen), "affected": [_moved_document(each) for each in moved]}
        invocation.speech.data(document, [*_preview_lines(seen, moved)])
        return
    invocation.speech.data(_preview_document(seen), _preview_lines(seen))


@click.command("propose")
@click.argument("code", metavar="CLASS")
@_rule_options
@click.option("--reason", required=True, metavar="TEXT", help="Why; sealed, and shown to whoever is to approve it.")
@click.option("--dry-run", is_flag=True, help="Show what it would change, and propose nothing.")
@speaking
@pass_invocation
def propose(invocation: Invocation, /, code: str, reason: str, dry_run: bool, **said: Any) -> None:
    """Propose a class, or another rule for one: what is not said stays as it is. Somebody else has to approve it."""
    with invocation.acting() as (vault, actor):
        rule = _rule(vault, actor, code, said)
        seen = schedules.preview(vault, actor, rule)
        if dry_run:
            invocation.speech.data({**_preview_document(seen), "dry_run": True}, _preview_lines(seen))
            return
        proposed = schedules.propose(vault, actor, rule, reason)
    invocation.speech.data(
        {**rule_document(proposed), "preview": _preview_document(seen)},
        [*table(_HEADINGS, [_row(proposed)]), *_preview_lines(seen)],
    )
    invocation.speech.talk("another person has to approve it: strongroom schedule approve " + code)


@click.command("approve")
@click.argument("codes", metavar="CLASS...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Show what the proposals would change, and approve nothing.")
@speaking
@pass_invocation
def approve(invocation: Invocation, codes: tuple[str, ...], dry_run: bool) -> None:
    """Put proposed rules in force. Who proposed one cannot approve it. Records that are filed follow by upkeep."""
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        if dry_run:
            seen = [schedules.preview_proposal(vault, actor, code) for code in codes]
            lines = [line for each in seen for line in _preview_lines(each)]
            invocation.speech.data({"previews": [_preview_document(each) for each in seen], "dry_run": True}, lines)
            return
        approved = [schedules.approve(vault, actor, code) for code in codes]
    _say(invocation, approved)


@click.command("withdraw")
@click.argument("code", metavar="CLASS")
@speaking
@pass_invocation
def withdraw(invocation: Invocation, code: str) -> None:
    """Take a proposed rule back."""
    with invocation.acting() as (vault, actor):
        withdrawn = schedules.withdraw(vault, actor, code)
    _say(invocation, [withdrawn])


@click.command("adopt")
@click.argument("name", metavar="SET")
@click.option("--reason", required=True, metavar="TEXT", help="Why; sealed.")
@click.option("--dry-run", is_flag=True, help="Show what would be proposed, and propose nothing.")
@speaking
@pass_invocation
def adopt(invocation: Invocation, name: str, reason: str, dry_run: bool) -> None:
    """Propose the classes of a set that ships (cn, eu-us), but for those that are in force as the set has them."""
    with invocation.acting() as (vault, actor):
        if dry_run:
            wanted = schedules.adoptable(vault, actor, name)
            rows = [(each.code, each.title_en, period_text(each), each.mandate) for each in wanted]
            document: dict[str, JSON] = {"classes": [class_document(each) for each in wanted], "dry_run": True}
            invocation.speech.data(document, table(("CLASS", "TITLE", "KEPT", "LAW"), rows) if rows else ())
            return
        proposed = schedules.adopt(vault, actor, name, reason)
    _say(invocation, proposed)
    if not proposed:
        invocation.speech.talk(f"everything of {name} is in force or proposed already")


@click.command("retire")
@click.argument("code", metavar="CLASS")
@click.option("--dry-run", is_flag=True, help="Say whether it could be retired, and retire nothing.")
@speaking
@pass_invocation
def retire(invocation: Invocation, code: str, dry_run: bool) -> None:
    """Let no record take a class any more. Refused while living records have it."""
    with invocation.acting() as (vault, actor):
        if dry_run:
            governing = schedules.require_retirable(vault, actor, code)
            invocation.speech.data({**rule_document(governing), "dry_run": True}, [f"class {code} could be retired"])
            return
        retired = schedules.retire(vault, actor, code)
    _say(invocation, [retired])


def rule_document(rule: RuleVersion) -> dict[str, JSON]:
    """A version of a rule."""
    return {
        **class_document(rule.rule),
        "version": rule.version,
        "state": rule.state.value,
        "shipped": rule.shipped,
        "proposed_by": rule.proposed_by,
        "proposed_at": iso(rule.proposed_at),
        "decided_by": rule.decided_by,
        "decided_at": iso(rule.decided_at),
    }


def _rule(vault: Vault, actor: Actor, code: str, said: dict[str, Any]) -> RecordClass:
    """The class's rule as it is, with what was said in its place."""
    changes = {name: value for name, value in said.items() if value is not None and name != "permanent"}
    for name, kind in (
        ("nature", Nature),
        ("sensitivity", Sensitivity),
        ("trigger", Trigger),
        ("action", DisposalAction),
        ("lock_mode", LockMode),
    ):
        if name in changes:
            changes[name] = kind(changes[name])
    if not changes.get("signing"):
        changes.pop("signing", None)
    has_period = "period_years" in changes or "period_months" in changes
    if said["permanent"]:
        if has_period:
            raise InvalidInput("what is kept for ever has no period; say one of both", field="permanent")
        changes |= {"period_years": None, "period_months": 0, "action": DisposalAction.KEEP}
    governing = next((each for each in schedules.governing_rules(vault, actor) if each.code == code), None)
    if governing is not None:
        base = governing.rule
        if has_period and base.is_permanent:
            changes = {"period_years": 0, "action": DisposalAction.DESTROY, **changes}
        return replace(base, **changes)
    missing = [f"--{name.replace('_', '-')}" for name in _NEW_CLASS if name not in changes]
    if "period_years" not in changes:
        if "period_months" in changes:
            changes["period_years"] = 0
        else:
            missing.append("--years (or --months, --permanent)")
    if missing:
        raise InvalidInput(f"class {code} is new; say {', '.join(missing)} too", field="code")
    return RecordClass(**{"lock_mode": LockMode.GOVERNANCE, "mandate": "", **changes, "code": code})


def _say(invocation: Invocation, rules: Sequence[RuleVersion]) -> None:
    document: dict[str, JSON] = {"rules": [rule_document(each) for each in rules]}
    invocation.speech.data(document, table(_HEADINGS, [_row(each) for each in rules]) if rules else ())


def _row(rule: RuleVersion) -> tuple[str, ...]:
    then = f"{rule.rule.action.value}, automatic" if rule.rule.automatic else rule.rule.action.value
    return (
        rule.code,
        str(rule.version),
        rule.state.value,
        period_text(rule.rule),
        then,
        rule.rule.mandate,
        rule.proposed_by,
        rule.decided_by or "",
    )


def _view_document(view: RuleView) -> dict[str, JSON]:
    return {**rule_document(view.rule), "reason": view.reason}


def _view_lines(views: Sequence[RuleView]) -> Iterator[str]:
    for view in views:
        rule, said = view.rule, view.rule.rule
        yield f"{rule.code} version {rule.version}: {rule.state.value}"
        facts = (
            ("title", f"{said.title_zh} {said.title_en}"),
            ("kept", period_text(said)),
            ("then", f"{said.action.value}{', without a person' if said.automatic else ''}"),
            ("law", said.mandate),
            ("lock", said.lock_mode.value),
            ("supervised", "by two" if said.supervised else ""),
            ("announced", f"{said.lead_days} days before"),
            ("objection", f"{said.objection_days} days" if said.objection_days else ""),
            ("notice", "to those concerned" if said.notify else ""),
            ("unsettled", "stays" if said.unsettled_keeps else ""),
            ("proposed", f"{local(rule.proposed_at)} by {rule.proposed_by}"),
            ("decided", f"{local(rule.decided_at)} by {rule.decided_by}" if rule.decided_at else ""),
            ("reason", " / ".join(plain_lines(view.reason))),
        )
        yield from (f"  {name:10} {plain(value)}" for name, value in facts if value)


def _preview_document(seen: RulePreview) -> dict[str, JSON]:
    return {
        "class": class_document(seen.rule),
        "before": class_document(seen.before) if seen.before is not None else None,
        "received": seen.received,
        "filed": seen.filed,
        "earlier": seen.earlier,
        "later": seen.later,
        "unchanged": seen.unchanged,
        "earliest": iso_date(seen.earliest),
        "sample": [_moved_document(each) for each in seen.sample],
    }


def _moved_document(moved: Moved) -> dict[str, JSON]:
    return {
        "number": moved.number,
        "trigger_on": iso_date(moved.trigger_on),
        "due_on": iso_date(moved.due_on),
        "new_due_on": iso_date(moved.new_due_on),
    }


def _preview_lines(seen: RulePreview, moved: Sequence[Moved] | None = None) -> Iterator[str]:
    yield (
        f"{seen.rule.code}: {period_text(seen.rule)}; {seen.filed} filed records: {seen.earlier} due earlier, "
        f"{seen.later} later, {seen.unchanged} as before; {seen.received} not filed yet"
    )
    for each in seen.sample if moved is None else moved:
        yield f"  {each.number}  {iso_date(each.due_on) or 'open'} -> {iso_date(each.new_due_on) or 'open'}"
    if seen.earlier:
        yield "sealed bytes stay locked in the store as long as they were; keys may be destroyed from the new date on"
