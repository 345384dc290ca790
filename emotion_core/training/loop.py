"""Training one network: readable from top to bottom, interruptible after any epoch."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from emotion_core.errors import DataError, RecipeError, TrainingError
from emotion_core.statistics import metrics
from emotion_core.training.distributed import distributed_context
from emotion_core.training.epoch import train_epoch
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.objective import loss_and_metrics
from emotion_core.training.outcome import write_outcome
from emotion_core.training.precision import choose_precision
from emotion_core.training.progress import Progress
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import RunDirectory
from emotion_core.training.split import Split
from emotion_core.training.state import TrainingState
from emotion_core.training.subset import Subset
from emotion_core.vision.checkpoint import load_weights
from emotion_core.vision.device import pick_device, prepare_device
from emotion_core.vision.inference import infer
from emotion_core.vision.network import EmotionNetwork, build_network

COMPILING_PAYS = 500_000
"""Images in a whole training from which ``torch.compile`` is worth its minute on a GPU."""


@dataclass(frozen=True)
class Pretraining:
    """A finished earlier stage on another labelled set, as the main training takes it up."""

    weights: Path
    facts: dict[str, Any]
    """Kept with the model: data set, fingerprint, SHA-256 of the weights."""


@dataclass(frozen=True)
class EpochResult:
    """One finished epoch.

    Attributes:
        epoch: From 1.
        epochs: Of the whole training.
        train: ``loss`` and every metric, gathered from the epoch's own training steps.
        validation: ``loss`` and every metric, on all held-out images after the epoch.
        images_per_second: Of the training steps.
        seconds: Of the whole epoch, validation included.
        is_best: Whether it is the best epoch so far by
            :func:`emotion_core.statistics.metrics.selection_score`.
        precision: Of the training steps, ``float32`` or ``bfloat16``.
        adjustments: What training changed on the way to get through the epoch.
    """

    epoch: int
    epochs: int
    train: dict[str, float]
    validation: dict[str, float]
    images_per_second: float
    seconds: float
    is_best: bool
    precision: str = "float32"
    adjustments: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As kept in ``history.json``."""
        left_out = ("epochs", "precision", "adjustments")
        return {k: v for k, v in vars(self).items() if k not in left_out}

    def describe(self) -> str:
        """One line for people and logs."""
        left = round(self.seconds * (self.epochs - self.epoch))
        held_out = self.validation
        return " · ".join(
            [
                f"epoch {self.epoch}/{self.epochs}",
                f"loss {self.train['loss']:.3f}, held out {held_out['loss']:.3f}",
                f"accuracy {held_out['accuracy']:.3f}",
                f"CCC {held_out['ccc_valence']:.3f} / {held_out['ccc_arousal']:.3f}",
                f"{self.images_per_second:.0f} images/s in {self.precision}",
                f"{left // 60}:{left % 60:02d} left",
            ]
            + (["best so far"] if self.is_best else [])
            + self.adjustments
        )


def train(
    recipe: Recipe,
    labelled_set: LabelledSet,
    split: Split,
    directory: Path,
    *,
    device: str = "auto",
    weights_dir: Path | None = None,
    pretraining: Pretraining | None = None,
) -> Iterator[EpochResult]:
    """Train one network; yields as each epoch ends. When exhausted, the run directory is complete.

    The weights kept are those that the last epoch ends with or, where the recipe keeps the best,
    those of the epoch with the best :func:`emotion_core.statistics.metrics.selection_score` on the
    validation split; the run's metrics are theirs. The train split's metrics are gathered from the
    training steps themselves, with dropout and augmentation on and the weights moving underneath:
    they stand below what the epoch's last weights would reach, and save a second pass over the
    larger split.

    Started again with the same folder, recipe and data, it goes on after the last finished epoch
    (on a CPU to the same result as without the interruption); when finished, it yields nothing.
    The same seed in the same precision on the same device gives the same weights; see
    :func:`emotion_core.training.precision.choose_precision`.

    Args:
        recipe: What to do.
        labelled_set: The images, read with pixels of the recipe's ``image_size``.
        split: Made with the recipe's seed, validation share and fold.
        directory: Run directory; made when missing.
        device: ``auto``, ``cpu`` or ``cuda``.
        weights_dir: See :func:`emotion_core.vision.network.build_network`.
        pretraining: The finished earlier stage, where the recipe has one.

    Raises:
        TrainingError: The folder belongs to another recipe, other data or another process; the
            split is not the recipe's; the loss is no longer a finite number; or what came of it
            is no better than guessing.
        DataError: The recipe learns valence and arousal and the set has none.
        RecipeError: The recipe has an earlier stage and none is given.
        WeightsError: The pretrained weights cannot be had.
        SettingsError: The device is not there.
        StorageError: The disk is full, or the folder does not allow writing.
    """
    data = _fingerprints(recipe, labelled_set, split, pretraining)
    target = pick_device(device)
    prepare_device(target)
    with distributed_context(target) as (context, target):
        run = RunDirectory(directory)
        with run.locked() if context.is_main else nullcontext():
            if context.is_main:
                run.begin(recipe)
            context.barrier()
            if run.is_complete:
                run.require_same_data(run.read().model["data"], data)
                Progress.remove(directory)
                return
            progress = Progress.read(directory)
            if progress is not None:
                run.require_same_data(progress.data, data)
            network = _starting_network(recipe, weights_dir, pretraining, is_resumed=bool(progress))
            if context.is_main:
                run.require_room(4 * sum(p.numel() for p in network.parameters()))
            state = TrainingState.of(recipe, network, target, context)
            if progress is None:
                progress = Progress(data, recipe.keep)
            else:
                Progress.restore(directory, state)
            precision = choose_precision(
                state, Subset(labelled_set, split.train), progress.precision
            )
            progress.precision = precision.to_dict()
            state.precision = precision.name
            state.learner = context.wrap(network)
            # Compiling takes about a minute on a GPU, which a training of a few thousand faces does
            # not last; on a CPU it gained nothing (docs/training/experiments.md).
            if target.type == "cuda" and recipe.epochs * len(split.train) >= COMPILING_PAYS:
                state.learner.compile()
            yield from _epochs(state, progress, labelled_set, split, directory)
            if context.is_main:
                write_outcome(run, labelled_set, split, progress, state)
                Progress.remove(directory)
            context.barrier()


