"""A missed night needs no backfill: one later run takes all that waits, and starts but once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.utils.state import DagRunState
from dag_runs import deliver
from pendulum import instance
from rivals import Field

from emotion_core.settings import Settings
from emotion_core.store.batches import batch_summary
from emotion_core.store.database import Database


def test_the_deliveries_of_three_missed_nights_are_scored_by_the_next_run(
    run_dag: Callable[..., Any], field: Field, configured: Settings, database: Database
) -> None:
    for number, night in enumerate(("monday", "tuesday", "wednesday")):
        deliver(configured, night, (40 + number, 90, 160))

    result = run_dag("score_new_images")
    again = run_dag("score_new_images")

    with database.transaction("emotion_report") as connection:
        first = batch_summary(connection, result.run_id)
        second = batch_summary(connection, again.run_id)
    assert result.state == again.state == DagRunState.SUCCESS
    assert first is not None and (first.count_found, first.count_done) == (3, 3)
    assert second is not None and second.count_found == 0


def test_after_a_week_without_a_scheduler_one_run_starts_not_seven(bag: DagBag) -> None:
    timetable = coerce_to_core_timetable(bag.dags["score_new_images"].timetable)
    last = instance(datetime.now(UTC).replace(hour=2, minute=0) - timedelta(days=8))
    restriction = TimeRestriction(last, None, catchup=False)

    following = timetable.next_dagrun_info(
        last_automated_data_interval=DataInterval.exact(last), restriction=restriction
    )
    assert following is not None
    after = timetable.next_dagrun_info(
        last_automated_data_interval=following.data_interval, restriction=restriction
    )

    assert following.run_after > datetime.now(UTC) - timedelta(days=1)
    assert after is not None and after.run_after > datetime.now(UTC)
