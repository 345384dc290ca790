"""Training takes the faster precision, and timing it moves nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_faces import NETWORK, RECIPE, begin_training, make_recipe, read_faces, run_training

from emotion_core.training import precision
from emotion_core.training.distributed import DistributedContext
from emotion_core.training.loop import EpochResult
from emotion_core.training.precision import Precision, choose_precision, step_seconds
from emotion_core.training.progress import Progress
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import RunDirectory
from emotion_core.training.state import TrainingState
from emotion_core.training.subset import Subset
from emotion_core.vision.network import build_network

LONG = make_recipe(epochs=500)
"""So long that timing pays, also with 32 faces."""


def start(faces: Path, recipe: Recipe) -> tuple[TrainingState, Subset]:
    labelled_set, split = read_faces(faces, recipe)
    network = build_network(NETWORK, weights="none")
    state = TrainingState.of(recipe, network, torch.device("cpu"))
    return state, Subset(labelled_set, split.train)


def have_bfloat16(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float] | None = None
) -> list[str]:
    """A processor with bfloat16 instructions and these seconds a step; returns what was timed."""
    timed: list[str] = []

    def found(state: TrainingState, images: Subset, name: str) -> float:
        timed.append(name)
        assert seconds is not None, "nothing may be timed"
        return seconds[name]

    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "step_seconds", found)
    return timed


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"),
    [
        (1.86, 1.0, "bfloat16"),
        (0.89, 1.0, "float32"),
        (1.04, 1.0, "float32"),
        (1.0, float("inf"), "float32"),
        (float("inf"), float("inf"), "float32"),
    ],
)
def test_the_faster_precision_is_taken_and_recorded(
    faces: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    float32: float,
    bfloat16: float,
    chosen: str,
) -> None:
    seconds = {"float32": float32, "bfloat16": bfloat16}
    timed = have_bfloat16(monkeypatch, seconds)
    caplog.set_level("INFO")

    found = choose_precision(*start(faces, LONG), recorded={})

    assert timed == ["float32", "bfloat16"] * 3  # in turns, the first pair to warm up
    assert found.name == chosen
    assert found.step_seconds == {k: v for k, v in seconds.items() if v != float("inf")}
    assert f"training in {chosen}: one step took {float32:.3f} s in float32" in caplog.text


def test_without_bfloat16_instructions_nothing_is_timed(
    faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = have_bfloat16(monkeypatch)
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    rounded = Precision("bfloat16").to_dict()  # begun on another machine

    assert choose_precision(*start(faces, LONG), recorded={}) == Precision("float32")
    assert choose_precision(*start(faces, LONG), recorded=rounded) == Precision("float32")
    assert not timed


def test_a_training_of_a_few_steps_is_not_timed(
    faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = have_bfloat16(monkeypatch)

    found = choose_precision(*start(faces, RECIPE), recorded={})

    assert found == Precision("float32")
    assert not timed


class OtherIsSlow(DistributedContext):
    """One of two processes; the other one is slow in float32."""

    def all_gather(self, mine: Any) -> list[Any]:
        return [mine, {"float32": 5.0, "bfloat16": 1.0}]


def test_processes_that_train_together_choose_by_the_sum_of_their_times(
    faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_bfloat16(monkeypatch, {"float32": 1.0, "bfloat16": 2.0})
    state, images = start(faces, LONG)
    state.context = OtherIsSlow(rank=0, world_size=2)

    found = choose_precision(state, images, recorded={})

    assert found == Precision("bfloat16", {"float32": 6.0, "bfloat16": 3.0})


def test_a_precision_whose_step_fails_takes_for_ever(faces: Path) -> None:
    state, images = start(faces, LONG)
    torch.nn.init.constant_(state.network.get_parameter("affect_head.3.weight"), float("nan"))

    assert step_seconds(state, images.first(8), "bfloat16") == float("inf")


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_timed_step_leaves_weights_optimizer_and_random_numbers_as_they_are(
    faces: Path, name: str
) -> None:
    state, images = start(faces, make_recipe(averaging=0.9, mixup=0.4))
    before = {key: value.clone() for key, value in state.network.state_dict().items()}
    random = torch.get_rng_state()

    seconds = step_seconds(state, images.first(8), name)

    assert 0 < seconds < float("inf")
    assert all(torch.equal(value, before[key]) for key, value in state.network.state_dict().items())
    assert all(parameter.grad is None for parameter in state.network.parameters())
    assert not state.optimizer.state
    assert state.precision == "float32"
    assert torch.equal(torch.get_rng_state(), random)


def test_a_training_that_was_timed_gives_the_weights_of_one_that_was_not(
    faces: Path,
    tmp_path: Path,
    trained: tuple[Path, list[EpochResult]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "TIMING_PAYS", 1)
    monkeypatch.setattr(precision, "WORTHWHILE", float("inf"))

    run_training(faces, tmp_path)

    timed, untimed = RunDirectory(tmp_path).read(), RunDirectory(trained[0]).read()
    assert set(timed.summary["precision"]["step_seconds"]) == {"float32", "bfloat16"}
    assert timed.model["weights_sha256"] == untimed.model["weights_sha256"]
    assert timed.metrics == untimed.metrics


def test_a_resumed_training_keeps_its_precision_and_its_result(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "TIMING_PAYS", 1)
    faster = {"float32": 2.0, "bfloat16": 1.0}
    have_bfloat16(monkeypatch, faster)
    whole = run_training(faces, tmp_path / "whole")
    begin_training(faces, tmp_path / "resumed")
    begun = Progress.read(tmp_path / "resumed")
    have_bfloat16(monkeypatch)

    rest = run_training(faces, tmp_path / "resumed")

    results = [RunDirectory(tmp_path / name).read() for name in ("whole", "resumed")]
    assert begun is not None
    assert begun.precision == {"name": "bfloat16", "step_seconds": faster}
    assert [result.summary["precision"] for result in results] == [begun.precision] * 2
    assert [epoch.epoch for epoch in rest] == [2, 3]
    assert "images/s in bfloat16" in rest[0].describe()
    assert results[0].model["weights_sha256"] == results[1].model["weights_sha256"]
    assert [one.train for one in rest] == [one.train for one in whole[1:]]
