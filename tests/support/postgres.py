"""A private PostgreSQL server for tests: a cluster of its own in a temporary folder, reached by a Unix socket only.

Rule 1: it listens on no port, and its socket's folder is closed to other users.
Rule 2: it ends with the tests, also when they are killed (``setpriv --pdeathsig``).
Rule 3: with ``durable=True`` it runs with PostgreSQL's own defaults for safety; otherwise nothing waits for the disk.
Isolation, locking and errors are the same in both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGQUIT
from urllib.parse import quote
from uuid import uuid4

import psycopg

from storage.catalogue.database import migrate

SYSTEM_USER = "postgres"
DATABASE_USER = "strongroom"
MIGRATED = "migrated"
START_LIMIT_S = 120.0
STOP_LIMIT_S = 120.0
INITDB_OPTIONS = ("-U", DATABASE_USER, "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync")
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def find_binaries() -> Path:
    """The folder with ``initdb`` and ``postgres`` of the newest PostgreSQL installed.

    Raises ``RuntimeError`` with the way out when there is none.
    """
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if path.parts[-3].isdigit()]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is not installed; run: apt-get install postgresql")
    return Path(on_path).resolve().parent


def as_server_user(command: list[str], *, dies_with_parent: bool = False) -> list[str]:
    """The command as PostgreSQL accepts it: never as root."""
    prefix = ["setpriv"]
    if os.geteuid() == 0:
        prefix += ["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--init-groups"]
    if dies_with_parent:
        prefix += ["--pdeathsig", "INT"]
    return [*prefix, "--", *command] if len(prefix) > 1 else command


@dataclass(slots=True, kw_only=True)
class PostgresCluster:
    """A running cluster; ``stop`` and ``start`` let a test take the database away for a while."""

    folder: Path
    binaries: Path
    durable: bool
    _server: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _has_migrated: bool = field(default=False, init=False)

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{DATABASE_USER}@/{database}?host={quote(str(self.folder), safe='/')}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the driver itself, with autocommit."""
        return psycopg.connect(host=str(self.folder), user=DATABASE_USER, dbname=database, autocommit=True)

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        options = [
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "unix_socket_permissions=0700",
            "max_connections=200",
            "shared_buffers=64MB",
            "timezone=UTC",
            *(() if self.durable else NOT_DURABLE),
        ]
        command = [str(self.binaries / "postgres"), "-D", str(self.folder / "data")]
        for option in options:
            command += ["-c", option]
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                as_server_user(command, dies_with_parent=True), cwd=self.folder, stdout=log, stderr=log
            )
        give_up_at = time.monotonic() + START_LIMIT_S
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                if self._server.poll() is not None or time.monotonic() > give_up_at:
                    self.stop(cleanly=False)
                    log_text = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {error}\n{log_text}") from error
                time.sleep(0.03)
            else:
                return

    def stop(self, *, cleanly: bool = True) -> None:
        """Ends the server: by a fast shutdown, or as a crash that recovers at the next start."""
        server, self._server = self._server, None
        if server is None:
            return
        if server.poll() is None:
            server.send_signal(SIGINT if cleanly else SIGQUIT)
        try:
            server.wait(timeout=STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    @contextmanager
    def fresh_database(self, *, migrated: bool = False, called: str | None = None) -> Iterator[str]:
        """The URL of a new database, which is dropped afterwards whoever is still connected; by default no other is
        ``called`` so.

        It is empty; or ``migrated``, as a copy of one that went through every migration, which takes a tenth of that.
        """
        if migrated and not self._has_migrated:
            with self.connect() as connection:
                connection.execute(f"CREATE DATABASE {MIGRATED} TEMPLATE template0".encode())
            migrate(self.url(MIGRATED))
            self._has_migrated = True
        name = called or f"t{uuid4().hex}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED if migrated else 'template0'}".encode())
        try:
            yield self.url(name)
        finally:
            if self._server is not None:
                with self.connect() as connection:
                    connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@contextmanager
def postgres_cluster(*, durable: bool = False) -> Iterator[PostgresCluster]:
    """Makes a cluster, starts it, and removes every trace of it at the end."""
    binaries = find_binaries()
    # A short folder: the path of a Unix socket may not pass 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="srpg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, SYSTEM_USER, SYSTEM_USER)
        made = subprocess.run(
            as_server_user([str(binaries / "initdb"), "-D", str(folder / "data"), *INITDB_OPTIONS]),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        cluster = PostgresCluster(folder=folder, binaries=binaries, durable=durable)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop(cleanly=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
