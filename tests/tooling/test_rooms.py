"""The rooms hold apart: each import contract fails when it is broken, and vault stands on nothing it may not."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VAULT_MAY_IMPORT = {"cryptography", "vault"}

BREAKS = [
    ("vault/workflows/intake.py", "import storage.layout", "vault decides"),
    ("vault/records.py", "from web import main", "vault decides"),
    ("vault/records.py", "import sqlalchemy", "vault stands on the standard library"),
    ("vault/seal/message.py", "from pydantic_settings import BaseSettings", "vault stands on the standard library"),
    ("vault/records.py", "from time import monotonic", "vault opens no file"),
    ("vault/seal/message.py", "import secrets", "vault opens no file"),
    ("vault/workflows/intake.py", "from urllib.request import urlopen", "vault opens no file"),
    ("vault/workflows/intake.py", "from pathlib import Path", "vault opens no file"),
    ("storage/layout.py", "import web.routes", "storage keeps"),
    ("storage/layout.py", "from vault.cli import main", "nothing imports the command line"),
    ("vault/workflows/intake.py", "import vault.cli.main", "nothing imports the command line"),
    ("storage/parsing/work.py", "from vault import records", "parsers know nothing of the vault"),
    ("storage/parsing/warden.py", "import storage.settings", "parsers know nothing of the vault"),
    ("web/routes.py", "from storage import layout", "web shows"),
    ("web/routes.py", "import vault.cli", "nothing imports the command line"),
    ("web/main.py", "import vault.cli.main", "nothing imports the command line"),
]


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """A small tree with the rooms of this one and its contracts, in which every import is allowed."""
    files = {
        "vault/records.py": "import datetime, hashlib\n",
        "vault/seal/message.py": "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n",
        "vault/workflows/intake.py": "from vault import records\nfrom vault.seal import message\n",
        "vault/cli/main.py": "import os, time, click, sqlalchemy\nimport storage.layout, web.main, vault.records\n",
        "storage/layout.py": "import pathlib, sqlalchemy\nfrom vault import records\n",
        "storage/parsing/warden.py": "import ctypes, os\n",
        "storage/parsing/work.py": "import os, pypdfium2\n",
        **{f"storage/{name}.py": "" for name in ("assembly", "settings", "backup/run", "catalogue/tables")},
        **{f"storage/{name}.py": "" for name in ("keeper/custody", "objects/s3")},
        "web/routes.py": "import starlette\nfrom vault.workflows import intake\n",
        "web/main.py": "from storage import layout\nimport storage\nimport web.routes\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for folder in path.parents:
            if folder == tmp_path:
                break
            (folder / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter there, as the checks do here."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    wide = {**os.environ, "COLUMNS": "200"}  # names of contracts stay on one line
    return subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True, check=False)


def test_the_allowed_imports_break_no_contract(rooms: Path) -> None:
    done = lint_imports(rooms)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("file", "line", "contract"), BREAKS, ids=[f"{file}: {line}" for file, line, _ in BREAKS])
def test_a_forbidden_import_breaks_its_contract(rooms: Path, file: str, line: str, contract: str) -> None:
    with (rooms / file).open("a", encoding="utf-8") as module:
        module.write(f"{line}\n")
    done = lint_imports(rooms)
    assert done.returncode != 0
    broken = [row for row in done.stdout.splitlines() if " BROKEN" in row]
    assert any(row.startswith(contract) for row in broken), done.stdout


def imported(module: Path) -> Iterator[str]:
    """The top-level names of everything a module imports."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module.partition(".")[0]


def test_vault_imports_no_third_party_but_cryptography() -> None:
    modules = [path for path in (ROOT / "vault").rglob("*.py") if "cli" not in path.relative_to(ROOT).parts]
    assert modules
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules
        for name in imported(path)
        if name not in VAULT_MAY_IMPORT and name not in sys.stdlib_module_names
    }
    assert not strangers


def test_vault_calls_no_open() -> None:
    opened = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "vault").rglob("*.py")
        if "cli" not in path.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]
    assert not opened
