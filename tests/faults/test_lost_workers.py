"""Workers that are killed, frozen or cut off, at every step of their talk with the database."""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commit_cutter import CommitCutter
from ledger_worker import (
    SIGKILL,
    SIGSTOP,
    claim,
    is_refused,
    publish,
    run_until_step,
    scores_of,
    stopped,
    work_on_ledger,
)
from nights import MakeNight, Restartable
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from waiting import wait_until

from emotion_core.store import ledger
from emotion_core.store.database import Database
from emotion_core.store.ledger import Refusal, claim_suspect, publish_items, renew_leases

LEASE = 0.3
StartProcess = Callable[..., Any]


def test_a_worker_killed_at_any_step_leaves_nothing_lost_or_doubled(
    make_night: MakeNight, start_process: StartProcess
) -> None:
    steps = count_died = 0
    while True:
        night = make_night(8, f"step {steps}")
        victim = start_process(
            run_until_step, night.url, night.model_version_id, steps, SIGKILL, LEASE
        )
        victim.join()
        work_on_ledger(night.database, night.model_version_id)

        assert night.is_whole(), f"killed at step {steps}"
        steps += 1
        if victim.exitcode == 58:
            break
        assert victim.exitcode == -signal.SIGKILL
        count_died += 1

    assert count_died >= 20


@pytest.mark.parametrize("step", [4, 12, 14, 17, 20])
def test_a_worker_frozen_past_its_lease_comes_back_and_writes_nothing(
    make_night: MakeNight, start_process: StartProcess, step: int
) -> None:
    night = make_night(8)
    zombie = start_process(run_until_step, night.url, night.model_version_id, step, SIGSTOP, LEASE)
    wait_until(lambda: stopped(zombie.pid))

    by_heir = work_on_ledger(night.database, night.model_version_id)
    os.kill(zombie.pid, signal.SIGCONT)
    zombie.join()

    # Either it comes to its publishing and finds every fence gone, or the server cut it off.
    assert by_heir == 8
    assert zombie.exitcode in (50, 1)
    assert night.is_whole()


def test_a_worker_frozen_before_it_publishes_finds_its_fence_gone(make_night: MakeNight) -> None:
    night = make_night(8)
    late = claim(night.database, night.model_version_id, "late", 100, LEASE)

    by_heir = work_on_ledger(night.database, night.model_version_id)
    by_late = publish(night.database, late)

    assert (by_heir, by_late) == (8, (0, 0))
    assert night.is_whole()


def test_a_lost_answer_to_commit_neither_loses_nor_doubles(
    make_night: MakeNight, restartable: Restartable, tmp_path: Path
) -> None:
    night = make_night(8)
    door = CommitCutter(tmp_path, restartable.server.socket_dir)
    through_door = Database(
        night.database.url.update_query_dict({"host": str(tmp_path)}).render_as_string(
            hide_password=False
        )
    )
    claims = claim(through_door, night.model_version_id, "w", 100, 60)
    door.arm()

    with pytest.raises(OperationalError):
        publish(through_door, claims)
    wait_until(lambda: not _left(night.database, night.model_version_id))
    again = publish(through_door, claims)

    assert door.count_cut == 1
    assert again == (0, 0)
    assert night.is_whole()
    through_door.close()
    door.close()


def _left(database: Database, model_version_id: int) -> int:
    with database.transaction("emotion_score") as connection:
        return ledger.items_left(connection, model_version_id)


def test_a_backend_ended_by_an_administrator_loses_nothing(
    make_night: MakeNight, restartable: Restartable
) -> None:
    night = make_night(8)
    claims = claim(night.database, night.model_version_id, "w", 100, 60)
    good = [claimed for claimed in claims if not is_refused(claimed.sha256)]

    with (
        pytest.raises(OperationalError),
        night.database.transaction("emotion_score") as connection,
    ):
        publish_items(connection, good, *scores_of([c.sha256 for c in good]), ())
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        _as_superuser(restartable, f"SELECT pg_terminate_backend({backend})")

    assert _left(night.database, night.model_version_id) == 8
    publish(night.database, claims)
    assert night.is_whole()


def _as_superuser(restartable: Restartable, statement: str) -> Any:
    """The first value that the statement returns."""
    connection = restartable.server.connect("emotion")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


