"""Erasing during ingest, scoring and publishing: the second transaction sees what the first did."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from deliveries import (
    ASKED,
    Site,
)
from factories import FakeScorer, make_batch, make_scores
from sqlalchemy import text

from emotion_core.steps.erasure import require_erasures
from emotion_core.store import batches, erasure
from emotion_core.store.database import Database
from emotion_core.store.ledger import publish_items
from emotion_core.store.tombstone_key import tombstone_key
from emotion_core.store.tombstones import begin_entering, claim_key


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


@contextmanager
def erasing_uncommitted(site: Site, sha256: str) -> Iterator[None]:
    """A content is erased and its transaction still open; the end of the block commits it."""
    key = tombstone_key(site.settings)
    with site.database.transaction("emotion_erase") as connection:
        claim_key(connection, key)
        number = erasure.open_erasure(connection, asked_by="content", **ASKED)
        erasure.erase_content(connection, number, bytes.fromhex(sha256), key)
        yield


def test_an_item_that_is_leased_while_it_is_erased_publishes_nothing(site: Site) -> None:
    hashes = site.deliver(mia=301, ben=302)
    batch, _ = site.open_night()
    is_computing, is_erased = threading.Event(), threading.Event()

    def compute() -> None:
        is_computing.set()
        assert is_erased.wait(60)

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(site.work, FakeScorer(compute), poll_seconds=0.1)
        assert is_computing.wait(60)
        site.erase(content=hashes["mia"])
        is_erased.set()
        tally = worker.result()

    site.close(batch)
    assert tally.count_scored == 1
    assert site.traces(sha256=hashes["mia"], name="mia") == []
    assert site.count_predictions(hashes["ben"]) == 1


def test_an_erasure_waits_for_the_worker_that_is_publishing_and_then_takes_what_it_wrote(
    site: Site,
) -> None:
    hashes = site.deliver(mia=303)
    site.open_night()
    claims = site.claim_one()

    with ThreadPoolExecutor(1) as pool:
        with site.database.transaction("emotion_score") as connection:
            published, _ = publish_items(connection, claims, *make_scores(1), [])
            erasing = pool.submit(site.erase, content=hashes["mia"])
            until(lambda: somebody_waits_for_a_lock(site.database))
            assert not erasing.done()
        outcome = erasing.result(60)

    assert published == 1
    assert outcome.record is not None and outcome.record.count_predictions == 1
    assert site.count_predictions(hashes["mia"]) == 0


def test_a_worker_that_publishes_during_an_erasure_waits_and_then_writes_nothing(
    site: Site,
) -> None:
    hashes = site.deliver(mia=304)
    site.open_night()
    claims = site.claim_one()

    def publish() -> tuple[int, int]:
        with site.database.transaction("emotion_score") as connection:
            return publish_items(connection, claims, *make_scores(1), [])

    with ThreadPoolExecutor(1) as pool:
        with erasing_uncommitted(site, hashes["mia"]):
            publishing = pool.submit(publish)
            until(lambda: somebody_waits_for_a_lock(site.database))
        published = publishing.result(60)

    assert published == (0, 0)
    assert site.count_predictions(hashes["mia"]) == 0


def test_an_intake_during_an_erasure_waits_and_then_refuses_the_content(site: Site) -> None:
    hashes = site.deliver(mia=305, ben=306)
    require_erasures(site.here)

    with ThreadPoolExecutor(1) as pool:
        with erasing_uncommitted(site, hashes["mia"]):
            entering = pool.submit(site.open_night)
            until(lambda: somebody_waits_for_a_lock(site.database))
        entering.result(60)

    assert site.refusals() == {"mia.jpg": "erased"}
    # The new file's site.own name is all that is left of it.
    assert site.traces(sha256=hashes["mia"], name="no name") == []


def test_an_erasure_during_an_intake_waits_and_then_takes_what_was_entered(site: Site) -> None:
    arrived = batches.ArrivedFile(b"zoe.jpg", 9, 1, bytes.fromhex("5a" * 32))
    batch = make_batch(site.database, site.name, site.settings.inbox)

    with ThreadPoolExecutor(1) as pool:
        with site.database.transaction("emotion_score") as connection:
            begin_entering(connection)
            batches.enter_files(connection, batch, [arrived])
            batches.plan_items(connection, batch.id)
            erasing = pool.submit(site.erase, content="5a" * 32)
            until(lambda: somebody_waits_for_a_lock(site.database))
        outcome = erasing.result(60)

    assert outcome.record is not None and outcome.record.count_files == 1
    assert site.traces(sha256="5a" * 32, name="zoe.jpg") == []


def test_erasing_in_the_middle_of_a_busy_night_harms_no_neighbour(site: Site) -> None:
    hashes = site.deliver(**{f"face {n}": 400 + n for n in range(120)})
    batch, _ = site.open_night()
    unlucky = random.Random(7).sample(sorted(hashes), 24)

    with ThreadPoolExecutor(4) as pool:
        workers = [
            pool.submit(site.work, worker=f"w{number}", chunk=5, poll_seconds=0.05)
            for number in range(2)
        ]
        erasing = [
            pool.submit(lambda part: [site.erase(content=hashes[f]) for f in part], part)
            for part in (unlucky[::2], unlucky[1::2])
        ]
        for future in (*erasing, *workers):
            future.result(120)

    site.close(batch)
    left = {face for face in hashes if site.count_predictions(hashes[face])}
    assert left == set(hashes) - set(unlucky)
    assert sorted(path.stem for path in site.inbox.glob("*.jpg")) == sorted(left)