def _epochs(
    state: TrainingState,
    progress: Progress,
    labelled_set: LabelledSet,
    split: Split,
    directory: Path,
) -> Iterator[EpochResult]:
    """The epochs that are left, each on disk before it is yielded."""
    recipe, context = state.recipe, state.context
    train, held_out = Subset(labelled_set, split.train), Subset(labelled_set, split.validation)
    for epoch in range(progress.finished_epochs + 1, recipe.epochs + 1):
        started = time.perf_counter()
        trained, adjustments = train_epoch(state, epoch, train)
        stepped = time.perf_counter()
        context.broadcast_buffers(state.evaluated)
        evaluated = state.evaluated.eval()
        scores = infer(evaluated, state.preprocessing, held_out.pixels, state.device)
        validated = loss_and_metrics(recipe, held_out.truth, held_out.truth_va, scores)
        score = metrics.selection_score(validated)
        result = EpochResult(
            epoch=epoch,
            epochs=recipe.epochs,
            train=trained,
            validation=validated,
            images_per_second=len(train) / (stepped - started),
            seconds=time.perf_counter() - started,
            is_best=progress.is_better(score),
            precision=state.precision,
            adjustments=adjustments,
        )
        progress.add(result.to_dict(), score, adjustments)
        if context.is_main:
            progress.save(directory, state)
        context.barrier()
        yield result


def _fingerprints(
    recipe: Recipe, labelled_set: LabelledSet, split: Split, pretraining: Pretraining | None
) -> dict[str, Any]:
    made_with = (split.seed, split.validation_share, split.fold)
    asked_for = (recipe.seed, recipe.validation_share, recipe.fold)
    if made_with != asked_for:
        raise TrainingError(
            f"the split was made with seed, validation_share and fold {made_with}, the recipe says "
            f"{asked_for}; split the data set as the recipe says"
        )
    if len(split.train) < 2 or not split.validation:
        raise TrainingError(
            f"{labelled_set.source} leaves {len(split.train)} images to train and "
            f"{len(split.validation)} to validate; at least 2 and 1 are needed"
        )
    if labelled_set.pixels is None or labelled_set.pixels.shape[1] != recipe.image_size:
        raise TrainingError(
            f"{labelled_set.source} was not read with pixels of image_size {recipe.image_size}"
        )
    if recipe.learns_affect and not labelled_set.has_affect:
        raise DataError(
            f"{labelled_set.source} has no valence and arousal; set affect_weight and ccc_weight "
            "to 0, or use it as pretraining data"
        )
    if bool(recipe.pretraining_epochs) != (pretraining is not None):
        raise RecipeError(
            f"pretraining_epochs is {recipe.pretraining_epochs}, and the finished stage was "
            f"{'not ' if pretraining is None else ''}given"
        )
    return {
        "dataset_name": labelled_set.name,
        "dataset_fingerprint": labelled_set.fingerprint,
        "split_fingerprint": split.fingerprint,
        **(pretraining.facts if pretraining else {}),
    }


def _starting_network(
    recipe: Recipe,
    weights_dir: Path | None,
    pretraining: Pretraining | None,
    *,
    is_resumed: bool,
) -> EmotionNetwork:
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay its own
        torch.manual_seed(recipe.training_seed)
        # A checkpoint or an earlier stage holds every weight: going on needs no download.
        network = build_network(
            recipe.network,
            weights="none" if is_resumed or pretraining else recipe.weights,
            weights_dir=weights_dir,
            dropout=recipe.dropout,
        )
    if pretraining is not None and not is_resumed:
        load_weights(network, pretraining.weights.read_bytes(), str(pretraining.weights))
    return network
