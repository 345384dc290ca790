"""Who is drawn: everything about a face that is not its expression."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

Colour = tuple[int, int, int]
_T = TypeVar("_T")


def _palette(text: str) -> list[Colour]:
    return [(one[0], one[1], one[2]) for one in map(bytes.fromhex, text.split())]


_SKINS: Final = _palette("ffe2ca ffd6ba f7cda8 ecbc92 e2ae80 ce966a b47a50 96613e 764a30 5c3a28")
_HAIRS: Final = _palette(
    "261e22 3a2822 5c3c2a 825432 9e4c2a ce6832 e2b868 f0deb2 9e9ea4 e4e4e8 ee80a6 4698a4 8862ba"
)
_HAIR_WEIGHTS: Final = (6, 6, 6, 4, 2, 2, 4, 2, 2, 1, 0.6, 0.6, 0.6)
_IRISES: Final = _palette("4a3022 684428 3e608c 5c8a68 707c84 866234")
_HAIR_STYLES: Final = (
    "short",
    "fringe",
    "side",
    "bob",
    "long",
    "curly",
    "bun",
    "bald",
    "headscarf",
)
_HAIR_STYLE_WEIGHTS: Final = (5, 4, 4, 3, 4, 3, 2, 1, 1)
_BEARDED_STYLES: Final = ("short", "side", "bald")
_BEARDS: Final = ("full", "stubble", "moustache")


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (factor under 1) or lighter (over 1, towards white)."""
    if factor > 1:
        return mix(colour, (255, 255, 255), min(factor - 1, 1.0))
    return mix((0, 0, 0), colour, factor)


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


@dataclass(frozen=True)
class Person:
    """Lengths are in half face widths, and factors around 1."""

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    clothes: Colour
    accent: Colour
    """Of stripes, glasses and scarfs."""
    hair_style: str
    beard: str
    glasses: str
    striped: bool
    blush: float
    lashes: float
    cheek_width: float
    jaw_width: float
    eye_size: float
    eye_gap: float
    eye_rest: float
    brow_height: float
    brow_weight: float
    nose_size: float
    mouth_width: float
    lip_weight: float
    resting_smile: float


def sample_person(rng: np.random.Generator) -> Person:
    """Somebody nobody has met."""
    skin = _SKINS[rng.integers(len(_SKINS))]
    style = _weighted(rng, _HAIR_STYLES, _HAIR_STYLE_WEIGHTS)
    bearded = style in _BEARDED_STYLES and rng.random() < 0.3
    return Person(
        skin=skin,
        hair=_weighted(rng, _HAIRS, _HAIR_WEIGHTS),
        iris=_IRISES[rng.integers(len(_IRISES))],
        lips=mix(shade(skin, 0.78), (196, 72, 84), rng.uniform(0.25, 0.75)),
        clothes=vivid(rng, (0.3, 0.75), (0.4, 0.95)),
        accent=vivid(rng, (0.4, 0.8), (0.5, 0.95)),
        hair_style=style,
        beard=_BEARDS[rng.integers(len(_BEARDS))] if bearded else "none",
        glasses=("round", "square")[rng.integers(2)] if rng.random() < 0.16 else "none",
        striped=rng.random() < 0.3,
        blush=rng.uniform(0.0, 0.55),
        lashes=rng.uniform(0.036, 0.056),
        cheek_width=rng.uniform(0.93, 1.06),
        jaw_width=rng.uniform(0.86, 1.14),
        eye_size=rng.uniform(0.9, 1.15),
        eye_gap=rng.uniform(0.94, 1.06),
        eye_rest=rng.normal(0.0, 0.08),
        brow_height=rng.normal(0.0, 0.03),
        brow_weight=rng.uniform(0.7, 1.35),
        nose_size=rng.uniform(0.8, 1.2),
        mouth_width=rng.uniform(0.9, 1.12),
        lip_weight=rng.uniform(0.55, 1.3),
        resting_smile=rng.normal(0.0, 0.07),
    )


def _weighted(rng: np.random.Generator, values: Sequence[_T], weights: Sequence[float]) -> _T:
    return values[rng.choice(len(values), p=np.array(weights) / sum(weights))]
