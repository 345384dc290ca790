"""Training runs, their epochs, their figures and their validation predictions, as rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store.copying import copy_frame
from emotion_core.store.queries import query


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
class RunDetails:
    """What a shell or a page shows of one run beside its record; everything as text."""

    calibration: str
    """Empty before registration."""
    adjustments: tuple[str, ...]
    figures: dict[str, tuple[str, str, str, str]]
    """Metric to the network's value, its interval, the chance line and the constant answer."""


def open_training_run(
    connection: Connection,
    *,
    run_key: str,
    group_key: str,
    network: str,
    preset: str,
    recipe: Mapping[str, Any],
    split_id: int,
    note: str | None,
    weights_origin: str,
    folder: str,
    label_warnings: Sequence[str] = (),
) -> int:
    """The id of the run under this key, running; a run that has succeeded stays as it is."""
    return int(
        connection.execute(
            query("open_training_run"),
            {
                "run_key": run_key,
                "group_key": group_key,
                "network": network,
                "preset": preset,
                "recipe": json.dumps(dict(recipe)),
                "split_id": split_id,
                "note": note,
                "weights_origin": weights_origin,
                "folder": folder,
                "label_warnings": list(label_warnings),
            },
        ).scalar_one()
    )


def record_epoch(
    connection: Connection, run_id: int, epoch: int, part: str, metrics: Mapping[str, float]
) -> None:
    """Write one epoch's figures of one part; writing them again replaces them."""
    connection.execute(
        query("record_epoch"),
        {
            "run_id": run_id,
            "epoch": epoch,
            "part": part,
            "metrics": list(metrics),
            "values": [float(value) for value in metrics.values()],
        },
    )


def fail_training_run(connection: Connection, run_id: int, failure: str) -> None:
    """Mark a run as failed, with the reason for people."""
    connection.execute(query("fail_training_run"), {"run_id": run_id, "failure": failure})


def finish_training_run(connection: Connection, run_id: int, summary: Mapping[str, Any]) -> None:
    """Mark a run as succeeded, with where and how fast it ran (``metrics.json``'s summary)."""
    connection.execute(
        query("finish_training_run"),
        {
            "run_id": run_id,
            "device": summary["device"],
            "versions": json.dumps(summary["versions"]),
            "git_revision": summary["git_revision"],
            "parameters": summary["parameters"],
            "kept_epoch": summary["kept_epoch"],
            "best_epoch": summary["best_epoch"],
            "images_per_second": summary["images_per_second"],
            "seconds": summary["seconds"],
            "weights_origin": summary["weights_origin"],
            "adjustments": json.dumps(summary["adjustments"]),
        },
    )


def record_calibration(
    connection: Connection, run_id: int, calibration: Mapping[str, float]
) -> None:
    """Write a run's temperature and calibration errors (`emotion_core.statistics.calibration`)."""
    connection.execute(query("record_calibration"), {"run_id": run_id, **calibration})


def record_run_metrics(
    connection: Connection,
    run_id: int,
    kind: str,
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float | None, float | None]] | None = None,
) -> None:
    """Write a run's figures on the validation part.

    Args:
        connection: Transaction of role ``emotion_train``.
        run_id: From :func:`open_training_run`.
        kind: ``network``, ``chance`` or ``constant``.
        metrics: Name to value; keys of :data:`emotion_core.statistics.metrics.METRICS`.
        intervals: Name to ``(low, high)`` of the 95 % interval, where there is one.
    """
    known = intervals or {}
    for metric, value in metrics.items():
        low, high = known.get(metric, (None, None))
        connection.execute(
            query("record_run_metric"),
            {
                "run_id": run_id,
                "kind": kind,
                "metric": metric,
                "value": float(value),
                "low": low,
                "high": high,
            },
        )


