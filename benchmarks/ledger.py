"""What the ledger costs: entering, planning, claiming, publishing; 1,000 items to 1,000,000.

Runs against a PostgreSQL of its own with fsync on, as the embedded one has it. Prints Markdown.

    PYTHONPATH=.:tests python benchmarks/ledger.py [most items] [items in one transaction]
"""

import hashlib
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from factories import make_arrivals, make_model, make_scores

from emotion_core.local.credentials import load_or_create
from emotion_core.local.home import Home
from emotion_core.local.postgres import VERSION, PostgresServer
from emotion_core.local.provision import addresses, provision
from emotion_core.store.batches import (
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


@dataclass
class Costs:
    """Microseconds an item, of one batch."""

    count: int
    enter: float
    plan: float
    claim: list[float] = field(default_factory=list)
    publish: list[float] = field(default_factory=list)
    close: float = 0.0
    rescan: float = 0.0
    count_added_by_rescan: int = 0


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
                print(as_line(measure(database, size, chunk)), flush=True)
    peak = psutil.Process().memory_info().rss / 1e6
    print(f"\nMemory of this process at the end: {peak:.0f} MB. {machine()}")


@contextmanager
def durable_database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        home = Home(Path(folder))
        home.make()
        credentials = load_or_create(home.secrets_path)
        server = PostgresServer(home, credentials.postgres, durable=True)
        server.start()
        try:
            provision(server, credentials)
            yield Database(addresses(server, credentials).app)
        finally:
            server.remove()


def measure(database: Database, count: int, chunk: int) -> Costs:
    """One night of ``count`` files, beside all the nights before it."""
    batch = new_batch(database, f"{count} files")
    enter = plan = 0.0
    for number in range(0, count, INTAKE_CHUNK):
        files = make_arrivals(min(INTAKE_CHUNK, count - number), f"{batch.id}/{number}/")
        began = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            known_files(connection, batch.source, [file.delivery for file in files])
        with database.transaction("emotion_score") as connection:
            enter_files(connection, batch, files)
        enter += time.perf_counter() - began
    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        plan_items(connection, batch.id)
    plan = time.perf_counter() - began
    costs = Costs(count, 1e6 * enter / count, 1e6 * plan / count)

    parts = list(work(database, batch, chunk))
    for part in np.array_split(np.array(parts), min(WINDOWS, len(parts))):
        items, claiming, publishing = part.sum(axis=0)
        costs.claim.append(1e6 * claiming / items)
        costs.publish.append(1e6 * publishing / items)

    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        assert close_batch(connection, batch.id)  # noqa: S101
    costs.close = 1e6 * (time.perf_counter() - began) / count
    rescan(database, count, costs, batch)
    return costs


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


def rescan(database: Database, count: int, costs: Costs, batch: Batch) -> None:
    """The same files again, for the next night."""
    with database.transaction("emotion_score") as connection:
        again = open_batch(
            connection,
            run_key=f"{batch.id} again",
            source=batch.source,
            model_version_id=batch.model_version_id,
        )
    spent = 0.0
    for number in range(0, count, INTAKE_CHUNK):
        files = make_arrivals(min(INTAKE_CHUNK, count - number), f"{batch.id}/{number}/")
        deliveries = [file.delivery for file in files]
        began = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            known = known_files(connection, batch.source, deliveries)
        spent += time.perf_counter() - began
        fresh = [file for file in files if file.delivery not in known]
        with database.transaction("emotion_score") as connection:
            costs.count_added_by_rescan += enter_files(connection, again, fresh)
    with database.transaction("emotion_score") as connection:
        costs.count_added_by_rescan += plan_items(connection, again.id)
    costs.rescan = 1e6 * spent / count


def publish_rate(database: Database, chunk: int) -> float:
    """Rows a second with so many in a transaction; the median of twenty."""
    batch = new_batch(database, f"chunks of {chunk}")
    count = min(20 * chunk, 60_000)
    for number in range(0, count, INTAKE_CHUNK):
        files = make_arrivals(min(INTAKE_CHUNK, count - number), f"c{batch.id}/{number}/")
        with database.transaction("emotion_score") as connection:
            enter_files(connection, batch, files)
    with database.transaction("emotion_score") as connection:
        plan_items(connection, batch.id)
    return statistics.median(items / spent for items, _, spent in work(database, batch, chunk))


def new_batch(database: Database, name: str) -> Batch:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    key = hashlib.sha256(f"{name}{time.time_ns()}".encode()).hexdigest()[:12]
    with database.transaction("emotion_score") as connection:
        return open_batch(
            connection, run_key=key, source=f"/inbox/{key}", model_version_id=model.id
        )


def machine() -> str:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return (
        f"{psutil.cpu_count()} cores ({model}), Python {platform.python_version()}, "
        f"PostgreSQL {VERSION}, fsync on, load {psutil.getloadavg()[0]:.1f} at the end."
    )


def as_line(cost: Costs) -> str:
    """A row of the table under :data:`HEADING`."""
    return (
        f"| {cost.count:,} | {cost.enter:.1f} | {cost.plan:.1f} "
        f"| {cost.claim[0]:.1f} … {cost.claim[-1]:.1f} "
        f"| {cost.publish[0]:.1f} … {cost.publish[-1]:.1f} "
        f"| {1e6 / statistics.mean(cost.publish):,.0f} "
        f"| {cost.close:.2f} | {cost.rescan:.1f} | {cost.count_added_by_rescan} |"
    )


if __name__ == "__main__":
    main()
