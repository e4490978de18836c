"""Asking people for what must not stand on the command line, where every process of the machine could read it."""

from __future__ import annotations

import sys

import click

from vault.errors import InvalidInput


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


def require_confirmed(count: int, what: str) -> None:
    """Lets whoever sits at a terminal type the number of what goes for ever; a script that says so has decided.

    Raises ``InvalidInput`` for any other answer.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        return
    answer = click.prompt(f"Type {count} to {what}; anything else leaves everything as it is", err=True)
    if str(answer).strip() != str(count):
        raise InvalidInput(f"that is not {count}; everything is as it was", field="confirmation")


def _line(label: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise click.UsageError(f"{label}: stdin ended; give it as a line on stdin, or run this in a terminal")
    return line.rstrip("\r\n")
