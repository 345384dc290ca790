"""What a face does when it feels something: expression, valence and arousal as muscle movements.

The prototypes follow the Facial Action Coding System (Ekman & Friesen 1978) in cartoon form. The
distribution of valence and arousal follows Russell's circumplex (1980) with per-expression means
and spreads close to AffectNet's annotations (Mollahosseini et al. 2017).
"""

from dataclasses import astuple, dataclass, replace
from typing import Final

import numpy as np

from emotion_core.emotions import EXPRESSIONS

AFFECT: Final = {
    # mean valence, mean arousal, spread of valence, spread of arousal, correlation
    "Neutral": (-0.02, -0.02, 0.14, 0.12, -0.25),
    "Happy": (0.67, 0.08, 0.18, 0.17, 0.20),
    "Sad": (-0.62, -0.27, 0.22, 0.14, -0.15),
    "Surprise": (0.18, 0.70, 0.18, 0.15, 0.05),
    "Fear": (-0.14, 0.74, 0.13, 0.16, 0.10),
    "Disgust": (-0.68, 0.44, 0.16, 0.13, 0.20),
    "Anger": (-0.44, 0.55, 0.17, 0.20, 0.05),
    "Contempt": (-0.50, 0.56, 0.19, 0.14, -0.50),
}
"""How valence and arousal go with each expression."""


@dataclass(frozen=True)
class Muscles:
    """Movements from rest, roughly in [-1, 1]; 0 is a face at rest."""

    smile: float = 0.0
    """Mouth corners up (+) or down (-); action units 12 and 15."""
    open: float = 0.0
    """Jaw drop, 0 to 1; action units 25–27."""
    width: float = 0.0
    """Mouth stretched (+) or rounded (-); action units 20 and 18."""
    square: float = 0.0
    """0 to 1: an open mouth turns from round to a box that shows teeth."""
    smirk: float = 0.0
    """One mouth corner alone, tightened and up; action unit 14."""
    upper_lip: float = 0.0
    """Upper lip raised; action unit 10."""
    press: float = 0.0
    """Lips pressed thin; action unit 24."""
    pout: float = 0.0
    """Lower lip and chin pushed up; action unit 17."""
    brow_inner: float = 0.0
    """Inner ends up (+, action unit 1) or down (-, action unit 4)."""
    brow_outer: float = 0.0
    """Outer ends up (+, action unit 2) or down (-)."""
    brow_gather: float = 0.0
    """Brows drawn together, with folds between them; action unit 4."""
    brow_tilt: float = 0.0
    """One brow alone raised, on the smirk's side."""
    eyes: float = 0.0
    """Upper lids raised (+, action unit 5) or drooping (-, action unit 43)."""
    lower_lids: float = 0.0
    """Lower lids tight and up; action unit 7."""
    droop: float = 0.0
    """Outer eye corners sinking."""
    nose: float = 0.0
    """Nose wrinkled; action unit 9."""
    cheeks: float = 0.0
    """Cheeks raised; action unit 6."""
    gaze_down: float = 0.0

    def blend(self, other: "Muscles", share: float) -> "Muscles":
        """This face turned ``share`` (0 to 1, beyond for exaggeration) of the way to another."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Muscles(*(mine * (1 - share) + theirs * share for mine, theirs in pairs))


_ACTION_TABLE: Final = """
muscle        Neutral    Happy      Sad Surprise     Fear  Disgust    Anger Contempt
smile               0        1      -.9      .05     -.45      -.6      -.5      .05
open                0      .34        0      .85      .42      .18      .22        0
width               0      .35     -.25      -.5      .35        0      .15        0
square              0        0        0        0       .9        0        1        0
smirk               0        0        0        0        0        0        0        1
upper_lip           0        0        0        0        0        1        0        0
press               0        0        0        0        0        0       .6       .4
pout                0        0       .8        0        0        0        0        0
brow_inner          0        0        1        1      1.1     -.55     -1.1      -.1
brow_outer          0       .2      -.7        1       .1     -.35       .5        0
brow_gather         0        0        0        0       .5       .3        1        0
brow_tilt           0        0        0        0        0        0        0       .9
eyes                0        0     -.45       .8      .75      -.4       .1     -.35
lower_lids          0      .55        0        0       .2       .8       .5        0
droop               0        0       .9        0        0        0        0        0
nose                0        0        0        0        0        1       .2        0
cheeks              0        1        0        0        0       .5        0      .15
gaze_down           0        0       .7        0        0        0        0        0
"""


def _prototypes() -> dict[str, Muscles]:
    names, *rows = (line.split()[1:] for line in _ACTION_TABLE.strip().splitlines())
    columns = zip(*rows, strict=True)
    return {n: Muscles(*map(float, column)) for n, column in zip(names, columns, strict=True)}


_PROTOTYPES: Final = _prototypes()

_NEIGHBOURS: Final = {
    "Neutral": ("Contempt", "Sad"),
    "Happy": ("Contempt", "Surprise"),
    "Sad": ("Fear", "Neutral"),
    "Surprise": ("Fear", "Happy"),
    "Fear": ("Surprise", "Sad"),
    "Disgust": ("Anger", "Contempt"),
    "Anger": ("Disgust", "Fear"),
    "Contempt": ("Neutral", "Disgust"),
}


def sample_affect(expression: int, rng: np.random.Generator) -> tuple[float, float]:
    """A plausible valence and arousal, each within ±0.98, for an expression's id."""
    mean_v, mean_a, spread_v, spread_a, correlation = AFFECT[EXPRESSIONS[expression]]
    first, second = rng.standard_normal(2)
    second = correlation * first + np.sqrt(1 - correlation**2) * second
    valence = float(np.clip(mean_v + spread_v * first, -0.98, 0.98))
    arousal = float(np.clip(mean_a + spread_a * second, -0.98, 0.98))
    return valence, arousal


