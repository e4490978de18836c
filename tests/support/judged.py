"""The API judged by schemathesis, which we did not write: requests that it makes of the description, right ones and
wrong ones, sent as each role; what it may not find is counted.

Rule 1: a request whose row has a permission goes to everybody: somebody of each role, a program whose token is for
everything, and a stranger.
Rule 2: whoever the permission table does not name is told so, 403, whatever else is wrong with the request.
Rule 3: half of the requests name things that exist; what they do to people and groups is done to some made for it.
"""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.people import acting, everything
from vault.ids import PersonId
from vault.permissions import PERMISSIONS, Action, Actor, Permission, Role
from vault.sessions import Client, SessionKind
from vault.workflows import people, sessions, tokens
from vault.workflows.vault import Vault

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Request: TypeAlias = Case[Operation]

GROUPS: Final[Mapping[Role, str]] = {
    Role.SYSTEM: "system",
    Role.SECURITY: "security",
    Role.AUDIT: "audit",
    Role.RECORDS: "records",
    Role.OFFICER: "officers",
    Role.READER: "readers",
}
PASSWORD: Final = "a sentence that is easy to remember"
FRESH_S: Final = 240
ANSWERED_S: Final = 60
SERVER_ERROR: Final = 500
REFUSED: Final = 400
NOT_ALLOWED: Final = 403
NOT_SIGNED_IN: Final = 401
CHECKS: Final = (
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
"""That every answer is documented, in the shape that is documented."""

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found: of so many answers, by kind, with the first of each kind told in words."""

    answers: int
    by_status: Mapping[int, int]
    server_errors: Sequence[str]
    undocumented: Sequence[str]
    forbidden: Sequence[str]
    """Answers that a role should not get."""
    accepted: Sequence[str]
    """Requests that are not as the description says, and were accepted."""

    @property
    def faults(self) -> list[str]:
        """All of it."""
        return [*self.server_errors, *self.undocumented, *self.forbidden, *self.accepted]


@dataclass(slots=True)
class _Found:
    statuses: Counter[int] = field(default_factory=Counter)
    server_errors: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)


class Callers:
    """Somebody of each role, and what they come with: tokens whose proof is fresh."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._people = {role: self._made({group}, group) for role, group in GROUPS.items()}
        self._all = self._made({"records", "officers", "security"}, "all")
        self._renewed = 0.0
        self._tokens: dict[str, str] = {}

    def _made(self, codes: set[str], name: str) -> PersonId:
        invitation = people.invite(self._vault, everything(), codes)
        login = f"judge-{self._vault.new_id()}"
        return people.accept_invitation(self._vault, invitation, login=login, name=name, password=PASSWORD).id

    def actor(self, person_id: PersonId) -> Actor:
        return acting(self._vault, person_id)

    def roles(self) -> Mapping[str, frozenset[Role]]:
        """Who calls, and what they are; a stranger is nothing."""
        named = {role.value: frozenset({role}) for role in self._people}
        several = frozenset({Role.RECORDS, Role.OFFICER, Role.SECURITY})
        return {**named, "several": several, "token": several, "stranger": frozenset()}

    def of(self, row: Mapping[str, Any]) -> Mapping[str, frozenset[Role]]:
        """Who is sent to a row: all where a permission decides; one, a program and a stranger where none does."""
        found = self.roles()
        if "x-permission" in row:
            return found
        few = ("stranger",) if not row["security"] else ("records", "token", "stranger")
        return {name: found[name] for name in few}

    def token(self, name: str) -> str | None:
        """What somebody comes with, None for a stranger."""
        if time.monotonic() - self._renewed > FRESH_S:
            self.renew()
        return self._tokens.get(name)

    def renew(self) -> None:
        """New sessions for all: proofs grow old, and some requests end sessions."""
        named = {role.value: person for role, person in self._people.items()} | {"several": self._all}
        for name, person_id in named.items():
            self._tokens[name] = self._session(person_id)
        actor = self.actor(self._all)
        if "token" not in self._tokens:
            may = frozenset(action for action in Action if actor.may(action))
            self._tokens["token"], _ = tokens.create(
                self._vault, actor, name="judge", scopes=may, lifetime=timedelta(days=1)
            )
        self._renewed = time.monotonic()

    def _session(self, person_id: PersonId) -> str:
        with self._vault.catalogue.read() as tx:
            person = tx.people.get(person_id)
        assert person is not None
        client = Client(kind=SessionKind.PROGRAM, address="127.0.0.1", agent="judge")
        token, _ = sessions.begin_session(self._vault, person, client, by="password", proved_at=self._vault.now())
        return token


def judge(
    vault: Vault,
    address: str,
    *,
    known: Mapping[str, str],
    examples: int,
    permissions: Mapping[Action, Permission] = PERMISSIONS,
    described: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Judgement:
    """Sends ``examples`` right and as many wrong requests for each operation, to known things and to unknown ones.

    ``known`` are things that exist, by the name of the parameter that names them. What is judged by is the table of
    ``permissions`` and what ``described`` makes of the description.
    """
    description = described(requests.get(f"{address}/api/v1/openapi.json", timeout=ANSWERED_S).json())
    callers, found = Callers(vault), _Found()
    schema = schemathesis.openapi.from_dict(_without_security(description))
    with requests.Session() as line:
        judging = _Judging(address=address, line=line, callers=callers, permissions=permissions, found=found)
        for operation in _operations(schema.get_all_operations()):
            row = description["paths"][operation.path][operation.method]
            for case, wrong in _cases(operation, known, examples):
                for name, roles in callers.of(row).items():
                    judging.ask(case, row, name, roles, wrong=wrong)
    return Judgement(
        answers=found.statuses.total(),
        by_status=dict(sorted(found.statuses.items())),
        server_errors=found.server_errors,
        undocumented=found.undocumented,
        forbidden=found.forbidden,
        accepted=found.accepted,
    )


def _operations(found: Iterable[Any]) -> Iterator[Operation]:
    for each in found:
        operation: Operation = each.ok()
        yield operation


def _without_security(description: dict[str, Any]) -> dict[str, Any]:
    """The description for whoever brings their own token: none is made up."""
    plain = copy.deepcopy(description)
    del plain["components"]["securitySchemes"]
    for operations in plain["paths"].values():
        for operation in operations.values():
            del operation["security"]
    return plain


def _cases(operation: Operation, known: Mapping[str, str], examples: int) -> Iterator[tuple[Request, bool]]:
    """Requests, and whether they are wrong on purpose."""
    named = {each.name for each in operation.path_parameters}
    real = {name: known[name] for name in named if name in known}
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for paths in [real, {}] if real else [{}]:
            strategy = operation.as_strategy(generation_mode=mode, path_parameters=paths or None)
            for case in _made(strategy, examples):
                yield case, mode is GenerationMode.NEGATIVE


def _made(strategy: SearchStrategy[Request], examples: int) -> Sequence[Request]:
    made: list[Request] = []

    @seed(examples)
    @settings(
        max_examples=examples,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(case: Request) -> None:
        made.append(case)

    try:
        collect()
    except Unsatisfiable:
        return []  # nothing can be wrong with what has no parameters
    return made[:examples]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judging:
    """The line to the server, and what its answers are held against."""

    address: str
    line: requests.Session
    callers: Callers
    permissions: Mapping[Action, Permission]
    found: _Found

    def ask(self, case: Request, row: Mapping[str, Any], name: str, roles: frozenset[Role], *, wrong: bool) -> None:
        """Sends a request as somebody, and notes what is wrong with the answer."""
        found, token = self.found, self.callers.token(name)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = case.call(base_url=self.address, session=self.line, headers=headers, timeout=ANSWERED_S)
        status = answer.status_code
        if status == NOT_SIGNED_IN and token is not None:
            self.callers.renew()  # the request before ended the session, or a proof was wrong
        told = f"{name}: {case.method} {case.formatted_path} {_shown(case)} -> {status} {answer.content[:300]!r}"
        found.statuses[status] += 1
        if status >= SERVER_ERROR:
            found.server_errors.append(told)
            return
        if not self._may_get(row, roles, status, stranger=token is None):
            found.forbidden.append(told)
        with _collecting(found.undocumented, told):
            case.validate_response(answer, checks=list(CHECKS))
        if wrong and status < REFUSED:
            with _collecting(found.accepted, told):
                case.validate_response(answer, checks=[negative_data_rejection])

    def _may_get(self, row: Mapping[str, Any], roles: frozenset[Role], status: int, *, stranger: bool) -> bool:
        if stranger:
            return status == NOT_SIGNED_IN or not row["security"]
        permission = row.get("x-permission")
        if permission is None or not roles.isdisjoint(self.permissions[Action(permission)].roles):
            return True
        return status == NOT_ALLOWED


@contextmanager
def _collecting(into: list[str], told: str) -> Iterator[None]:
    try:
        yield
    except (Failure, FailureGroup) as failure:
        words = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
        into.append(f"{told} [{'; '.join(str(each).splitlines()[0] for each in words)}]")


def _shown(case: Request) -> str:
    """The request's query and body, for the report."""
    body = case.body if isinstance(case.body, dict | list) else ""
    return json.dumps({"query": dict(case.query or {}), "body": body}, ensure_ascii=True, default=repr)[:400]
