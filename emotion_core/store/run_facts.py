"""What the tables hold about a finished run beyond its scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from emotion_core.statistics.calibration import Calibration
from emotion_core.store.queries import execute, frame, row, rows
from emotion_core.vision.cost import ModelCost


@dataclass(frozen=True)
class ScoringSpeed:
    """The fastest that a model was seen to score files, from the ledger to committed rows."""

    device: str
    engine: str
    images_per_second: float
    count_images: int


def run_calibration(connection: Connection, run_id: int) -> Calibration | None:
    """The temperature fitted after training and what it mends; None if none was recorded."""
    return row(connection, "run_calibration", Calibration, run_id=run_id)


def run_doubts(connection: Connection, run_id: int, limit: int) -> pd.DataFrame:
    """Label errors of the run's data set by cross-validation, the widest margin first.

    Columns ``sample_id``, ``labelled``, ``suggested``, ``p_given``, ``p_suggested``, ``found_by``.
    """
    return frame(connection, "run_doubts", run_id=run_id, limit=limit)


def run_card(connection: Connection, run_id: int) -> dict[str, Any] | None:
    """``model.json`` of the run's model; None if no model came of it."""
    card: dict[str, Any] | None = execute(connection, "run_card", run_id=run_id).scalar()
    return card


def run_costs(connection: Connection, run_id: int) -> list[ModelCost]:
    """What the run's model costs, by device."""
    return rows(connection, "run_costs", ModelCost, run_id=run_id)


def run_scoring_speeds(connection: Connection, run_id: int) -> list[ScoringSpeed]:
    """How fast workers scored with the run's model, the best of each device and engine."""
    return rows(connection, "run_scoring_speeds", ScoringSpeed, run_id=run_id)


def models_without_cost(connection: Connection, run_ids: list[int]) -> Mapping[int, str]:
    """Model version to folder, of those of these runs that no device has timed."""
    found = execute(connection, "models_without_cost", run_ids=run_ids)
    return {model.id: model.folder for model in found}


def record_model_cost(connection: Connection, model_version_id: int, cost: ModelCost) -> None:
    """Write what a model costs on a device, in place of what was measured there before."""
    execute(connection, "record_model_cost", model_version_id=model_version_id, **vars(cost))


def dataset_location(connection: Connection, run_id: int) -> str:
    """Where the run's data set lay when it was registered."""
    return str(execute(connection, "dataset_location", run_id=run_id).scalar_one())
