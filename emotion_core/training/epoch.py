"""One pass over the training images, step by step."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from emotion_core.errors import TrainingError
from emotion_core.training.augmentation import augment
from emotion_core.training.averaging import WeightAverage
from emotion_core.training.distributed import Peers
from emotion_core.training.objective import objective
from emotion_core.training.optimizer import learning_rate, set_learning_rate
from emotion_core.training.part import Part, figures
from emotion_core.training.recipe import Recipe
from emotion_core.vision.device import training_precision
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.scores import Scores

SKIPPED_LIMIT = 0.05
"""Share of an epoch's steps that may be skipped because a gradient was not finite."""


@dataclass
class Pace:
    """How a batch goes through the device: whole, or in parts when memory is short."""

    parts: int = 1
    may_change: bool = True
    """Of several processes one alone cannot change its pace: the others wait for it."""


@dataclass(frozen=True)
class Trained:
    """What one pass gave."""

    figures: dict[str, float]
    """``loss`` and every metric, gathered from the steps themselves."""
    adjustments: list[str]
    """What was changed on the way to get through."""


@dataclass(frozen=True, eq=False)
class _Batch:
    pixels: Tensor
    """[N, S, S, 3], augmented."""
    truth: Tensor
    """int64 [N], or float [N, 8] where images are blended."""
    truth_va: Tensor
    """[N, 2]."""
    weight: float
    """Of this batch's mean in the mean over all processes' parts."""


def train_epoch(
    recipe: Recipe,
    epoch: int,
    network: nn.Module,
    average: WeightAverage | None,
    optimizer: torch.optim.Optimizer,
    preprocessing: Preprocessing,
    part: Part,
    pace: Pace,
    peers: Peers,
) -> Trained:
    """Take every training image once, in an order that the seed and the epoch decide.

    The figures are those of the steps themselves, with dropout and augmentation on and the weights
    moving underneath; with ``mixup`` they are measured against the first of the blended images.

    Args:
        recipe: What to do.
        epoch: From 1.
        network: On its device, as :meth:`Peers.wrapped` gives it; learns.
        average: Follows it, where the recipe asks for it.
        optimizer: Of the network.
        preprocessing: Of the network.
        part: The training images.
        pace: Slowed down here when memory runs out.
        peers: Each takes its share of every batch; all return the same.

    Raises:
        TrainingError: The loss is no longer a number, too many gradients were not finite, or not
            even two images at a time fit into memory.
    """
    device = next(network.parameters()).device
    truth = torch.from_numpy(part.truth)
    truth_va = torch.from_numpy(part.truth_va).float()
    adjustments: list[str] = []
    losses, skipped, logits_seen, va_seen, shown = [], [], [], [], []
    network.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        common, own = np.random.SeedSequence([recipe.seed, epoch]).generate_state(2)
        order = torch.randperm(len(part), generator=torch.Generator().manual_seed(int(common)))
        batches = _batches(order, recipe.batch_size, 2 * peers.count)
        torch.manual_seed(int(own) + peers.rank)  # dropout's numbers
        generator = torch.Generator().manual_seed(int(own) + peers.rank)
        for number, whole in enumerate(batches):
            step = (epoch - 1) * len(batches) + number
            set_learning_rate(optimizer, learning_rate(recipe, step, recipe.epochs * len(batches)))
            chosen = peers.share(whole)
            batch = _blended(
                recipe,
                _Batch(
                    augment(part.on(device, chosen), recipe.augmentations, generator),
                    truth[chosen].to(device),
                    truth_va[chosen].to(device),
                    weight=peers.count * len(chosen) / len(whole),
                ),
                generator,
            )
            loss, logits, va = _gradients(
                recipe, network, optimizer, preprocessing, batch, pace, adjustments
            )
            skipped.append(_follow(recipe, network, optimizer))
            if average is not None:
                average.update(step + 1)
            losses.append(loss)
            logits_seen.append(logits)
            va_seen.append(va)
            shown.append(chosen)
    # Fetched once an epoch: asking after every step would make a GPU wait for Python.
    _require_finite(torch.stack(losses).cpu(), epoch)
    adjustments += _report_skipped(torch.stack(skipped).cpu(), epoch)
    mine = (
        torch.cat(shown).numpy(),
        torch.cat(logits_seen).softmax(dim=1).cpu().numpy(),
        torch.cat(va_seen).cpu().numpy(),
    )
    positions, probabilities, affect = (
        np.concatenate(kind) for kind in zip(*peers.gathered(mine), strict=True)
    )
    scores = Scores(probabilities, affect)
    return Trained(
        figures(recipe, part.truth[positions], part.truth_va[positions], scores), adjustments
    )


