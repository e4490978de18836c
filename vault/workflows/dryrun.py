"""A transaction that a dry run undoes: everything is done and checked, and then nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vault.shelves import Transaction
from vault.workflows.vault import Vault


class _Undone(Exception):
    """A dry run ends here."""


@contextmanager
def writing(vault: Vault, *, dry_run: bool) -> Iterator[Transaction]:
    """A transaction that writes; with ``dry_run`` it is rolled back at its end."""
    try:
        with vault.catalogue.write() as tx:
            yield tx
            if dry_run:
                raise _Undone
    except _Undone:
        return
