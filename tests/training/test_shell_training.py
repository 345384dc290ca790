"""Training, looking at runs, and finding label errors from a shell, on a real PostgreSQL."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shells import Answer, emotion
from sqlalchemy import text
from tiny_faces import NETWORK, make_faces

from emotion_core.emotions import EXPRESSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import TrainingError
from emotion_core.store.database import Database
from emotion_core.training.run_directory import WEIGHTS_FILE, RunDirectory


def tell(*arguments: str, url: str, home: Path) -> Answer:
    return emotion(*arguments, EMOTION_DATABASE_URL=url, EMOTION_HOME=str(home))


SMALL = ["--preset", "quick", "--weights", "none", "--epochs", "1"]


def test_a_training_from_a_shell_is_registered_and_can_be_looked_at(
    urls: dict[str, str], tmp_path: Path, faces: Path
) -> None:
    def run(*arguments: str) -> Answer:
        return tell(*arguments, url=urls["emotion_app"], home=tmp_path)

    trained = run(
        *("train", str(faces), "--network", NETWORK, *SMALL),
        *("--run", "by hand", "--note", "a first try"),
    )
    listed = run("runs")
    shown = run("runs", "show", "by hand")
    missing = run("runs", "show", "nothing of the kind")

    assert trained.returncode == 0, trained.stderr
    assert "epoch 1/1" in trained.stderr
    assert Path(trained.stdout.splitlines()[-1]).is_file()
    assert "by hand" in listed.stdout
    assert shown.returncode == 0, shown.stderr
    for words in ("a first try", "Accuracy", "95 % interval", "temperature", "by hand/timm:test"):
        assert words in shown.stdout
    assert not list((tmp_path / "runs" / "decoded").iterdir())
    assert missing.returncode == 1
    assert "there is no training run 'nothing of the kind'" in missing.stderr


def test_what_flatters_a_run_and_what_speaks_against_its_labels_stand_in_log_and_report(
    urls: dict[str, str], tmp_path: Path
) -> None:
    faces = make_faces(tmp_path / "faces", seed=5)
    for number in range(EXPRESSIONS.index("Happy"), 32, 8):
        np.save(faces / "annotations" / f"{number}_val.npy", np.array("-0.9"))

    def run(*arguments: str) -> Answer:
        return tell(*arguments, url=urls["emotion_app"], home=tmp_path)

    trained = run(
        *("train", str(faces), "--network", NETWORK, *SMALL),
        *("--keep", "best", "--run", "flattered"),
    )
    shown = run("runs", "show", "flattered")

    assert trained.returncode == 0, trained.stderr
    page = Path(trained.stdout.splitlines()[-1]).read_text(encoding="utf-8")
    warning = "Happy has mean valence -0.90 (+0.67 in AffectNet)"
    assert warning in " ".join(trained.stderr.split())
    assert warning in page
    assert "Best epoch chosen on these images" in page
    assert "1 (keep: best); best on the held-out images: 1" in shown.stdout


def test_a_run_of_another_machine_is_registered_by_its_folder(
    urls: dict[str, str],
    database: Database,
    tmp_path: Path,
    faces: Path,
    trained: tuple[Path, object],
) -> None:
    other = make_faces(tmp_path / "other", seed=4)

    def register(data: Path, name: str) -> Answer:
        command = ("register", str(trained[0]), "--data", str(data), "--run", name)
        return tell(*command, url=urls["emotion_app"], home=tmp_path / "home")

    first, again = register(faces, "from afar"), register(faces, "from afar")
    refused = register(other, "wrong data")

    assert first.returncode == 0, first.stderr
    model, page = first.stdout.split("\n")[:2]
    assert again.stdout == first.stdout
    assert Path(page.strip()).is_file()
    with database.transaction("emotion_report") as connection:
        row = connection.execute(
            text(
                "SELECT training_run.status, count(*) FROM model_version "
                "JOIN training_run ON training_run.id = run_id "
                "JOIN validation_prediction USING (run_id) WHERE model_version.name = :name "
                "GROUP BY 1"
            ),
            {"name": model},
        ).one()
    assert row.status == "succeeded"
    assert row.count > 0
    assert refused.returncode == 1
    assert "was trained on other data" in refused.stderr.replace("\n", " ")


def test_damaged_weights_of_another_machine_are_refused(
    tmp_path: Path, trained: tuple[Path, object]
) -> None:
    shutil.copytree(trained[0], tmp_path / "run")
    weights = tmp_path / "run" / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")

    with pytest.raises(TrainingError, match="is not the file that model"):
        RunDirectory(tmp_path / "run").copy_to(tmp_path / "copy")

    assert not (tmp_path / "copy").exists()


def misspelt(faces: Path, folder: Path) -> list[str]:
    for name in ("happy", "suprise"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            image = faces / "images" / f"{number}.jpg"
            (folder / name / image.name).write_bytes(image.read_bytes())
    return [str(faces), "--pretraining-data", str(folder), "--pretraining-epochs", "1"]


def broken(faces: Path, folder: Path) -> list[str]:
    shutil.copytree(faces, folder)
    for number in range(4):
        (folder / "images" / f"{number}.jpg").write_bytes(b"no image")
    return [str(folder)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            misspelt,
            [
                "3 files (50.0%) cannot be used",
                "'suprise' names no expression; is it meant for 'surprise'?",
            ],
        ),
        (broken, ["4 files (12.5%) cannot be used", "4 not_an_image"]),
        (
            lambda faces, _: [str(faces), "--preset", "slow"],
            ["error: preset is 'slow'; choose one of seed"],
        ),
    ],
)
def test_what_cannot_be_trained_is_a_sentence_before_anything_is(
    urls: dict[str, str],
    tmp_path: Path,
    faces: Path,
    arguments: Callable[[Path, Path], list[str]],
    told: list[str],
) -> None:
    given = arguments(faces, tmp_path / "data")

    result = tell("train", *SMALL, *given, url=urls["emotion_app"], home=tmp_path / "home")

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for words in told:
        assert words in " ".join(result.stderr.split())
    assert not list((tmp_path / "home" / "runs").glob("*/*"))


def test_likely_label_errors_are_rows_that_an_analyst_can_ask_for(
    urls: dict[str, str], database: Database, tmp_path: Path
) -> None:
    faces = make_faces(tmp_path / "faces", seed=8)
    folds = tmp_path / "folds"
    crossed = subprocess.run(
        [
            *(sys.executable, "-m", "emotion_core.training", "crossvalidate", "--folds", "2"),
            *("--networks", NETWORK, *SMALL),
            *("--image-size", "32", "--batch-size", "8", "--device", "cpu"),
            *("--data", str(faces), "--out", str(folds)),
        ],
        capture_output=True,
        text=True,
    )

    # As if the networks were sure of every label but the first one's.
    for path in folds.glob("*/fold-*/predictions.parquet"):
        judged = pd.read_parquet(path)
        said = judged["expression"].mask(judged["sample_id"] == "0", EXPRESSIONS.index("Happy"))
        for index, name in enumerate(PROBABILITY_COLUMNS):
            judged[name] = np.where(said == index, 0.93, 0.01).astype(np.float32)
        judged.to_parquet(path, index=False)

    entered = tell(
        *(
            "label-errors",
            str(faces),
            str(folds / NETWORK.replace(":", "_")),
            "--name",
            "two folds",
        ),
        url=urls["emotion_app"],
        home=tmp_path / "home",
    )

    assert crossed.returncode == 0, crossed.stderr
    assert "in 2 folds, each by a network that never saw them" in crossed.stdout
    assert entered.returncode == 0, entered.stderr
    with database.transaction("emotion_report") as connection:
        rows = connection.execute(
            text(
                "SELECT label.sample_id, labelled, suggested FROM likely_label_error "
                "JOIN image ON encode(image.sha256, 'hex') = image_sha256 "
                "JOIN label ON label.image_id = image.id "
                "JOIN dataset ON dataset.id = label.dataset_id "
                "AND encode(dataset.fingerprint, 'hex') = dataset_fingerprint "
                "WHERE found_by = 'two folds' ORDER BY p_suggested - p_given DESC"
            )
        ).all()
    assert "1 likely label errors" in entered.stdout
    assert [tuple(row) for row in rows] == [("0", "Neutral", "Happy")]
