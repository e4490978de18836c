"""How a command speaks: data on stdout, talk on stderr, one JSON document with ``--json``.

Rule 1: with ``--json`` stdout holds exactly one JSON document, also when the command fails: ``{"error": ...}``.
Rule 2: with ``--quiet`` only errors and warnings are said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vault.cli.plain import plain

JSON = Mapping[str, "JSON"] | Sequence["JSON"] | str | int | float | bool | None

PREFIX: Final = "strongroom: "


class Speech:
    """What one command says, and whether it has said its data."""

    def __init__(self) -> None:
        self.json = False
        self.quiet = False
        self._document_written = False

    @property
    def lively(self) -> bool:
        """Whether somebody watches: a progress bar has a place."""
        return not self.quiet and not self.json and sys.stderr.isatty()

    def talk(self, text: str) -> None:
        """Something to know, on stderr; silent with ``--quiet``."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Something that has to be known, on stderr."""
        print(PREFIX + plain(text), file=sys.stderr, flush=True)

    def data(self, document: JSON, lines: Iterable[str]) -> None:
        """The command's answer: the document with ``--json``, else the lines, which are plain already."""
        if self.json:
            self._document_written = True
            sys.stdout.flush()
            sys.stdout.buffer.write(encode(document))
        else:
            for line in lines:
                print(line)
        sys.stdout.flush()

    def error(self, code: str, message: str, *, exit_code: int) -> None:
        """Why the command failed: one line on stderr, and the document on stdout with ``--json``."""
        self.warn(message)
        if self.json and not self._document_written:
            self.data({"error": {"code": code, "message": message, "exit_code": exit_code}}, ())


def encode(document: JSON) -> bytes:
    """A document as UTF-8, whatever the terminal's encoding; an undecodable byte of a file's name is an escape."""
    # What UTF-8 cannot write is a lone surrogate; backslashreplace writes it as the escape that JSON has for it.
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace") + b"\n"
