"""What ties the DAGs: each event that one waits for, another emits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetModel
from airflow.models.dag import DagModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from factories import make_model
from promotions import forget_champion
from rivals import Field, make_field, store_checked_model
from sqlalchemy import text

from emotion_core.settings import Settings
from emotion_core.steps import promotion
from emotion_core.store.database import Database

DAGS = Path(__file__).parents[2] / "dags"
ARROWS = {
    ("train_and_compare", "emotion_model_version", "report_models"),
    ("promote_model", "emotion_champion", "report_models"),
    ("roll_back_champion", "emotion_champion", "report_models"),
    ("promote_model", "emotion_rescoring_wanted", "rescore_archive"),
    ("score_new_images", "emotion_night_scored", "watch_health"),
}
"""Who emits what for whom; the same stands in docs/decisions."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_checked_model(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def field(
    settings: Settings,
    database: Database,
    urls: dict[str, str],
    stored: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Field]:
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.require_database_url())
    monkeypatch.setenv("EMOTION_DEVICE", "cpu")
    yield make_field(settings, database, urls, stored, tmp_path)
    forget_champion(urls)


def _awaited(dag: Any) -> set[str]:
    condition = getattr(dag.timetable, "asset_condition", None)
    return _names(condition) if condition is not None else set()


def _names(condition: Any) -> set[str]:
    if hasattr(condition, "objects"):
        return {name for part in condition.objects for name in _names(part)}
    return {condition.name}


def test_the_asset_graph_is_exactly_the_one_that_is_explained(bag: DagBag) -> None:
    emitted = {
        (dag_id, outlet.name)
        for dag_id, dag in bag.dags.items()
        for task in dag.tasks
        for outlet in task.outlets
    }

    found = {
        (emitter, asset, waiting)
        for emitter, asset in emitted
        for waiting, dag in bag.dags.items()
        if asset in _awaited(dag)
    }

    assert found == ARROWS
    assert {asset for _, asset in emitted} == {asset for _, asset, _ in ARROWS}
    assert {a for dag in bag.dags.values() for a in _awaited(dag)} == {a for _, a, _ in ARROWS}


def test_the_decision_names_every_event_and_who_waits_for_it() -> None:
    page = DAGS.parent / "docs/decisions/0004-events-between-dags.md"
    said = page.read_text(encoding="utf-8")

    for emitter, asset, waiting in ARROWS:
        assert f"| `{emitter}` | `{asset}` | `{waiting}` |" in said


def test_a_changed_champion_starts_the_report_of_the_newest_models_and_only_that(
    bag: DagBag, field: Field, database: Database
) -> None:
    promotion.promote(field.here, field.better.name, reason="better", changed_by="test")
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    sync_bag_to_db(bag, "dags-folder", None)
    with create_session() as session:
        session.query(DagModel).update({"is_paused": False})
        session.query(AssetDagRunQueue).delete()  # what other tests' runs have left
    forth = bag.dags["roll_back_champion"].test(run_conf={"reason": "complaints"})
    assert forth.state == DagRunState.SUCCESS

    with create_session() as session:
        events = (
            session.query(AssetModel.name)
            .join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
            .filter(AssetEvent.source_run_id == forth.run_id)
            .all()
        )
        # What Airflow's scheduler starts runs from.
        queued = session.query(AssetDagRunQueue.target_dag_id).distinct().all()

    assert [name for (name,) in events] == ["emotion_champion"]
    assert [dag_id for (dag_id,) in queued] == ["report_models"]


def test_new_models_are_held_against_the_champion_once(
    bag: DagBag, field: Field, database: Database
) -> None:
    result = bag.dags["report_models"].test()

    assert result.state == DagRunState.SUCCESS
    with database.transaction("emotion_report") as connection:
        reports = connection.execute(text("SELECT run_keys FROM report")).scalars().all()
    shown = {field.champion.run_key, field.better.run_key, field.equal.run_key}
    assert any(shown <= set(keys) for keys in reports)

    again = bag.dags["report_models"].test()

    assert [str(ti.state) for ti in again.get_task_instances()] == ["skipped"]


def test_without_a_champion_there_is_nothing_to_hold_a_model_against(
    bag: DagBag, field: Field, urls: dict[str, str], database: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        make_model(connection)
    forget_champion(urls)

    result = bag.dags["report_models"].test()

    assert [str(ti.state) for ti in result.get_task_instances()] == ["skipped"]
