"""What every DAG has in common: its defaults, its tasks' defaults, its clock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from airflow.sdk import CronTriggerTimetable

from emotion_core.airflow.alerts import FailureNotifier

DAG_DEFAULTS: Final[Mapping[str, Any]] = {
    "catchup": False,  # what is left to do is a query, never a date
    "max_active_runs": 1,
    "on_failure_callback": FailureNotifier(),
}
"""Keyword arguments of ``@dag``."""

TASK_DEFAULTS: Final[dict[str, Any]] = {
    "owner": "emotion",
    "pool": "cpu",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=1),
}
"""``default_args``; a task that needs another value says so itself."""


def daily_at(hour: int, minute: int = 0) -> CronTriggerTimetable:
    """Every day at this time (UTC).

    After unpausing, the first run is the next one, not the one just missed.
    """
    return CronTriggerTimetable(
        f"{minute} {hour} * * *", timezone="UTC", run_immediately=timedelta(0)
    )
