"""Who is drawn: everything about a face that is not its expression."""

import colorsys
from dataclasses import dataclass
from typing import Final

import numpy as np

Colour = tuple[int, int, int]

_SKINS: Final[tuple[Colour, ...]] = (
    (255, 226, 202),
    (255, 214, 186),
    (247, 205, 168),
    (236, 188, 146),
    (226, 174, 128),
    (206, 150, 106),
    (180, 122, 80),
    (150, 97, 62),
    (118, 74, 48),
    (92, 58, 40),
)
_HAIRS: Final[tuple[Colour, ...]] = (
    (38, 30, 34),
    (58, 40, 34),
    (92, 60, 42),
    (130, 84, 50),
    (158, 76, 42),
    (206, 104, 50),
    (226, 184, 104),
    (240, 222, 178),
    (158, 158, 164),
    (228, 228, 232),
    (238, 128, 166),
    (70, 152, 164),
    (136, 98, 186),
)
_HAIR_WEIGHTS: Final = (6, 6, 6, 4, 2, 2, 4, 2, 2, 1, 0.6, 0.6, 0.6)
_IRISES: Final[tuple[Colour, ...]] = (
    (74, 48, 34),
    (104, 68, 40),
    (62, 96, 140),
    (92, 138, 104),
    (112, 124, 132),
    (134, 98, 52),
)
HAIR_STYLES: Final = (
    "short",
    "fringe",
    "side",
    "bob",
    "long",
    "curly",
    "bun",
    "bald",
    "spiky",
    "headscarf",
    "beanie",
)
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


@dataclass(frozen=True)
class Person:
    """Lengths are in half face widths, and factors around 1."""

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    clothes: Colour
    clothes_style: str
    accent: Colour
    hair_style: str
    beard: str
    glasses: str
    earrings: bool
    freckles: bool
    blush: float
    lashes: bool
    cheek_width: float
    jaw_width: float
    chin: float
    ears: float
    eye_size: float
    eye_gap: float
    eye_rest: float
    brow_height: float
    brow_weight: float
    nose_size: float
    nose_style: int
    mouth_width: float
    lip_weight: float
    resting_smile: float


def sample_person(rng: np.random.Generator) -> Person:
    """Somebody nobody has met."""
    skin = _SKINS[rng.integers(len(_SKINS))]
    weights = np.asarray(_HAIR_WEIGHTS)
    hair = _HAIRS[rng.choice(len(_HAIRS), p=weights / weights.sum())]
    styles = np.asarray(_HAIR_STYLE_WEIGHTS)
    style = HAIR_STYLES[rng.choice(len(HAIR_STYLES), p=styles / styles.sum())]
    bearded = rng.random() < (0.3 if style in ("short", "side", "bald", "spiky", "beanie") else 0)
    lips = mix(shade(skin, 0.78), (196, 72, 84), rng.uniform(0.25, 0.75))
    return Person(
        skin=skin,
        hair=hair,
        iris=_IRISES[rng.integers(len(_IRISES))],
        lips=lips,
        clothes=vivid(rng, (0.3, 0.75), (0.4, 0.95)),
        clothes_style=("plain", "stripes", "collar", "hood")[rng.integers(4)],
        accent=vivid(rng, (0.4, 0.8), (0.5, 0.95)),
        hair_style=style,
        beard=("full", "stubble", "moustache", "goatee")[rng.integers(4)] if bearded else "none",
        glasses=("round", "square")[rng.integers(2)] if rng.random() < 0.16 else "none",
        earrings=rng.random() < 0.2,
        freckles=rng.random() < 0.15,
        blush=rng.uniform(0.0, 0.55),
        lashes=rng.random() < 0.4,
        cheek_width=rng.uniform(0.93, 1.06),
        jaw_width=rng.uniform(0.86, 1.14),
        chin=rng.uniform(0.92, 1.08),
        ears=rng.uniform(0.85, 1.2),
        eye_size=rng.uniform(0.9, 1.15),
        eye_gap=rng.uniform(0.94, 1.06),
        eye_rest=rng.normal(0.0, 0.08),
        brow_height=rng.normal(0.0, 0.03),
        brow_weight=rng.uniform(0.7, 1.35),
        nose_size=rng.uniform(0.8, 1.2),
        nose_style=int(rng.integers(3)),
        mouth_width=rng.uniform(0.9, 1.12),
        lip_weight=rng.uniform(0.55, 1.3),
        resting_smile=rng.normal(0.0, 0.07),
    )
