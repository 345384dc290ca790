"""Two migrators at once, and one that is killed half-way."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from emotion_core.local.postgres import PostgresServer
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate, migrations, require_current_schema

ROOT = Path(__file__).resolve().parents[2]
MIGRATE = """
import os, signal, sys
from emotion_core.store import migrations
from emotion_core.store.database import Database
address, die_at = sys.argv[1], int(sys.argv[2])
record = migrations._record
def record_or_die(connection, version, name, sha256):
    # The tables of this migration are made, its record is not, nothing is committed.
    if version == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    record(connection, version, name, sha256)
migrations._record = record_or_die
print(len(migrations.migrate(Database(address))))
"""
NEVER = 9999


@pytest.fixture
def empty(server: PostgresServer, urls: dict[str, str]) -> Iterator[str]:
    """The address of a new database without tables, for the login that migrates."""
    with closing(server.connect()) as superuser:
        superuser.autocommit = True
        superuser.cursor().execute("CREATE DATABASE migrators OWNER emotion_owner")
        url = make_url(urls["emotion_migrate"]).set(database="migrators")
        yield url.render_as_string(hide_password=False)
        superuser.cursor().execute("DROP DATABASE migrators WITH (FORCE)")


def start(address: str, die_at: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, address, str(die_at)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def versions(address: str) -> list[int]:
    database = Database(address)
    with database.transaction("emotion_owner") as connection:
        require_current_schema(connection)
        found = connection.execute(text("SELECT version FROM schema_version ORDER BY version"))
        listed = list(found.scalars())
    database.close()
    return listed


def test_of_two_migrators_at_once_one_does_all_the_work(empty: str) -> None:
    both = [start(empty, NEVER), start(empty, NEVER)]

    counts = sorted(int(one.communicate()[0]) for one in both)

    assert [one.returncode for one in both] == [0, 0]
    assert counts == [0, len(migrations()) + 1]
    assert versions(empty) == list(range(len(migrations()) + 1))


@pytest.mark.parametrize("die_at", [1, 5, len(migrations()), 0])
def test_a_migrator_killed_half_way_is_finished_by_the_next(empty: str, die_at: int) -> None:
    killed = start(empty, die_at)
    killed.communicate()

    database = Database(empty)
    applied = migrate(database)
    database.close()

    left = len(migrations()) - (die_at or len(migrations()) + 1) + 1
    assert killed.returncode == -signal.SIGKILL
    assert len(applied) == left + 1
    assert versions(empty) == list(range(len(migrations()) + 1))