def record_validation_predictions(
    connection: Connection, run_id: int, predictions: pd.DataFrame
) -> None:
    """Write what the run says of each validation sample; writing again replaces all of it.

    ``predictions`` holds ``sample_id``, the eight probabilities, ``predicted_valence`` and
    ``predicted_arousal``.
    """
    connection.execute(query("forget_validation_predictions"), {"run_id": run_id})
    frame = predictions[
        ["sample_id", *PROBABILITY_COLUMNS, "predicted_valence", "predicted_arousal"]
    ].rename(columns={"predicted_valence": "valence", "predicted_arousal": "arousal"})
    frame.insert(0, "run_id", run_id)
    copy_frame(connection, "validation_prediction", frame)


def forget_unlabelled_predictions(connection: Connection, run_id: int) -> int:
    """Remove a run's predictions of samples that were erased meanwhile; returns how many."""
    return connection.execute(query("forget_unlabelled_predictions"), {"run_id": run_id}).rowcount


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
    """Columns ``part``, ``epoch``, ``metric``, ``value``."""
    return pd.read_sql_query(query("epoch_metrics"), connection, params={"run_id": run_id})


def run_metrics(connection: Connection, run_id: int) -> pd.DataFrame:
    """All figures of a run: columns ``kind``, ``metric``, ``value``, ``low``, ``high``."""
    return pd.read_sql_query(query("run_metrics"), connection, params={"run_id": run_id})


def reference_metrics(connection: Connection, run_id: int) -> pd.DataFrame:
    """The chance line and the constant predictor: columns ``kind``, ``metric``, ``value``."""
    return pd.read_sql_query(query("reference_metrics"), connection, params={"run_id": run_id})


def run_details(connection: Connection, run_id: int) -> RunDetails:
    """Figures with intervals and floors, calibration, and what training had to change."""
    row = connection.execute(query("run_details"), {"run_id": run_id}).one()
    figures: dict[str, dict[str, str]] = {}
    for metric in connection.execute(query("run_metrics"), {"run_id": run_id}):
        of_metric = figures.setdefault(metric.metric, {})
        of_metric[metric.kind] = f"{metric.value:.3f}"
        if metric.low is not None:
            of_metric["interval"] = f"{metric.low:.3f} to {metric.high:.3f}"
    return RunDetails(
        calibration=""
        if row.temperature is None
        else f"temperature {row.temperature:.2f}; calibration error {row.ece_before:.3f} before, "
        f"{row.ece_after:.3f} after",
        adjustments=tuple(row.adjustments),
        figures={
            name: (
                found.get("network", "–"),
                found.get("interval", "–"),
                found.get("chance", "–"),
                found.get("constant", "–"),
            )
            for name, found in figures.items()
        },
    )


def validation_predictions(connection: Connection, run_id: int) -> pd.DataFrame:
    """Truth and prediction of each validation sample, by sample id.

    Columns ``sample_id``, ``sha256``, ``expression``, ``valence``, ``arousal``, the eight
    probabilities, ``predicted_valence``, ``predicted_arousal``.
    """
    return pd.read_sql_query(query("validation_predictions"), connection, params={"run_id": run_id})


def training_progress(connection: Connection, group_key: str) -> list[EpochProgress]:
    """Every finished epoch of every network of a group, oldest first."""
    rows = connection.execute(query("training_progress"), {"group_key": group_key})
    return [EpochProgress(**row) for row in rows.mappings()]


def _runs(
    connection: Connection,
    *,
    group_key: str | None = None,
    run_key: str | None = None,
    limit: int = 1000,
) -> list[RunRecord]:
    keys: Sequence[tuple[str, object]] = (
        ("group_key", group_key),
        ("run_key", run_key),
        ("limit", limit),
    )
    rows = connection.execute(query("training_runs"), dict(keys)).mappings()
    lists = ("aliases", "label_warnings")
    return [
        RunRecord(**row | {name: tuple(row[name]) for name in lists}) for row in map(dict, rows)
    ]
