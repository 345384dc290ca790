"""What one image costs a network: operations, time and memory, without reading or decoding it."""

import contextlib
import ctypes
import gc
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the store keeps a cost without loading torch
    import torch

BATCH: Final = 8
"""Images at a time: enough to fill a processor, few enough to be quick."""
_REPEATS: Final = 3


@dataclass(frozen=True)
class ModelCost:
    """What one image costs on one device, without reading or decoding it."""

    device: str
    flops: int
    """Floating-point operations; a multiplication and its addition are two."""
    weights_bytes: int
    batch_size: int
    images_per_second: float
    """The median of three batches, in float32."""
    peak_bytes: int | None
    """Most memory that a batch took, weights included; None where it could not be told."""


def measure_cost(folder: Path, device: str = "auto") -> ModelCost:
    """Run a stored model on blank images of its own input size.

    Args:
        folder: Of a finished training run.
        device: As :func:`emotion_core.vision.device.pick_device` takes it.

    Raises:
        WeightsError: The folder holds no usable model.
        SettingsError: There is no such device.
    """
    import torch

    from emotion_core.vision.checkpoint import load_model
    from emotion_core.vision.device import device_name, pick_device, prepare_device

    network, description = load_model(folder)
    chosen = pick_device(device)
    prepare_device(chosen)
    network.to(chosen)
    size = description.preprocessing.image_size
    images = torch.zeros(BATCH, 3, size, size, device=chosen).to(memory_format=torch.channels_last)
    weights = sum(tensor.nbytes for tensor in network.state_dict().values())

    def seconds() -> float:
        begun = time.perf_counter()
        network(images)
        if chosen.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    with torch.inference_mode():
        flops = count_flops(network, images)
        before, _ = _memory(chosen, forget_peak=True)
        seconds()
        _, peak = _memory(chosen)
        middle = statistics.median(seconds() for _ in range(_REPEATS))
    return ModelCost(
        device=device_name(chosen),
        flops=flops,
        weights_bytes=weights,
        batch_size=BATCH,
        images_per_second=BATCH / middle,
        peak_bytes=weights + max(0, peak - before) if before and peak else None,
    )


def count_flops(network: "torch.nn.Module", images: "torch.Tensor") -> int:
    """Floating-point operations of the first of these images, forward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(images[:1])
    return int(counter.get_total_flops())


def _memory(device: "torch.device", *, forget_peak: bool = False) -> tuple[int | None, int | None]:
    """Bytes in use and the most since the peak was forgotten; None where no one counts them."""
    import torch

    if device.type == "cuda":
        if forget_peak:
            torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
    with contextlib.suppress(AttributeError, OSError):  # not Linux, or another C library
        if forget_peak:
            gc.collect()
            # What the allocator keeps for later would hide what the next batch takes.
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        kilobytes = dict(line.split(":\t", 1) for line in lines if line.startswith("Vm"))
        now, most = (int(kilobytes[name].split()[0]) for name in ("VmRSS", "VmHWM"))
        return 1024 * now, 1024 * most
    return None, None
