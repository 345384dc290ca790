"""The watch follows the night: by the night's own event, and by the clock where none comes."""

from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

DAGS = Path(__file__).parents[2] / "dags"


def test_the_watch_waits_for_what_the_last_task_of_the_night_emits(bag: DagBag) -> None:
    emitted = {asset.name for asset in bag.dags["score_new_images"].get_task("close").outlets}
    awaited = {asset.name for asset in bag.dags["watch_health"].timetable.asset_condition.objects}

    assert emitted == awaited == {"emotion_night_scored"}


def test_the_watch_also_runs_each_morning_and_the_keeping_each_night(bag: DagBag) -> None:
    watch = bag.dags["watch_health"].timetable.timetable
    keep = bag.dags["keep_and_erase"].timetable

    assert (watch.expression, str(watch.timezone)) == ("0 6 * * *", "UTC")
    assert (keep.expression, str(keep.timezone)) == ("30 4 * * *", "UTC")
    assert bag.dags["keep_and_erase"].max_active_runs == 1


def test_every_class_of_data_that_has_a_policy_is_kept(bag: DagBag) -> None:
    from emotion_core.store.retention import CLASSES

    source = (DAGS / "keep_and_erase.py").read_text(encoding="utf-8")

    assert f"return {list(CLASSES)}".replace("'", '"') in source
