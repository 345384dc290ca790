"""A backup from before an erasure, restored: what was erased does not stay back."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from deliveries import (
    count_predictions,
    deliver,
    make_scorable,
    names_in,
    open_night,
    score_night,
    traces,
)
from own_database import Own

from emotion_core.errors import StorageError, StoreError
from emotion_core.privacy.tombstones_file import append_tombstones, read_tombstones
from emotion_core.settings import Settings
from emotion_core.steps import privacy, scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database

ASKED = {"reason": "asked for", "requested_by": "the office"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def postgres_program(own: Own, *command: str, given: bytes | None = None) -> bytes:
    """Run one of PostgreSQL's own programs as the server's administrator."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PGHOST": str(own.server.socket_dir),
        "PGUSER": "postgres",
        "PGPASSWORD": own.server._password,
        "LC_ALL": "C",
    }
    done = subprocess.run(
        [str(own.server.programs / command[0]), *command[1:]],
        env=environment,
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


@pytest.fixture
def restored(own: Own, urls: dict[str, str]) -> Iterator[Own]:
    """A second database, empty; dropped afterwards."""
    made = Own(own.server, urls, f"{own.name}_restored")
    made.admin(f'CREATE DATABASE "{made.name}"', database="postgres")
    yield made
    made.admin(f'DROP DATABASE "{made.name}" WITH (FORCE)', database="postgres")


def test_an_erasure_survives_the_restore_of_an_older_backup(
    database: Database, settings: Settings, own: Own, restored: Own, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=701, ben=702)
    mias_bytes = (settings.inbox_dir / "mia.jpg").read_bytes()
    score_night(database, settings, model, name)
    backup = postgres_program(own, "pg_dump", "--format=custom", own.name)
    privacy.erase(Installation(settings), content=hashes["mia"], **ASKED)

    postgres_program(
        restored, "pg_restore", "--exit-on-error", f"--dbname={restored.name}", given=backup
    )
    (settings.inbox_dir / "mia.jpg").write_bytes(mias_bytes)  # the inbox was restored, too
    after = replace(settings, database_url=restored.urls["emotion_app"])
    again = Database(restored.urls["emotion_app"])
    here = Installation(after)
    is_back = count_predictions(again, hashes["mia"])
    with pytest.raises(StoreError, match=r"lacks 1 erasures.*emotion erase --replay"):
        scoring.open_batch(here, f"{name} too early", model=model.name)
    outcome = privacy.replay_erasures(here)
    _, intake = open_night(again, after, model, f"{name} 2")
    nothing_more = privacy.replay_erasures(here)

    assert is_back == 1
    assert outcome.record is not None
    assert (outcome.record.asked_by, outcome.record.count_contents) == ("replay", 1)
    assert traces(again, sha256=hashes["mia"], name="mia") == []
    assert names_in(settings.inbox_dir) == ["_SUCCESS", "ben.jpg"]
    assert (count_predictions(again, hashes["ben"]), intake.count_entered) == (1, 0)
    assert nothing_more.record is None
    here.database.close()
    again.close()


def test_tombstones_can_be_kept_in_a_file_of_ones_own_and_replayed_from_it(
    settings: Settings, own: Own, restored: Own
) -> None:
    backup = postgres_program(own, "pg_dump", "--format=custom", own.name)
    here = Installation(settings)
    privacy.erase(here, content="c4" * 32, **ASKED)
    kept = settings.inbox_dir.parent / "kept.jsonl"

    count = privacy.export_tombstones(here, kept)
    privacy.export_tombstones(here, kept)
    postgres_program(
        restored, "pg_restore", "--exit-on-error", f"--dbname={restored.name}", given=backup
    )
    after = Installation(replace(settings, database_url=restored.urls["emotion_app"]))
    privacy.replay_erasures(after, kept)
    privacy.require_erasures(after)
    after.database.close()

    assert len(read_tombstones(kept)) == len(kept.read_text().splitlines()) == count


def test_a_line_that_was_cut_short_is_passed_over_and_the_next_one_is_whole(
    settings: Settings,
) -> None:
    from datetime import UTC, datetime

    path = settings.inbox_dir.parent / "torn.jsonl"
    append_tombstones(path, {b"\1" * 32: datetime.now(UTC)})
    with path.open("a") as file:
        file.write('{"content_hmac": "0202')
    append_tombstones(path, {b"\3" * 32: datetime.now(UTC)})

    assert set(read_tombstones(path)) == {b"\1" * 32, b"\3" * 32}


def test_a_file_of_something_else_is_refused_by_its_line(settings: Settings) -> None:
    path = settings.inbox_dir.parent / "else.jsonl"
    path.write_text('{"a": 1}\n')

    with pytest.raises(StorageError, match="line 1, is no tombstone"):
        read_tombstones(path)
