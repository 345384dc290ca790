"""Erasing while others take in, score and publish: whoever comes second sees what the first did."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from deliveries import (
    QuickScorer,
    count_predictions,
    deliver,
    make_scorable,
    open_night,
    refusals,
    traces,
)
from factories import make_scores
from numpy.typing import NDArray
from sqlalchemy import text

from emotion_core.scoring.worker import work
from emotion_core.settings import Settings
from emotion_core.steps import privacy
from emotion_core.steps.installation import Installation
from emotion_core.store import batches, erasure
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items
from emotion_core.store.tombstone_key import tombstone_key
from emotion_core.store.tombstones import begin_entering, claim_key
from emotion_core.vision.scores import Scores

ASKED = {"reason": "asked for", "requested_by": "the office"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def somebody_waits_for_a_lock(database: Database) -> bool:
    with database.connect() as connection:
        return bool(
            connection.execute(
                text(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted "
                    "AND (database = (SELECT oid FROM pg_database "
                    "WHERE datname = current_database()) OR locktype = 'transactionid')"
                )
            ).scalar_one()
        )


def test_an_item_that_is_leased_while_it_is_erased_publishes_nothing(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=301, ben=302)
    batch, _ = open_night(database, settings, model, name)
    is_computing, is_erased = threading.Event(), threading.Event()

    class Slow(QuickScorer):
        def score(self, pixels: NDArray[np.uint8]) -> Scores:
            is_computing.set()
            assert is_erased.wait(60)
            return super().score(pixels)

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(
            work, database, Slow(), model_version_id=model.id, worker="w", poll_seconds=0.1
        )
        assert is_computing.wait(60)
        privacy.erase(Installation(settings), content=hashes["mia"], **ASKED)
        is_erased.set()
        tally = worker.result()

    with database.transaction("emotion_score") as connection:
        assert batches.close_batch(connection, batch.id)
    assert tally.count_scored == 1
    assert traces(database, sha256=hashes["mia"], name="mia") == []
    assert count_predictions(database, hashes["ben"]) == 1


def test_an_erasure_waits_for_the_worker_that_is_publishing_and_then_takes_what_it_wrote(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=303)
    open_night(database, settings, model, name)
    with database.transaction("emotion_score") as connection:
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=1, lease_seconds=60
        )

    with ThreadPoolExecutor(1) as pool:
        with database.transaction("emotion_score") as connection:
            published, _ = publish_items(connection, claims, *make_scores(1), [])
            erasing = pool.submit(
                privacy.erase, Installation(settings), content=hashes["mia"], **ASKED
            )
            until(lambda: somebody_waits_for_a_lock(database))
            assert not erasing.done()
        outcome = erasing.result(60)

    assert published == 1
    assert outcome.record is not None and outcome.record.count_predictions == 1
    assert count_predictions(database, hashes["mia"]) == 0


def test_a_worker_that_publishes_during_an_erasure_waits_and_then_writes_nothing(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=304)
    open_night(database, settings, model, name)
    with database.transaction("emotion_score") as connection:
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=1, lease_seconds=60
        )

    def publish() -> tuple[int, int]:
        with database.transaction("emotion_score") as connection:
            return publish_items(connection, claims, *make_scores(1), [])

    key = tombstone_key(settings)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction("emotion_erase") as connection:
            claim_key(connection, key)
            number = erasure.open_erasure(connection, asked_by="content", **ASKED)
            erasure.erase_content(connection, number, bytes.fromhex(hashes["mia"]), key)
            publishing = pool.submit(publish)
            until(lambda: somebody_waits_for_a_lock(database))
        published = publishing.result(60)

    assert published == (0, 0)
    assert count_predictions(database, hashes["mia"]) == 0


def test_an_intake_during_an_erasure_waits_and_then_refuses_the_content(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=305, ben=306)
    key = tombstone_key(settings)
    privacy.require_erasures(Installation(settings))

    with ThreadPoolExecutor(1) as pool:
        with database.transaction("emotion_erase") as connection:
            claim_key(connection, key)
            number = erasure.open_erasure(connection, asked_by="content", **ASKED)
            erasure.erase_content(connection, number, bytes.fromhex(hashes["mia"]), key)
            entering = pool.submit(open_night, database, settings, model, name)
            until(lambda: somebody_waits_for_a_lock(database))
        entering.result(60)

    assert refusals(database, name) == {"mia.jpg": "erased"}
    # The new file's own name is all that is left of it.
    assert traces(database, sha256=hashes["mia"], name="no name") == []


def test_an_erasure_during_an_intake_waits_and_then_takes_what_was_entered(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    arrived = batches.ArrivedFile(b"zoe.jpg", 9, 1, bytes.fromhex("5a" * 32))
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=name, source=settings.inbox, model_version_id=model.id
        )

    with ThreadPoolExecutor(1) as pool:
        with database.transaction("emotion_score") as connection:
            begin_entering(connection)
            batches.enter_files(connection, batch, [arrived])
            batches.plan_items(connection, batch.id)
            erasing = pool.submit(privacy.erase, Installation(settings), content="5a" * 32, **ASKED)
            until(lambda: somebody_waits_for_a_lock(database))
        outcome = erasing.result(60)

    assert outcome.record is not None and outcome.record.count_files == 1
    assert traces(database, sha256="5a" * 32, name="zoe.jpg") == []


def test_erasing_in_the_middle_of_a_busy_night_harms_no_neighbour(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, **{f"face {n}": 400 + n for n in range(120)})
    batch, _ = open_night(database, settings, model, name)
    unlucky = random.Random(7).sample(sorted(hashes), 24)
    here = Installation(settings)

    with ThreadPoolExecutor(4) as pool:
        workers = [
            pool.submit(
                work,
                database,
                QuickScorer(),
                model_version_id=model.id,
                worker=f"w{number}",
                chunk=5,
                poll_seconds=0.05,
            )
            for number in range(2)
        ]
        erasing = [
            pool.submit(
                lambda part: [privacy.erase(here, content=hashes[f], **ASKED) for f in part], part
            )
            for part in (unlucky[::2], unlucky[1::2])
        ]
        for future in (*erasing, *workers):
            future.result(120)

    with database.transaction("emotion_score") as connection:
        assert batches.close_batch(connection, batch.id)
    left = {face for face in hashes if count_predictions(database, hashes[face])}
    assert left == set(hashes) - set(unlucky)
    assert sorted(path.stem for path in settings.inbox_dir.glob("*.jpg")) == sorted(left)
