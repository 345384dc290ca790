"""DAG policy: light to parse, documented, owned, with pools, retries and timeouts."""

import ast
import json
from dataclasses import fields
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from emotion_core.local import instance
from emotion_core.local.airflow import POOLS

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"


def test_every_file_holds_the_dag_it_is_named_after_and_the_local_system_waits_for_it(
    bag: DagBag,
) -> None:
    assert bag.import_errors == {}
    assert {path.stem for path in DAGS.glob("*.py")} == set(bag.dags) == set(instance.DAGS)


def test_every_dag_says_what_it_does_who_owns_it_and_when_to_give_up(bag: DagBag) -> None:
    assert bag.dags
    for dag in bag.dags.values():
        assert dag.doc_md and "**This DAG is idempotent**" in dag.doc_md
        assert "If the log says" in dag.doc_md
        assert "emotion" in dag.tags
        assert not dag.catchup
        for task in dag.tasks:
            assert task.owner == "emotion"
            assert task.retries and task.retries >= 1
            assert task.retry_exponential_backoff
            # Waiting for a person has a limit of its own.
            assert task.execution_timeout or getattr(task, "response_timeout", None)
            assert task.pool in POOLS, task.task_id
            assert task.task_display_name != task.task_id, "a name for people"
        assert dag.dag_display_name != dag.dag_id
        assert dag.max_active_runs <= 4


def test_every_pool_that_a_task_asks_for_is_made_by_each_way_to_install(bag: DagBag) -> None:
    import_file = json.loads((ROOT / "deploy" / "pools.json").read_text(encoding="utf-8"))

    asked = {task.pool for dag in bag.dags.values() for task in dag.tasks}

    assert asked == set(POOLS) == set(import_file)
    assert all(slots >= 1 for slots, _ in POOLS.values())


def test_a_task_of_many_is_named_from_its_first_moment(bag: DagBag) -> None:
    tasks = [task for dag in bag.dags.values() for task in dag.tasks]
    mapped = [task.partial_kwargs["map_index_template"] for task in tasks if task.is_mapped]
    grouped = [task.map_index_template for task in tasks if [*task.iter_mapped_task_groups()]]

    assert len(mapped + grouped) == 4
    for template in mapped + grouped:
        assert "task.op_kwargs" in template


def test_training_runs_in_pool_gpu_and_each_is_registered_by_itself(bag: DagBag) -> None:
    dag = bag.dags["train_and_compare"]
    train, register = dag.get_task("train"), dag.get_task("register")

    assert (train.pool, train.queue) == ("gpu", "gpu")
    assert [*train.iter_mapped_task_groups()] == [*register.iter_mapped_task_groups()] != []


@pytest.mark.parametrize(
    ("dag_id", "cron"),
    [
        ("score_new_images", "0 2 * * *"),
        ("apply_retention", "30 4 * * *"),
        ("report_models", "30 5 * * *"),
        ("watch_health", "0 6 * * *"),
    ],
)
def test_a_nightly_dag_has_its_hour_and_never_overlaps_itself(
    bag: DagBag, dag_id: str, cron: str
) -> None:
    dag = bag.dags[dag_id]

    clock = getattr(dag.timetable, "timetable", dag.timetable)  # beside an asset, or alone
    assert (clock.expression, str(clock.timezone)) == (cron, "UTC")
    assert dag.max_active_runs == 1


def test_every_class_of_data_that_has_a_retention_period_has_a_task() -> None:
    from emotion_core.store.retention import CLASSES

    source = (DAGS / "apply_retention.py").read_text(encoding="utf-8")

    assert f"return {list(CLASSES)}".replace("'", '"') in source


def test_the_training_form_and_the_request_have_the_same_fields(bag: DagBag) -> None:
    from emotion_core.training.request import TrainingRequest

    form = set(bag.dags["train_and_compare"].params)

    assert form == {field.name for field in fields(TrainingRequest)}


def test_the_training_form_offers_exactly_the_networks_and_presets_there_are(bag: DagBag) -> None:
    from emotion_core.training.recipe import PRESETS
    from emotion_core.vision.architectures import NETWORKS

    params = bag.dags["train_and_compare"].params

    assert set(params.get_param("networks").schema["items"]["enum"]) == set(NETWORKS)
    assert set(params.get_param("preset").schema["enum"]) == set(PRESETS)


def test_every_field_has_a_title_and_a_help_text(bag: DagBag) -> None:
    for dag in bag.dags.values():
        for name in dag.params:
            schema = dag.params.get_param(name).schema
            assert schema.get("title"), name
            assert dag.params.get_param(name).description, name


def test_a_dag_file_stays_thin() -> None:
    for path in DAGS.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name != path.stem:
                lines = (function.end_lineno or 0) - function.lineno
                assert lines <= 12, f"{path.name}:{function.name} has {lines} lines"
