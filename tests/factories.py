"""Makers of small real things: images, deliveries, labelled runs, model versions."""

import hashlib
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Connection

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store import batches, datasets, ledger, models, throughput, training_runs
from emotion_core.store.database import Database
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.scores import Scores

_counter = itertools.count(1)

SUMMARY = {
    "device": "CPU, 2 threads",
    "versions": {"torch": "2.13.0"},
    "git_revision": "ab" * 20,
    "parameters": 1000,
    "kept_epoch": 2,
    "best_epoch": 2,
    "images_per_second": 50.0,
    "seconds": 12.5,
    "weights_origin": "none",
    "adjustments": [],
}
"""What a finished training says of itself."""


def make_jpeg(colour: tuple[int, int, int] = (200, 150, 120), size: int = 48) -> bytes:
    """A small JPEG of one colour; another colour gives other bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def make_labels(count: int = 16) -> pd.DataFrame:
    """Labels of ``count`` distinct samples that take the expressions in turn."""
    return pd.DataFrame(
        {
            "sample_id": [str(10 + 3 * n) for n in range(count)],
            "sha256": [
                hashlib.sha256(f"{next(_counter)}-{n}".encode()).hexdigest() for n in range(count)
            ],
            "expression": [n % 8 for n in range(count)],
            "valence": np.linspace(-0.9, 0.9, count),
            "arousal": np.linspace(-0.5, 0.8, count),
        }
    )


def make_training_run(
    connection: Connection,
    *,
    network: str = "resnet50",
    group_key: str | None = None,
    labels: pd.DataFrame | None = None,
) -> training_runs.RunRecord:
    """A running training run on a data set of its own (or the one of ``labels``)."""
    group_key = group_key or f"manual__{next(_counter)}"
    labels = make_labels() if labels is None else labels
    digest = hashlib.sha256("".join(labels["sha256"]).encode()).hexdigest()
    dataset_id = datasets.register_dataset(
        connection,
        fingerprint=digest,
        name="sixteen colours",
        location="/nowhere",
        is_drawn=True,
        labels=labels,
        exclusions=[("9.jpg", "truncated", "half of it")],
    )
    half = len(labels) // 2
    split_id = datasets.register_split(
        connection,
        dataset_id=dataset_id,
        seed=1,
        validation_share=0.5,
        fold=0,
        fingerprint=digest,
        members={
            "train": list(labels["sha256"][:half]),
            "validation": list(labels["sha256"][half:]),
        },
    )
    run_key = f"{group_key}/{network}"
    training_runs.open_training_run(
        connection,
        run_key=run_key,
        group_key=group_key,
        network=network,
        preset="quick",
        recipe={"network": network, "epochs": 2},
        split_id=split_id,
        note=None,
        weights_origin="none",
        folder=f"/runs/{network}",
    )
    record = training_runs.run_by_key(connection, run_key)
    assert record is not None
    return record


def make_model(
    connection: Connection,
    *,
    network: str = "resnet50",
    folder: Path = Path("/runs/none"),
    run: training_runs.RunRecord | None = None,
) -> models.ModelVersion:
    """A registered model version, of a run of its own unless one is given."""
    run = run or make_training_run(connection, network=network)
    digest = hashlib.sha256(run.run_key.encode()).hexdigest()
    return models.register_model_version(
        connection,
        run_id=run.id,
        network=run.network,
        card={"weights_sha256": digest, "preprocessing_fingerprint": digest},
        folder=str(folder),
    )


def make_batch(
    database: Database, run_key: str, source: Path | str, model_version_id: int | None = None
) -> batches.Batch:
    """An open batch of a source, with a model of its own unless one is given."""
    if model_version_id is None:
        with database.transaction("emotion_train") as connection:
            model_version_id = make_model(connection).id
    with database.transaction("emotion_score") as connection:
        return batches.open_batch(
            connection, run_key=run_key, source=str(source), model_version_id=model_version_id
        )


def make_throughput(
    connection: Connection, run_key: str, model_version_id: int, **fields: Any
) -> None:
    """What a worker measured of its part of a batch; ``fields`` differ from the usual ones."""
    usual = {
        "worker": "w",
        "host": "h",
        "device": "CPU, 2 threads",
        "engine": "eager",
        "count_scored": 0,
        "count_refused": 0,
        "seconds": 2.0,
        "stage_seconds": {},
    }
    measured = throughput.Throughput(
        run_key=run_key, model_version_id=model_version_id, **usual | fields
    )
    throughput.record_throughput(connection, measured)


def make_arrivals(count: int, prefix: str = "") -> list[batches.ArrivedFile]:
    """Files of distinct content."""
    return [
        batches.ArrivedFile(
            path=f"{prefix}{n:06d}.jpg".encode(),
            size=100 + n,
            modified_ns=1_700_000_000_000_000_000 + n,
            sha256=hashlib.sha256(f"{prefix}{n}".encode()).digest(),
        )
        for n in range(count)
    ]


def score_files(
    database: Database,
    key: str,
    model_version_id: int,
    files: Sequence[batches.ArrivedFile],
    scores: tuple[np.ndarray, np.ndarray] | None = None,
    *,
    source: str = "/inbox",
) -> batches.Batch:
    """An open batch of ``files``, scored where possible; ``scores`` are in order of their paths."""
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=key, source=source, model_version_id=model_version_id
        )
        batches.enter_files(connection, batch, files, plans=True)
        claims = ledger.claim_items(
            connection,
            model_version_id=model_version_id,
            worker="w",
            limit=len(files),
            lease_seconds=60,
        )
        claims.sort(key=lambda claim: claim.places[0][1])
        ledger.publish_items(connection, claims, *(scores or make_scores(len(claims))), [])
    return batch


def make_scores(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N, 8] and valence/arousal [N, 2] that are valid predictions."""
    rng = np.random.default_rng(count)
    probabilities = rng.dirichlet(np.ones(8), size=count).astype(np.float32)
    return probabilities, rng.uniform(-1, 1, (count, 2)).astype(np.float32)


class FakeScorer:
    """Scores at once, after ``before`` ran; remembers how many images it was asked for."""

    preprocessing = Preprocessing(image_size=16)
    engine = "answers at once"
    device = "a test"

    def __init__(self, before: Callable[[], object] | None = None) -> None:
        self.sizes: list[int] = []
        self.before = before

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        assert pixels.shape[1:] == (16, 16, 3)
        if self.before is not None:
            self.before()
        self.sizes.append(len(pixels))
        return Scores(*make_scores(len(pixels)))


def make_predictions(labels: pd.DataFrame) -> pd.DataFrame:
    """A validation prediction for each labelled sample."""
    probabilities, va = make_scores(len(labels))
    frame = labels.copy()
    frame[list(PROBABILITY_COLUMNS)] = probabilities
    frame["predicted_valence"], frame["predicted_arousal"] = va[:, 0], va[:, 1]
    return frame
