"""Reports through the steps: any runs of any age, the same bytes, pictures only when asked."""

import hashlib
import json
import re
import threading
import zlib
from datetime import datetime
from pathlib import Path

import pytest
import torch
from comparison_factory import MADE_AT, make_predictions, train_two
from comparison_factory import make_validation_images as make_images
from factories import SUMMARY, make_training_run
from sqlalchemy import text

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.errors import ReportError, StorageError
from emotion_core.pages import comparison_report
from emotion_core.settings import Settings
from emotion_core.steps import training
from emotion_core.steps.installation import Installation
from emotion_core.steps.reports import compare, compare_runs
from emotion_core.store import datasets, models, reports, run_facts, training_runs
from emotion_core.store.database import Database
from emotion_core.training.affectnet import read_affectnet
from emotion_core.vision.checkpoint import save_model
from emotion_core.vision.network import build_network
from emotion_core.vision.preprocessing import Preprocessing


@pytest.fixture
def here(settings: Settings) -> Installation:
    return Installation(settings)


def test_any_runs_are_compared_whenever_they_were_trained(
    here: Installation, database: Database
) -> None:
    train_two(database, "steps-old")
    train_two(database, "steps-new")

    page = Path(compare_runs(here, ["steps-new/resnet50", "steps-old/resnet50"], made_at=MADE_AT))

    facts = json.loads(page.with_name("comparison.json").read_text())
    assert [run["record"]["run_key"] for run in facts["runs"]] == [
        "steps-new/resnet50",
        "steps-old/resnet50",
    ]
    with database.transaction("emotion_report") as connection:
        (record,) = reports.reports(connection, facts["group_key"])
    assert record.run_keys == ("steps-new/resnet50", "steps-old/resnet50")
    assert (record.networks, record.is_drawn) == (("resnet50",), True)
    assert record.outcomes == tuple(verdict["kind"] for verdict in facts["verdicts"])