def _batches(order: Tensor, batch_size: int, smallest: int) -> list[Tensor]:
    """Consecutive slices. A last one that is too small joins its neighbour: batch normalisation
    cannot learn from one value."""
    batches = list(torch.split(order, batch_size))
    if len(batches) > 1 and len(batches[-1]) < smallest:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _blended(recipe: Recipe, batch: _Batch, generator: torch.Generator) -> _Batch:
    """mixup (Zhang et al. 2018, arXiv 1710.09412): each image with another, labels alike."""
    if not recipe.mixup:
        return batch
    seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(recipe.mixup, recipe.mixup))
    share = max(share, 1 - share)  # the first image stays the one that its figures are for
    other = torch.randperm(len(batch.truth), generator=generator).to(batch.truth.device)
    sharp = nn.functional.one_hot(batch.truth, 8).float()
    pixels = batch.pixels.float()
    return _Batch(
        torch.lerp(pixels[other], pixels, share),
        torch.lerp(sharp[other], sharp, share),
        torch.lerp(batch.truth_va[other], batch.truth_va, share),
        batch.weight,
    )


def _gradients(
    recipe: Recipe,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    preprocessing: Preprocessing,
    batch: _Batch,
    pace: Pace,
    adjustments: list[str],
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, logits and affect of a batch, with the loss's gradients left in the network.

    When memory runs out the batch goes in twice as many parts and their gradients are added up:
    the recipe's batch size stays what the optimizer sees.
    """
    while True:
        try:
            return _accumulate(recipe, network, optimizer, preprocessing, batch, pace.parts)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if not _is_out_of_memory(error) or not pace.may_change:
                raise
            size = len(batch.truth) // (2 * pace.parts)
            if size < 2:
                raise TrainingError(
                    f"the memory does not hold two images of {preprocessing.image_size} pixels "
                    f"with {recipe.network}; use a smaller image_size or a larger machine"
                ) from None
        # Outside the handler, whose traceback would keep the failed step's tensors alive.
        pace.parts *= 2
        optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        adjustments.append(
            f"memory ran out: batches of {recipe.batch_size} now go in {pace.parts} parts, "
            "their gradients added up"
        )


def _accumulate(
    recipe: Recipe,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    preprocessing: Preprocessing,
    batch: _Batch,
    parts: int,
) -> tuple[Tensor, Tensor, Tensor]:
    device = batch.pixels.device
    optimizer.zero_grad(set_to_none=True)
    losses, logits_seen, va_seen = [], [], []
    for places in torch.arange(len(batch.truth), device=device).chunk(parts):
        share = len(places) / len(batch.truth)
        with training_precision(device):
            logits, va = network(preprocessing.normalise(batch.pixels[places]))
        logits, va = logits.float(), va.float()
        loss = share * objective(recipe, logits, va, batch.truth[places], batch.truth_va[places])
        (batch.weight * loss).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
        logits_seen.append(logits.detach())
        va_seen.append(va.detach())
    return torch.stack(losses).sum(), torch.cat(logits_seen), torch.cat(va_seen)


def _follow(recipe: Recipe, network: nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
    """Make the step unless the gradient is not finite; returns 1 when it was not, else 0.

    Decided on the device, by the fused optimizer itself: nobody waits for the answer.
    """
    limit = recipe.clip_norm or float("inf")
    length = nn.utils.clip_grad_norm_(network.parameters(), limit, foreach=True)
    is_broken = (~torch.isfinite(length)).float().reshape(())
    optimizer.found_inf = is_broken  # type: ignore[attr-defined]
    optimizer.step()
    return is_broken


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _require_finite(losses: Tensor, epoch: int) -> None:
    is_finite = torch.isfinite(losses)
    if not is_finite.all():
        first = int((~is_finite).nonzero()[0])
        raise TrainingError(
            f"in epoch {epoch}, step {first + 1} of {len(losses)}, the loss became "
            f"{losses[first].item()}; use a smaller learning_rate"
        )


def _report_skipped(skipped: Tensor, epoch: int) -> list[str]:
    count = int(skipped.sum())
    if count > SKIPPED_LIMIT * len(skipped):
        raise TrainingError(
            f"in epoch {epoch} the gradient was not finite in {count} of {len(skipped)} steps; "
            "use a smaller learning_rate or set clip_norm"
        )
    if not count:
        return []
    return [f"epoch {epoch}: {count} of {len(skipped)} steps skipped, gradient not finite"]
