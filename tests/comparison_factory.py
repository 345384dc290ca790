"""Makers of runs to compare, with predictions of tunable quality."""

import dataclasses
import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from factories import SUMMARY, make_training_run

from emotion_core.comparison.comparison import Comparison, RunFacts, compare
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.statistics import metrics
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.paired_tests import estimates
from emotion_core.statistics.predictions import Evaluation
from emotion_core.store import training_runs
from emotion_core.store.database import Database
from emotion_core.store.training_runs import RunRecord

MADE_AT = datetime(2026, 11, 22, 19, 36, tzinfo=UTC)
RECIPE = {
    "network": "resnet50",
    "preset": "seed",
    "weights": "imagenet",
    "image_size": 224,
    "epochs": 12,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "schedule": "constant",
    "weight_decay": 0.0,
    "dropout": 0.5,
    "expression_weight": 1.0,
    "affect_weight": 1.0,
    "augmentation": "none",
    "seed": 42,
    "validation_share": 0.15,
}

# Where the expressions lie in the plane of valence and arousal, and which are taken for which.
_CENTRES = np.array(
    [
        [0.0, 0.0],
        [0.7, 0.2],
        [-0.6, -0.3],
        [0.15, 0.65],
        [-0.35, 0.7],
        [-0.65, 0.35],
        [-0.5, 0.55],
        [-0.5, 0.1],
    ]
)


def make_validation_images(count: int = 600, seed: int = 1) -> pd.DataFrame:
    """Truth of ``count`` images: sample_id, sha256, expression, valence, arousal."""
    rng = np.random.default_rng(seed)
    expression = np.arange(count) % 8
    affect = np.clip(_CENTRES[expression] + rng.normal(0, 0.16, (count, 2)), -1, 1)
    return pd.DataFrame(
        {
            "sample_id": [str(5 * n + seed) for n in range(count)],
            "sha256": [hashlib.sha256(f"{seed}-{n}".encode()).hexdigest() for n in range(count)],
            "expression": expression,
            "valence": affect[:, 0],
            "arousal": affect[:, 1],
        }
    )


def make_predictions(
    images: pd.DataFrame, *, skill: float = 1.0, affect_skill: float = 0.5, seed: int = 1
) -> pd.DataFrame:
    """Predictions for these images.

    Args:
        images: From :func:`make_validation_images`.
        skill: 0 guesses expressions, 3 knows nearly all.
        affect_skill: 0 says the mean of valence and arousal, 1 nearly the truth.
        seed: Of the noise.
    """
    rng = np.random.default_rng(seed)
    truth = images["expression"].to_numpy()
    near = -4 * ((_CENTRES[:, None] - _CENTRES[None]) ** 2).sum(axis=2)
    logits = skill * near[truth] + 1.2 * rng.normal(size=(len(truth), 8))
    logits[np.arange(len(truth)), truth] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    actual = images[["valence", "arousal"]].to_numpy()
    noise = 0.25 * (1.1 - affect_skill) * rng.normal(size=actual.shape)
    va = actual.mean(axis=0) + affect_skill * (actual - actual.mean(axis=0)) + noise
    frame = images.copy()
    frame[list(PROBABILITY_COLUMNS)] = probabilities
    frame[["predicted_valence", "predicted_arousal"]] = np.clip(va, -1, 1)
    return frame


def make_epochs(
    predictions: pd.DataFrame, epochs: int = 12, best: int = 9, seed: int = 1
) -> pd.DataFrame:
    """Curves that rise to the scores of these predictions at epoch ``best``."""
    final = scores_of(predictions)
    rng = np.random.default_rng(seed)
    rows = []
    for part, gain in (("train", 1.35), ("validation", 1.0)):
        for epoch in range(1, epochs + 1):
            progress = 1 - np.exp(-epoch / 3)
            for name, value in final.items():
                target = value * progress * (gain if metrics.METRICS[name].higher_is_better else 1)
                wobble = 0.012 * rng.normal() if part == "validation" else 0.0
                is_best = part == "validation" and epoch == best
                rows.append(
                    (part, epoch, name, value if is_best else min(0.99, target + wobble - 0.02))
                )
            overfit = 0.03 * max(0, epoch - best) if part == "validation" else -0.05 * epoch
            rows.append((part, epoch, "loss", 2.2 * np.exp(-epoch / (4 + seed)) + 0.7 + overfit))
    return pd.DataFrame(rows, columns=["split", "epoch", "metric", "value"])


def scores_of(predictions: pd.DataFrame) -> dict[str, float]:
    """Every metric of a table of predictions."""
    return metrics.score(
        predictions["expression"].to_numpy(),
        predictions[["valence", "arousal"]].to_numpy(),
        predictions[list(PROBABILITY_COLUMNS)].to_numpy(),
        predictions[["predicted_valence", "predicted_arousal"]].to_numpy(),
    )


def make_figures(images: pd.DataFrame, predictions: pd.DataFrame | None = None) -> pd.DataFrame:
    """What registering stores: both baselines, and the network's figures if it has predictions."""
    truth, affect = images["expression"].to_numpy(), images[["valence", "arousal"]].to_numpy()
    lines = {
        "chance": metrics.chance_line(truth, affect),
        "constant": metrics.constant_predictor(truth, affect, truth, affect),
    }
    rows = [
        (kind, name, value, None, None)
        for kind, line in lines.items()
        for name, value in line.items()
    ]
    if predictions is not None:
        found = estimates(Jackknife(Evaluation.from_frame(predictions)))
        rows += [("network", name, one.value, one.low, one.high) for name, one in found.items()]
    return pd.DataFrame(rows, columns=["kind", "metric", "value", "low", "high"])


