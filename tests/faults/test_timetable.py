"""The night comes once a day, also on the two days of the year that are not 24 hours long."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction
from pendulum import instance

DAG_FILE = Path(__file__).parents[2] / "dags" / "score_new_images.py"


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"])
def test_the_night_comes_once_a_day_when_the_clocks_change(change: str) -> None:
    timetable = coerce_to_core_timetable(
        DagBag(dag_folder=str(DAG_FILE)).dags["score_new_images"].timetable
    )
    day = datetime.fromisoformat(change).replace(tzinfo=UTC)
    before, after = day - timedelta(days=3), day + timedelta(days=3)
    nights, last = [], None

    while True:
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last,
            restriction=TimeRestriction(instance(before), instance(after), catchup=True),
        )
        if info is None:
            break
        nights.append(info.run_after)
        last = info.data_interval

    assert [night.isoformat() for night in nights] == [
        (before.replace(hour=2) + timedelta(days=number)).isoformat() for number in range(6)
    ]
    # On a wall in Berlin two of these days have another length; the schedule does not look there.
    berlin = ZoneInfo("Europe/Berlin")
    assert len({night.astimezone(berlin).utcoffset() for night in nights}) == 2
