"""Training: the same again, through kills, and never a wrong result in silence."""

import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from tiny_faces import make_faces, make_recipe, read_faces

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.errors import DataError, SettingsError, TrainingError, WeightsError
from emotion_core.statistics import metrics
from emotion_core.statistics.calibration import scaled
from emotion_core.training.loop import EpochResult, train
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import FILES, RunDirectory
from emotion_core.vision.images import decode
from emotion_core.vision.scorer import Scorer

RECIPE = make_recipe(epochs=3)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_faces(tmp_path_factory.mktemp("data") / "faces")


def run_training(faces: Path, directory: Path, recipe: Recipe = RECIPE) -> list[EpochResult]:
    labelled_set, split = read_faces(faces, recipe)
    return list(train(recipe, labelled_set, split, directory, device="cpu"))


@pytest.fixture(scope="module")
def trained(
    faces: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[EpochResult]]:
    """One uninterrupted training."""
    directory = tmp_path_factory.mktemp("runs") / "whole"
    return directory, run_training(faces, directory)


def visible(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if not path.name.startswith(".")}


def test_every_epoch_reports_both_parts_and_the_folder_is_complete(
    trained: tuple[Path, list[EpochResult]],
) -> None:
    directory, epochs = trained

    result = RunDirectory(directory).read()

    assert visible(directory) == set(FILES)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    for epoch, stored in zip(epochs, result.history, strict=True):
        for figures in (epoch.train, epoch.validation):
            assert set(figures) == {"loss", *metrics.METRICS}
            assert all(math.isfinite(value) for value in figures.values())
        assert (stored["epoch"], stored["train"], stored["validation"]) == (
            epoch.epoch,
            epoch.train,
            epoch.validation,
        )
        assert epoch.images_per_second > 0
    assert result.recipe == RECIPE
    assert result.model["weights_sha256"]


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


