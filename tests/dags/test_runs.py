"""Each DAG, run from its first task to its last against a real PostgreSQL."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState
from factories import make_jpeg
from promotions import forget_champion
from sqlalchemy import text

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.files import folder_name
from emotion_core.settings import Settings
from emotion_core.store import batches, models, training_runs
from emotion_core.store.database import Database


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("faces") / "drawn", per_expression=6, seed=5)


@pytest.fixture
def installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    assert settings.database_url
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("EMOTION_DEVICE", "cpu")
    return settings


def run(bag_to_run: DagBag, dag_id: str, conf: dict[str, Any]) -> Any:
    return bag_to_run.dags[dag_id].test(run_conf=conf)


def training_form(data: Path, **fields: Any) -> dict[str, Any]:
    return {"preset": "quick", "data": str(data), "weights": "none", "epochs": 1, **fields}


def test_training_ends_with_two_models_their_rows_and_a_report(
    bag_to_run: DagBag, faces: Path, installation: Settings, database: Database
) -> None:
    result = run(bag_to_run, "train_and_compare", training_form(faces, note="<b>why</b>"))

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
        assert set(curves["part"]) == {"train", "validation"}
    page = installation.reports_dir / folder_name(result.run_id) / "comparison.html"
    html = page.read_text(encoding="utf-8")
    assert "<b>why</b>" not in html and "&lt;b&gt;why&lt;/b&gt;" in html


def test_a_bad_form_fails_before_anything_is_trained(
    bag_to_run: DagBag, installation: Settings, tmp_path: Path, database: Database
) -> None:
    result = run(bag_to_run, "train_and_compare", training_form(tmp_path / "nowhere"))

    assert result.state == DagRunState.FAILED
    with database.transaction("emotion_report") as connection:
        assert training_runs.runs_in_group(connection, result.run_id) == []


def test_scoring_without_a_champion_is_skipped_and_harms_nothing(
    bag_to_run: DagBag, installation: Settings, urls: dict[str, str]
) -> None:
    forget_champion(urls)

    result = run(bag_to_run, "score_new_images", {})

    states = {ti.task_id: ti.state for ti in result.get_task_instances()}
    assert states["take_in"] == "skipped"


def test_a_night_scores_what_arrived_and_gives_every_refusal_its_reason(
    bag_to_run: DagBag, faces: Path, installation: Settings, database: Database
) -> None:
    from emotion_core.steps import promotion
    from emotion_core.steps.installation import Installation

    trained = run(
        bag_to_run, "train_and_compare", training_form(faces, networks=["efficientnet_b0"], seed=3)
    )
    assert trained.state == DagRunState.SUCCESS
    champion = promotion.promote_better(
        Installation(installation), trained.run_id, changed_by="test"
    )
    inbox = installation.inbox_dir / "night"
    inbox.mkdir(parents=True)
    for picture in sorted(faces.rglob("*.jpg"))[:5]:
        shutil.copy(picture, inbox)
    (inbox / 'two\nlines "quoted".jpg').write_bytes(make_jpeg((77, 88, 99)))
    (inbox / "letter.jpg").write_text("Dear sir or madam")
    (inbox / "_SUCCESS").touch()

    result = run(bag_to_run, "score_new_images", {"workers": 2})

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

    failed = run(bag_to_run, "score_new_images", {"refused_share_limit": 0.5, "refused_minimum": 4})

    assert failed.state == DagRunState.FAILED
    with database.transaction("emotion_report") as connection:
        summary = batches.batch_summary(connection, failed.run_id)
    assert summary is not None and summary.is_closed
    assert (summary.count_done, summary.count_rejected, summary.count_held) == (1, 4, 1)


def test_what_travels_between_tasks_is_small(
    bag_to_run: DagBag, faces: Path, installation: Settings
) -> None:
    result = run(
        bag_to_run, "train_and_compare", training_form(faces, networks=["efficientnet_b0"], seed=4)
    )

    sizes = {
        ti.task_id: len(str(ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index)))
        for ti in result.get_task_instances()
    }
    assert len(sizes) == 5
    assert all(size < 1000 for size in sizes.values()), sizes
