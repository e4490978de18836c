"""What the source says of writing: every transaction that changes the catalogue, and the events that it logs.

The source is read, not run: each ``with ... .write() as tx`` block, the functions that it calls, and theirs, are looked
through for ``Event`` members and for a call that appends to the log. What is handed on as a value is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPENDING = ("audit.append", "audit.append_numbered", "append_sealed", "audit.take_back")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One transaction: where it stands (``module.function``), the events it may log, and whether it logs at all."""

    where: str
    line: int
    events: frozenset[str]
    logs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What some statements say by themselves."""

    events: frozenset[str]
    calls: frozenset[str]
    logs: bool


class Source:
    """Some packages of the product, parsed."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.modules: dict[str, ast.Module] = {}
        for folder in folders:
            for path in sorted((ROOT / folder).rglob("*.py")):
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                self.modules[name] = ast.parse(path.read_text(encoding="utf-8"))

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Every function at a module's top, and every method, by ``module.name`` (methods: ``module.Class.name``)."""
        found: dict[str, Function] = {}
        for module, tree in self.modules.items():
            for node in tree.body:
                if isinstance(node, Function):
                    found[f"{module}.{node.name}"] = node
                elif isinstance(node, ast.ClassDef):
                    found |= {
                        f"{module}.{node.name}.{each.name}": each for each in node.body if isinstance(each, Function)
                    }
        return found

    @cached_property
    def writes(self) -> Sequence[Write]:
        """Every transaction that may change something."""
        found = []
        for name, function in self.functions.items():
            for node in ast.walk(function):
                if isinstance(node, ast.With) and any(_is_write(item) for item in node.items):
                    inside = self._reach(self._say(node.body, self._module_of(name)))
                    # What is logged may be put together before the transaction begins.
                    events = inside.events or self._reach(self._said[name]).events
                    found.append(Write(where=name, line=node.lineno, events=events, logs=inside.logs))
        return found

    def events_of(self, name: str) -> frozenset[str]:
        """Every event that a function, or one that it calls, may log in a transaction."""
        reached = {name, *self._reach(self._said[name]).calls}
        return frozenset().union(*(each.events for each in self.writes if each.logs and each.where in reached))

    def names_in(self, name: str) -> frozenset[str]:
        """Every name and attribute that a function mentions."""
        nodes = list(ast.walk(self.functions[name]))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        return frozenset(names | {node.attr for node in nodes if isinstance(node, ast.Attribute)})

    @cached_property
    def _said(self) -> dict[str, _Said]:
        return {name: self._say(node.body, self._module_of(name)) for name, node in self.functions.items()}

    @cached_property
    def _imports(self) -> dict[str, dict[str, str]]:
        """What each module calls by which name: modules and functions of the product."""
        found: dict[str, dict[str, str]] = {}
        for module, tree in self.modules.items():
            names = found.setdefault(module, {})
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module is not None:
                    names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        return found

    def _say(self, body: Sequence[ast.stmt], module: str) -> _Said:
        nodes = [node for statement in body for node in ast.walk(statement)]
        called = [node for node in nodes if isinstance(node, ast.Call)]
        return _Said(
            events=frozenset(_events(nodes)),
            calls=frozenset(target for each in called if (target := self._target(each.func, module)) in self.functions),
            logs=any(ast.unparse(each.func).endswith(APPENDING) for each in called),
        )

    def _reach(self, said: _Said) -> _Said:
        """What statements say, and everything that they call, and what that calls."""
        known, left, events, logs = set[str](), set(said.calls), set(said.events), said.logs
        while left:
            name = left.pop()
            known.add(name)
            more = self._said[name]
            events |= more.events
            logs = logs or more.logs
            left |= more.calls - known
        return _Said(events=frozenset(events), calls=frozenset(known), logs=logs)

    def _target(self, called: ast.expr, module: str) -> str:
        names = self._imports[module]
        if isinstance(called, ast.Name):
            return names.get(called.id, f"{module}.{called.id}")
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            return f"{names.get(called.value.id, called.value.id)}.{called.attr}"
        return ""

    def _module_of(self, name: str) -> str:
        while name not in self.modules:
            name = name.rpartition(".")[0]
        return name


def _events(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event":
            yield node.attr


def _is_write(item: ast.withitem) -> bool:
    called = item.context_expr
    if not isinstance(called, ast.Call):
        return False
    spelt = ast.unparse(called.func)
    return spelt == "writing" or spelt.endswith("catalogue.write")
