"""What goes wrong while training: short memory, broken gradients, nothing learned, a full disk."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_faces import make_faces, make_recipe, read_faces

from emotion_core.errors import TrainingError
from emotion_core.training import run_directory
from emotion_core.training.epoch import _follow, _report_skipped
from emotion_core.training.loop import EpochResult, train
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import RunDirectory
from emotion_core.vision.network import EmotionNetwork

RECIPE = make_recipe(epochs=3)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_faces(tmp_path_factory.mktemp("data") / "faces")


def run_training(faces: Path, directory: Path, recipe: Recipe = RECIPE) -> list[EpochResult]:
    labelled_set, split = read_faces(faces, recipe)
    return list(train(recipe, labelled_set, split, directory, device="cpu"))


def visible(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if not path.name.startswith(".")}


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
        "memory ran out: batches of 8 now go in 2 parts, their gradients added up"
    ]
    assert "2 parts" in epochs[0].describe()


def test_memory_too_small_for_two_images_ends_training(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cramped(self: EmotionNetwork, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(EmotionNetwork, "forward", cramped)

    with pytest.raises(TrainingError, match="image_size"):
        run_training(faces, tmp_path)


def test_a_step_whose_gradient_is_not_finite_is_skipped() -> None:
    network = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, fused=True)
    before = network.weight.detach().clone()
    network(torch.tensor([[float("inf"), 1.0]])).sum().backward()

    is_skipped = _follow(RECIPE, network, optimizer)
    unchanged = torch.equal(network.weight, before)
    optimizer.zero_grad()
    network(torch.ones(1, 2)).sum().backward()
    is_skipped_too = _follow(RECIPE, network, optimizer)

    assert (is_skipped.item(), is_skipped_too.item()) == (1.0, 0.0)
    assert unchanged
    assert not torch.equal(network.weight, before)


def test_too_many_skipped_steps_end_training_and_few_are_recorded() -> None:
    assert _report_skipped(torch.tensor([0.0] * 99 + [1.0]), epoch=2) == [
        "epoch 2: 1 of 100 steps skipped, gradient not finite"
    ]
    with pytest.raises(TrainingError, match=r"6 of 100 steps.*learning_rate"):
        _report_skipped(torch.tensor([1.0] * 6 + [0.0] * 94), epoch=2)


def test_a_collapsed_network_ends_training_and_leaves_no_model(
    tmp_path: Path,
) -> None:
    folder = make_faces(tmp_path / "faces", per_expression=40)
    recipe = make_recipe(epochs=1, learning_rate=1e-8, validation_share=0.5, batch_size=160)

    with pytest.raises(TrainingError, match="collapsed"):
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
        # Files may grow to a megabyte: every write beyond fails as on a full disk.
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = ["train", "--network", "efficientnet_b0", "--preset", "quick", "--weights", "none"]
    command += ["--image-size", "32", "--epochs", "1", "--batch-size", "8", "--device", "cpu"]
    command += ["--validation-share", "0.25", "--data", str(faces), "--out", str(tmp_path)]

    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True)

    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert visible(tmp_path / "efficientnet_b0") == {"recipe.json"}
