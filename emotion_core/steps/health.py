"""Steps of watching: check the health after a night, alert on what crossed a limit."""

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from emotion_core.steps.installation import Installation
from emotion_core.store import health

if TYPE_CHECKING:
    from emotion_core.scoring.health import CheckedNight

log = logging.getLogger(__name__)


def watch_health(
    here: Installation,
    check_key: str,
    *,
    freshness_hours: float = 36.0,
    backlog_hours: float = 12.0,
    refused_share: float = 0.2,
    window_nights: int = 7,
) -> dict[str, int]:
    """Measure drift and health of the inbox's newest night; returns counts.

    Args:
        check_key: A retry with the same key replaces its own figures.
        freshness_hours: Age of the newest prediction beyond which it is an alarm.
        backlog_hours: That an image may wait for a worker.
        refused_share: Of a night's files, 0 to 1.
        window_nights: Earlier nights that the night is compared with.
    """
    from emotion_core.scoring.health import Limits, QueueState, measurements

    limits = Limits(freshness_hours, backlog_hours, refused_share, window_nights)
    with here.database.transaction("emotion_report") as connection:
        # One snapshot: rows of a night that is just being rescored must not mix.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        latest = health.latest_night(connection, here.settings.inbox)
        queue = QueueState(**health.pulse(connection))
        night = None if latest is None else _checked_night(connection, latest, window_nights)
    measured = measurements(night, queue, limits)
    with here.database.transaction("emotion_report") as connection:
        health.record_check(
            connection,
            check_key=check_key,
            source=here.settings.inbox,
            night=latest,
            readings=[asdict(measurement) for measurement in measured],
        )
        found = health.health_measurements(connection, check_key)
    for row in found:
        level = logging.WARNING if row.status == "alarm" else logging.INFO
        log.log(level, "%s: %s", row.status, row.sentence)
    return {
        "count_readings": len(found),
        "count_alarms": sum(row.status == "alarm" for row in found),
        "count_new_alarms": sum(row.is_new_alarm for row in found),
    }


def new_alarms(here: Installation, check_key: str) -> list[str]:
    """The sentences of the limits that a check found crossed, which the one before had not."""
    with here.database.transaction("emotion_report") as connection:
        found = health.health_measurements(connection, check_key)
    return [row.sentence for row in found if row.is_new_alarm]


def health_gauges(here: Installation, check_key: str) -> dict[str, float]:
    """Measure to value, of one check: ``freshness_hours``, ``backlog_hours``, ``refused_share``
    and what else was compared with a fixed limit. A measure of two references has the
    reference behind its name: ``psi_expression.recent``."""
    with here.database.transaction("emotion_report") as connection:
        rows = health.health_measurements(connection, check_key)
    names = [row.measure for row in rows if row.value is not None]
    return {
        row.measure if names.count(row.measure) == 1 else f"{row.measure}.{row.against}": row.value
        for row in rows
        if row.value is not None
    }


def _checked_night(
    connection: Any, latest: health.LatestNight, window_nights: int
) -> "CheckedNight":
    from emotion_core.scoring.health import CheckedNight, Scored

    earlier = health.recent_nights(connection, latest.id, window_nights)
    scored, recent = (
        health.delivered_scores(connection, ids, latest.model_version_id)
        for ids in ([latest.id], earlier)
    )
    validation = health.validation_scores(connection, latest.run_id)
    return CheckedNight(
        latest, *(Scored(rows[:, :8], rows[:, 8:]) for rows in (scored, validation, recent))
    )
