"""The commands, walked: each one by every role, and by nobody; those that name a record in every state of it, of one's
own class and of another. What the one permission table says is what each cell has to do.

The people are real, their roles come from groups, and their sessions lie in the home as ``strongroom login`` leaves
them; only the vault is open already, and what an allowed command would write is undone.
"""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Final

import click
import pytest

from storage.assembly import open_vault
from storage.settings import Settings
from tests.support.people import everything, somebody
from tests.support.store import RunningStore
from tests.support.things import CODE, one_of_everything
from tests.support.vault import add_bytes, settings_over
from tests.support.walking import ANY, OWN, WALKED, Reached, records_in_every_state, undoing
from tests.vault.cli import commandtable
from vault.cli import exits, session
from vault.cli.invocation import Invocation
from vault.cli.main import cli, run_command
from vault.cli.speech import JSON, Speech
from vault.customers import Profile
from vault.disposal import Decision
from vault.ids import RecordId
from vault.permissions import ABOUT_RECORDS, PERMISSIONS, Action, Actor, Role
from vault.sessions import Client
from vault.workflows import certificates, customers, disposal, groups, holding, listing, people, reviewing, sessions
from vault.workflows.reviewing import Choice
from vault.workflows.sessions import Introduced
from vault.workflows.vault import Vault

PASSWORD: Final = "easy to remember it is"
GROUPS: Final[Mapping[Role, str]] = {
    Role.SYSTEM: "system",
    Role.SECURITY: "security",
    Role.AUDIT: "audit",
    Role.RECORDS: "records",
    Role.OFFICER: "officers",
    Role.READER: "readers",
}
ABSENT: Final = "not-found"
ANSWERS: Final = (exits.OK, exits.REFUSED, exits.UNAVAILABLE, exits.NOT_ALLOWED)


class Listening(Speech):
    """A speech that nobody hears; it keeps the code of the error."""

    def __init__(self) -> None:
        super().__init__()
        self.code: str | None = None

    def warn(self, text: str) -> None: ...

    def data(self, document: JSON, lines: Iterable[str]) -> None: ...

    def error(self, code: str, message: str, *, exit_code: int) -> None:
        self.code = code


class Walking(Invocation):
    """One run of the command on a vault that is open already, and that keeps nothing."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        super().__init__()
        self._open = vault
        self.settings = settings
        self.heard = self.speech = Listening()

    @contextmanager
    def vault(self, *, create: bool = False) -> Iterator[Vault]:
        yield self._open

    @contextmanager
    def acting(self, *, tends: bool = False, fresh: bool = False) -> Iterator[tuple[Vault, Actor]]:
        with super().acting(tends=tends, fresh=fresh) as (vault, actor):
            yield undoing(vault), actor

    @contextmanager
    def signed_in(self, *, fresh: bool = False) -> Iterator[tuple[Vault, Introduced]]:
        with super().signed_in(fresh=fresh) as (vault, who):
            yield undoing(vault), who


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A vault to walk through: who is signed in changes, what is in it does not."""

    vault: Vault
    settings: Settings
    things: Mapping[str, str]
    records: Mapping[tuple[str, str], RecordId]
    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def join(self, name: str, groups_of_theirs: frozenset[str]) -> None:
        """Has somebody join these groups, and signs them in."""
        invitation = people.invite(self.vault, everything(), groups_of_theirs)
        person = people.accept_invitation(self.vault, invitation, login=name, name=name, password=PASSWORD)
        self.tokens[name], _ = sessions.begin_session(
            self.vault, person, Client(), by="password", proved_at=self.vault.now()
        )

    def as_(self, name: str | None) -> None:
        """From now on commands act as them; None is nobody."""
        if name is None:
            session.forget(self.settings.home)
        else:
            session.keep(self.settings.home, self.tokens[name])

    def run(self, command: str, **more: str) -> tuple[int, str | None]:
        """A command's exit code and the code of its error; ``OK`` where it came to the end of its transaction."""
        new = self.folder / f"new-{next(self.numbers)}"
        words = shlex.split(command.format_map({**self.things, "new": str(new), **more}))
        invocation = Walking(self.vault, self.settings)
        sys.stdin = io.StringIO(f"{PASSWORD}\nanother easy one it is\n")
        try:
            return run_command(invocation, words), invocation.heard.code
        except Reached:
            return exits.OK, None


