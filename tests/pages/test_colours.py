"""The runs' colours, seen by people who see colours otherwise, on light and on dark paper."""

import re
from itertools import combinations

import numpy as np
import pytest

from emotion_core.settings import TEMPLATES_DIR

# G. Machado, M. Oliveira, L. Fernandes, "A physiologically-based model for simulation of color
# vision deficiency", 2009, severity 1: matrices on linear RGB.
VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# CIE 1931, D65.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_compared_networks_are_told_apart_by_colour_alone(scheme: str, vision: str) -> None:
    colours = [linear(colour_of(scheme, f"run-{number}")) for number in range(2)]

    assert distance(*(VISIONS[vision] @ colour for colour in colours)) > 25


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_two_of_eight_colours_are_the_same_to_anybody(scheme: str, vision: str) -> None:
    colours = [VISIONS[vision] @ linear(colour_of(scheme, f"run-{n}")) for n in range(8)]

    # Their markers are eight shapes; the colour need not carry the difference by itself.
    assert min(distance(one, other) for one, other in combinations(colours, 2)) > 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mark_stands_out_from_its_paper(scheme: str) -> None:
    paper = luminance(colour_of(scheme, "paper"))

    for number in range(8):
        mark = luminance(colour_of(scheme, f"run-{number}"))
        low, high = sorted((mark, paper))
        assert (high + 0.05) / (low + 0.05) >= 3, number  # WCAG 2.2, 1.4.11


def colour_of(scheme: str, name: str) -> str:
    found = re.findall(rf"--{name}: (#[0-9a-f]{{6}});", (TEMPLATES_DIR / "style.css").read_text())
    return str(found[0 if scheme == "light" else 1])


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(TO_XYZ[1] @ linear(colour))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """CIE 1976 colour difference; 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(one) - lab(other)))


def lab(rgb: np.ndarray) -> np.ndarray:
    ratio = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
