"""What one image costs a network: operations, time and memory, without reading or decoding it."""

import contextlib
import ctypes
import gc
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from emotion_core.vision.checkpoint import load_model
from emotion_core.vision.device import device_name, pick_device, prepare_device
from emotion_core.vision.network import EmotionNetwork

BATCH: Final = 8
"""Images at a time: enough to fill a processor, few enough to be quick."""
_REPEATS: Final = 3


@dataclass(frozen=True)
class Cost:
    """What was measured."""

    device: str
    flops: int
    """Of one image; a multiplication and its addition are two."""
    weights_bytes: int
    batch_size: int
    images_per_second: float
    """The median of three batches, in float32."""
    peak_bytes: int | None
    """Weights and the most that a batch took beyond them; None where it cannot be told."""


def measure_cost(folder: Path, device: str = "auto") -> Cost:
    """Run a stored model on noise of its own input size.

    Args:
        folder: Of a finished training run.
        device: As :func:`emotion_core.vision.device.pick_device` takes it.

    Raises:
        WeightsError: The folder holds no usable model.
        SettingsError: There is no such device.
    """
    network, description = load_model(folder)
    chosen = pick_device(device)
    prepare_device(chosen)
    network.to(chosen)
    size = description.preprocessing.image_size
    images = torch.zeros(BATCH, 3, size, size, device=chosen).to(memory_format=torch.channels_last)
    weights = sum(
        tensor.numel() * tensor.element_size() for tensor in network.state_dict().values()
    )
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            network(images[:1])
        _forget_peak(chosen)
        before = _in_use(chosen)
        network(images)
        peak = _peak(chosen)
        seconds = statistics.median(_timed(network, images) for _ in range(_REPEATS))
    grown = None if before is None or peak is None else max(0, peak - before)
    return Cost(
        device=device_name(chosen),
        flops=int(counter.get_total_flops()),
        weights_bytes=weights,
        batch_size=BATCH,
        images_per_second=BATCH / seconds,
        peak_bytes=None if grown is None else weights + grown,
    )


def _timed(network: EmotionNetwork, images: torch.Tensor) -> float:
    begun = time.perf_counter()
    network(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        # What the allocator keeps for later would hide what the next batch takes.
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):  # Linux: the high-water mark of memory starts anew
        Path("/proc/self/clear_refs").write_text("5")


def _in_use(device: torch.device) -> int | None:
    return torch.cuda.memory_allocated() if device.type == "cuda" else _resident("VmRSS")


def _peak(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated() if device.type == "cuda" else _resident("VmHWM")


def _resident(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{field}:")), None)
    return None if found is None else 1024 * int(found.split()[1])
