"""Training one network: readable from top to bottom, interruptible after any epoch."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from emotion_core import metrics
from emotion_core.errors import TrainingError
from emotion_core.training.affectnet import LabelledSet
from emotion_core.training.augmentation import flip_and_shift
from emotion_core.training.objective import objective
from emotion_core.training.optimizer import build_optimizer, learning_rate, set_learning_rate
from emotion_core.training.outcome import write_outcome
from emotion_core.training.part import Part, figures
from emotion_core.training.pixels import load_pixels
from emotion_core.training.progress import Progress
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import RunDirectory
from emotion_core.training.split import Split
from emotion_core.vision.device import pick_device, prepare_device, training_precision
from emotion_core.vision.inference import Scores, infer
from emotion_core.vision.network import EmotionNetwork, build_network
from emotion_core.vision.preprocessing import Preprocessing


@dataclass(frozen=True)
class EpochResult:
    """One finished epoch."""

    epoch: int
    """From 1."""
    epochs: int
    train: dict[str, float]
    """``loss`` and every metric, gathered from the epoch's own training steps."""
    validation: dict[str, float]
    """``loss`` and every metric, on all held-out images after the epoch."""
    images_per_second: float
    """Of the training steps."""
    seconds: float
    """Of the whole epoch, validation included."""
    is_best: bool
    """Whether it is the best epoch so far by :func:`emotion_core.metrics.selection_score`."""

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
                f"{self.images_per_second:.0f} images/s",
                f"{left // 60}:{left % 60:02d} left",
            ]
            + (["best so far"] if self.is_best else [])
        )


def train(
    recipe: Recipe,
    labelled_set: LabelledSet,
    split: Split,
    directory: Path,
    *,
    device: str = "auto",
    weights_dir: Path | None = None,
) -> Iterator[EpochResult]:
    """Train one network; yields as each epoch ends. When exhausted, the run directory is complete.

    The weights kept are those of the epoch with the best
    :func:`emotion_core.metrics.selection_score` on the held-out part, and the run's figures are
    theirs. The train part's figures are gathered from the training steps themselves, with dropout
    and augmentation on and the weights moving underneath: they stand below what the epoch's last
    weights would reach, and save a second pass over the larger part.

    Started again with the same folder, recipe and data, it goes on after the last finished epoch
    (on a CPU to the same result as without the interruption); when finished, it yields nothing.
    The same seed on the same device gives the same weights.

    Args:
        recipe: What to do.
        labelled_set: The images.
        split: Made with the recipe's seed and validation share.
        directory: Run directory; made when missing.
        device: ``auto``, ``cpu`` or ``cuda``.
        weights_dir: See :func:`emotion_core.vision.network.build_network`.

    Raises:
        TrainingError: The folder belongs to another recipe, other data or another process; the
            split is not the recipe's; or the loss is no longer a finite number.
        DataError: An image has changed since the data set was read.
        WeightsError: The pretrained weights cannot be had.
        SettingsError: The device is not there.
    """
    run = RunDirectory(directory)
    data = _fingerprints(recipe, labelled_set, split)
    with run.locked():
        run.begin(recipe)
        if run.is_complete:
            run.require_same_data(run.read().model["data"], data)
            Progress.remove(directory)
            return
        progress = Progress.read(directory)
        if progress is not None:
            run.require_same_data(progress.data, data)

        target = pick_device(device)
        prepare_device(target)
        network = _starting_network(recipe, weights_dir, is_resumed=progress is not None)
        network.to(target)
        optimizer = build_optimizer(recipe, network)
        if progress is None:
            progress = Progress(data)
        else:
            Progress.restore(directory, network, optimizer)

        preprocessing = Preprocessing(recipe.image_size)
        pixels = load_pixels(labelled_set, preprocessing)
        train_part = Part.of(labelled_set, split.train, pixels)
        held_out = Part.of(labelled_set, split.validation, pixels)
        del pixels

        for epoch in range(progress.finished_epochs + 1, recipe.epochs + 1):
            started = time.perf_counter()
            trained = _train_epoch(recipe, epoch, network, optimizer, preprocessing, train_part)
            stepped = time.perf_counter()
            scores = infer(network.eval(), preprocessing, held_out.pixels, target)
            validated = figures(recipe, held_out.truth, held_out.truth_va, scores)
            result = EpochResult(
                epoch=epoch,
                epochs=recipe.epochs,
                train=trained,
                validation=validated,
                images_per_second=len(train_part) / (stepped - started),
                seconds=time.perf_counter() - started,
                is_best=progress.is_better(metrics.selection_score(validated)),
            )
            progress.add(asdict(result), metrics.selection_score(validated))
            progress.save(directory, network, optimizer)
            yield result

        write_outcome(
            run,
            recipe,
            labelled_set,
            split,
            progress,
            network,
            preprocessing,
            train_part,
            held_out,
        )
        Progress.remove(directory)


