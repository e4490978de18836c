"""Migrated, empty catalogues that are copied: the way through every migration takes longer than all else that makes a
vault, and only tests of migrations and of first starts have to see it.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from storage.catalogue.database import migrate

NAME: Final = "catalogue.sqlite"


@cache
def _template() -> Path:
    folder = tempfile.mkdtemp(prefix="strongroom-catalogue-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / NAME
    migrate(f"sqlite:///{path}")
    return path


def lay_catalogue(home: Path) -> None:
    """Puts a migrated catalogue into a home that has none."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (home / NAME).exists():
        shutil.copyfile(_template(), home / NAME)
        (home / NAME).chmod(0o600)
