"""In which precision a training computes: timed where no instruction set tells it.

With AVX-512 BF16 ResNet50 trained 1.86 times as fast in bfloat16 and EfficientNet-B0 0.89 times.
"""

import copy
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from emotion_core.errors import TrainingError
from emotion_core.training.distributed import DistributedContext
from emotion_core.training.epoch import train_epoch
from emotion_core.training.state import TrainingState
from emotion_core.training.subset import Subset
from emotion_core.vision.processor import has_bfloat16

log = logging.getLogger(__name__)

PRECISIONS: Final = ("float32", "bfloat16")

TIMING_PAYS: Final = 50
"""Steps of a whole training from which timing six of them is worth it; fewer are in float32."""

TIMED_STEPS: Final = 2
"""Of each precision, in turns, after one that is not timed."""

WORTHWHILE: Final = 1.05
"""How many times as fast bfloat16 must be: it rounds."""


@dataclass(frozen=True)
class Precision:
    """What the forward pass of each training step computes in.

    Attributes:
        name: ``float32``, or ``bfloat16`` by autocast; the weights are float32 in both.
        step_seconds: Of the fastest step timed in each precision; empty where none was timed.
    """

    name: str = "float32"
    step_seconds: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As kept in a checkpoint and in ``metrics.json``."""
        return asdict(self)


def choose_precision(
    state: TrainingState, images: Subset, recorded: Mapping[str, Any]
) -> Precision:
    """bfloat16 on a GPU, float32 on a CPU without its instructions, else whichever is faster.

    What is timed are steps of a copy: the training's weights, optimizer and random numbers stay as
    they are. Processes that train together choose the same.

    Args:
        state: Before its first step, or as a checkpoint left it.
        images: Of the training split.
        recorded: :meth:`Precision.to_dict` of the training that goes on; empty for a new one. It
            is kept on every CPU with bfloat16 instructions.
    """
    if state.device.type == "cuda":
        return Precision("bfloat16")
    if not has_bfloat16():  # emulated there, at a fraction of the speed of float32
        return Precision()
    if recorded:
        return Precision(**recorded)
    if state.recipe.epochs * len(images) < TIMING_PAYS * state.recipe.batch_size:
        return Precision()
    found = _shortest_steps(state, images)
    rounds = WORTHWHILE * found["bfloat16"] < found["float32"]
    chosen = Precision(
        "bfloat16" if rounds else "float32",
        {name: seconds for name, seconds in found.items() if math.isfinite(seconds)},
    )
    log.info(
        "training in %s: one step took %s",
        chosen.name,
        ", ".join(f"{seconds:.3f} s in {name}" for name, seconds in found.items()),
    )
    return chosen


def step_seconds(state: TrainingState, images: Subset, precision: str) -> float:
    """Seconds of one training step, augmentation included, of a copy of the network.

    Args:
        state: Stays as it is.
        images: As many as one step takes.
        precision: One of :data:`PRECISIONS`.

    Returns:
        Infinity where the step fails.
    """
    trial = TrainingState.of(state.recipe, copy.deepcopy(state.network), state.device)
    trial.precision = precision
    began = time.perf_counter()
    try:
        train_epoch(trial, 1, images)  # draws from generators of its own
    except TrainingError:
        return math.inf
    return time.perf_counter() - began


def _shortest_steps(state: TrainingState, images: Subset) -> dict[str, float]:
    """The shortest of some steps in each precision, summed over the processes."""
    context = state.context
    mine = max(2, state.recipe.batch_size // context.world_size)
    alone = replace(
        state,
        recipe=replace(state.recipe, batch_size=mine, epochs=1),
        context=DistributedContext(),
    )
    step = images.first(mine)
    found: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    for _ in range(1 + TIMED_STEPS):
        for name in PRECISIONS:
            found[name].append(step_seconds(alone, step, name))
    shortest = {name: min(times[1:]) for name, times in found.items()}
    everybodys = context.all_gather(shortest)
    return {name: sum(one[name] for one in everybodys) for name in PRECISIONS}
