"""Asking people for what must not stand on the command line, where every process of the machine could read it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vault.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vault.cli.speech import Speech


def ask(label: str) -> str:
    """A line from the terminal, or from stdin where that is none."""
    if sys.stdin.isatty():
        answer = click.prompt(label, err=True)
        return str(answer)
    return _line(label)


def ask_secret(label: str, *, twice: bool = False) -> str:
    """The same without showing it; ``twice`` against slips of the finger."""
    if sys.stdin.isatty():
        answer = click.prompt(label, hide_input=True, confirmation_prompt=twice, err=True)
        return str(answer)
    return _line(label)


def require_confirmed(speech: Speech, shown: Iterable[str], count: int) -> None:
    """Shows whoever sits at a terminal the records that die, and lets them type the number; a script has decided.

    Raises ``InvalidInput`` for any other answer.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        return
    for line in shown:
        speech.warn(line)
    answer = click.prompt(f"Type {count} to destroy these records for ever", err=True)
    if str(answer).strip() != str(count):
        raise InvalidInput(f"that is not {count}; everything is as it was", field="confirmation")


def _line(label: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise click.UsageError(f"{label}: stdin ended; give it as a line on stdin, or run this in a terminal")
    return line.rstrip("\r\n")
