"""The folder that carries a run from a GPU to the database."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tiny_faces import make_recipe

from emotion_core.errors import TrainingError
from emotion_core.training.run_directory import (
    FILES,
    PREDICTION_COLUMNS,
    SUMMARY,
    RunDirectory,
    differences,
)


@pytest.fixture
def finished(tmp_path: Path) -> RunDirectory:
    """A folder with every file of a run, as small as can be."""
    run = RunDirectory(tmp_path / "runs" / "one")
    with run.locked():
        run.begin(make_recipe())
        (run.path / "weights.safetensors").write_bytes(b"weights")
        (run.path / "golden.safetensors").write_bytes(b"answers")
        run.write_json("model.json", {"network": "efficientnet_b0"})
        run.write_json("history.json", [{"epoch": 1, "train": {}, "validation": {}}])
        run.write_predictions(pd.DataFrame({name: [1] for name in PREDICTION_COLUMNS}))
        run.write_json(
            "metrics.json",
            {
                "metrics": {"train": {}, "validation": {"accuracy": 0.5}},
                "summary": dict.fromkeys(SUMMARY, 2.0),
            },
        )
    return run


def test_a_finished_run_is_read_back_whole(finished: RunDirectory) -> None:
    result = finished.read()

    assert finished.is_complete
    assert result.recipe == make_recipe()
    assert result.history[0]["epoch"] == 1
    assert result.metrics["validation"] == {"accuracy": 0.5}
    assert result.summary["seconds"] == 2.0
    assert result.model == {"network": "efficientnet_b0"}
    assert tuple(result.predictions.columns) == PREDICTION_COLUMNS


def test_a_run_of_before_the_choice_is_read_as_one_that_kept_its_best_epoch(
    finished: RunDirectory,
) -> None:
    for name, inner, field in (
        ("recipe.json", None, "keep"),
        ("metrics.json", "summary", "kept_epoch"),
    ):
        document = finished.read_json(name)
        del (document[inner] if inner else document)[field]
        finished.write_json(name, document)

    result = finished.read()

    assert (result.recipe.keep, result.summary["kept_epoch"]) == ("best", 2.0)
    finished.begin(make_recipe(keep="best"))
    with pytest.raises(TrainingError, match="keep: best → last"):
        finished.begin(make_recipe())


@pytest.mark.parametrize("name", FILES)
def test_a_run_that_lacks_a_file_is_not_complete_and_says_which(
    finished: RunDirectory, name: str
) -> None:
    (finished.path / name).unlink()

    assert not finished.is_complete
    with pytest.raises(TrainingError, match=name):
        finished.read()


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".safetensors")])
def test_a_damaged_file_is_a_sentence(finished: RunDirectory, name: str) -> None:
    (finished.path / name).write_bytes(b"\xff{")

    with pytest.raises(TrainingError, match="one"):
        finished.read()


def test_a_run_of_a_release_that_recorded_less_says_what_is_missing(
    finished: RunDirectory,
) -> None:
    results = finished.read_json("metrics.json")
    del results["summary"]["calibration"]
    finished.write_json("metrics.json", results)

    with pytest.raises(TrainingError, match=r"metrics\.json does not say calibration"):
        finished.read()


def test_a_run_of_a_release_that_chose_no_precision_reads(finished: RunDirectory) -> None:
    results = finished.read_json("metrics.json")
    del results["summary"]["precision"]
    finished.write_json("metrics.json", results)

    assert finished.read().summary["precision"] is None


def test_a_copied_folder_reads_the_same(finished: RunDirectory, tmp_path: Path) -> None:
    elsewhere = tmp_path / "copied here"
    finished.path.rename(elsewhere)

    assert RunDirectory(elsewhere).read().summary["seconds"] == 2.0


def test_reading_a_run_needs_no_torch(finished: RunDirectory) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from emotion_core.training.run_directory import RunDirectory\n"
        f"RunDirectory(Path({str(finished.path)!r})).read()\n"
        "assert 'torch' not in sys.modules\n"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr


def test_the_recipe_of_a_folder_stays(finished: RunDirectory) -> None:
    finished.begin(make_recipe())

    with pytest.raises(TrainingError, match="epochs: 2 → 9"):
        finished.begin(make_recipe(epochs=9))

    assert json.loads((finished.path / "recipe.json").read_text())["epochs"] == 2


def test_numbers_that_json_does_not_have_are_not_written(finished: RunDirectory) -> None:
    before = (finished.path / "metrics.json").read_text()

    with pytest.raises(ValueError, match="not JSON compliant"):
        finished.write_json("metrics.json", {"loss": float("nan")})

    assert (finished.path / "metrics.json").read_text() == before


def test_a_folder_in_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with (
        pytest.raises(TrainingError, match="file/run"),
        RunDirectory(tmp_path / "file" / "run").locked(),
    ):
        pass


def test_differences_name_what_differs_and_shorten_fingerprints() -> None:
    before = {"epochs": 2, "fingerprint": "a" * 64, "same": 1}
    now = {"epochs": 3, "fingerprint": "b" * 64, "same": 1, "new": True}

    text = differences(before, now)

    assert text == f"epochs: 2 → 3, fingerprint: {'a' * 12}… → {'b' * 12}…, new: None → True"
    assert differences(before, before) == ""
