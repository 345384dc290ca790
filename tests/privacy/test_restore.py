"""A backup from before an erasure, restored: what was erased does not stay back."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from deliveries import Site, names_in
from own_database import Own

from emotion_core.errors import StorageError, StoreError
from emotion_core.privacy.tombstones_file import append_tombstones, read_tombstones
from emotion_core.settings import Settings
from emotion_core.steps import erasure, scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database


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


def test_an_erasure_survives_the_restore_of_an_older_backup(site: Site, restored: Own) -> None:
    hashes = site.deliver(mia=701, ben=702)
    mias_bytes = (site.inbox / "mia.jpg").read_bytes()
    site.score_night()
    backup = postgres_program(site.own, "pg_dump", "--format=custom", site.own.name)
    site.erase(content=hashes["mia"])

    postgres_program(
        restored, "pg_restore", "--exit-on-error", f"--dbname={restored.name}", given=backup
    )
    (site.inbox / "mia.jpg").write_bytes(mias_bytes)  # the inbox was restored, too
    url = restored.urls["emotion_app"]
    after = Site(Database(url), replace(site.settings, database_url=url), restored, site.name)
    after.model = site.model
    is_back = after.count_predictions(hashes["mia"])
    with pytest.raises(StoreError, match=r"lacks 1 erasures.*emotion erase --replay"):
        scoring.open_batch(after.here, f"{site.name} too early", model=site.model.name)
    outcome = erasure.replay_erasures(after.here)
    _, ingested = after.open_night("2")
    nothing_more = erasure.replay_erasures(after.here)

    assert is_back == 1
    assert outcome.record is not None
    assert (outcome.record.asked_by, outcome.record.count_contents) == ("replay", 1)
    assert after.traces(sha256=hashes["mia"], name="mia") == []
    assert names_in(site.inbox) == ["_SUCCESS", "ben.jpg"]
    assert (after.count_predictions(hashes["ben"]), ingested.count_entered) == (1, 0)
    assert nothing_more.record is None
    after.here.database.close()
    after.database.close()


def test_tombstones_can_be_kept_in_a_file_of_ones_own_and_replayed_from_it(
    site: Site, restored: Own
) -> None:
    backup = postgres_program(site.own, "pg_dump", "--format=custom", site.own.name)
    site.erase(content="c4" * 32)
    kept = site.inbox.parent / "kept.jsonl"

    count = erasure.export_tombstones(site.here, kept)
    erasure.export_tombstones(site.here, kept)
    postgres_program(
        restored, "pg_restore", "--exit-on-error", f"--dbname={restored.name}", given=backup
    )
    after = Installation(replace(site.settings, database_url=restored.urls["emotion_app"]))
    erasure.replay_erasures(after, kept)
    erasure.require_erasures(after)
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