def contract(expression: int, valence: float, arousal: float, rng: np.random.Generator) -> Muscles:
    """The muscles of somebody who shows an expression at a point of the circumplex.

    How far the face goes towards its prototype is how far (valence, arousal) lies from rest in the
    expression's own direction. What is left over moves the mouth corners (valence) and the eyes,
    jaw and brows (arousal). Now and then a face is half another expression, as people's are.
    """
    name = EXPRESSIONS[expression]
    mean_v, mean_a, *_ = AFFECT[name]
    strength = 0.0
    if name != "Neutral":
        strength = (valence * mean_v + arousal * mean_a) / (mean_v**2 + mean_a**2)
        strength = float(np.clip(strength * rng.normal(1.0, 0.12), 0.45, 1.25))
    face = Muscles().blend(_PROTOTYPES[name], strength)
    if rng.random() < 0.14:
        other = _NEIGHBOURS[name][int(rng.random() < 0.35)]
        face = face.blend(_PROTOTYPES[other], rng.uniform(0.2, 0.45))
    more_v = valence - mean_v * min(strength, 1.0)
    more_a = arousal - mean_a * min(strength, 1.0)
    wobble = rng.normal(0.0, 0.07, size=6)
    opens = 0.15 if name in ("Neutral", "Sad", "Contempt") else 0.6
    return replace(
        face,
        smile=face.smile + 0.75 * more_v + wobble[0],
        cheeks=face.cheeks + 0.3 * more_v,
        open=float(np.clip(face.open + opens * more_a + 0.5 * wobble[1], 0.0, 1.1)),
        eyes=face.eyes + 0.7 * more_a + wobble[2],
        brow_inner=face.brow_inner + 0.3 * more_a + wobble[3],
        brow_outer=face.brow_outer + 0.3 * more_a + wobble[4],
        width=face.width + wobble[5],
    )
