"""Training runs, their epochs, their metrics and their validation predictions, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack

import pandas as pd
from sqlalchemy import Connection

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store.copying import copy_frame
from emotion_core.store.queries import execute, frame, rows


@dataclass(frozen=True)
class RunRecord:
    """A training run as the tables know it."""

    id: int
    run_key: str
    group_key: str
    network: str
    preset: str
    recipe: dict[str, Any]
    weights_origin: str
    device: str | None
    versions: dict[str, str]
    dataset_name: str
    dataset_fingerprint: str
    dataset_is_drawn: bool
    label_warnings: tuple[str, ...]
    split_seed: int
    validation_share: float
    count_train: int
    count_validation: int
    git_revision: str | None
    status: str
    failure: str | None
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    images_per_second: float | None
    kept_epoch: int | None
    best_epoch: int | None
    parameters: int | None
    note: str | None
    model_name: str | None
    aliases: tuple[str, ...]
    adjustments: tuple[str, ...] = ()
    """What training changed on the way, oldest first."""


@dataclass(frozen=True)
class EpochProgress:
    """One finished epoch of a run, or a run without any yet (``epoch`` is None)."""

    network: str
    status: str
    failure: str | None
    epochs: int
    epoch: int | None
    accuracy: float | None
    ccc_valence: float | None
    ccc_arousal: float | None
    train_loss: float | None


@dataclass(frozen=True)
class RunMetric:
    """One metric of a run on the validation images, with what it is compared with."""

    metric: str
    value: float | None
    """Of the network."""
    low: float | None
    """Of the 95 % interval."""
    high: float | None
    chance: float | None
    constant: float | None
    """Of a predictor that always answers the same."""


class NewRun(TypedDict):
    """A training run that begins."""

    run_key: str
    group_key: str
    network: str
    preset: str
    recipe: Mapping[str, Any]
    split_id: int
    note: str | None
    weights_origin: str
    folder: str
    label_warnings: NotRequired[Sequence[str]]


def open_training_run(connection: Connection, **run: Unpack[NewRun]) -> int:
    """The id of the run under this key, running; a run that has succeeded stays as it is."""
    made = execute(connection, "open_training_run", **({"label_warnings": ()} | run))
    return int(made.scalar_one())


def record_epoch(
    connection: Connection, run_id: int, epoch: int, split: str, metrics: Mapping[str, float]
) -> None:
    """Write one epoch's metrics on one split; writing them again replaces them."""
    execute(
        connection,
        "record_epoch",
        run_id=run_id,
        epoch=epoch,
        split=split,
        metrics=list(metrics),
        values=[float(value) for value in metrics.values()],
    )


def fail_training_run(connection: Connection, run_id: int, failure: str) -> None:
    """Mark a run as failed, with the reason for people."""
    execute(connection, "fail_training_run", run_id=run_id, failure=failure)


def finish_training_run(connection: Connection, run_id: int, summary: Mapping[str, Any]) -> None:
    """Mark a run as succeeded, with where and how fast it ran (``metrics.json``'s summary)."""
    execute(connection, "finish_training_run", run_id=run_id, **summary)


def record_calibration(
    connection: Connection, run_id: int, calibration: Mapping[str, float]
) -> None:
    """Write a run's temperature and calibration errors (`emotion_core.statistics.calibration`)."""
    execute(connection, "record_calibration", run_id=run_id, **calibration)


def record_run_metrics(
    connection: Connection,
    run_id: int,
    kind: str,
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float | None, float | None]] | None = None,
) -> None:
    """Write a run's metrics on the validation images.

    Args:
        connection: Transaction of role ``emotion_train``.
        run_id: From :func:`open_training_run`.
        kind: ``network``, ``chance`` or ``constant``.
        metrics: Name to value; keys of :data:`emotion_core.statistics.metrics.METRICS`.
        intervals: Name to ``(low, high)`` of the 95 % interval, where there is one.
    """
    bounds = [(intervals or {}).get(metric, (None, None)) for metric in metrics]
    execute(
        connection,
        "record_run_metrics",
        run_id=run_id,
        kind=kind,
        metrics=list(metrics),
        values=[float(value) for value in metrics.values()],
        lows=[low for low, _ in bounds],
        highs=[high for _, high in bounds],
    )


def record_validation_predictions(
    connection: Connection, run_id: int, predictions: pd.DataFrame
) -> None:
    """Write what the run predicts for each validation sample; writing again replaces all of it.

    ``predictions`` holds ``sample_id``, the eight probabilities, ``predicted_valence`` and
    ``predicted_arousal``.
    """
    execute(connection, "forget_validation_predictions", run_id=run_id)
    said = predictions[
        ["sample_id", *PROBABILITY_COLUMNS, "predicted_valence", "predicted_arousal"]
    ].rename(columns=lambda name: name.removeprefix("predicted_"))
    copy_frame(connection, "validation_prediction", said.assign(run_id=run_id))


def forget_unlabelled_predictions(connection: Connection, run_id: int) -> int:
    """Remove a run's predictions of samples that were erased meanwhile; returns how many."""
    return execute(connection, "forget_unlabelled_predictions", run_id=run_id).rowcount


def runs_in_group(connection: Connection, group_key: str) -> list[RunRecord]:
    """The runs that one Airflow run trained, by network."""
    return sorted(_runs(connection, group_key=group_key), key=lambda run: run.network)


def run_by_key(connection: Connection, run_key: str) -> RunRecord | None:
    """The run under this key, if there is one."""
    return next(iter(_runs(connection, run_key=run_key)), None)


def recent_runs(connection: Connection, limit: int = 20) -> list[RunRecord]:
    """The newest runs, newest first."""
    return _runs(connection, limit=limit)


def epoch_metrics(connection: Connection, run_id: int) -> pd.DataFrame:
    """Columns ``split``, ``epoch``, ``metric``, ``value``."""
    return frame(connection, "epoch_metrics", run_id=run_id)


def run_metrics(connection: Connection, run_id: int) -> pd.DataFrame:
    """All figures of a run: columns ``kind``, ``metric``, ``value``, ``low``, ``high``."""
    return frame(connection, "run_metrics", run_id=run_id)


def reference_metrics(connection: Connection, run_id: int) -> pd.DataFrame:
    """The chance line and the constant predictor: columns ``kind``, ``metric``, ``value``."""
    return frame(connection, "reference_metrics", run_id=run_id)


def metrics_with_baselines(connection: Connection, run_id: int) -> list[RunMetric]:
    """Every metric of a run beside its baselines, by name."""
    return rows(connection, "metrics_with_baselines", RunMetric, run_id=run_id)


def validation_predictions(connection: Connection, run_id: int) -> pd.DataFrame:
    """Truth and prediction of each validation sample, by sample id.

    Columns ``sample_id``, ``sha256``, ``expression``, ``valence``, ``arousal``, the eight
    probabilities, ``predicted_valence``, ``predicted_arousal``.
    """
    return frame(connection, "validation_predictions", run_id=run_id)


def training_progress(connection: Connection, group_key: str) -> list[EpochProgress]:
    """Every finished epoch of every network of a group, oldest first."""
    return rows(connection, "training_progress", EpochProgress, group_key=group_key)


def _runs(connection: Connection, **asked: Any) -> list[RunRecord]:
    everything = {"group_key": None, "run_key": None, "limit": 1000}
    return rows(connection, "training_runs", RunRecord, **(everything | asked))
