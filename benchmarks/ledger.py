"""What the ledger costs: entering, planning, claiming, publishing; 1,000 items to 1,000,000.

Runs against a PostgreSQL of its own with fsync on, as the embedded one has it. Prints Markdown.

    PYTHONPATH=.:tests python benchmarks/ledger.py [most items] [items in one transaction]
"""

import hashlib
import statistics
import sys
import time
from collections.abc import Iterator

import numpy as np
import psutil
from factories import make_arrivals, make_model, make_scores
from harness import durable_database, machine

from emotion_core.store.batches import (
    ArrivedFile,
    Batch,
    close_batch,
    enter_files,
    known_files,
    open_batch,
    plan_items,
)
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items

INTAKE_CHUNK = 5_000
WINDOWS = 5
"""Parts of a night whose rates are compared: the last must be as fast as the first."""

HEADING = """
Microseconds an item, {:,} items a transaction; claim and publish: the first … the last fifth.

| items | enter | plan | claim | publish | published rows/s | close | re-scan | rows added by it |
|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chunk = int(sys.argv[2]) if len(sys.argv) > 2 else 4_096
    with durable_database() as database:
        print("| rows in one transaction | published rows/s |\n|---|---|")
        for size in (32, 128, 512, 2_048, 8_192):
            print(f"| {size:,} | {publish_rate(database, size):,.0f} |", flush=True)
        print(HEADING.format(chunk))
        for size in (1_000, 10_000, 100_000, 1_000_000):
            if size <= most:
                print(measure(database, size, chunk), flush=True)
    peak = psutil.Process().memory_info().rss / 1e6
    print(f"\nMemory of this process at the end: {peak:.0f} MB. {machine()}")


def measure(database: Database, count: int, chunk: int) -> str:
    """A row of the table under :data:`HEADING`: one night, beside all the nights before it."""
    batch = new_batch(database, f"{count} files")
    enter, plan = fill(database, batch, count)
    spent = np.array(list(work(database, batch, chunk)))
    windows = [part.sum(axis=0) for part in np.array_split(spent, min(WINDOWS, len(spent)))]
    claim, publish = (
        [1e6 * one[column] / one[0] for one in (windows[0], windows[-1])] for column in (1, 2)
    )
    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        assert close_batch(connection, batch.id)  # noqa: S101
    close = time.perf_counter() - began
    again, added = rescan(database, count, batch)
    return (
        f"| {count:,} | {1e6 * enter / count:.1f} | {1e6 * plan / count:.1f} "
        f"| {claim[0]:.1f} … {claim[1]:.1f} | {publish[0]:.1f} … {publish[1]:.1f} "
        f"| {count / spent[:, 2].sum():,.0f} "
        f"| {1e6 * close / count:.2f} | {1e6 * again / count:.1f} | {added} |"
    )


def arrivals(batch: Batch, count: int) -> Iterator[list[ArrivedFile]]:
    """The batch's files, the same every time, by the chunk."""
    for number in range(0, count, INTAKE_CHUNK):
        yield make_arrivals(min(INTAKE_CHUNK, count - number), f"{batch.id}/{number}/")


def fill(database: Database, batch: Batch, count: int) -> tuple[float, float]:
    """Enter and plan so many files; seconds of both."""
    enter = 0.0
    for files in arrivals(batch, count):
        began = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            known_files(connection, batch.source, [file.delivery for file in files])
        with database.transaction("emotion_score") as connection:
            enter_files(connection, batch, files)
        enter += time.perf_counter() - began
    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        plan_items(connection, batch.id)
    return enter, time.perf_counter() - began


def work(database: Database, batch: Batch, chunk: int) -> Iterator[tuple[int, float, float]]:
    """Items, seconds to claim and seconds to publish of each chunk, until nothing is left."""
    while True:
        began = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            claims = claim_items(
                connection,
                model_version_id=batch.model_version_id,
                worker="benchmark",
                limit=chunk,
                lease_seconds=60,
            )
        if not claims:
            return
        scores = make_scores(len(claims))
        claimed = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            done = publish_items(connection, claims, *scores, ())
        assert done == (len(claims), 0)  # noqa: S101
        yield len(claims), claimed - began, time.perf_counter() - claimed


def rescan(database: Database, count: int, batch: Batch) -> tuple[float, int]:
    """The same files again, for the next night: seconds to see it, and rows that it added."""
    with database.transaction("emotion_score") as connection:
        again = open_batch(
            connection,
            run_key=f"{batch.id} again",
            source=batch.source,
            model_version_id=batch.model_version_id,
        )
    spent, added = 0.0, 0
    for files in arrivals(batch, count):
        deliveries = [file.delivery for file in files]
        began = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            known = known_files(connection, batch.source, deliveries)
        spent += time.perf_counter() - began
        fresh = [file for file in files if file.delivery not in known]
        with database.transaction("emotion_score") as connection:
            added += enter_files(connection, again, fresh)[0]
    with database.transaction("emotion_score") as connection:
        added += plan_items(connection, again.id)
    return spent, added


def publish_rate(database: Database, chunk: int) -> float:
    """Rows a second with so many in a transaction; the median of twenty."""
    batch = new_batch(database, f"chunks of {chunk}")
    fill(database, batch, min(20 * chunk, 60_000))
    return statistics.median(items / spent for items, _, spent in work(database, batch, chunk))


def new_batch(database: Database, name: str) -> Batch:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    key = hashlib.sha256(f"{name}{time.time_ns()}".encode()).hexdigest()[:12]
    with database.transaction("emotion_score") as connection:
        return open_batch(
            connection, run_key=key, source=f"/inbox/{key}", model_version_id=model.id
        )


if __name__ == "__main__":
    main()
