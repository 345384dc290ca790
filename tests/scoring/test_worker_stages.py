"""The worker's stages: overlapping, bounded, stopping together, giving back what they hold."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import FakeScorer, make_batch, make_jpeg
from numpy.typing import NDArray
from sqlalchemy import text

from emotion_core.errors import ScoringError
from emotion_core.scoring import worker as worker_module
from emotion_core.scoring.ingest import ingest
from emotion_core.scoring.stages import BoundedQueue, Stages
from emotion_core.scoring.tally import STAGES, Tally
from emotion_core.scoring.worker import work
from emotion_core.store.batches import Batch
from emotion_core.store.database import Database
from emotion_core.vision.scores import Scores


@pytest.fixture
def batch(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Batch:
    """Forty images that wait."""
    (tmp_path / "_SUCCESS").touch()
    for number in range(40):
        (tmp_path / f"{number}.jpg").write_bytes(make_jpeg((number * 6, 40, 90)))
    made = make_batch(database, request.node.name, tmp_path)
    ingest(database, made, settle_seconds=60)
    return made


@pytest.fixture
def sigterm() -> Iterator[list[int]]:
    """SIGTERMs that reached the handler which was there before the worker's."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


def states(database: Database, batch: Batch) -> dict[str, int]:
    with database.transaction("emotion_report") as connection:
        rows = connection.execute(
            text("SELECT state, count(*) FROM scoring_item WHERE model_version_id = :m GROUP BY 1"),
            {"m": batch.model_version_id},
        ).all()
    return {row[0]: row[1] for row in rows}


def run(database: Database, batch: Batch, model: FakeScorer, **options: Any) -> Tally:
    options = {"worker": "w", "chunk": 4} | options
    return work(database, model, model_version_id=batch.model_version_id, **options)


def test_memory_is_bounded_by_the_queues_however_much_waits(
    database: Database, batch: Batch
) -> None:
    held = []

    run(database, batch, FakeScorer(lambda: held.append(states(database, batch).get("leased", 0))))

    # One chunk in the hands of each of four stages, and five on the queues between them.
    assert 0 < max(held) <= 9 * 4


def test_the_first_claim_is_small_so_that_rows_come_soon(
    database: Database, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_CHUNK", 3)
    model = FakeScorer()

    run(database, batch, model, chunk=30)

    assert model.sizes == [3, 30, 7]


def test_what_any_stage_raises_stops_all_of_them(
    database: Database, batch: Batch, tmp_path: Path
) -> None:
    class NoNumbers(FakeScorer):
        def score(self, pixels: NDArray[np.uint8]) -> Scores:
            good = super().score(pixels)
            return Scores(good.probabilities * np.nan, good.va)

    with pytest.raises(Exception, match="check constraint"):
        run(database, batch, NoNumbers())

    assert "done" not in states(database, batch)
    assert not [thread for thread in threading.enumerate() if thread.name in (*STAGES, "progress")]


def test_sigterm_gives_everything_back_at_once(
    database: Database, batch: Batch, sigterm: list[int]
) -> None:
    model = FakeScorer()
    model.before = lambda: signal.raise_signal(signal.SIGTERM) if len(model.sizes) == 2 else None

    with pytest.raises(ScoringError, match="stopped by SIGTERM"):
        run(database, batch, model)

    after = states(database, batch)
    assert sigterm == [signal.SIGTERM]
    assert set(after) <= {"pending", "done"}
    assert run(database, batch, FakeScorer(), worker="heir").count_scored == after["pending"]
    assert states(database, batch) == {"done": 40}


def test_a_system_that_fails_holds_no_claims(database: Database, batch: Batch) -> None:
    def refuse() -> None:
        raise ScoringError("this model is not to be believed")

    with pytest.raises(ScoringError, match="not to be believed"):
        run(database, batch, FakeScorer(refuse))

    assert states(database, batch) == {"pending": 40}


def test_leases_are_prolonged_while_a_chunk_takes_its_time(
    database: Database, batch: Batch
) -> None:
    prolonged = []

    def until() -> Any:
        with database.transaction("emotion_report") as connection:
            return connection.execute(
                text("SELECT max(lease_until) FROM scoring_item WHERE model_version_id = :m"),
                {"m": batch.model_version_id},
            ).scalar_one()

    def wait_for_renewal() -> None:
        first = until()
        for _ in range(600):
            if until() != first:
                prolonged.append(True)
                return
            time.sleep(0.05)

    model = FakeScorer()
    model.before = lambda: wait_for_renewal() if not model.sizes else None

    tally = run(database, batch, model, chunk=40, lease_seconds=3.0)

    assert prolonged
    assert tally.count_scored == 40


def test_the_log_says_how_fast_and_what_is_left(
    database: Database,
    batch: Batch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(worker_module, "PROGRESS_SECONDS", 0.05)
    model = FakeScorer(lambda: threading.Event().wait(0.1))

    with caplog.at_level(logging.INFO, logger="emotion_core.scoring"):
        tally = run(database, batch, model)

    said = [record.getMessage() for record in caplog.records]
    assert any("images/s with answers at once;" in line and " left" in line for line in said)
    assert "40 scored, 0 refused" in said[-1]
    assert (tally.engine, tally.device) == ("answers at once", "a test")
    assert set(tally.stage_seconds) == set(STAGES)
    assert all(spent > 0 for spent in tally.stage_seconds.values())


def test_a_queue_hands_over_in_order_and_ends() -> None:
    stages = Stages()
    queue: BoundedQueue[int] = BoundedQueue(stages, 2)

    def put_all() -> None:
        for number in range(50):
            queue.put(number)
        queue.put(None)

    stages.start("put", put_all)

    assert list(queue) == list(range(50))
    stages.join()


def test_a_full_queue_lets_go_when_the_stages_stop() -> None:
    stages = Stages()
    queue: BoundedQueue[int] = BoundedQueue(stages, 1)
    stages.start("put", lambda: [queue.put(number) for number in range(9)] and None)

    stages.fail(ScoringError("enough"))

    with pytest.raises(ScoringError, match="enough"):
        stages.join()
    assert list(queue) == []
