"""What ties the DAGs: each event that one waits for, another emits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetDagRunQueue
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from dag_runs import events, states
from promotions import forget_champion
from rivals import Field
from sqlalchemy import text

from emotion_core.steps import promotion
from emotion_core.store.database import Database

DECISION = Path(__file__).parents[2] / "docs/decisions/0004-events-between-dags.md"
ARROWS = {
    ("train_and_compare", "emotion_model_version", "report_models"),
    ("promote_model", "emotion_champion", "report_models"),
    ("roll_back_champion", "emotion_champion", "report_models"),
    ("promote_model", "emotion_rescoring_wanted", "rescore_archive"),
    ("score_new_images", "emotion_night_scored", "watch_health"),
}
"""Who emits what for whom."""


def _awaited(dag: Any) -> set[str]:
    return _names(getattr(dag.timetable, "asset_condition", None))


def _names(condition: Any) -> set[str]:
    if hasattr(condition, "objects"):
        return {name for part in condition.objects for name in _names(part)}
    return {condition.name} if hasattr(condition, "name") else set()


def test_the_asset_graph_is_exactly_the_one_that_the_decision_explains(bag: DagBag) -> None:
    emitted = {
        (dag_id, outlet.name)
        for dag_id, dag in bag.dags.items()
        for task in dag.tasks
        for outlet in task.outlets
    }
    awaited = {(name, dag_id) for dag_id, dag in bag.dags.items() for name in _awaited(dag)}

    found = {
        (emitter, name, dag_id) for emitter, name in emitted for n, dag_id in awaited if n == name
    }

    assert found == ARROWS
    assert {name for _, name in emitted} == {name for name, _ in awaited}
    for emitter, asset, waiting in ARROWS:
        row = f"| `{emitter}` | `{asset}` | `{waiting}` |"
        assert row in DECISION.read_text(encoding="utf-8")


def test_a_changed_champion_starts_the_report_of_the_newest_models_and_only_that(
    run_dag: Callable[..., Any], stored_dags: None, field: Field
) -> None:
    promotion.promote(field.here, field.better.name, reason="better", changed_by="test")
    with create_session() as session:
        session.query(AssetDagRunQueue).delete()  # what other tests' runs have left

    back = run_dag("roll_back_champion", reason="complaints")

    with create_session() as session:
        # What Airflow's scheduler starts runs from.
        queued = session.query(AssetDagRunQueue.target_dag_id).distinct().all()
    assert back.state == DagRunState.SUCCESS
    assert events(back) == {"emotion_champion"}
    assert [dag_id for (dag_id,) in queued] == ["report_models"]


def test_new_models_are_compared_with_the_champion_once(
    run_dag: Callable[..., Any], field: Field, database: Database
) -> None:
    first, again = run_dag("report_models"), run_dag("report_models")

    with database.transaction("emotion_report") as connection:
        reports = connection.execute(text("SELECT run_keys FROM report")).scalars().all()
    shown = {field.champion.run_key, field.better.run_key, field.equal.run_key}
    assert any(shown <= set(keys) for keys in reports)
    assert (states(first), states(again)) == ({"report": "success"}, {"report": "skipped"})


def test_without_a_champion_there_is_nothing_to_compare_a_model_with(
    run_dag: Callable[..., Any], field: Field, urls: dict[str, str]
) -> None:
    forget_champion(urls)

    assert states(run_dag("report_models")) == {"report": "skipped"}
