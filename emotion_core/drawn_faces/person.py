"""Who is drawn: everything about a face that is not its expression."""

import colorsys
from collections.abc import Iterable
from typing import Final

import numpy as np

Colour = tuple[int, int, int]


def _colours(text: str) -> list[Colour]:
    """From the web's notation, rrggbb."""
    return [(code[0], code[1], code[2]) for code in map(bytes.fromhex, text.split())]


_SKINS: Final = _colours("ffe2ca ffd6ba f7cda8 ecbc92 e2ae80 ce966a b47a50 96613e 764a30 5c3a28")
_HAIRS: Final = _colours(
    "261e22 3a2822 5c3c2a 825432 9e4c2a ce6832 e2b868 f0deb2 9e9ea4 e4e4e8 ee80a6 4698a4 8862ba"
)
_HAIR_WEIGHTS: Final = (6, 6, 6, 4, 2, 2, 4, 2, 2, 1, 0.6, 0.6, 0.6)
_IRISES: Final = _colours("4a3022 684428 3e608c 5c8a68 707c84 866234")
_HAIR_STYLES: Final = "short fringe side bob long curly bun bald spiky headscarf beanie"
_HAIR_STYLE_WEIGHTS: Final = (4, 3, 4, 3, 4, 3, 2, 1, 2, 1, 1)


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (factor under 1) or lighter (over 1, towards white)."""
    if factor <= 1:
        return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))
    part = min(factor - 1, 1.0)
    r, g, b = (int(c + (255 - c) * part) for c in colour)
    return (r, g, b)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` (0 to 1) of the way from the first colour to the second."""
    r, g, b = (int(a + (c - a) * share) for a, c in zip(first, second, strict=True))
    return (r, g, b)


def vivid(
    rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]
) -> Colour:
    """A colour of any hue within the given ranges (0 to 1)."""
    r, g, b = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return (int(r * 255), int(g * 255), int(b * 255))


def _choice(rng: np.random.Generator, weights: Iterable[float]) -> int:
    shares = np.fromiter(weights, float)
    return int(rng.choice(len(shares), p=shares / shares.sum()))


class Person:
    """Somebody nobody has met. Lengths are in half face widths, and factors around 1."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.skin = _SKINS[rng.integers(len(_SKINS))]
        self.hair = _HAIRS[_choice(rng, _HAIR_WEIGHTS)]
        self.hair_style = _HAIR_STYLES.split()[_choice(rng, _HAIR_STYLE_WEIGHTS)]
        may_be_bearded = self.hair_style in ("short", "side", "bald", "spiky", "beanie")
        bearded = rng.random() < (0.3 if may_be_bearded else 0)
        self.lips = mix(shade(self.skin, 0.78), (196, 72, 84), rng.uniform(0.25, 0.75))
        self.iris = _IRISES[rng.integers(len(_IRISES))]
        self.clothes = vivid(rng, (0.3, 0.75), (0.4, 0.95))
        self.clothes_style = ("plain", "stripes", "collar", "hood")[rng.integers(4)]
        self.accent = vivid(rng, (0.4, 0.8), (0.5, 0.95))
        beards = ("full", "stubble", "moustache", "goatee")
        self.beard = beards[rng.integers(4)] if bearded else "none"
        self.glasses = ("round", "square")[rng.integers(2)] if rng.random() < 0.16 else "none"
        self.earrings = rng.random() < 0.2
        self.freckles = rng.random() < 0.15
        self.blush = rng.uniform(0.0, 0.55)
        self.lashes = rng.random() < 0.4
        self.cheek_width = rng.uniform(0.93, 1.06)
        self.jaw_width = rng.uniform(0.86, 1.14)
        self.chin = rng.uniform(0.92, 1.08)
        self.ears = rng.uniform(0.85, 1.2)
        self.eye_size = rng.uniform(0.9, 1.15)
        self.eye_gap = rng.uniform(0.94, 1.06)
        self.eye_rest = rng.normal(0.0, 0.08)
        self.brow_height = rng.normal(0.0, 0.03)
        self.brow_weight = rng.uniform(0.7, 1.35)
        self.nose_size = rng.uniform(0.8, 1.2)
        self.nose_style = int(rng.integers(3))
        self.mouth_width = rng.uniform(0.9, 1.12)
        self.lip_weight = rng.uniform(0.55, 1.3)
        self.resting_smile = rng.normal(0.0, 0.07)
