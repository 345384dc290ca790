"""How long a comparison takes from the tables to the page: 8 runs of 100,000 images by default.

    python benchmarks/report.py [--runs 8] [--images 100000]

Starts a PostgreSQL of its own, fills it with made-up predictions, reads, computes and renders once,
and prints seconds, processor seconds of this process, and the size of the page.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.comparison.comparison import read_comparison
from emotion_core.emotions import EXPRESSIONS, PROBABILITY_COLUMNS
from emotion_core.local.credentials import load_or_create
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import addresses, provision_ours
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.statistics import metrics
from emotion_core.store import datasets, training_runs
from emotion_core.store.database import Database
from emotion_core.store.reports import begin_report

GROUP = "benchmark"
SUMMARY = {
    "device": "none",
    "versions": {},
    "git_revision": None,
    "parameters": 1,
    "kept_epoch": 1,
    "best_epoch": 1,
    "images_per_second": 1.0,
    "seconds": 1.0,
    "weights_origin": "none",
    "adjustments": [],
}


def main() -> None:
    """Fill, read, render, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--images", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, own_database(Path(folder)) as database:
        fill(database, options.runs, options.images)
        begun, busy = time.perf_counter(), time.process_time()
        with database.transaction("emotion_report") as connection:
            begin_report(connection)
            comparison = read_comparison(connection, GROUP, datetime(2026, 1, 1, tzinfo=UTC))
        read, read_busy = time.perf_counter(), time.process_time()
        page = render_comparison(comparison, Path(folder) / "report")
        done, done_busy = time.perf_counter(), time.process_time()
        print(
            f"{options.runs} runs of {options.images:,} images: {done - begun:.1f} s "
            f"({done_busy - busy:.1f} s of processor here), of it reading and computing "
            f"{read - begun:.1f} s ({read_busy - busy:.1f}), rendering {done - read:.1f} s; page "
            f"{page.stat().st_size / 1e6:.2f} MB"
        )


@contextmanager
def own_database(folder: Path) -> Iterator[Database]:
    """A PostgreSQL that ends with the block."""
    home = Home(folder / "home")
    home.make()
    credentials = load_or_create(home.secrets_path)
    server = PostgresServer(home, credentials.postgres, durable=False)
    server.start()
    try:
        provision_ours(server, credentials)
        database = Database(addresses(server, credentials).app)
        yield database
        database.close()
    finally:
        server.remove()


def fill(database: Database, runs: int, images: int) -> None:
    """Networks of rising skill on the same validation images."""
    rng = np.random.default_rng(1)
    truth = np.arange(images) % len(EXPRESSIONS)
    affect = np.clip(rng.normal(0, 0.4, (images, 2)), -1, 1).astype(np.float32)
    labels = pd.DataFrame(
        {
            "sample_id": [str(n) for n in range(images)],
            "sha256": [hashlib.sha256(str(n).encode()).hexdigest() for n in range(images)],
            "expression": truth,
            "valence": affect[:, 0],
            "arousal": affect[:, 1],
        }
    )
    digest = hashlib.sha256(b"benchmark").hexdigest()
    with database.transaction("emotion_train") as connection:
        dataset_id = datasets.register_dataset(
            connection,
            fingerprint=digest,
            name="made up",
            location="/nowhere",
            is_drawn=False,
            labels=labels,
            exclusions=[],
        )
        split_id = datasets.register_split(
            connection,
            dataset_id=dataset_id,
            seed=1,
            validation_share=0.5,
            fold=0,
            fingerprint=digest,
            members={"train": [], "validation": list(labels["sha256"])},
        )
        for number in range(runs):
            key = f"{GROUP}/network{number}"
            run_id = training_runs.open_training_run(
                connection,
                run_key=key,
                group_key=GROUP,
                network=f"network{number}",
                preset="seed",
                recipe={"epochs": 1},
                split_id=split_id,
                note=None,
                weights_origin="none",
                folder="/nowhere",
            )
            predictions = predict(labels, 0.4 + 0.1 * number, number)
            training_runs.record_validation_predictions(connection, run_id, predictions)
            line = metrics.chance_line(truth, affect)
            training_runs.record_run_metrics(connection, run_id, "chance", line)
            training_runs.finish_training_run(connection, run_id, SUMMARY)
            print(f"filled {key}", file=sys.stderr)


def predict(labels: pd.DataFrame, skill: float, seed: int) -> pd.DataFrame:
    """Noisy answers about the truth."""
    rng = np.random.default_rng(seed)
    count = len(labels)
    logits = rng.normal(size=(count, len(EXPRESSIONS)))
    logits[np.arange(count), labels["expression"]] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    frame = labels.copy()
    frame[list(PROBABILITY_COLUMNS)] = probabilities.astype(np.float32)
    for name in ("valence", "arousal"):
        said = skill * labels[name] + 0.2 * rng.normal(size=count)
        frame[f"predicted_{name}"] = np.clip(said, -1, 1).astype(np.float32)
    return frame


if __name__ == "__main__":
    main()
