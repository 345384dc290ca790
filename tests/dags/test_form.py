"""What the forms offer and refuse, before anything runs."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError
from airflow.utils.state import DagRunState
from dag_runs import states

from emotion_core.airflow.form_offers import FILE, MOST, offer_data_set, offered_data_sets
from emotion_core.settings import Settings

DAGS = Path(__file__).parents[2] / "dags"
DAG_IDS = sorted(path.stem for path in DAGS.glob("*.py"))


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMOTION_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("dag_id", "field", "value"),
    [
        ("train_and_compare", "networks", []),
        ("train_and_compare", "networks", ["resnet50", "resnet50"]),
        ("train_and_compare", "networks", ["vgg"]),
        ("train_and_compare", "preset", "best"),
        ("train_and_compare", "epochs", 0),
        ("train_and_compare", "learning_rate", 0),
        ("train_and_compare", "excluded_share_limit", 1.5),
        ("score_new_images", "workers", 0),
        ("rescore_archive", "chunk", 0),
        ("promote_model", "minimum_images", 10),
        ("watch_health", "refused_share", 2),
    ],
)
def test_an_impossible_value_is_refused_by_the_form_itself(
    bag: DagBag, dag_id: str, field: str, value: Any
) -> None:
    params = copy.deepcopy(bag.dags[dag_id].params)

    with pytest.raises(ParamValidationError, match=f"Invalid input for param {field}"):
        params[field] = value


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_field_that_no_form_has_fails_the_run_before_anything_is_done(
    bag: DagBag,
    run_dag: Callable[..., Any],
    configured: Settings,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    dag_id: str,
) -> None:
    run = run_dag(dag_id, wokers=4)

    said = caplog.text + "".join(capfd.readouterr())
    known = ", ".join(sorted(bag.dags[dag_id].params)) or "none"
    assert f"the form has no field wokers; it has: {known}" in said
    assert run.state == DagRunState.FAILED
    assert "success" not in states(run).values()
    assert not configured.inbox_dir.exists()


def test_the_form_offers_the_data_sets_that_were_used_here_the_last_one_first(
    own_home: Path,
) -> None:
    for name in ("a", "b", "a"):
        offer_data_set(f"/data/{name}")

    assert offered_data_sets() == ["/data/a", "/data/b"]
    assert [path.name for path in own_home.iterdir()] == [FILE]


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', '[1, null, "/data/a"]', "\x00"])
def test_a_damaged_list_of_data_sets_offers_less_and_breaks_no_dag(
    own_home: Path, content: str
) -> None:
    (own_home / FILE).write_text(content, encoding="utf-8")

    assert offered_data_sets() in ([], ["/data/a"])


def test_no_more_than_a_screenful_is_offered(own_home: Path) -> None:
    (own_home / FILE).write_text(
        json.dumps([str(number) for number in range(99)]), encoding="utf-8"
    )

    offer_data_set("new")

    assert offered_data_sets()[0] == "new"
    assert len(offered_data_sets()) == MOST


def test_a_home_that_is_not_there_offers_nothing_and_refuses_nothing(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_HOME", str(own_home / "nowhere"))

    offer_data_set("/data/a")

    assert offered_data_sets() == []


HEAVY = ("torch", "pandas", "numpy", "sklearn", "PIL", "psycopg2", "emotion_core.steps")
# As Airflow's DAG processor does: everything of its own loaded once, then a fork for each file.
MEASURE = """
import json, os, runpy, sys, time
import airflow.dag_processing.processor
import airflow.models.dagrun, airflow.models.taskinstance
from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, DeadlineAlert, dag, task
before = set(sys.modules)
for path in sys.argv[1:]:
    if os.fork() == 0:
        started = time.perf_counter()
        runpy.run_path(path)
        seconds = time.perf_counter() - started
        print(json.dumps([path, seconds, sorted(set(sys.modules) - before)]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, path
"""


def test_parsing_a_dag_file_loads_nothing_heavy(record_property: Any) -> None:
    paths = sorted(str(path) for path in DAGS.glob("*.py"))

    done = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    parsed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
    assert [path for path, _, _ in parsed] == paths
    for path, seconds, loaded in parsed:
        assert [name for name in loaded if name.startswith(HEAVY)] == [], path
        record_property(
            "figure", f"parsing {Path(path).name}: {seconds:.3f} s (asked: less than 0.3)"
        )
