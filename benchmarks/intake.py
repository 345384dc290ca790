"""What ingesting a folder costs: looking, reading, entering, planning; and a second look.

Makes a folder of so many small files of distinct content and takes it in with a PostgreSQL of its
own, fsync on. Each part alone first, then all together as a night does it. Prints Markdown.

    PYTHONPATH=.:tests python benchmarks/intake.py [files] [folder for the files]
"""

import hashlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from harness import durable_database, machine, timed
from ledger import new_batch

from emotion_core.scoring.inbox import Scan, read_arrived
from emotion_core.scoring.ingest import CHUNK, ingest
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.scoring.sources import get_source
from emotion_core.store.batches import Batch, enter_files, open_batch, plan_items
from emotion_core.store.database import Database

IN_ONE_FOLDER = 50_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with (
        tempfile.TemporaryDirectory(prefix="emotion-inbox-", dir=(sys.argv[2:] or [None])[0]) as at,
        durable_database() as database,
    ):
        folder = Path(at)
        fill(folder, count)
        print("| part | µs a file | files/s |\n|---|---|---|")
        looked = timed(lambda: sum(1 for _ in scan(folder).files()))
        report("look (walk, stat)", looked, count)
        report("read (open, stat, read, SHA-256)", timed(lambda: read(folder)) - looked, count)
        enter, plan = enter_and_plan(database, folder, min(count, 200_000))
        report("enter, rows as they are read before", enter, min(count, 200_000))
        report("plan", plan, min(count, 200_000))
        batch = batch_of(database, folder, "night")
        before = memory()
        with highest_memory() as highest:
            report("**all, overlapping**", timed(lambda: take(database, batch, count)), count)
        again = batch_of(database, folder, "night after")
        report("re-scan, 0 rows added", timed(lambda: take(database, again, 0)), count)
        with_manifest(database, folder / "no manifest", count=min(count, 100_000), lists=False)
        with_manifest(database, folder / "manifest", count=min(count, 100_000), lists=True)
    print(
        f"\n{count:,} files. Memory of this process at most {highest[0]:.0f} MB "
        f"({before:.0f} MB before). {machine()}"
    )


def fill(folder: Path, count: int) -> None:
    """Small files of distinct bytes, as many in a folder as a camera's day may have."""
    for number in range(count):
        inner = folder / f"camera {number // IN_ONE_FOLDER}"
        if number % IN_ONE_FOLDER == 0:
            inner.mkdir()
        (inner / f"{number}.jpg").write_bytes(b"\xff\xd8\xff%d" % number)


def with_manifest(database: Database, folder: Path, *, count: int, lists: bool) -> None:
    """One delivery with or without a SHA-256 manifest: seconds, and how often bytes are read."""
    folder.mkdir()
    fill(folder, count)
    if lists:
        paths = sorted(folder.rglob("*.jpg"))
        lines = (
            f"{path.relative_to(folder)},{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
            for path in paths
        )
        (folder / "manifest.csv").write_text("path,sha256\n" + "".join(lines))
    batch = batch_of(database, folder, folder.name)
    calls = Counter[str]()
    with (
        counted(LocalFolder, "read", calls),
        counted(LocalFolder, "open", calls),
        counted(hashlib, "sha256", calls),
    ):
        seconds = timed(lambda: take(database, batch, count))
    report(f"all, with {folder.name}", seconds, count)
    print(
        f"{count:,} files with {folder.name}: {seconds:.1f} s, {calls['read'] / count:.2f} reads "
        f"and {calls['sha256'] / count:.2f} hashes a file, {calls['open']} manifests parsed",
        file=sys.stderr,
    )


@contextmanager
def counted(owner: Any, name: str, calls: Counter[str]) -> Iterator[None]:
    """Counts the calls of a function while the block runs."""
    original = getattr(owner, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls[name] += 1
        return original(*args, **kwargs)

    setattr(owner, name, counting)
    try:
        yield
    finally:
        setattr(owner, name, original)


def scan(folder: Path) -> Scan:
    return Scan(get_source(str(folder)), now_ns=time.time_ns(), settle_seconds=0)


def read(folder: Path) -> None:
    source = get_source(str(folder))
    for found in scan(folder).files():
        read_arrived(source, found)


def enter_and_plan(database: Database, folder: Path, count: int) -> tuple[float, float]:
    """Seconds to enter files that are in memory already, and to plan them."""
    source = get_source(str(folder))
    batch = new_batch(database, "in memory")
    enter = 0.0
    found = scan(folder).files()
    for _ in range(0, count, CHUNK):
        arrived = [
            file for one in islice(found, CHUNK) if (file := read_arrived(source, one)) is not None
        ]
        began = time.perf_counter()
        with database.transaction("emotion_score") as connection:
            enter_files(connection, batch, arrived)
        enter += time.perf_counter() - began
    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        plan_items(connection, batch.id)
    return enter, time.perf_counter() - began


def take(database: Database, batch: Batch, expected: int) -> None:
    intake = ingest(database, batch, 0)
    assert intake.count_entered == expected, intake  # noqa: S101


def batch_of(database: Database, folder: Path, key: str) -> Batch:
    model_version_id = new_batch(database, key).model_version_id
    with database.transaction("emotion_score") as connection:
        return open_batch(
            connection, run_key=key, source=str(folder), model_version_id=model_version_id
        )


@contextmanager
def highest_memory() -> Iterator[list[float]]:
    """Megabytes that this process held at most, as the kernel counts."""
    Path("/proc/self/clear_refs").write_text("5")
    found = [0.0]
    yield found
    status = Path("/proc/self/status").read_text()
    found[0] = next(
        int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM")
    )


def memory() -> float:
    return psutil.Process().memory_info().rss / 1e6


def report(part: str, seconds: float, count: int) -> None:
    print(f"| {part} | {1e6 * seconds / count:.1f} | {count / seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
