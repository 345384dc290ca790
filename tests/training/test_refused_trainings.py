"""Trainings that are refused before they begin, or end with a sentence."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tiny_faces import (
    NETWORK,
    RECIPE,
    begin_training,
    make_faces,
    make_recipe,
    read_faces,
    run_training,
    visible,
)

from emotion_core.errors import DataError, SettingsError, TrainingError, WeightsError
from emotion_core.training import run_directory
from emotion_core.training.class_folders import read_class_folders
from emotion_core.training.epoch import _report_skipped, _step
from emotion_core.training.loop import EpochResult, train
from emotion_core.training.run_directory import RunDirectory
from emotion_core.training.split import split_by_content
from emotion_core.training.state import TrainingState
from emotion_core.vision.network import EmotionNetwork, build_network

Trained = tuple[Path, list[EpochResult]]


def test_another_recipe_in_the_same_folder_is_refused_naming_the_difference(
    faces: Path, trained: Trained
) -> None:
    with pytest.raises(TrainingError, match="learning_rate"):
        run_training(faces, trained[0], replace(RECIPE, learning_rate=0.5))


@pytest.mark.parametrize("is_finished", [True, False])
def test_other_data_in_the_same_folder_is_refused(
    faces: Path, tmp_path: Path, trained: Trained, is_finished: bool
) -> None:
    directory = trained[0] if is_finished else tmp_path / "begun"
    if not is_finished:
        begin_training(faces, directory)

    with pytest.raises(TrainingError, match="dataset_fingerprint"):
        run_training(make_faces(tmp_path / "other", seed=9), directory)


@pytest.mark.parametrize(
    ("recipe", "device", "error", "named"),
    [
        (replace(RECIPE, seed=99), "cpu", TrainingError, "seed"),
        (replace(RECIPE, image_size=64), "cpu", TrainingError, "image_size 64"),
        (RECIPE, "abacus", SettingsError, "abacus"),
    ],
)
def test_what_does_not_fit_the_data_or_the_machine_is_refused(
    faces: Path, tmp_path: Path, recipe: object, device: str, error: type[Exception], named: str
) -> None:
    labelled_set, split = read_faces(faces, RECIPE)

    with pytest.raises(error, match=named):
        next(train(recipe, labelled_set, split, tmp_path, device=device))  # type: ignore[arg-type]


def test_faces_without_affect_cannot_teach_it(class_folders: Path, tmp_path: Path) -> None:
    earlier = read_class_folders(class_folders, RECIPE.image_size)
    split = split_by_content(earlier, RECIPE.seed, RECIPE.validation_share)

    with pytest.raises(DataError, match="no valence and arousal"):
        next(train(RECIPE, earlier, split, tmp_path / "run", device="cpu"))


def test_missing_weights_end_training_before_it_begins(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    recipe = make_recipe(network="efficientnet_b0", weights="imagenet")

    with pytest.raises(WeightsError, match="efficientnet_b0_rwightman"):
        run_training(faces, tmp_path / "run", recipe)


def test_a_damaged_checkpoint_is_named(faces: Path, tmp_path: Path) -> None:
    begin_training(faces, tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"not one")

    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors"):
        run_training(faces, tmp_path)


def test_a_loss_that_is_no_number_ends_training_with_its_step(faces: Path, tmp_path: Path) -> None:
    begin_training(faces, tmp_path)
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


def test_memory_that_runs_out_halves_the_batch_and_keeps_the_recipes_step(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = EmotionNetwork.forward

    def cramped(self: EmotionNetwork, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.training and len(images) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, images)

    monkeypatch.setattr(EmotionNetwork, "forward", cramped)

    epochs = run_training(faces, tmp_path, make_recipe(batch_size=8, epochs=2))

    result = RunDirectory(tmp_path).read()
    assert len(epochs) == 2
    assert result.recipe.batch_size == 8
    assert result.summary["adjustments"] == [
        "memory ran out: batches of 8 now go in 2 micro-batches, their gradients accumulated"
    ]
    assert "2 micro-batches" in epochs[0].describe()


def test_memory_too_small_for_two_images_ends_training(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cramped(self: EmotionNetwork, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(EmotionNetwork, "forward", cramped)

    with pytest.raises(TrainingError, match="image_size"):
        run_training(faces, tmp_path)


def test_a_step_whose_gradient_is_not_finite_is_skipped() -> None:
    network = build_network(NETWORK, weights="none")
    state = TrainingState.of(RECIPE, network, torch.device("cpu"))
    weight = network.get_parameter("affect_head.3.weight")
    before = weight.detach().clone()

    def step(gradient: float) -> float:
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        return _step(state).item()

    assert step(float("inf")) == 1.0
    assert torch.equal(weight, before)
    assert step(1.0) == 0.0
    assert not torch.equal(weight, before)


def test_too_many_skipped_steps_end_training_and_few_are_recorded() -> None:
    assert _report_skipped(torch.tensor([0.0] * 99 + [1.0]), epoch=2) == [
        "epoch 2: 1 of 100 steps skipped, gradient not finite"
    ]
    with pytest.raises(TrainingError, match=r"6 of 100 steps.*learning_rate"):
        _report_skipped(torch.tensor([1.0] * 6 + [0.0] * 94), epoch=2)


def test_a_degenerate_network_ends_training_and_leaves_no_model(tmp_path: Path) -> None:
    folder = make_faces(tmp_path / "faces", per_expression=40)
    recipe = make_recipe(epochs=1, learning_rate=1e-8, validation_share=0.5, batch_size=160)

    with pytest.raises(TrainingError, match="degenerate"):
        run_training(folder, tmp_path / "run", recipe)

    assert not (tmp_path / "run" / "model.json").exists()
    assert not RunDirectory(tmp_path / "run").is_complete


def test_a_disk_without_room_is_named_before_the_first_epoch(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_directory, "COPIES_ON_DISK", 10**9)

    with pytest.raises(TrainingError, match=r"MB left and training needs about \d+ MB"):
        run_training(faces, tmp_path)


def test_a_disk_that_fills_up_ends_training_with_a_sentence_and_nothing_half_written(
    faces: Path, tmp_path: Path
) -> None:
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from emotion_core.training.__main__ import main\n"
        # Files may grow to 100 kB: every write beyond fails as on a full disk.
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**5, 10**5))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = ["train", "--network", NETWORK, "--preset", "quick", "--weights", "none"]
    command += ["--image-size", "32", "--epochs", "1", "--batch-size", "8", "--device", "cpu"]
    command += ["--validation-share", "0.25", "--data", str(faces), "--out", str(tmp_path)]

    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True)

    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert visible(tmp_path / NETWORK.replace(":", "_")) == {"recipe.json"}
