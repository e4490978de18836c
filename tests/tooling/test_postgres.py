"""The private PostgreSQL server that tests run against."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from sqlalchemy import create_engine, text

from tests.support.postgres import PostgresCluster

CHILD = """
import sys, time
from tests.support.postgres import postgres_cluster
with postgres_cluster() as cluster:
    print(cluster.folder, cluster._server.pid, flush=True)
    time.sleep(60)
"""


def test_a_fresh_database_is_empty_and_speaks_utf_8(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"
        assert connection.execute(text("SELECT count(*) FROM pg_stat_user_tables")).scalar_one() == 0
        assert connection.execute(text("SELECT :name"), {"name": "全宗"}).scalar_one() == "全宗"
    engine.dispose()


def test_it_listens_on_no_port(postgres: PostgresCluster) -> None:
    with postgres.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_database_is_dropped_under_a_connection_that_is_still_open(postgres: PostgresCluster) -> None:
    with postgres.fresh_database() as url:
        engine = create_engine(url)
        connection = engine.connect()
        name = connection.execute(text("SELECT current_database()")).scalar_one()
    with postgres.connect() as other:
        assert other.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None
    connection.invalidate()
    connection.close()
    engine.dispose()


def test_the_server_ends_when_the_tests_are_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        folder, pid = child.stdout.readline().split()
        child.kill()
    deadline = time.monotonic() + 120
    while _runs(int(pid), folder):
        if time.monotonic() > deadline:
            pytest.fail(f"the server {pid} outlived the tests")
        time.sleep(0.05)
    subprocess.run(["rm", "-rf", "--", folder], check=True)


def _runs(pid: int, folder: str) -> bool:
    """Whether the process is the server of this folder (the number may have been given away since)."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return folder in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False
