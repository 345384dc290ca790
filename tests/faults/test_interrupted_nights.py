"""Nights with the real worker: poison, kills, SIGTERM, doubled runs, files that keep changing."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from factories import make_jpeg, make_model
from nights import Inbox
from sqlalchemy import text
from waiting import wait_until

from emotion_core.scoring.ingest import Ingested, ingest
from emotion_core.store.batches import Batch

StartProcess = Callable[..., Any]


def test_workers_killed_again_and_again_leave_every_image_scored_once(
    inbox: Inbox, start_worker: StartProcess
) -> None:
    inbox.deliver(400)
    batch = inbox.ingest()
    chance = random.Random(7)
    count_kills = 0

    while True:
        worker = start_worker(
            lease_seconds=0.5,
            seconds=0.001,
        )
        worker.join(chance.uniform(0.2, 0.6) if count_kills < 12 else None)
        if not worker.is_alive():
            break
        worker.kill()
        worker.join()
        count_kills += 1
    summary = inbox.close(batch)

    assert worker.exitcode == 0
    assert summary.is_closed and summary.count_done == inbox.count_ended() == 400


def test_an_image_that_kills_its_worker_is_set_aside_and_its_neighbours_are_scored(
    inbox: Inbox, start_worker: StartProcess
) -> None:
    inbox.deliver(40)
    (inbox.folder / "poison.jpg").write_bytes(make_jpeg((20, 20, 20), 16))
    batch = inbox.ingest()
    lives = 0

    while True:
        worker = start_worker(
            lease_seconds=0.3,
            chunk=64,
            poison_red=20.0,
        )
        worker.join()
        lives += 1
        if worker.exitcode == 0:
            break
        assert worker.exitcode == -signal.SIGKILL
    summary = inbox.close(batch)

    assert (summary.count_done, summary.count_quarantined) == (40, 1)
    assert summary.is_closed
    # With its chunk, with a small group, three times alone; then a life without it.
    assert lives <= 7


def test_a_worker_told_to_stop_gives_back_what_it_holds_at_once(
    inbox: Inbox, start_worker: StartProcess
) -> None:
    inbox.deliver(120)
    batch = inbox.ingest()
    worker = start_worker(
        lease_seconds=3_600,
        seconds=0.01,
    )
    wait_until(lambda: inbox.count_ended() > 0)

    os.kill(worker.pid, signal.SIGTERM)
    worker.join()

    held = inbox.ask(
        "SELECT count(*) FROM scoring_item WHERE model_version_id = :m AND state = 'leased'"
    )
    inbox.work("heir")
    summary = inbox.close(batch)
    assert worker.exitcode == -signal.SIGTERM
    assert held == 0
    assert summary.is_closed and summary.count_done == 120


def test_the_same_run_twice_at_once_scores_everything_once(
    inbox: Inbox, start_worker: StartProcess
) -> None:
    inbox.deliver(200)
    first, second = inbox.open("tonight"), inbox.open("tonight")
    assert first == second
    with ThreadPoolExecutor(2) as planners:
        list(planners.map(lambda batch: ingest(inbox.database, batch, 60.0), (first, second)))

    workers = [start_worker(f"worker {number}", seconds=0.002) for number in range(3)]
    for worker in workers:
        worker.join()
    summary = inbox.close(first)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert summary.is_closed and summary.count_found == summary.count_done == 200
    assert inbox.count_ended() == 200


def test_two_planners_of_two_runs_share_the_files_and_plan_each_content_once(
    inbox: Inbox,
) -> None:
    inbox.deliver(600)
    (inbox.folder / "twin.jpg").write_bytes((inbox.folder / "00001.jpg").read_bytes())
    batches = {key: inbox.open(key) for key in ("one", "two")}
    barrier = threading.Barrier(2)

    def plan(batch: Batch) -> Ingested:
        barrier.wait()
        return ingest(inbox.database, batch, 60.0)

    with ThreadPoolExecutor(2) as planners:
        found = list(planners.map(plan, batches.values()))
    inbox.work()
    summaries = [inbox.close(batch, key) for key, batch in batches.items()]

    assert sum(ingested.count_entered for ingested in found) == 601
    assert sum(ingested.count_planned for ingested in found) == 600
    assert all(summary.is_closed for summary in summaries)
    assert sum(summary.count_found for summary in summaries) == 601
    assert inbox.count_ended() == 600


def test_a_promotion_in_the_middle_of_a_night_changes_nothing_for_its_batch(inbox: Inbox) -> None:
    inbox.deliver(30)
    batch = inbox.ingest()
    with inbox.database.transaction("emotion_train") as connection:
        promoted = make_model(connection)
    later = Inbox(inbox.folder, inbox.url, inbox.database, promoted.id)
    again = later.open("tonight")

    inbox.work(model_version_id=again.model_version_id)

    assert again.model_version_id == inbox.model_version_id
    assert inbox.close(batch).count_done == 30


def test_another_model_scores_known_files_through_the_same_ledger(inbox: Inbox) -> None:
    inbox.deliver(30)
    inbox.ingest()
    inbox.work()
    with inbox.database.transaction("emotion_train") as connection:
        other = make_model(connection)
    rescored = Inbox(inbox.folder, inbox.url, inbox.database, other.id)

    for key in ("rescore", "rescore again"):
        rescored.ingest(key, plan_known=True)
        rescored.work()

    assert (inbox.count_ended(), rescored.count_ended()) == (30, 30)


REWRITER = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
contents = [bytes([255, 216]) + bytes([n]) * 300_000 for n in (1, 2)]
print("ready", flush=True)
while True:
    for content in contents:
        with path.open("r+b") as file:
            file.write(content)
"""


def test_a_file_that_is_rewritten_while_it_is_read_gets_reasons_and_harms_no_neighbour(
    inbox: Inbox,
) -> None:
    path = inbox.folder / "restless.jpg"
    path.write_bytes(bytes([255, 216]) + bytes([1]) * 300_000)
    inbox.deliver(5)
    batch = inbox.open("tonight")
    writer = subprocess.Popen([sys.executable, "-c", REWRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"

    try:
        for _ in range(15):
            ingest(inbox.database, batch, settle_seconds=0)
            time.sleep(0.01)
    finally:
        writer.kill()
        writer.communicate()
    ingest(inbox.database, batch, settle_seconds=0)
    inbox.work()
    summary = inbox.close(batch)

    with inbox.database.transaction("emotion_report") as connection:
        taken = connection.execute(
            text(
                "SELECT prediction.image_id FROM inbox_file "
                "JOIN image ON image.id = inbox_file.image_id "
                "LEFT JOIN prediction ON prediction.image_id = image.id "
                "WHERE path = 'restless.jpg' AND source = :source"
            ),
            {"source": batch.source},
        ).scalars()
        scored = [image_id for image_id in taken if image_id is not None]
    # Bytes that were gone again when they were to be scored get a reason and never a score.
    assert scored == []
    assert summary.is_closed and summary.count_done == 5
    assert summary.count_found == 5 + summary.count_rejected
