"""Health checks: what each is computed from, and its readings, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from emotion_core.store.queries import query

SAMPLE = 100_000
"""Images read on each side of a comparison: enough to see a difference of a hundredth."""


@dataclass(frozen=True)
class LatestNight:
    """The newest closed batch of the champion, with what its model reached when validated."""

    id: int
    run_key: str
    model_version_id: int
    model: str
    run_id: int
    count_found: int
    count_refused: int
    ece_after: float | None
    accuracy: float | None
    accuracy_low: float | None


@dataclass(frozen=True)
class HealthRow:
    """One reading of a check, for people."""

    check_key: str
    batch: str | None
    checked_at: datetime
    measure: str
    against: str
    status: str
    sentence: str
    value: float | None
    limit_value: float | None
    count_images: int
    is_new_alarm: bool


def latest_night(connection: Connection, source: str) -> LatestNight | None:
    """The newest closed batch of this source by the champion; None before the first."""
    row = connection.execute(query("latest_night"), {"source": source}).one_or_none()
    return None if row is None else LatestNight(**row._mapping)


def recent_nights(connection: Connection, batch_id: int, limit: int) -> list[int]:
    """Ids of up to ``limit`` closed batches of the same source and model before this one."""
    rows = connection.execute(query("recent_nights"), {"batch_id": batch_id, "limit": limit})
    return [int(number) for number in rows.scalars()]


def delivered_scores(
    connection: Connection, batch_ids: Sequence[int], model_version_id: int
) -> NDArray[np.float64]:
    """[N, 10] eight probabilities, valence, arousal; N is at most :data:`SAMPLE`."""
    rows = connection.execute(
        query("delivered_scores"),
        {"batch_ids": list(batch_ids), "model_version_id": model_version_id, "limit": SAMPLE},
    )
    return _array(rows.all())


def validation_scores(connection: Connection, run_id: int) -> NDArray[np.float64]:
    """As :func:`delivered_scores`, of a run's validation images."""
    rows = connection.execute(query("validation_scores"), {"run_id": run_id, "limit": SAMPLE})
    return _array(rows.all())


def pulse(connection: Connection) -> dict[str, Any]:
    """Keys ``newest_scored_at``, ``hours_since_newest``, ``count_waiting`` and
    ``hours_oldest_waiting``, of the champion."""
    return dict(connection.execute(query("pulse")).mappings().one())


def record_check(
    connection: Connection,
    *,
    check_key: str,
    source: str,
    night: LatestNight | None,
    readings: Sequence[Mapping[str, object]],
) -> None:
    """Write one look; writing it again under its key replaces its figures.

    Args:
        connection: Transaction of role ``emotion_report``.
        check_key: Names the look.
        source: The inbox that was checked.
        night: What was checked.
        readings: With the columns of ``health_reading`` as keys.
    """
    check_id = connection.execute(
        query("record_health_check"),
        {
            "check_key": check_key,
            "source": source,
            "batch_id": night and night.id,
            "model_version_id": night and night.model_version_id,
        },
    ).scalar_one()
    for reading in readings:
        connection.execute(query("record_health_reading"), {**reading, "check_id": check_id})


def health_readings(connection: Connection, check_key: str | None = None) -> list[HealthRow]:
    """What one check found, alarms first; without a key the latest check."""
    rows = connection.execute(query("health_readings"), {"check_key": check_key}).mappings()
    return [HealthRow(**row) for row in rows]


def _array(rows: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([tuple(row) for row in rows], np.float64).reshape(-1, 10)
