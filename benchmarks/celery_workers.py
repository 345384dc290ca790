"""Two Celery workers against one on a model that sleeps: what a second machine would add.

    PYTHONPATH=.:tests:tests/faults python benchmarks/celery_workers.py [images, 600]

The workers are processes of their own with a Redis between them; the model sleeps 20 ms an image,
so that this machine's cores do not limit them. One and two workers take turns.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from celery_crew import Crew, celery_crew
from factories import make_model
from nights import Inbox, wait_until

from emotion_core.local.temporary import temporary_server
from emotion_core.scoring.ingest import ingest
from emotion_core.store.database import Database

SECONDS_PER_IMAGE = 0.02
TURNS = 3


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    if shutil.which("redis-server") is None:
        sys.exit("no redis-server here: sudo apt-get install redis-server")
    with (
        tempfile.TemporaryDirectory(prefix="emotion-") as folder,
        temporary_server() as (_, addresses),
        celery_crew(Path(folder)) as crew,
    ):
        crew.hire(2)
        inbox_folder = Path(folder) / "inbox"
        inbox_folder.mkdir()
        rates: dict[int, list[float]] = {1: [], 2: []}
        night(crew, addresses.app, inbox_folder, 60, 2)  # both have imported everything
        for _ in range(TURNS):
            for workers in (1, 2):
                rates[workers].append(night(crew, addresses.app, inbox_folder, count, workers))
    one, two = statistics.median(rates[1]), statistics.median(rates[2])
    print(f"| one worker | {one:.1f} images/s |\n| two workers | {two:.1f} images/s |")
    print(f"| two over one | {two / one:.2f} × |")


def night(crew: Crew, url: str, folder: Path, count: int, workers: int) -> float:
    """Images a second, from sending the tasks to the last row."""
    database = Database(url)
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    inbox = Inbox(folder, url, database, model.id)
    inbox.deliver(count)
    ingest(database, inbox.open(f"night {model.id}"), settle_seconds=60, plan_known=True)
    expected = inbox.ask("SELECT count(*) FROM scoring_item WHERE model_version_id = :m")
    began = time.perf_counter()
    crew.score(url, model.id, tasks=workers, seconds=SECONDS_PER_IMAGE)
    wait_until(lambda: inbox.count_ended() == expected, within=600)
    seconds = time.perf_counter() - began
    time.sleep(3)  # a worker that waits for the other one looks again after a moment
    database.close()
    return float(expected / seconds)


if __name__ == "__main__":
    main()
