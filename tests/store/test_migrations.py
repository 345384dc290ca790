"""The schema: tables say what a row is, other code is refused, a migration is whole or absent."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask
from own_database import Own
from sqlalchemy import text

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import StoreError
from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate, migrations, require_current_schema

ROOT = Path(__file__).resolve().parents[2]
CODE = len(migrations())
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


def test_files_are_numbered_without_a_gap() -> None:
    files = sorted(path.name for path in (SQL_DIR / "migrations").iterdir())

    assert files == [f"{one.version:03d}_{one.name}.sql" for one in migrations()]
    assert [one.version for one in migrations()] == list(range(1, CODE + 1))


def test_migrating_again_changes_nothing(owner: Database) -> None:
    assert migrate(owner) == []


def test_every_table_and_view_says_what_one_row_is(owner: Database) -> None:
    comments = ask(
        owner,
        "SELECT relname, obj_description(oid) FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')",
        role="emotion_owner",
    )

    assert len(comments) >= 20
    for name, comment in comments:
        assert comment and comment.startswith("One row per "), name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "INSERT INTO schema_version (version, name, sha256) VALUES (999, 'later', '')",
            f"version 999, this code knows only {CODE}",
        ),
        (
            f"DELETE FROM schema_version WHERE version = {CODE}",
            f"version {CODE - 1}, this code needs {CODE}",
        ),
        ("DROP TABLE schema_version", "has no tables yet"),
    ],
)
def test_a_database_newer_or_older_than_the_code_is_refused_with_both_versions(
    owner: Database, change: str, sentence: str
) -> None:
    with owner.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("SET LOCAL ROLE emotion_owner"))
        connection.execute(text(change))
        with pytest.raises(StoreError, match=sentence):
            require_current_schema(connection)
        transaction.rollback()


def test_the_expressions_are_in_affectnets_order(database: Database) -> None:
    names = ask(database, "SELECT name FROM expression ORDER BY id")

    assert tuple(name for (name,) in names) == EXPRESSIONS


@pytest.fixture
def empty(server: PostgresServer, urls: dict[str, str]) -> Iterator[str]:
    """The address of a new database without tables, for the login that migrates."""
    made = Own(server, urls, "migrators")
    made.make_empty()
    yield made.urls["emotion_migrate"]
    made.drop()


def start(address: str, die_at: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, address, str(die_at)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def versions(address: str) -> list[int]:
    database = Database(address)
    found = ask(database, "SELECT version FROM schema_version", role="emotion_owner")
    database.close()
    return sorted(version for (version,) in found)


def test_of_two_migrators_at_once_one_does_all_the_work(empty: str) -> None:
    both = [start(empty, NEVER), start(empty, NEVER)]

    counts = sorted(int(one.communicate()[0]) for one in both)

    assert [one.returncode for one in both] == [0, 0]
    assert counts == [0, CODE + 1]
    assert versions(empty) == list(range(CODE + 1))


@pytest.mark.parametrize("die_at", [CODE, 0])
def test_a_migrator_killed_half_way_is_finished_by_the_next(empty: str, die_at: int) -> None:
    killed = start(empty, die_at)
    killed.communicate()

    database = Database(empty)
    applied = migrate(database)
    database.close()

    assert killed.returncode == -signal.SIGKILL
    assert len(applied) == (2 if die_at else 1)
    assert versions(empty) == list(range(CODE + 1))
