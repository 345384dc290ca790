"""What the benchmarks print of a processor's ceiling: nothing measured lies above it."""

import re

import pytest

from benchmarks.roofline import ceiling, probe
from benchmarks.scoring import by_precision, ceiling_lines
from benchmarks.training import roofline_line

GFLOP = 1e9


def test_the_fastest_kernel_is_the_ceiling() -> None:
    found = ceiling({"matrix product": 205.0, "convolution": 407.0}, {"engine": 50.0})

    assert (found.rate, found.by) == (407.0, "convolution")


@pytest.mark.parametrize("probed", [{"matrix product": 205.0}, {}])
def test_what_was_measured_above_every_kernel_raises_the_ceiling(probed: dict[str, float]) -> None:
    found = ceiling(probed, {"naive loop": 44.0, "openvino f32": 445.3})

    assert (found.rate, found.by) == (445.3, "openvino f32")


@pytest.mark.parametrize("fastest", [11.0, 24.96, 54.26])
def test_no_ceiling_is_printed_below_an_engine_that_was_measured(fastest: float) -> None:
    lines = ceiling_lines(
        "f32",
        {"matrix product": 205 * GFLOP},
        {"openvino f32": fastest, "naive loop": 6.0},
        flops=8.2 * GFLOP,
        naive=6.0,
    )

    printed = float(re.search(r"no float32 engine was seen to pass ([\d.]+)", lines[0])[1])  # type: ignore[index]
    assert printed >= float(f"{fastest:.1f}")
    assert printed == max(25.0, float(f"{fastest:.1f}"))


def test_each_precision_has_its_own_ceiling_and_the_fastest_run_counts() -> None:
    run = {"images": 100, "seconds": 1.0}
    found = by_precision(
        {
            "naive loop": [run, run | {"seconds": 0.5}],
            "this system": [run | {"engine": "openvino bf16 × 2"}],
        },
        {"eager f32": 30.0, "openvino bf16": 90.0},
        "cpu",
    )

    assert found == {
        ("cpu", "f32"): {"eager f32": 30.0, "naive loop": 200.0},
        ("cpu", "bf16"): {"openvino bf16": 90.0, "this system": 100.0},
    }


def test_on_a_gpu_no_engine_is_held_against_the_cpus_ceiling() -> None:
    run = {"images": 100, "seconds": 1.0}
    found = by_precision(
        {"naive loop": [run], "this system": [run | {"engine": "cuda_graph bf16"}]},
        {"eager f32": 900.0, "cuda_graph bf16": 3000.0},
        "cuda",
    )

    assert found[("cpu", "f32")] == {"naive loop": 100.0}
    assert set(found) == {("cpu", "f32"), ("cuda", "bf16")}


@pytest.mark.parametrize(
    ("precision", "plain", "expected"),
    [("f32", [3.0], 100), ("f32", [24.0], 50), ("bf16", [24.0], 100)],
)
def test_training_never_uses_more_than_its_peak(
    precision: str, plain: list[float], expected: int
) -> None:
    line = roofline_line(
        precision,
        {"matrix product": 205 * GFLOP},
        {"plain": plain, "ours": [12.0, 11.9, 12.1]},
        flops=24.4 * GFLOP,
    )

    used = int(re.search(r"uses (\d+)% of it", line)[1])  # type: ignore[index]
    assert used <= 100
    assert used == pytest.approx(expected, abs=1)


def test_several_kernels_are_tried() -> None:
    found = probe("cpu", "f32")

    assert {"matrix product", "convolution 1 × 1", "convolution 3 × 3"} <= set(found)
    assert all(rate > 0 for rate in found.values())
