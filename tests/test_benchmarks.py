"""What the benchmarks print of a processor's ceiling: nothing measured lies above it."""

import re

import numpy as np
import pytest

from benchmarks import equal_networks
from benchmarks.harness import ceiling_lines, probe
from benchmarks.scoring import by_precision
from emotion_core.statistics.resampled_tests import CORRECTED_T

GFLOP = 1e9


@pytest.mark.parametrize(
    ("fastest", "ceiling", "by"),
    [
        (11.0, 50.0, "convolution"),
        (24.96, 50.0, "convolution"),
        (54.26, 54.3, "openvino f32"),
        (445.3, 445.3, "openvino f32"),
    ],
)
def test_the_ceiling_is_the_fastest_kernel_or_whatever_was_measured_above_it(
    fastest: float, ceiling: float, by: str
) -> None:
    probed = {"matrix product": 205 * GFLOP, "convolution": 410 * GFLOP}
    measured = {"openvino f32": fastest, "naive loop": 6.0}

    lines = ceiling_lines("f32", probed, measured, flops=8.2 * GFLOP)

    assert f"ceiling in float32: {ceiling:.1f} images/s by {by}, " in lines[0]
    shares = [int(share) for share in re.findall(r"(\d+)%", lines[1])]
    assert max(shares) <= 100
    assert shares == [round(100 * rate / ceiling) for rate in (fastest, 6.0)]


def test_what_was_measured_is_the_ceiling_where_no_kernel_was_tried() -> None:
    lines = ceiling_lines("bf16", {}, {"ours": 12.0}, flops=24.4 * GFLOP)

    assert "ceiling in bfloat16: 12.0 images/s by ours" in lines[0]


RUN = {"images": 100, "seconds": 1.0}


@pytest.mark.parametrize(
    ("device", "engines", "label", "expected"),
    [
        (
            "cpu",
            {"eager f32": 30.0, "openvino bf16": 90.0},
            "openvino bf16 × 2",
            {
                ("cpu", "f32"): {"eager f32": 30.0, "naive loop": 200.0},
                ("cpu", "bf16"): {"openvino bf16": 90.0, "this system": 100.0},
            },
        ),
        (  # no engine on a GPU is compared with the CPU's ceiling
            "cuda",
            {"eager f32": 900.0, "cuda_graph bf16": 3000.0},
            "cuda_graph bf16",
            {
                ("cpu", "f32"): {"naive loop": 200.0},
                ("cuda", "bf16"): {
                    "eager f32": 900.0,
                    "cuda_graph bf16": 3000.0,
                    "this system": 100.0,
                },
            },
        ),
    ],
)
def test_each_device_and_precision_has_its_own_ceiling_and_the_fastest_run_counts(
    device: str,
    engines: dict[str, float],
    label: str,
    expected: dict[tuple[str, str], dict[str, float]],
) -> None:
    runs = {
        "naive loop": [RUN, RUN | {"seconds": 0.5}],
        "this system": [RUN | {"engine": label}],
    }

    assert by_precision(runs, engines, device) == expected


def test_several_kernels_are_tried() -> None:
    found = probe("cpu", "f32")

    assert {"matrix product", "convolution 1 × 1", "convolution 3 × 3"} <= set(found)
    assert all(rate > 0 for rate in found.values())


def test_equal_networks_are_compared_wherever_each_has_several_trainings() -> None:
    found = equal_networks.page(equal_networks.Kind(), count=200, number=1)

    tested = [design for design, method in found if method == CORRECTED_T]
    assert tested == ["5 × 1", "5 × 3", "1 × 5"]
    assert all(0.0 < p <= 1.0 for rows in found.values() for p in rows[:, 1])


def test_a_page_calls_networks_different_if_one_task_does_after_correction() -> None:
    assert equal_networks.is_called(np.array([0.024, 0.9]))
    assert not equal_networks.is_called(np.array([0.026, 0.051]))