class HalfwayRestart:
    """The bytes of a COPY; in the middle of them the server is restarted."""

    def __init__(self, payload: bytes, restartable: Restartable) -> None:
        self._blocks: Iterator[bytes] = iter((payload[:9_000], payload[9_000:]))
        self._restartable = restartable
        self._count_read = 0

    def read(self, size: int) -> bytes:
        self._count_read += 1
        if self._count_read == 2:
            self._restartable.restart_at_once()
        return next(self._blocks, b"")


def test_an_immediate_restart_in_the_middle_of_a_copy_leaves_nothing_half_written(
    make_night: MakeNight, restartable: Restartable, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = make_night(400)
    claims = claim(night.database, night.model_version_id, "w", 400, 60)
    with monkeypatch.context() as halfway:
        halfway.setattr(
            "emotion_core.store.copying.io.BytesIO",
            lambda payload: HalfwayRestart(payload, restartable),
        )
        with pytest.raises(DBAPIError):
            publish(night.database, claims)

    assert _left(night.database, night.model_version_id) == 400
    assert night.faults()["lost"] == 400
    publish(night.database, claims)
    assert night.is_whole()


def test_a_full_disk_stops_publishing_and_nothing_is_half_written(
    make_night: MakeNight, restartable: Restartable
) -> None:
    night = make_night(64)
    claims = claim(night.database, night.model_version_id, "w", 100, 60)
    refusals = [Refusal(claimed, "truncated", os.urandom(250).hex()) for claimed in claims]
    # The kernel refuses to make any file longer than this table, the longest of all, now is.
    longest = int(_as_superuser(restartable, "SELECT max(pg_relation_size(oid)) FROM pg_class"))
    _as_superuser(
        restartable,
        "SET session_replication_role = replica; "
        "INSERT INTO rejection (scoring_item_id, code, detail) SELECT -n, 'truncated', "
        f"repeat(md5(n::text), 60) FROM generate_series(1, {max(2**24, longest) // 1_900}) AS n "
        "RETURNING 1",
    )
    size = int(_as_superuser(restartable, "SELECT pg_relation_size('rejection')"))
    assert size > longest and size >= 2**24
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        restartable.restart_at_once()
        with (
            pytest.raises(DBAPIError, match="could not extend file"),
            night.database.transaction("emotion_score") as connection,
        ):
            publish_items(connection, [], *scores_of([]), refusals)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        restartable.restart_at_once()

    assert _left(night.database, night.model_version_id) == 64
    publish(night.database, claims)
    assert night.is_whole()
    _as_superuser(restartable, "DELETE FROM rejection WHERE scoring_item_id < 0 RETURNING 1")


def test_leases_run_by_the_databases_clock_alone(
    make_night: MakeNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = make_night(4)
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setenv("PGTZ", "Australia/Lord_Howe")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: 4_102_444_800.0)  # the year 2100
    astray = Database(night.url)

    claim(astray, night.model_version_id, "astray", 100, 30)

    with astray.transaction("emotion_score") as connection:
        seconds = connection.execute(
            text(
                "SELECT extract(epoch FROM lease_until - now()) FROM scoring_item "
                "WHERE model_version_id = :m"
            ),
            {"m": night.model_version_id},
        ).scalars()
        left = [float(value) for value in seconds]
        stolen = claim_suspect(
            connection,
            model_version_id=night.model_version_id,
            worker="thief",
            lease_seconds=30,
        )
    assert len(left) == 4 and all(25 < value <= 30 for value in left)
    assert stolen == []
    monkeypatch.undo()
    time.tzset()
    astray.close()


def test_a_renewed_lease_outlives_the_first_one(make_night: MakeNight) -> None:
    night = make_night(8)
    claims = claim(night.database, night.model_version_id, "w", 100, LEASE)

    for _ in range(6):
        time.sleep(LEASE / 3)
        with night.database.transaction("emotion_score") as connection:
            assert renew_leases(connection, claims, LEASE) == 8
            assert not claim_suspect(
                connection,
                model_version_id=night.model_version_id,
                worker="thief",
                lease_seconds=60,
            )

    assert sum(publish(night.database, claims)) == 8
    assert night.is_whole()
