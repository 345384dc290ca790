"""One pass over the training images, step by step."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from emotion_core.errors import TrainingError
from emotion_core.training.augmentation import augment
from emotion_core.training.objective import loss_and_metrics, objective
from emotion_core.training.optimizer import learning_rate, set_learning_rate
from emotion_core.training.recipe import Recipe
from emotion_core.training.state import TrainingState
from emotion_core.training.subset import Subset
from emotion_core.vision.scores import Scores

SKIPPED_LIMIT = 0.05
"""Share of an epoch's steps that may be skipped because a gradient was not finite."""


@dataclass(frozen=True, eq=False)
class _Batch:
    """Images and labels on the device.

    Attributes:
        pixels: [N, S, S, 3], augmented.
        truth: int64 [N], or float [N, 8] where images are blended.
        truth_va: [N, 2].
        weight: Of this batch's mean in the mean over all processes' shards.
    """

    pixels: Tensor
    truth: Tensor
    truth_va: Tensor
    weight: float


def train_epoch(
    state: TrainingState, epoch: int, images: Subset
) -> tuple[dict[str, float], list[str]]:
    """Take every training image once, in an order that the seed and the epoch decide.

    The metrics are those of the steps themselves, with dropout and augmentation on and the weights
    moving underneath; with ``mixup`` they are measured against the first of the blended images.

    Args:
        state: Its network learns.
        epoch: From 1.
        images: Of the training split; every process takes its shard of each batch.

    Returns:
        ``loss`` and every metric, the same in every process, and what was adjusted on the way to
        get through.

    Raises:
        TrainingError: The loss is no longer a number, too many gradients were not finite, or not
            even two images at a time fit into memory.
    """
    recipe, device, context = state.recipe, state.device, state.context
    truth, truth_va = torch.from_numpy(images.truth), torch.from_numpy(images.truth_va).float()
    adjustments: list[str] = []
    losses, skipped, logits_seen, va_seen, shown = [], [], [], [], []
    state.learner.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        common, own = np.random.SeedSequence([recipe.training_seed, epoch]).generate_state(2)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(int(common)))
        batches = _batches(order, recipe.batch_size, 2 * context.world_size)
        torch.manual_seed(int(own) + context.rank)  # dropout's numbers
        generator = torch.Generator().manual_seed(int(own) + context.rank)
        for number, whole in enumerate(batches):
            step = (epoch - 1) * len(batches) + number
            rate = learning_rate(recipe, step, recipe.epochs * len(batches))
            set_learning_rate(state.optimizer, rate)
            chosen = context.shard(whole)
            batch = _Batch(
                augment(images.on(device, chosen), recipe.augmentations, generator),
                truth[chosen].to(device),
                truth_va[chosen].to(device),
                weight=context.world_size * len(chosen) / len(whole),
            )
            batch = _blended(recipe, batch, generator)
            loss, logits, va = _gradients(state, batch, adjustments)
            skipped.append(_step(state))
            if state.average is not None:
                state.average.update(step + 1)
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
        np.concatenate(kind) for kind in zip(*context.all_gather(mine), strict=True)
    )
    scores = Scores(probabilities, affect)
    found = loss_and_metrics(recipe, images.truth[positions], images.truth_va[positions], scores)
    return found, adjustments


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
    share = max(share, 1 - share)  # the first image stays the one that its metrics are for
    other = torch.randperm(len(batch.truth), generator=generator).to(batch.truth.device)
    sharp = nn.functional.one_hot(batch.truth, 8).float()
    pixels = batch.pixels.float()
    return replace(
        batch,
        pixels=torch.lerp(pixels[other], pixels, share),
        truth=torch.lerp(sharp[other], sharp, share),
        truth_va=torch.lerp(batch.truth_va[other], batch.truth_va, share),
    )


def _gradients(
    state: TrainingState, batch: _Batch, adjustments: list[str]
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, logits and affect of a batch, with the loss's gradients left in the network.

    When memory runs out the batch is divided into twice as many micro-batches and their gradients
    are accumulated: the recipe's batch size stays what the optimizer sees.
    """
    while True:
        try:
            return _accumulate(state, batch)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            # Of several processes one alone cannot divide its batch: the others wait for it.
            if not _is_out_of_memory(error) or state.context.world_size > 1:
                raise
            if len(batch.truth) // (2 * state.micro_batches) < 2:
                raise TrainingError(
                    f"the memory does not hold two images of {state.recipe.image_size} pixels "
                    f"with {state.recipe.network}; use a smaller image_size or a larger machine"
                ) from None
        # Outside the handler, whose traceback would keep the failed step's tensors alive.
        state.micro_batches *= 2
        state.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        adjustments.append(
            f"memory ran out: batches of {state.recipe.batch_size} now go in "
            f"{state.micro_batches} micro-batches, their gradients accumulated"
        )


def _accumulate(state: TrainingState, batch: _Batch) -> tuple[Tensor, Tensor, Tensor]:
    device = batch.pixels.device
    state.optimizer.zero_grad(set_to_none=True)
    losses, logits_seen, va_seen = [], [], []
    for rows in torch.arange(len(batch.truth), device=device).chunk(state.micro_batches):
        share = len(rows) / len(batch.truth)
        # bfloat16 needs no loss scaling.
        rounds = state.precision == "bfloat16"
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=rounds):
            logits, va = state.learner(state.preprocessing.normalise(batch.pixels[rows]))
        logits, va = logits.float(), va.float()
        loss = objective(state.recipe, logits, va, batch.truth[rows], batch.truth_va[rows])
        (batch.weight * share * loss).backward()  # type: ignore[no-untyped-call]
        losses.append(share * loss.detach())
        logits_seen.append(logits.detach())
        va_seen.append(va.detach())
    return torch.stack(losses).sum(), torch.cat(logits_seen), torch.cat(va_seen)


def _step(state: TrainingState) -> Tensor:
    """Make the step unless the gradient is not finite; returns 1 when it was not, else 0.

    Decided on the device, by the fused optimizer itself: nobody waits for the answer.
    """
    limit = state.recipe.clip_norm or float("inf")
    length = nn.utils.clip_grad_norm_(state.learner.parameters(), limit, foreach=True)
    is_broken = (~torch.isfinite(length)).float().reshape(())
    state.optimizer.found_inf = is_broken  # type: ignore[attr-defined]
    state.optimizer.step()
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