def _fingerprints(recipe: Recipe, labelled_set: LabelledSet, split: Split) -> dict[str, str]:
    made_with = (split.seed, split.validation_share)
    asked_for = (recipe.seed, recipe.validation_share)
    if made_with != asked_for:
        raise TrainingError(
            f"the split was made with seed and validation_share {made_with}, the recipe says "
            f"{asked_for}; split the data set as the recipe says"
        )
    if len(split.train) < 2 or not split.validation:
        raise TrainingError(
            f"{labelled_set.source} leaves {len(split.train)} images to train and "
            f"{len(split.validation)} to validate; at least 2 and 1 are needed"
        )
    return {
        "dataset_name": labelled_set.name,
        "dataset_fingerprint": labelled_set.fingerprint,
        "split_fingerprint": split.fingerprint,
    }


def _starting_network(
    recipe: Recipe, weights_dir: Path | None, *, is_resumed: bool
) -> EmotionNetwork:
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay its own
        torch.manual_seed(recipe.seed)
        return build_network(
            recipe.network,
            # The checkpoint holds every weight: going on needs no download.
            weights="none" if is_resumed else recipe.weights,
            weights_dir=weights_dir,
            dropout=recipe.dropout,
        )


def _train_epoch(
    recipe: Recipe,
    epoch: int,
    network: EmotionNetwork,
    optimizer: torch.optim.Optimizer,
    preprocessing: Preprocessing,
    part: Part,
) -> dict[str, float]:
    """One pass over the training images; their figures, gathered on the way."""
    device = next(network.parameters()).device
    truth = torch.from_numpy(part.truth)
    truth_va = torch.from_numpy(part.truth_va).float()
    losses, logits_seen, va_seen = [], [], []
    network.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        seed = int(np.random.SeedSequence([recipe.seed, epoch]).generate_state(1)[0])
        torch.manual_seed(seed)  # dropout's numbers
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(part), generator=generator)
        batches = _batches(order, recipe.batch_size)
        for number, batch in enumerate(batches):
            step = (epoch - 1) * len(batches) + number
            rate = learning_rate(recipe, step, recipe.epochs * len(batches))
            set_learning_rate(optimizer, rate)
            pixels = torch.from_numpy(part.pixels[batch.numpy()]).to(device)
            if recipe.augmentation == "flip_and_shift":
                pixels = flip_and_shift(pixels, generator)
            with training_precision(device):
                logits, va = network(preprocessing.normalise(pixels))
            logits, va = logits.float(), va.float()
            loss = objective(
                recipe, logits, va, truth[batch].to(device), truth_va[batch].to(device)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.detach())
            logits_seen.append(logits.detach())
            va_seen.append(va.detach())
    # Fetched once an epoch: asking after every step would make a GPU wait for Python.
    _require_finite(torch.stack(losses).cpu(), epoch)
    scores = Scores(
        probabilities=torch.cat(logits_seen).softmax(dim=1).cpu().numpy(),
        va=torch.cat(va_seen).cpu().numpy(),
    )
    return figures(recipe, part.truth[order.numpy()], part.truth_va[order.numpy()], scores)


def _batches(order: Tensor, batch_size: int) -> list[Tensor]:
    """Consecutive slices. A last one of a single image joins its neighbour: batch normalisation
    cannot learn from one value."""
    batches = list(torch.split(order, batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _require_finite(losses: Tensor, epoch: int) -> None:
    is_finite = torch.isfinite(losses)
    if not is_finite.all():
        first = int((~is_finite).nonzero()[0])
        raise TrainingError(
            f"in epoch {epoch}, step {first + 1} of {len(losses)}, the loss became "
            f"{losses[first].item()}; use a smaller learning_rate"
        )
