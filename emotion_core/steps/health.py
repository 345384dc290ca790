"""Steps of watching: measure after a night, say what crossed a limit."""

import logging
from dataclasses import asdict

from emotion_core.steps.installation import Installation
from emotion_core.store import health

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
        window_nights: Earlier nights that the night is held against.
    """
    from emotion_core.scoring.health import Limits, Night, Pulse, Scored, readings_of

    limits = Limits(freshness_hours, backlog_hours, refused_share, window_nights)
    with here.database.transaction("emotion_report") as connection:
        # One snapshot: rows of a night that is just being rescored must not mix.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        latest = health.latest_night(connection, here.settings.inbox)
        pulse = Pulse(**health.pulse(connection))
        night = None
        if latest is not None:
            earlier = health.recent_nights(connection, latest.id, limits.window_nights)
            scores = [
                health.delivered_scores(connection, ids, latest.model_version_id)
                for ids in ([latest.id], earlier)
            ]
            scores.append(health.validation_scores(connection, latest.run_id))
            tonight, recent, validation = (Scored(rows[:, :8], rows[:, 8:]) for rows in scores)
            night = Night(
                run_key=latest.run_key,
                model=latest.model,
                scored=tonight,
                validation=validation,
                recent=recent,
                count_found=latest.count_found,
                count_refused=latest.count_refused,
                calibration_error=latest.ece_after,
                validation_accuracy=None
                if latest.accuracy is None or latest.accuracy_low is None
                else (latest.accuracy, latest.accuracy_low),
            )
    readings = readings_of(night, pulse, limits)
    with here.database.transaction("emotion_report") as connection:
        health.record_check(
            connection,
            check_key=check_key,
            source=here.settings.inbox,
            night=latest,
            readings=[asdict(reading) for reading in readings],
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
