"""The stage before the main training: the same network on another labelled set of faces.

It is a training run like any other, with its own run directory, shared by every run that asks for
the same stage: the folds of a cross-validation, or both halves of an ablation.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from emotion_core.errors import RecipeError
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.loop import EpochResult, Pretraining, train
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import WEIGHTS_FILE, RunDirectory
from emotion_core.training.split import split_by_content


def pretrain(
    recipe: Recipe,
    labelled_set: LabelledSet | None,
    stages: Path,
    report: Callable[[EpochResult], object],
    *,
    device: str = "auto",
    weights_dir: Path | None = None,
) -> Pretraining | None:
    """Train the stage that ``recipe`` asks for, or find it done; None where it asks for none.

    Args:
        recipe: Of the main training.
        labelled_set: Faces with expressions, read with pixels of ``pretraining_image_size``;
            valence and arousal are not used.
        stages: Folder of all stages; each gets a run directory in it, named by its content.
        report: Called as each epoch ends.
        device: As in :func:`emotion_core.training.loop.train`.
        weights_dir: As there.

    Raises:
        RecipeError: As :func:`require_set`.
        TrainingError: As in :func:`emotion_core.training.loop.train`.
    """
    require_set(recipe, labelled_set)
    if labelled_set is None:
        return None
    stage = recipe.pretraining()
    identity = json.dumps([stage.to_dict(), labelled_set.fingerprint], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    directory = stages / f"{recipe.network.replace(':', '_')}-{digest[:12]}"
    split = split_by_content(labelled_set, stage.seed, stage.validation_share)
    for epoch in train(
        stage, labelled_set, split, directory, device=device, weights_dir=weights_dir
    ):
        report(epoch)
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
    if bool(recipe.pretraining_epochs) != (labelled_set is not None):
        named = labelled_set.source if labelled_set else "nothing"
        raise RecipeError(
            f"pretraining_epochs is {recipe.pretraining_epochs}, and {named} was named as "
            "pretraining data: give both, or neither"
        )
