"""Runs that were stopped for good: the next takes over what they left, and their batch closes."""

import os
import signal
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import night_worker
import pytest
from factories import make_arrivals
from nights import Inbox, Restartable, begin
from promotions import make_champion
from shells import Answer, emotion
from sqlalchemy import text
from waiting import wait_until

from emotion_core.errors import ScoringError
from emotion_core.settings import Settings
from emotion_core.steps import retention, scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.batches import at_work, close_batch, enter_files
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

StartProcess = Callable[..., Any]


def begun(inbox: Inbox, start_process: StartProcess, run_key: str) -> Any:
    """Such a run, of which some images are scored and most are not."""
    run = start_process(
        begin, inbox.url, str(inbox.folder), inbox.model_version_id, run_key, seconds=0.02
    )
    wait_until(lambda: inbox.count_ended() > 0)
    return run


def follow(inbox: Inbox, run_key: str) -> tuple[int, int]:
    """The next run over the same folder, to its end: files found and done."""
    batch = inbox.ingest(run_key, settle_seconds=0, plan_known=True)
    inbox.work(run_key, poll_seconds=0.1)
    summary = inbox.close(batch, run_key)
    assert summary.is_closed
    return summary.count_found, summary.count_done


def open_batches(inbox: Inbox) -> int:
    return inbox.ask(
        "SELECT count(*) FROM batch WHERE NOT is_closed AND model_version_id IN (:m) "
        f"AND source = '{inbox.folder}'"
    )


def test_what_a_killed_run_left_is_scored_by_the_next_and_its_batch_closes(
    inbox: Inbox, start_process: StartProcess
) -> None:
    inbox.deliver(60)
    run = begun(inbox, start_process, "killed")
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    finished = inbox.count_ended()

    found, done = follow(inbox, "again")

    assert 0 < finished < 60
    assert (found, done) == (60 - finished, 60 - finished)
    assert inbox.count_ended() == 60 and open_batches(inbox) == 0


def test_two_runs_at_once_share_the_work_and_neither_takes_over_from_the_other(
    inbox: Inbox, start_process: StartProcess
) -> None:
    inbox.deliver(60)
    run = begun(inbox, start_process, "first")

    found, _ = follow(inbox, "second")
    run.join()

    assert (found, run.exitcode) == (0, 0)
    assert inbox.count_ended() == 60
    assert inbox.close(inbox.open("first"), "first").count_done == 60


def test_a_batch_that_somebody_works_on_is_closed_by_nobody_else(inbox: Inbox) -> None:
    inbox.deliver(1)
    mine = inbox.open("mine")

    with at_work(inbox.database, f"{inbox.folder} mine"):
        follow(inbox, "other")
        during = open_batches(inbox)
    follow(inbox, "another")

    assert (during, open_batches(inbox)) == (1, 0)
    with (
        inbox.database.transaction("emotion_score") as connection,
        pytest.raises(ScoringError, match="closed by another run"),
    ):
        enter_files(connection, mine, [])


def test_a_run_that_lost_its_connection_ends_in_good_order_and_counts_as_gone(
    inbox: Inbox, restartable: Restartable
) -> None:
    inbox.deliver(3)

    with at_work(inbox.database, f"{inbox.folder} lost"):
        inbox.ingest("lost", settle_seconds=0)
        restartable.restart_at_once()
        found = follow(inbox, "next")

    assert (found, open_batches(inbox)) == ((3, 3), 0)


def test_what_is_entered_while_a_batch_closes_is_counted(inbox: Inbox) -> None:
    batch = inbox.open("tonight")
    closed: list[bool] = []

    def close() -> None:
        with inbox.database.transaction("emotion_score") as connection:
            closed.append(close_batch(connection, batch.id))

    closing = threading.Thread(target=close)
    with inbox.database.transaction("emotion_score") as connection:
        enter_files(connection, batch, make_arrivals(3, str(inbox.folder)))
        closing.start()
        time.sleep(0.2)
    closing.join()

    assert closed == [False]


