"""Training: the same again, through kills and faults, and never a wrong result in silence."""

import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_faces import (
    RECIPE,
    begin_training,
    make_recipe,
    read_faces,
    run_training,
    visible,
)

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.errors import TrainingError
from emotion_core.statistics import metrics
from emotion_core.statistics.calibration import scaled
from emotion_core.training.loop import EpochResult, train
from emotion_core.training.run_directory import FILES, RunDirectory
from emotion_core.vision.scorer import Scorer

Trained = tuple[Path, list[EpochResult]]


def test_every_epoch_reports_both_splits_and_the_folder_is_complete(
    faces: Path, trained: Trained
) -> None:
    directory, epochs = trained
    labelled_set, split = read_faces(faces, RECIPE)

    result = RunDirectory(directory).read()

    assert visible(directory) == set(FILES)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    for epoch, stored in zip(epochs, result.history, strict=True):
        for found in (epoch.train, epoch.validation):
            assert set(found) == {"loss", *metrics.METRICS}
            assert all(math.isfinite(value) for value in found.values())
        assert stored == epoch.to_dict()
        assert epoch.images_per_second > 0
    assert result.recipe == RECIPE
    assert result.model["weights_sha256"]
    summary = result.summary
    assert summary["dataset"]["fingerprint"] == labelled_set.fingerprint
    assert summary["dataset"]["count"] == 32
    assert summary["split"]["count_train"] == len(split.train)
    assert summary["split"]["count_validation"] == len(split.validation)
    assert summary["weights_origin"] == "none"
    assert summary["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(summary["chance_line"]) == set(summary["constant_predictor"]) == set(metrics.METRICS)
    assert summary["seconds"] > 0
    assert "CPU" in summary["device"]
    assert summary["precision"] == {"name": "float32", "step_seconds": {}}


@pytest.mark.parametrize(("keep", "kept"), [("last", 3), ("best", 1)])
@pytest.mark.parametrize("averaging", [0.0, 0.5])
def test_the_last_epoch_is_kept_or_the_best_as_the_recipe_says(
    faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keep: str,
    kept: int,
    averaging: float,
) -> None:
    # The first epoch is best, whatever this processor makes of the images.
    monkeypatch.setattr(metrics, "selection_score", lambda _: 0.0)

    epochs = run_training(faces, tmp_path, replace(RECIPE, keep=keep, averaging=averaging))

    result = RunDirectory(tmp_path).read()
    assert [epoch.is_best for epoch in epochs] == [True, False, False]
    assert (result.summary["kept_epoch"], result.summary["best_epoch"]) == (kept, 1)
    assert result.metrics["validation"] == epochs[kept - 1].validation
    assert result.metrics["train"] == epochs[kept - 1].train
    assert result.gain_by_choice == pytest.approx(
        epochs[kept - 1].validation["accuracy"] - epochs[-1].validation["accuracy"]
    )


def test_the_stored_model_gives_the_stored_predictions_which_give_the_stored_metrics(
    faces: Path, trained: Trained
) -> None:
    directory, _ = trained
    result = RunDirectory(directory).read()
    labelled_set, split = read_faces(faces, RECIPE)
    held_out = [labelled_set.samples[index] for index in split.validation]
    assert labelled_set.pixels is not None

    scores = Scorer(directory, device="cpu").score(labelled_set.pixels[list(split.validation)])

    frame = result.predictions
    probabilities = frame[list(PROBABILITY_COLUMNS)].to_numpy()
    va = frame[["predicted_valence", "predicted_arousal"]].to_numpy()
    assert frame["sample_id"].tolist() == [sample.sample_id for sample in held_out]
    assert frame["sha256"].tolist() == [sample.sha256 for sample in held_out]
    # What is stored is what the network says; scoring makes its confidence right.
    temperature = result.summary["calibration"]["temperature"]
    assert scores.probabilities == pytest.approx(scaled(probabilities, temperature), abs=1e-5)
    assert np.array_equal(va, scores.va)
    found = metrics.score(
        frame["expression"].to_numpy(), frame[["valence", "arousal"]].to_numpy(), probabilities, va
    )
    stored = result.metrics["validation"]
    assert {name: stored[name] for name in found} == pytest.approx(found)


def test_a_finished_folder_trains_nothing_again(faces: Path, trained: Trained) -> None:
    before = (trained[0] / "metrics.json").stat().st_mtime_ns

    assert run_training(faces, trained[0]) == []
    assert (trained[0] / "metrics.json").stat().st_mtime_ns == before


def test_the_same_seed_gives_the_same_weights_and_leaves_the_callers_random_numbers_alone(
    faces: Path, tmp_path: Path, trained: Trained
) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    run_training(faces, tmp_path / "again")
    drawn = torch.rand(3)  # whatever the caller draws must not matter
    run_training(faces, tmp_path / "other", replace(RECIPE, seed=6, epochs=1))

    first, again, other = (
        RunDirectory(path).read().model["weights_sha256"]
        for path in (trained[0], tmp_path / "again", tmp_path / "other")
    )
    assert first == again
    assert first != other
    assert torch.equal(drawn, expected)


def test_a_training_killed_after_an_epoch_goes_on_to_the_same_result(
    faces: Path, tmp_path: Path, trained: Trained
) -> None:
    directory = tmp_path / "killed"
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from tiny_faces import begin_training\n"
        f"begin_training(Path({str(faces)!r}), Path({str(directory)!r}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    left = visible(directory)

    epochs = run_training(faces, directory)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert left == {"recipe.json", "checkpoint.safetensors"}
    assert [epoch.epoch for epoch in epochs] == [2, 3]
    whole, resumed = RunDirectory(trained[0]).read(), RunDirectory(directory).read()
    assert resumed.model["weights_sha256"] == whole.model["weights_sha256"]
    assert resumed.metrics == whole.metrics
    assert resumed.predictions.equals(whole.predictions)
    assert visible(directory) == set(FILES)


@pytest.mark.parametrize(
    ("epochs_done", "left"),
    [
        # While a checkpoint is written, and after the last one, before the model's description.
        (1, {"best-2.safetensors", ".partial-0123-checkpoint.safetensors"}),
        (3, {"weights.safetensors"}),
    ],
)
def test_what_a_kill_leaves_half_written_costs_that_epoch_at_most(
    faces: Path, tmp_path: Path, trained: Trained, epochs_done: int, left: set[str]
) -> None:
    begin_training(faces, tmp_path, epochs=epochs_done)
    for name in left:
        (tmp_path / name).write_bytes(b"half")

    epochs = run_training(faces, tmp_path)

    assert [epoch.epoch for epoch in epochs] == [1, 2, 3][epochs_done:]
    assert RunDirectory(tmp_path).read().metrics == RunDirectory(trained[0]).read().metrics
    assert visible(tmp_path) == set(FILES)
    assert not list(tmp_path.glob(".partial-*"))


@pytest.mark.parametrize(
    "changes",
    [
        {"averaging": 0.9, "clip_norm": 1.0},
        {"mixup": 0.4, "label_smoothing": 0.1, "ccc_weight": 0.5},
        {"augmentation": "flip+crop+rotate+colour+grey+erase", "backbone_rate": 0.3},
        {"network": "efficientnet_lite0", "weights": "imagenet"},
        {"fold": 2},
    ],
)
def test_every_ingredient_trains_and_resumes_to_the_same_weights(
    faces: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    recipe = make_recipe(**changes)
    begin_training(faces, tmp_path / "resumed", recipe)

    run_training(faces, tmp_path / "whole", recipe)
    run_training(faces, tmp_path / "resumed", recipe)

    whole, resumed = (RunDirectory(tmp_path / name).read() for name in ("whole", "resumed"))
    assert whole.model["weights_sha256"] == resumed.model["weights_sha256"]
    assert whole.recipe == recipe


def test_a_resumed_training_needs_no_pretrained_weights(faces: Path, tmp_path: Path) -> None:
    begin_training(faces, tmp_path)
    stored = json.loads((tmp_path / "recipe.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps(stored | {"weights": "imagenet"}))

    epochs = run_training(faces, tmp_path, replace(RECIPE, weights="imagenet"))

    assert [epoch.epoch for epoch in epochs] == [2, 3]


def test_two_trainings_never_share_a_folder(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    first = train(RECIPE, labelled_set, split, tmp_path, device="cpu")
    next(first)

    with pytest.raises(TrainingError, match="another process"):
        run_training(faces, tmp_path)

    first.close()
    assert next(train(RECIPE, labelled_set, split, tmp_path, device="cpu")).epoch == 2


def test_a_single_left_over_image_does_not_break_batch_normalisation(
    faces: Path, tmp_path: Path
) -> None:
    recipe = make_recipe(batch_size=23, epochs=1)  # 24 images to train: one is left over

    assert len(run_training(faces, tmp_path, recipe)) == 1


def test_an_epochs_line_says_what_an_operator_wants_to_know() -> None:
    found = {"loss": 1.25, "accuracy": 0.5, "ccc_valence": 0.4, "ccc_arousal": 0.3}
    epoch = EpochResult(3, 12, found, found, 210.4, 9.0, is_best=True)

    assert epoch.describe() == (
        "epoch 3/12 · loss 1.250, held out 1.250 · accuracy 0.500 · CCC 0.400 / 0.300 · "
        "210 images/s in float32 · 1:21 left · best so far"
    )