def make_record(network: str = "resnet50", **changes: Any) -> RunRecord:
    """A run that succeeded, with some fields set differently."""
    group_key = changes.get("group_key", "manual__2026-11-22T19:04:11+00:00")
    record = RunRecord(
        id=1,
        run_key=f"{group_key}/{network}",
        group_key=group_key,
        network=network,
        preset="seed",
        recipe=RECIPE | {"network": network},
        weights_origin="imagenet",
        device="NVIDIA H200",
        versions={
            "python": "3.12.3",
            "emotion_core": "0.1.0",
            "torch": "2.11.0",
            "torchvision": "0.26.0",
        },
        dataset_name="AffectNet, part",
        dataset_fingerprint="5f2c" * 16,
        dataset_is_drawn=False,
        label_warnings=(),
        split_seed=42,
        validation_share=0.15,
        count_train=3400,
        count_validation=600,
        git_revision="851c085d2f7be37a4a6b5d9f0c1f0d3ec1a2b3c4",
        status="succeeded",
        failure=None,
        started_at=datetime(2026, 11, 22, 19, 4, 12, tzinfo=UTC),
        finished_at=datetime(2026, 11, 22, 19, 11, 40, tzinfo=UTC),
        seconds=448.2,
        images_per_second=2310.0 if network == "resnet50" else 3120.0,
        kept_epoch=9,
        best_epoch=9,
        parameters=24_560_458 if network == "resnet50" else 4_500_230,
        note=None,
        model_name=f"{network} v1",
        aliases=(),
    )
    return dataclasses.replace(record, **changes)


def make_run_facts(
    network: str = "resnet50",
    *,
    images: pd.DataFrame | None = None,
    skill: float = 1.0,
    affect_skill: float = 0.5,
    seed: int = 1,
    **changes: Any,
) -> RunFacts:
    """A run with predictions of this skill; ``changes`` are fields of its record."""
    images = make_validation_images() if images is None else images
    predictions = make_predictions(images, skill=skill, affect_skill=affect_skill, seed=seed)
    return RunFacts(
        record=make_record(network, **changes),
        epochs=make_epochs(predictions, best=changes.get("best_epoch", 9), seed=seed),
        predictions=predictions,
        metrics=make_figures(images, predictions),
    )


def make_failed_run(network: str = "efficientnet_b0", **changes: Any) -> RunFacts:
    """A run that failed before it had anything to show."""
    empty = make_run_facts(network)
    changes = {
        "status": "failed",
        "failure": "CUDA out of memory; use a smaller batch_size",
        "device": None,
        "versions": {},
        "git_revision": None,
        "parameters": None,
        "kept_epoch": None,
        "best_epoch": None,
        "seconds": None,
        "images_per_second": None,
        "model_name": None,
    } | changes
    return RunFacts(
        record=make_record(network, **changes),
        epochs=empty.epochs.iloc[:0],
        predictions=empty.predictions.iloc[:0],
        metrics=empty.metrics.iloc[:0],
    )


def train_two(database: Database, group_key: str) -> None:
    """Two finished networks on the same 96 images, and one that failed."""
    labels = make_validation_images(192)
    validation = labels[96:].reset_index(drop=True)
    with database.transaction("emotion_train") as connection:
        for network, skill in (("efficientnet_b0", 0.2), ("resnet50", 1.5)):
            run = make_training_run(connection, network=network, group_key=group_key, labels=labels)
            predictions = make_predictions(validation, skill=skill)
            for (epoch, part), rows in make_epochs(predictions, epochs=3, best=2).groupby(
                ["epoch", "split"]
            ):
                figures = dict(zip(rows["metric"], rows["value"], strict=True))
                training_runs.record_epoch(connection, run.id, epoch, part, figures)
            training_runs.record_validation_predictions(connection, run.id, predictions)
            for kind, rows in make_figures(validation, predictions).groupby("kind"):
                line = rows.set_index("metric")
                training_runs.record_run_metrics(
                    connection,
                    run.id,
                    kind,
                    line["value"].to_dict(),
                    {}
                    if kind != "network"
                    else dict(
                        zip(line.index, zip(line["low"], line["high"], strict=True), strict=True)
                    ),
                )
            training_runs.finish_training_run(connection, run.id, SUMMARY)
        failed = make_training_run(connection, network="swin_t", group_key=group_key, labels=labels)
        training_runs.fail_training_run(connection, failed.id, "no such network")


IMAGES = make_validation_images(240)


def compare_two(first: dict[str, float], second: dict[str, float]) -> Comparison:
    """Two networks of these skills on the same images."""
    return compare(
        [
            make_run_facts("resnet50", images=IMAGES, **first),
            make_run_facts("efficientnet_b0", images=IMAGES, seed=2, **second),
        ],
        MADE_AT,
    )


def with_predictions(facts: RunFacts, predictions: pd.DataFrame) -> RunFacts:
    return dataclasses.replace(facts, predictions=predictions)
