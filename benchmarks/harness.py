"""What every benchmark needs: a database of its own, processes that take turns, medians, a machine.

Importing it needs no database: `benchmarks/gpu.sh` runs where none is installed.

No kernel is the fastest everywhere: on an AMD EPYC ``torch.mm`` in float32 reaches half of what
oneDNN's convolution does. So a ceiling is the best of several kernels and of what was measured.
"""

import json
import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emotion_core.vision import engine_openvino
from emotion_core.vision.processor import cpu_name

if TYPE_CHECKING:
    from emotion_core.store.database import Database

ROOT: Final = Path(__file__).resolve().parents[1]
NAMES: Final = {"f32": "float32", "bf16": "bfloat16"}
PATIENT: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
"""For the other systems: makes no difference on a quiet machine, and on a busy one threads that
wait by spinning would make them look up to five times slower than they are."""
FAST_MALLOC: Final = PATIENT | {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
}
"""What `make up` and the image set for every task."""

_SECONDS: Final = 0.7
_LEAST_RUNS: Final = 3


@contextmanager
def durable_database() -> "Iterator[Database]":
    """A migrated PostgreSQL with fsync on, through the login of Airflow's tasks."""
    from emotion_core.local.temporary import temporary_server
    from emotion_core.store.database import Database

    with temporary_server(durable=True) as (_, addresses):
        database = Database(addresses.app)
        yield database
        database.close()


def machine(*packages: str) -> str:
    """Processor, system and versions, for people to compare results by."""
    installed = {one.name.lower(): one.version for one in metadata.distributions()}
    versions = [f"Python {platform.python_version()}"]
    with suppress(ModuleNotFoundError):  # a machine without a database
        from emotion_core.local.postgres import VERSION

        versions.append(f"PostgreSQL {VERSION}")
    versions += [f"{name} {installed.get(name, 'absent')}" for name in packages]
    return (
        f"{cpu_name()}; {platform.platform()}; {', '.join(versions)}; load {os.getloadavg()[0]:.1f}"
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(
    ways: Mapping[str, tuple[list[str], Mapping[str, str]]], repeats: int
) -> dict[str, list[dict[str, Any]]]:
    """Run commands, each with its environment, one after the other, again and again.

    So neither inherits the other's caches, and slow moments hit all of them.

    Returns:
        For each way what its runs printed last, a line of JSON, and their ``peak_mb``.
    """
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (command, environment) in ways.items():
            results[name].append(_measured(command, environment))
    return results


def median_rate(runs: list[dict[str, Any]]) -> float:
    """The median of ``images`` over ``seconds``."""
    return statistics.median(one["images"] / one["seconds"] for one in runs)


def _measured(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Its last line, with the peak memory of its processes in MB (PSS; 0 without psutil)."""
    try:
        import psutil
    except ModuleNotFoundError:
        psutil = None
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}, cwd=ROOT
    )
    peak = 0

    def watch() -> None:
        nonlocal peak
        while psutil and process.poll() is None:
            try:
                parent = psutil.Process(process.pid)
                family = [parent, *parent.children(recursive=True)]
                peak = max(peak, sum(one.memory_full_info().pss for one in family))
            except psutil.Error:  # one has just ended
                pass
            time.sleep(0.3)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{command[1:4]} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found | {"peak_mb": peak / 1e6}


def ceiling_lines(
    precision: str, probed: Mapping[str, float], measured: Mapping[str, float], flops: float
) -> list[str]:
    """The fastest that anything was seen to be in a precision, in sentences.

    Args:
        precision: ``f32`` or ``bf16``.
        probed: FLOP/s of kernels, from :func:`probe`.
        measured: Images/s of what the benchmark is about.
        flops: Of one image.
    """
    rates = {kernel: rate / flops for kernel, rate in probed.items()} | dict(measured)
    by, limit = max(rates.items(), key=lambda one: one[1])
    kernels = ", ".join(f"{kernel} {rate / 1e9:.0f}" for kernel, rate in probed.items())
    shares = ", ".join(f"{name} {rate / limit:.0%}" for name, rate in measured.items())
    return [
        f"  ceiling in {NAMES[precision]}: {limit:.1f} images/s by {by}, {limit * flops / 1e9:.0f} "
        f"GFLOP/s at {flops / 1e9:.2f} GFLOP an image",
        f"    of it: {shares}; tried, in GFLOP/s: {kernels}",
    ]


def probe(device: str, precision: str) -> dict[str, float]:
    """FLOP/s of the kernels that the libraries offer; takes some seconds.

    Args:
        device: ``cpu`` or ``cuda``.
        precision: ``f32`` or ``bf16``.
    """
    import torch

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

    def once(run: Callable[[], object]) -> float:
        def finished() -> None:
            run()
            if device == "cuda":
                torch.cuda.synchronize()

        return timed(finished)

    def best(run: Callable[[], object]) -> float:
        once(run)
        times: list[float] = []
        while sum(times) < _SECONDS or len(times) < _LEAST_RUNS:
            times.append(once(run))
        return min(times)

    with torch.inference_mode():
        return {name: flops / best(run) for name, (run, flops) in kernels.items()}


def copy_rate(device: str) -> float:
    """Bytes/s, read and written, of copying a tensor that no cache holds."""
    import torch

    source = torch.zeros((256 if device == "cuda" else 32) << 20, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        if device == "cuda":
            torch.cuda.synchronize()

    copy()
    return 2 * source.nbytes / min(timed(copy) for _ in range(5))


def moved_bytes(work: Callable[[], object]) -> int:
    """Bytes that the operations read and write, each for itself: what eager execution moves."""
    from torch import Tensor
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Traffic(TorchDispatchMode):
        total = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            made = func(*args, **(kwargs or {}))
            if not func.is_view:
                everything = tree_leaves((args, kwargs, made))
                self.total += sum(one.nbytes for one in everything if isinstance(one, Tensor))
            return made

    with Traffic() as traffic:
        work()
    return traffic.total


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
    model = openvino.Model([made], [entry], "probe")
    hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
    flops = layers * 2 * weights.size * 16 * 28 * 28
    return lambda: request.infer([images], share_inputs=True), flops