def test_ctrl_c_gives_back_what_a_worker_holds_at_once(inbox: Inbox) -> None:
    inbox.deliver(20)
    inbox.ingest(settle_seconds=0)

    with (
        patch.object(night_worker.PlainScorer, "score", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        inbox.work()

    waiting = "SELECT count(*) FROM scoring_item WHERE model_version_id = :m AND state = 'pending'"
    assert inbox.ask(waiting) == 20


# --- the whole command ----------------------------------------------------------------------


def batches_of(database: Database, source: Path) -> list[tuple[int, int, bool]]:
    """Found, done and whether it is closed, oldest first."""
    with database.transaction("emotion_report") as connection:
        rows = connection.execute(
            text(
                "SELECT summary.count_found, summary.count_done, summary.is_closed "
                "FROM batch JOIN batch_summary AS summary ON summary.batch = batch.run_key "
                "WHERE batch.source = :source ORDER BY batch.id"
            ),
            {"source": str(source)},
        )
        return [tuple(row) for row in rows]


def waiting(database: Database, models: list[ModelVersion]) -> int:
    with database.transaction("emotion_report") as connection:
        return connection.execute(
            text(
                "SELECT count(*) FROM scoring_item "
                "WHERE finished_at IS NULL AND model_version_id = ANY (:models)"
            ),
            {"models": [model.id for model in models]},
        ).scalar_one()


@pytest.mark.parametrize(
    ("stopped_in", "left", "is_promoted"),
    [
        ("emotion_core.scoring.ingest.plan_items", 3, False),
        ("emotion_core.scoring.worker.work", 3, False),
        ("emotion_core.scoring.worker.work", 3, True),
        ("emotion_core.steps.scoring.close_batch", 0, False),
    ],
)
def test_the_same_command_after_ctrl_c_scores_everything_and_leaves_nothing_open(
    settings: Settings,
    database: Database,
    models: list[ModelVersion],
    tmp_path: Path,
    stopped_in: str,
    left: int,
    is_promoted: bool,
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Inbox(folder, "", database, 0).deliver(2, first=zlib.crc32(str(tmp_path).encode()) % 10_000_000)
    (folder / "bad.jpg").write_bytes(b"no picture" + str(tmp_path).encode())

    def score() -> Answer:
        return emotion(
            "score",
            str(folder),
            EMOTION_DATABASE_URL=str(settings.database_url),
            EMOTION_HOME=str(settings.home),
        )

    with patch(stopped_in, side_effect=KeyboardInterrupt):
        stopped = score()
    if is_promoted:
        with database.transaction("emotion_train") as connection:
            make_champion(connection, models[1])
    again = score()

    assert stopped.returncode != 0 and again.returncode == 0, stopped.stderr + again.stderr
    assert again.stdout.count("not_an_image") >= 1
    assert batches_of(database, folder) == [
        (3 - left, 0 if left else 2, True),
        (left, 2 if left else 0, True),
    ]
    assert waiting(database, models) == 0
    assert (
        scoring.retry_refused(
            Installation(settings), "not_an_image", batch=None, requested_by="test"
        )
        >= 1
    )


def test_another_models_command_takes_nothing_from_the_champions(
    settings: Settings, database: Database, models: list[ModelVersion]
) -> None:
    settings.inbox_dir.mkdir(parents=True)
    Inbox(settings.inbox_dir, "", database, 0).deliver(2, first=20_000_000)
    here = Installation(settings)
    night, shell = f"{settings.home} night", f"{settings.home} shell"
    scoring.open_batch(here, night)

    counts = scoring.open_batch(here, shell, source=str(settings.inbox_dir), model=models[1].name)

    assert (counts["count_taken_over"], counts["count_planned"]) == (0, 2)
    assert waiting(database, models) == 4


def test_a_night_that_was_stopped_is_finished_by_the_next_or_closed_by_retention(
    settings: Settings, database: Database, models: list[ModelVersion]
) -> None:
    settings.inbox_dir.mkdir(parents=True)
    Inbox(settings.inbox_dir, "", database, 0).deliver(3, first=30_000_000)
    here = Installation(settings)
    nights = [f"{settings.home} {night}" for night in ("monday", "tuesday")]
    scoring.open_batch(here, nights[0])

    counts = scoring.open_batch(here, nights[1])
    scoring.score(here, nights[1], "worker")
    retention.apply_retention(here, nights[1], "images")

    assert (counts["count_entered"], counts["count_taken_over"]) == (0, 3)
    assert batches_of(database, settings.inbox_dir) == [(0, 0, True), (3, 3, True)]
    assert scoring.close_batch(here, nights[1])["count_done"] == 3
