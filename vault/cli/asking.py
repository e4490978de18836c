"""Asking people for what must not stand on the command line, where every process of the machine could read it."""

from __future__ import annotations

import sys

import click


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


def _line(label: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise click.UsageError(f"{label}: stdin ended; give it as a line on stdin, or run this in a terminal")
    return line.rstrip("\r\n")
