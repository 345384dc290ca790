"""Backup, restore and downgrade, by the commands of docs/deploy/operations.md."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from own_database import Own
from promotions import make_rival, make_shared_labels
from sqlalchemy import text

from emotion_core.errors import StoreError
from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import Settings
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def own(server: PostgresServer, urls: dict[str, str]) -> Iterator[Own]:
    """The database that is backed up, with a model in it."""
    made = Own(server, urls, "backed_up")
    made.make()
    database = Database(made.urls["emotion_app"])
    with database.transaction("emotion_train") as connection:
        make_rival(connection, make_shared_labels(40), share_right=0.5)
    database.close()
    yield made
    made.drop()


@pytest.fixture
def restored(own: Own, urls: dict[str, str], tmp_path: Path) -> Iterator[Own]:
    """What the page's commands make of the backup, under another name."""
    made = Own(own.server, urls, "restored")
    for line in (*told("pg_dump"), *told("createdb"), *told("psql -f sql"), *told("pg_restore")):
        words = [
            {"emotion": own.name, "emotion_restored": made.name}.get(word, word)
            for word in shlex.split(line)
        ]
        run(own, [word.replace("emotion.dump", str(tmp_path / "a.dump")) for word in words])
    yield made
    made.drop()


def told(beginning: str) -> list[str]:
    """Commands of the page's section on backups that begin so."""
    section = PAGE.split("## Backup and restore")[1].split("\n## ")[0]
    found = re.findall(rf"^{beginning}.*$", section, re.MULTILINE)
    assert found, beginning
    return found


def run(own: Own, command: list[str]) -> None:
    """One of PostgreSQL's own programs, as the server's administrator."""
    program = own.server.programs / command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C",
            "PGHOST": str(own.server.socket_dir),
            "PGUSER": "postgres",
            "PGPASSWORD": own.server._password,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def models(url: str, settings: Settings) -> int:
    here = Installation(settings, url)
    with here.database.transaction("emotion_report") as connection:
        count = connection.execute(text("SELECT count(*) FROM model_version")).scalar_one()
    here.database.close()
    return int(count)


def test_a_restored_database_serves_the_same_logins_with_the_same_rights(
    restored: Own, settings: Settings
) -> None:
    analyst = Database(restored.urls["emotion_analyst"])

    assert models(restored.urls["emotion_app"], settings) == 1
    with analyst.connect() as connection:
        connection.execute(text("SELECT * FROM model_leaderboard"))
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text("SELECT * FROM prediction"))
    analyst.close()
    stranger = restored.urls["emotion_app"].replace("+psycopg2", "")
    restored.admin("CREATE ROLE somebody LOGIN PASSWORD 'somebody'")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(re.sub(r"//.*@", "//somebody:somebody@", stranger))
    restored.admin("DROP ROLE somebody")


def test_the_way_back_is_the_dump_from_before_the_upgrade(
    own: Own, restored: Own, settings: Settings
) -> None:
    owner = Database(own.urls["emotion_migrate"])
    with owner.transaction("emotion_owner") as connection:
        connection.execute(
            text("INSERT INTO schema_version (version, name, sha256) VALUES (999, 'later', 'x')")
        )

    with pytest.raises(StoreError, match=r"at schema version 999.*install the newer release"):
        models(own.urls["emotion_app"], settings)
    with pytest.raises(StoreError, match="schema version 999"):
        migrate(owner)
    owner.close()

    assert models(restored.urls["emotion_app"], settings) == 1
