"""What the tables hold about a finished run beyond its scores."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from emotion_core.statistics.calibration import Calibration
from emotion_core.store.queries import query
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
    row = connection.execute(query("run_calibration"), {"run_id": run_id}).mappings().one_or_none()
    return None if row is None else Calibration(**row)


def run_doubts(connection: Connection, run_id: int, limit: int) -> pd.DataFrame:
    """Labels of the run's data set that cross-validations doubt, the widest margin first.

    Columns ``sample_id``, ``labelled``, ``suggested``, ``p_given``, ``p_suggested``, ``found_by``.
    """
    return pd.read_sql_query(
        query("run_doubts"), connection, params={"run_id": run_id, "limit": limit}
    )


def run_card(connection: Connection, run_id: int) -> dict[str, Any] | None:
    """``model.json`` of the run's model; None if no model came of it."""
    card = connection.execute(query("run_card"), {"run_id": run_id}).scalar()
    return None if card is None else dict(card)


def run_costs(connection: Connection, run_id: int) -> list[ModelCost]:
    """What the run's model costs, by device."""
    rows = connection.execute(query("run_costs"), {"run_id": run_id}).mappings()
    return [ModelCost(**row) for row in rows]


def run_scoring_speeds(connection: Connection, run_id: int) -> list[ScoringSpeed]:
    """How fast workers scored with the run's model, the best of each device and engine."""
    rows = connection.execute(query("run_scoring_speeds"), {"run_id": run_id}).mappings()
    return [ScoringSpeed(**row) for row in rows]


def models_without_cost(connection: Connection, run_ids: list[int]) -> Mapping[int, str]:
    """Model version to folder, of those of these runs that no device has timed."""
    rows = connection.execute(query("models_without_cost"), {"run_ids": run_ids})
    return {row.id: row.folder for row in rows}


def record_model_cost(connection: Connection, model_version_id: int, cost: ModelCost) -> None:
    """Write what a model costs on a device, in place of what was measured there before."""
    connection.execute(
        query("record_model_cost"), {"model_version_id": model_version_id, **asdict(cost)}
    )


def dataset_location(connection: Connection, run_id: int) -> str:
    """Where the run's data set lay when it was registered."""
    return str(connection.execute(query("dataset_location"), {"run_id": run_id}).scalar_one())