@pytest.fixture(scope="module")
def walk(shared_store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A vault with one of everything, records in every state, and somebody of each role."""
    folder = tmp_path_factory.mktemp("walk")
    settings = settings_over(shared_store.settings, folder / "home")
    with open_vault(settings, create=True) as vault:
        things = one_of_everything(vault)
        records = records_in_every_state(vault)
        made = Walk(vault=vault, settings=settings, things=things, records=records, folder=folder)
        for role, group in GROUPS.items():
            made.join(role.value, frozenset({group}))
        made.join("over", frozenset({"officers"}))
        sessions.sign_out(vault, made.tokens["over"])
        yield made


@pytest.fixture(autouse=True)
def _stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run reads a stdin of its own; this puts the real one back."""
    monkeypatch.setattr(sys, "stdin", sys.stdin)


def _more_things(walk: Walk) -> dict[str, str]:
    """Files that commands read, and a list that waits for the one who approves it."""
    vault, one = walk.vault, somebody("a" * 26)
    (walk.folder / "file.txt").write_text("words", encoding="utf-8")
    (walk.folder / "questions.txt").write_text("一 / One?\n* 对 / Right\n- 错 / Wrong\n", encoding="utf-8")
    certificate = certificates.show_certificate(vault, everything(), walk.things["certificate"])
    (walk.folder / "certificate.json").write_bytes(certificate.document)
    customer = customers.add_customer(vault, one, Profile(name="Another", note="")).customer
    due = add_bytes(vault, one, b"due", title="Due", customer_id=customer.id).record_id
    holding.file_record(vault, one, due, class_code=CODE, trigger_on=date(2010, 1, 2))
    (unsigned,) = listing.propose_class(vault, one, CODE)
    reviewing.review(vault, one, unsigned.id, Choice(decision=Decision.DESTROY))
    disposal.sign(vault, one, unsigned.id)
    return {
        "file": str(walk.folder / "file.txt"),
        "questions": str(walk.folder / "questions.txt"),
        "document": str(walk.folder / "certificate.json"),
        "digest": "ab" * 32,
        "deal": walk.things["record"],
        "unsigned": unsigned.number,
    }


def test_every_command_is_in_the_table() -> None:
    named = [*_lines(commandtable.BY_ACTION), *_lines(commandtable.TENDING), *commandtable.OWN, *commandtable.ANYBODY]
    every = set(_commands(cli, ""))
    assert {_named(line, every) for line in named} | commandtable.MACHINE == every


def test_every_command_lets_in_whom_the_table_names_and_nobody_else(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    more, cells, wrong = _more_things(walk), 0, []
    expected: dict[str, frozenset[str]] = {}
    for table, operator in ((commandtable.BY_ACTION, False), (commandtable.TENDING, True)):
        for actions, lines in table.items():
            roles = {role for action in actions for role in PERMISSIONS[action].roles}
            names = {role.value for role in roles if role is not Role.OPERATOR or operator}
            expected |= dict.fromkeys(lines, frozenset(names))
    everybody = frozenset(role.value for role in WALKED)
    expected |= dict.fromkeys(commandtable.OWN, everybody)
    expected |= dict.fromkeys(commandtable.ANYBODY, everybody | {Role.OPERATOR.value, "over"})
    for who in (*sorted(everybody), Role.OPERATOR.value, "over"):
        walk.as_(None if who == Role.OPERATOR.value else who)
        for line, allowed in expected.items():
            code, said = walk.run(line, **more)
            cells += 1
            if (code == exits.NOT_ALLOWED) != (who not in allowed) or code not in ANSWERS:
                wrong.append((line, who, code, said))
    assert wrong == []
    assert cells == len(expected) * (len(WALKED) + 2)
    with capsys.disabled():
        print(f"\npermission walk: {cells} cells of {len(expected)} commands")


def test_every_command_on_a_record_does_in_each_state_what_the_table_says(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    cells, wrong = 0, []
    for role in WALKED:
        group = GROUPS[role]
        if role in ABOUT_RECORDS:
            group = f"{role.value}-of-one-class"
            groups.add_group(walk.vault, somebody("s" * 26, Role.SECURITY), group)
            groups.grant_role(walk.vault, somebody("s" * 26, Role.SECURITY), group, role, OWN)
        walk.join(f"walks-{role.value}", frozenset({group}))
        walk.as_(f"walks-{role.value}")
        for action, lines in commandtable.ON_RECORDS.items():
            for line, states in lines.items():
                for (state, class_code), record in walk.records.items():
                    code, said = walk.run(line, record=record)
                    cells += 1
                    sees = Action.SEE_RESTRICTED if state == "restricted" else Action.LIST_RECORDS
                    if role not in PERMISSIONS[action].roles:
                        right = code == exits.NOT_ALLOWED or said == ABSENT
                    elif class_code != OWN or role not in PERMISSIONS[sees].roles:
                        right = said == ABSENT
                    else:
                        right = code == (exits.OK if state in states else exits.REFUSED)
                    if not right:
                        wrong.append((line, role.value, state, class_code, code, said))
    assert wrong == []
    assert cells == sum(map(len, commandtable.ON_RECORDS.values())) * len(WALKED) * len(ANY) * 2
    with capsys.disabled():
        print(f"\npermission walk: {cells} cells of commands on records")


def _lines(table: Mapping[tuple[Action, ...], tuple[str, ...]]) -> Iterator[str]:
    for lines in table.values():
        yield from lines


def _commands(command: click.Command, path: str) -> Iterator[str]:
    """The path of every command below one."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from _commands(below, f"{path} {name}".strip())


def _named(line: str, every: set[str]) -> str:
    """Which command a line of the table runs."""
    words = line.split()
    return next((path for path in (" ".join(words[:2]), words[0]) if path in every), line)
