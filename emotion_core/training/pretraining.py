"""The stage before the main training: the same network on another labelled set of faces.

It is a training run like any other, with its own run directory, shared by every run that asks for
the same stage: the folds of a cross-validation, or both halves of an ablation.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from emotion_core.errors import RecipeError
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.loop import EpochResult, Pretraining, train
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import WEIGHTS_FILE, RunDirectory
from emotion_core.training.split import split_by_content


def pretrain(
    recipe: Recipe,
    labelled_set: LabelledSet,
    stages: Path,
    *,
    device: str = "auto",
    weights_dir: Path | None = None,
) -> Iterator[EpochResult]:
    """Train the stage that ``recipe`` asks for, or find it done; yields as each epoch ends.

    Args:
        recipe: Of the main training; its ``pretraining_epochs`` is above 0.
        labelled_set: Faces with expressions; valence and arousal are not used.
        stages: Folder of all stages; each gets a run directory in it, named by its content.
        device: As in :func:`emotion_core.training.loop.train`.
        weights_dir: As there.

    Raises:
        RecipeError: The recipe asks for no such stage.
        TrainingError: As in :func:`emotion_core.training.loop.train`.
    """
    stage = recipe.pretraining()
    split = split_by_content(labelled_set, stage.seed, stage.validation_share)
    directory = _directory(recipe, labelled_set, stages)
    yield from train(stage, labelled_set, split, directory, device=device, weights_dir=weights_dir)


def finished(recipe: Recipe, labelled_set: LabelledSet, stages: Path) -> Pretraining:
    """The stage that :func:`pretrain` has trained.

    Raises:
        TrainingError: It is not finished.
    """
    directory = _directory(recipe, labelled_set, stages)
    result = RunDirectory(directory).read()
    return Pretraining(
        weights=directory / WEIGHTS_FILE,
        facts={
            "pretraining_dataset": labelled_set.name,
            "pretraining_fingerprint": labelled_set.fingerprint,
            "pretraining_weights_sha256": result.model["weights_sha256"],
            "pretraining_accuracy": result.metrics["validation"]["accuracy"],
        },
    )


def require_set(recipe: Recipe, labelled_set: LabelledSet | None) -> None:
    """Check that a set is there exactly when the recipe has a pretraining stage.

    Raises:
        RecipeError: One without the other.
    """
    if recipe.pretraining_epochs and labelled_set is None:
        raise RecipeError(
            f"pretraining_epochs is {recipe.pretraining_epochs}, but no pretraining data was named"
        )
    if labelled_set is not None and not recipe.pretraining_epochs:
        raise RecipeError(
            f"{labelled_set.source} was named as pretraining data, but pretraining_epochs is 0"
        )


def _directory(recipe: Recipe, labelled_set: LabelledSet, stages: Path) -> Path:
    identity = [recipe.pretraining().to_dict(), labelled_set.fingerprint]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    name = recipe.network.replace(":", "_")
    return stages / f"{name}-{digest[:12]}"
