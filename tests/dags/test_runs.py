"""Each DAG, run from its first task to its last against a real PostgreSQL."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState
from factories import make_jpeg
from promotions import forget_champion
from sqlalchemy import text

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.errors import TrainingError
from emotion_core.files import folder_name
from emotion_core.settings import Settings
from emotion_core.steps import training
from emotion_core.store import batches, models, training_runs
from emotion_core.store.database import Database

RunDag = Callable[..., Any]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("faces") / "drawn", per_expression=6, seed=5)


@pytest.fixture(scope="module")
def trained(
    bag: DagBag, faces: Path, urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """A home, and a run that trained both networks in it."""
    home = tmp_path_factory.mktemp("trained")
    form = {"preset": "quick", "data": str(faces), "weights": "none", "epochs": 1}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EMOTION_HOME", str(home))
        environment.setenv("EMOTION_DATABASE_URL", urls["emotion_app"])
        environment.setenv("EMOTION_DEVICE", "cpu")
        return home, bag.dags["train_and_compare"].test(run_conf={**form, "note": "<b>why</b>"})


def test_training_ends_with_two_models_their_rows_and_a_report(
    trained: tuple[Path, Any], database: Database
) -> None:
    home, result = trained

    assert result.state == DagRunState.SUCCESS
    with database.transaction("emotion_report") as connection:
        runs = training_runs.runs_in_group(connection, result.run_id)
        predictions = [training_runs.validation_predictions(connection, run.id) for run in runs]
        epochs = [training_runs.epoch_metrics(connection, run.id) for run in runs]
    assert [run.network for run in runs] == ["efficientnet_b0", "resnet50"]
    for record, rows, curves in zip(runs, predictions, epochs, strict=True):
        assert record.status == "succeeded" and record.model_name
        assert record.weights_origin == "none" and record.dataset_is_drawn
        assert len(rows) == record.count_validation > 0
        assert set(curves["split"]) == {"train", "validation"}
    page = home / "reports" / folder_name(result.run_id) / "comparison.html"
    html = page.read_text(encoding="utf-8")
    assert "<b>why</b>" not in html and "&lt;b&gt;why&lt;/b&gt;" in html


def test_a_failed_training_loses_no_other_and_leaves_none_running(
    run_dag: RunDag,
    faces: Path,
    configured: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = training.train

    def one_fails(here: Any, group_key: str, number: int, form: Any) -> str:
        if number == 0:
            raise TrainingError("the GPU is gone")
        return train(here, group_key, number, form)

    monkeypatch.setattr(training, "train", one_fails)

    result = run_dag(
        "train_and_compare",
        networks=["resnet50", "efficientnet_b0"],
        preset="quick",
        epochs=1,
        data=str(faces),
        weights="none",
    )

    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in result.get_task_instances()}
    with database.transaction("emotion_report") as connection:
        runs = training_runs.runs_in_group(connection, result.run_id)
    assert (states["train", 0], states["register", 0]) == ("failed", "upstream_failed")
    assert (states["register", 1], states["compare", -1]) == ("success", "success")
    assert [(run.network, run.status) for run in runs] == [("efficientnet_b0", "succeeded")]


def test_what_travels_between_tasks_is_small(trained: tuple[Path, Any]) -> None:
    sizes = {
        (ti.task_id, ti.map_index): len(
            str(ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index))
        )
        for ti in trained[1].get_task_instances()
    }

    assert len(sizes) == 7
    assert all(size < 1000 for size in sizes.values()), sizes


def test_a_night_scores_what_arrived_and_gives_every_refusal_its_reason(
    run_dag: RunDag,
    trained: tuple[Path, Any],
    faces: Path,
    configured: Settings,
    database: Database,
    urls: dict[str, str],
) -> None:
    from emotion_core.steps import promotion
    from emotion_core.steps.installation import Installation

    forget_champion(urls)
    here = Installation(configured)
    champion = promotion.promote_better(here, trained[1].run_id, changed_by="test")
    inbox = configured.inbox_dir / "night"
    inbox.mkdir(parents=True)
    for picture in sorted(faces.rglob("*.jpg"))[:5]:
        shutil.copy(picture, inbox)
    (inbox / 'two\nlines "quoted".jpg').write_bytes(make_jpeg((77, 88, 99)))
    (inbox / "letter.jpg").write_text("Dear sir or madam")
    (inbox / "_SUCCESS").touch()

    result = run_dag("score_new_images", workers=2)

    assert result.state == DagRunState.SUCCESS
    with database.transaction("emotion_report") as connection:
        summary = batches.batch_summary(connection, result.run_id)
        refused = batches.refused_files(connection, result.run_id)
        current = models.current_model(connection)
        scored = connection.execute(
            text("SELECT count(*) FROM current_prediction WHERE model = :m"), {"m": champion}
        ).scalar_one()
    assert summary is not None and current is not None and current.name == champion
    assert (summary.count_found, summary.count_done, summary.count_rejected) == (7, 6, 1)
    assert [(file.file, file.reason) for file in refused] == [("night/letter.jpg", "not_an_image")]
    assert scored == 6

    (inbox.parent / "bad night").mkdir()
    (inbox.parent / "bad night/good.jpg").write_bytes(make_jpeg((5, 6, 7)))
    for number in range(4):
        (inbox.parent / f"bad night/letter {number}.jpg").write_text(f"Dear sir {number}")
    (inbox.parent / "bad night/_SUCCESS").touch()
    (inbox.parent / "half").mkdir()
    (inbox.parent / "half/manifest.csv").write_text("path,size\nmissing.jpg,1\n")

    failed = run_dag("score_new_images", refused_share_limit=0.5, refused_minimum=4)

    assert failed.state == DagRunState.FAILED
    with database.transaction("emotion_report") as connection:
        summary = batches.batch_summary(connection, failed.run_id)
    assert summary is not None and summary.is_closed
    assert (summary.count_done, summary.count_rejected, summary.count_held) == (1, 4, 1)