def test_the_name_of_a_training_run_or_of_a_model_stands_for_its_runs(
    here: Installation, database: Database
) -> None:
    train_two(database, "steps-names")
    with database.transaction("emotion_train") as connection:
        record = training_runs.run_by_key(connection, "steps-names/resnet50")
        assert record is not None
        digest = hashlib.sha256(b"steps-names").hexdigest()
        model = models.register_model_version(
            connection,
            run_id=record.id,
            network="resnet50",
            card={"weights_sha256": digest, "preprocessing_fingerprint": digest},
            folder="/no/longer/there",
        )

    whole = Path(compare_runs(here, ["steps-names"], made_at=MADE_AT)).with_name("comparison.json")
    single = Path(compare_runs(here, [model.name], made_at=MADE_AT)).with_name("comparison.json")

    assert len(json.loads(whole.read_text())["runs"]) == 3
    facts = json.loads(single.read_text())
    assert facts["runs"][0]["record"]["run_key"] == "steps-names/resnet50"
    assert facts["runs"][0]["card"]["name"] == model.name


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["nobody"], "no training run and no model 'nobody'"),
        (["steps-wrong/resnet50"] * 2, "named twice"),
        (["steps-wrong"] * 3, "1 to 8 runs, not 9"),
        ([], "1 to 8 runs, not 0"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_by_name(
    here: Installation, database: Database, names: list[str], words: str
) -> None:
    train_two(database, "steps-wrong")

    with pytest.raises(ReportError, match=re.escape(words)):
        compare_runs(here, names)


def test_the_same_rows_and_time_give_the_same_bytes_however_much_later(
    here: Installation, database: Database
) -> None:
    train_two(database, "steps-again")
    page = Path(compare(here, "steps-again", made_at=MADE_AT))
    before = {path: path.read_bytes() for path in page.parent.iterdir()}
    compare(here, "steps-again")

    train_two(database, "steps-meanwhile")
    compare(here, "steps-again", made_at=MADE_AT)

    assert {path: path.read_bytes() for path in before} == before
    assert page.parent.parent.joinpath("index.html").is_file()


def test_a_page_that_cannot_be_made_leaves_the_old_one(
    here: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_two(database, "steps-fails")
    page = Path(compare(here, "steps-fails", made_at=MADE_AT))
    before = page.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(StorageError, match="No space left"):
        compare(here, "steps-fails")

    assert page.read_bytes() == before
    assert [path.name for path in page.parent.glob(".partial-*")] == []


def test_a_report_sees_one_snapshot_while_others_write(
    here: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_two(database, "steps-snapshot")
    asked, written = threading.Event(), threading.Event()
    read = training_runs.epoch_metrics

    def read_slowly(connection, run_id):  # type: ignore[no-untyped-def]
        asked.set()
        assert written.wait(20)
        return read(connection, run_id)

    monkeypatch.setattr("emotion_core.comparison.comparison.epoch_metrics", read_slowly)

    def write() -> None:
        assert asked.wait(20)
        with database.transaction("emotion_train") as connection:
            connection.execute(
                text(
                    "DELETE FROM validation_prediction USING training_run "
                    "WHERE run_id = id AND group_key = 'steps-snapshot'"
                )
            )
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    page = Path(compare(here, "steps-snapshot", made_at=MADE_AT))
    writer.join()

    runs = json.loads(page.with_name("comparison.json").read_text())["runs"]
    assert [run["state"] for run in runs] == ["succeeded", "succeeded", "failed"]
    assert all(run["scores"] for run in runs[:2])


def test_a_registered_model_is_timed_once(
    here: Installation, database: Database, tmp_path: Path
) -> None:
    train_two(database, "steps-cost")
    torch.manual_seed(1)
    description = save_model(
        tmp_path,
        build_network("torchvision:resnet18"),
        name="torchvision:resnet18",
        preprocessing=Preprocessing(image_size=32),
        versions={},
        recipe={},
        data={},
        calibration={"temperature": 1.0},
        git_revision=None,
    )
    with database.transaction("emotion_train") as connection:
        record = training_runs.run_by_key(connection, "steps-cost/resnet50")
        assert record is not None
        models.register_model_version(
            connection,
            run_id=record.id,
            network="resnet50",
            card=description.to_dict(),
            folder=str(tmp_path),
        )

    training.time_model(here, record.id)
    with database.transaction("emotion_report") as connection:
        before = run_facts.run_costs(connection, record.id)
    training.time_model(here, record.id)

    with database.transaction("emotion_report") as connection:
        (cost,) = found = run_facts.run_costs(connection, record.id)
    assert found == before
    # 1.81 GMAC at 224 pixels (the paper of ResNet); 49 times fewer places at 32.
    assert cost.flops == pytest.approx(2 * 1.82e9 / 49, rel=0.05)
    assert cost.weights_bytes == pytest.approx(4 * 11.4e6, rel=0.02)
    assert cost.peak_bytes is not None and cost.peak_bytes >= cost.weights_bytes
    assert cost.images_per_second > 0


@pytest.fixture
def drawn_run(database: Database, tmp_path: Path) -> str:
    """A run on drawn faces that lie on the disk."""
    # The tables know a data set by its content, at the place where it was first seen.
    seed = zlib.crc32(tmp_path.name.encode())
    faces = read_affectnet(draw_dataset(tmp_path / "faces", per_expression=4, seed=seed))
    labels = make_images(len(faces.samples))
    for column in ("sample_id", "sha256", "expression", "valence", "arousal"):
        labels[column] = [getattr(sample, column) for sample in faces.samples]
    half = len(labels) // 2
    key = f"drawn-{tmp_path.name}"
    with database.transaction("emotion_train") as connection:
        made = make_training_run(connection, group_key=key, labels=labels)
        dataset_id = datasets.register_dataset(
            connection,
            fingerprint=faces.fingerprint,
            name="drawn",
            location=str(faces.source),
            is_drawn=True,
            labels=labels,
            exclusions=[],
        )
        split_id = datasets.register_split(
            connection,
            dataset_id=dataset_id,
            seed=1,
            validation_share=0.5,
            fold=0,
            fingerprint=faces.fingerprint,
            members={
                "train": list(labels["sha256"][:half]),
                "validation": list(labels["sha256"][half:]),
            },
        )
        connection.execute(
            text("UPDATE training_run SET split_id = :split_id WHERE id = :id"),
            {"split_id": split_id, "id": made.id},
        )
        predictions = make_predictions(labels[half:].reset_index(drop=True), skill=0.3)
        training_runs.record_validation_predictions(connection, made.id, predictions)
        training_runs.finish_training_run(connection, made.id, SUMMARY)
    return key


def test_pictures_of_single_images_are_shown_only_when_asked_for(
    here: Installation, drawn_run: str
) -> None:
    without = Path(compare(here, drawn_run, made_at=MADE_AT)).read_text()
    with_them = Path(compare(here, drawn_run, made_at=MADE_AT, thumbnails=True)).read_text()

    assert "<img" not in without
    assert with_them.count('src="data:image/jpeg;base64,') >= 10
    assert "do not share this page" in with_them


def test_pictures_of_another_data_set_are_never_shown(
    here: Installation, drawn_run: str, tmp_path: Path
) -> None:
    faces = read_affectnet(tmp_path / "faces")
    (faces.source / faces.samples[0].image_name).unlink()

    with pytest.raises(ReportError, match="holds other data"):
        compare(here, drawn_run, thumbnails=True)


def test_the_time_on_the_page_is_the_one_passed_in(here: Installation, database: Database) -> None:
    train_two(database, "steps-time")
    later = datetime.fromisoformat("2031-02-03T04:05:00+00:00")

    page = Path(compare(here, "steps-time", made_at=later)).read_text()

    assert "3 February 2031, 04:05 UTC" in page
    assert comparison_report.PAGE_FILE == "comparison.html"
