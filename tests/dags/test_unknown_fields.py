"""A field that a form does not have is refused by name, on every DAG, before anything is done."""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState, TaskInstanceState

from emotion_core.settings import Settings

DAGS = sorted(path.stem for path in (Path(__file__).parents[2] / "dags").glob("*.py"))


@pytest.fixture
def installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.require_database_url())
    return settings


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_field_that_no_form_has_fails_the_run_with_those_that_there_are(
    bag_to_run: DagBag,
    installation: Settings,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    dag_id: str,
) -> None:
    dag = bag_to_run.dags[dag_id]

    run = dag.test(run_conf={"wokers": 4})

    said = caplog.text + "".join(capfd.readouterr())
    known = ", ".join(sorted(dag.params)) or "none"
    assert f"the form has no field wokers; it has: {known}" in said
    assert run.state == DagRunState.FAILED
    assert TaskInstanceState.SUCCESS not in {task.state for task in run.get_task_instances()}
    assert not installation.inbox_dir.exists()