def test_the_stored_model_gives_the_stored_predictions_which_give_the_stored_figures(
    faces: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    directory, _ = trained
    result = RunDirectory(directory).read()
    labelled_set, split = read_faces(faces, RECIPE)
    scorer = Scorer(directory, device="cpu")
    held_out = [labelled_set.samples[index] for index in split.validation]
    pixels = [scorer.preprocessing.pixels(decode(labelled_set.read_image(s))) for s in held_out]

    scores = scorer.score(np.stack(pixels))

    frame = result.predictions
    probabilities = frame[list(PROBABILITY_COLUMNS)].to_numpy()
    va = frame[["predicted_valence", "predicted_arousal"]].to_numpy()
    assert frame["sample_id"].tolist() == [sample.sample_id for sample in held_out]
    assert frame["sha256"].tolist() == [sample.sha256 for sample in held_out]
    # What is stored is what the network says; scoring makes its confidence right.
    temperature = result.summary["calibration"]["temperature"]
    assert scores.probabilities == pytest.approx(scaled(probabilities, temperature), abs=1e-5)
    assert np.array_equal(va, scores.va)
    figures = metrics.score(
        frame["expression"].to_numpy(), frame[["valence", "arousal"]].to_numpy(), probabilities, va
    )
    stored = result.metrics["validation"]
    assert {name: stored[name] for name in figures} == pytest.approx(figures)


def test_the_summary_says_where_from_and_what_with(
    faces: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    directory, _ = trained
    labelled_set, split = read_faces(faces, RECIPE)

    summary = RunDirectory(directory).read().summary

    assert summary["dataset"]["fingerprint"] == labelled_set.fingerprint
    assert summary["dataset"]["count"] == 32
    assert summary["split"]["count_train"] == len(split.train)
    assert summary["split"]["count_validation"] == len(split.validation)
    assert summary["weights_origin"] == "none"
    assert summary["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(summary["chance_line"]) == set(summary["constant_predictor"]) == set(metrics.METRICS)
    assert summary["seconds"] > 0
    assert "CPU" in summary["device"]


def test_a_finished_folder_trains_nothing_again(
    faces: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    directory, _ = trained
    before = (directory / "metrics.json").stat().st_mtime_ns

    epochs = run_training(faces, directory)

    assert epochs == []
    assert (directory / "metrics.json").stat().st_mtime_ns == before


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    faces: Path, tmp_path: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    torch.rand(100)  # whatever the caller drew before must not matter

    run_training(faces, tmp_path / "again")
    run_training(faces, tmp_path / "other", replace(RECIPE, seed=6, epochs=1))

    first, again, other = (
        RunDirectory(path).read().model["weights_sha256"]
        for path in (trained[0], tmp_path / "again", tmp_path / "other")
    )
    assert first == again
    assert first != other


def test_training_leaves_the_callers_random_numbers_alone(faces: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)

    torch.manual_seed(1)
    run_training(faces, tmp_path, replace(RECIPE, epochs=1))

    assert torch.equal(torch.rand(3), expected)


def test_a_training_killed_after_an_epoch_goes_on_to_the_same_result(
    faces: Path, tmp_path: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    directory = tmp_path / "killed"
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from tiny_faces import make_recipe, read_faces\n"
        "from emotion_core.training.loop import train\n"
        "recipe = make_recipe(epochs=3)\n"
        f"labelled_set, split = read_faces(Path({str(faces)!r}), recipe)\n"
        f"folder = Path({str(directory)!r})\n"
        "for epoch in train(recipe, labelled_set, split, folder, device='cpu'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
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


def test_a_kill_while_the_checkpoint_is_written_costs_that_epoch_alone(
    faces: Path, tmp_path: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    first = train(RECIPE, labelled_set, split, tmp_path, device="cpu")
    next(first)
    first.close()
    (tmp_path / "best-2.safetensors").write_bytes(b"of an epoch without a checkpoint")
    (tmp_path / ".partial-0123-checkpoint.safetensors").write_bytes(b"half")

    epochs = run_training(faces, tmp_path)

    assert [epoch.epoch for epoch in epochs] == [2, 3]
    assert RunDirectory(tmp_path).read().metrics == RunDirectory(trained[0]).read().metrics
    assert visible(tmp_path) == set(FILES)
    assert not list(tmp_path.glob(".partial-*"))


def test_a_kill_after_the_last_epoch_only_leaves_the_writing_to_do(
    faces: Path, tmp_path: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    first = train(RECIPE, labelled_set, split, tmp_path, device="cpu")
    for _ in range(RECIPE.epochs):
        next(first)
    first.close()
    (tmp_path / "weights.safetensors").write_bytes(b"left without its description")

    epochs = run_training(faces, tmp_path)

    assert epochs == []
    assert RunDirectory(tmp_path).read().metrics == RunDirectory(trained[0]).read().metrics


def test_another_recipe_in_the_same_folder_is_refused_naming_the_difference(
    faces: Path, trained: tuple[Path, list[EpochResult]]
) -> None:
    with pytest.raises(TrainingError, match="learning_rate"):
        run_training(faces, trained[0], replace(RECIPE, learning_rate=0.5))


@pytest.mark.parametrize("is_finished", [True, False])
def test_other_data_in_the_same_folder_is_refused(
    faces: Path, tmp_path: Path, trained: tuple[Path, list[EpochResult]], is_finished: bool
) -> None:
    directory = trained[0]
    if not is_finished:
        directory = tmp_path / "begun"
        labelled_set, split = read_faces(faces, RECIPE)
        next(train(RECIPE, labelled_set, split, directory, device="cpu"))
    other = make_faces(tmp_path / "other", seed=9)

    with pytest.raises(TrainingError, match="dataset_fingerprint"):
        run_training(other, directory)


def test_a_split_by_another_seed_is_refused(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)

    with pytest.raises(TrainingError, match="seed"):
        next(train(replace(RECIPE, seed=99), labelled_set, split, tmp_path, device="cpu"))


def test_two_trainings_never_share_a_folder(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    first = train(RECIPE, labelled_set, split, tmp_path, device="cpu")
    next(first)

    with pytest.raises(TrainingError, match="another process"):
        next(train(RECIPE, labelled_set, split, tmp_path, device="cpu"))

    first.close()
    assert next(train(RECIPE, labelled_set, split, tmp_path, device="cpu")).epoch == 2


def test_a_damaged_checkpoint_is_named(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    next(train(RECIPE, labelled_set, split, tmp_path, device="cpu"))
    (tmp_path / "checkpoint.safetensors").write_bytes(b"not one")

    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors"):
        run_training(faces, tmp_path)


def test_a_loss_that_is_no_number_ends_training_with_its_step(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    next(train(RECIPE, labelled_set, split, tmp_path, device="cpu"))
    path = tmp_path / "checkpoint.safetensors"
    with safetensors.safe_open(path, framework="pt") as stored:
        metadata = stored.metadata()
    tensors = safetensors.torch.load_file(path)
    tensors["model/affect_head.1.bias"].fill_(float("inf"))
    tensors["model/affect_head.3.weight"].fill_(0.0)  # 0 × infinity
    safetensors.torch.save_file(tensors, path, metadata)

    with pytest.raises(TrainingError, match=r"epoch 2, step 1 of 3.*learning_rate"):
        run_training(faces, tmp_path)

    assert not RunDirectory(tmp_path).is_complete


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
    recipe = make_recipe(epochs=2, **{k: v for k, v in changes.items() if k != "network"})
    recipe = replace(recipe, network=changes.get("network", recipe.network))
    labelled_set, split = read_faces(faces, recipe)
    interrupted = train(recipe, labelled_set, split, tmp_path / "resumed", device="cpu")
    next(interrupted)
    interrupted.close()

    run_training(faces, tmp_path / "whole", recipe)
    run_training(faces, tmp_path / "resumed", recipe)

    whole, resumed = (RunDirectory(tmp_path / name).read() for name in ("whole", "resumed"))
    assert whole.model["weights_sha256"] == resumed.model["weights_sha256"]
    assert whole.recipe == recipe


def test_an_image_that_changed_since_reading_ends_training(tmp_path: Path) -> None:
    folder = make_faces(tmp_path / "faces")
    labelled_set, split = read_faces(folder, RECIPE)
    (folder / "images" / "3.jpg").write_bytes(b"gone")

    with pytest.raises(DataError, match=r"3\.jpg"):
        next(train(RECIPE, labelled_set, split, tmp_path / "run", device="cpu"))


def test_missing_weights_end_training_before_it_begins(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    recipe = replace(RECIPE, weights="imagenet")
    labelled_set, split = read_faces(faces, recipe)

    with pytest.raises(WeightsError, match="efficientnet_b0_rwightman"):
        next(train(recipe, labelled_set, split, tmp_path / "run", device="cpu"))


def test_a_resumed_training_needs_no_pretrained_weights(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)
    next(train(RECIPE, labelled_set, split, tmp_path, device="cpu"))
    recipe = replace(RECIPE, weights="imagenet")
    stored = json.loads((tmp_path / "recipe.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps(stored | {"weights": "imagenet"}))

    epochs = list(train(recipe, labelled_set, split, tmp_path, device="cpu"))

    assert [epoch.epoch for epoch in epochs] == [2, 3]


def test_an_unknown_device_is_refused(faces: Path, tmp_path: Path) -> None:
    labelled_set, split = read_faces(faces, RECIPE)

    with pytest.raises(SettingsError, match="abacus"):
        next(train(RECIPE, labelled_set, split, tmp_path, device="abacus"))


def test_a_single_left_over_image_does_not_break_batch_normalisation(
    faces: Path, tmp_path: Path
) -> None:
    recipe = make_recipe(batch_size=23, epochs=1)  # 24 images to train: one is left over

    epochs = run_training(faces, tmp_path, recipe)

    assert len(epochs) == 1


def test_an_epochs_line_says_what_an_operator_wants_to_know() -> None:
    figures = {"loss": 1.25, "accuracy": 0.5, "ccc_valence": 0.4, "ccc_arousal": 0.3}
    epoch = EpochResult(3, 12, figures, figures, 210.4, 9.0, is_best=True)

    assert epoch.describe() == (
        "epoch 3/12 · loss 1.250, held out 1.250 · accuracy 0.500 · CCC 0.400 / 0.300 · "
        "210 images/s · 1:21 left · best so far"
    )
