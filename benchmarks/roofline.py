"""The most arithmetic that a processor was seen to do in a precision: the ceiling of a benchmark.

No kernel is the fastest everywhere: on an AMD EPYC ``torch.mm`` in float32 reaches half of what
oneDNN's convolution does. So several are tried, and what the benchmark itself measured counts, too.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NAMES: Final = {"f32": "float32", "bf16": "bfloat16"}

_SECONDS: Final = 0.7
_LEAST_RUNS: Final = 3


@dataclass(frozen=True)
class Ceiling:
    """What nothing was seen to pass, in any unit a second."""

    rate: float
    by: str
    """The kernel, or what was measured, that reached it."""


def ceiling(probed: Mapping[str, float], measured: Mapping[str, float]) -> Ceiling:
    """The fastest of all, by name; nothing that was measured lies above it.

    Args:
        probed: Kernels made to be fast.
        measured: What the benchmark is about, in the same unit.
    """
    by, rate = max([*probed.items(), *measured.items()], key=lambda one: one[1])
    return Ceiling(rate, by)


def probe(device: str, precision: str) -> dict[str, float]:
    """FLOP/s of the kernels that the libraries offer; takes some seconds.

    Args:
        device: ``cpu`` or ``cuda``.
        precision: ``f32`` or ``bf16``.
    """
    import torch

    from emotion_core.vision import engine_openvino

    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    side, batch, channels = (8192, 256, 512) if device == "cuda" else (1536, 16, 256)
    matrix = torch.randn(side, side, device=device, dtype=kind)
    images = torch.randn(batch, channels, 28, 28, device=device, dtype=kind)
    images = images.to(memory_format=torch.channels_last)
    kernels: dict[str, tuple[Callable[[], object], float]] = {
        "matrix product": (lambda: matrix @ matrix, 2 * side**3)
    }
    for width in (1, 3):
        weights = torch.randn(channels, channels, width, width, device=device, dtype=kind)
        weights = weights.to(memory_format=torch.channels_last)
        kernels[f"convolution {width} × {width}"] = (
            lambda weights=weights: torch.nn.functional.conv2d(images, weights, padding="same"),
            2 * weights.numel() * batch * 28 * 28,
        )
    if device == "cpu" and engine_openvino.is_installed():
        kernels["OpenVINO's convolutions"] = _openvino(precision)

    def finish() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    with torch.inference_mode():
        return {name: flops / _best(run, finish) for name, (run, flops) in kernels.items()}


def _openvino(precision: str, layers: int = 4) -> tuple[Callable[[], object], float]:
    """Convolutions one after the other, so that going in and out costs little."""
    import numpy as np
    import openvino
    from openvino import opset13 as ops

    images = np.random.default_rng(1).standard_normal((16, 256, 28, 28), dtype=np.float32)
    weights = np.full((256, 256, 3, 3), 1e-3, np.float32)
    entry = made = ops.parameter(images.shape, np.float32)
    for _ in range(layers):
        made = ops.convolution(made, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    compiled = openvino.Core().compile_model(
        openvino.Model([made], [entry], "probe"),
        "CPU",
        {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"},
    )
    request = compiled.create_infer_request()
    return lambda: request.infer([images], share_inputs=True), (
        layers * 2 * weights.size * 16 * 28 * 28
    )


def _best(run: Callable[[], Any], finish: Callable[[], None]) -> float:
    """Seconds of the quickest run."""
    run()
    finish()
    times: list[float] = []
    while sum(times) < _SECONDS or len(times) < _LEAST_RUNS:
        began = time.perf_counter()
        run()
        finish()
        times.append(time.perf_counter() - began)
    return min(times)
