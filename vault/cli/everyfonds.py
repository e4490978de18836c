"""Commands that tend a whole vault: done for each of its fonds in turn, where none is named.

Rule 1: a vault with one fonds answers as it always did; with several, each answer stands under the fonds's code.
Rule 2: what goes wrong with one fonds does not keep the others from theirs; the exit code is the highest of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from vault.cli import exits
from vault.cli.invocation import Invocation
from vault.cli.speech import JSON, Speech
from vault.errors import StrongroomError

if TYPE_CHECKING:
    from storage.settings import Settings

Command = Callable[..., int | None]
Finding = Callable[["Settings"], Sequence["Settings"]]


class Part(Speech):
    """What is said of one fonds: talk names it, and its document is kept for the whole."""

    def __init__(self, whole: Speech, code: str | None) -> None:
        super().__init__()
        self.json, self.quiet = whole.json, whole.quiet
        self.document: JSON = None
        self._called = code or "first"

    def warn(self, text: str) -> None:
        """See ``Speech``."""
        super().warn(f"fonds {self._called}: {text}")

    def data(self, document: JSON, lines: Iterable[str]) -> None:
        """See ``Speech``; a document is kept."""
        if self.json:
            self.document = document
        else:
            super().data(document, [f"fonds {self._called}:", *(f"  {line}" for line in lines)])


def through_every_fonds(
    find: Finding | None = None, *, unless: Callable[..., object] = lambda **options: None
) -> Callable[[Command], Command]:
    """Has a command done for every fonds; ``unless`` its options say that one is meant. ``find`` gives the settings of
    all, from those of the first; otherwise they are those in the home."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(invocation: Invocation, **options: Any) -> int | None:
            from storage.fondshomes import every_fonds

            every = [] if unless(**options) else (find or every_fonds)(invocation.settings)
            if len(every) < 2:
                return command(invocation, **options)
            parts: list[JSON] = []
            worst = exits.OK
            for settings in every:
                part = Part(invocation.speech, settings.fonds)
                code = _do(command, invocation.of(settings, part), options)
                worst = max(worst, code)
                told = part.document if isinstance(part.document, dict) else {}
                parts.append({"code": settings.fonds, "exit_code": code, **told})
            if invocation.speech.json:
                invocation.speech.data({"fonds": parts}, ())
            return worst

        return run

    return decorate


def _do(command: Command, invocation: Invocation, options: dict[str, Any]) -> int:
    try:
        return command(invocation, **options) or exits.OK
    except StrongroomError as error:
        code = exits.code_of(error)
        invocation.speech.error(error.code, error.message, exit_code=code)
        return code
