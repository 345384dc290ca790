"""Hair behind and over the face, beards and headscarfs: their outlines are data."""

from typing import Final

import numpy as np

from emotion_core.drawn_faces.canvas import Canvas, Points, curve, mirrored, oval, ring_between
from emotion_core.drawn_faces.person import Person, mix, shade

_BACK: Final = {
    "long": mirrored("0,-1.45 .95,-1.1 1.25,-.1 1.28,1.2 1.05,2"),
    "bob": mirrored("0,-1.45 .95,-1.12 1.25,-.2 1.25,.75 .8,1.08"),
    "bun": oval(0.15, -1.55, 0.42, 0.38),
    "curly": mirrored("0,-1.75 .9,-1.45 1.4,-.7 1.42,.2 1.1,.8 .9,.3"),
    "headscarf": mirrored("0,-1.5 .98,-1.15 1.22,-.1 1.1,.95 1.25,2.1"),
}
"""Behind the head."""
_HAIRLINE: Final = {
    "short": "1,-.3 .9,-.62 .7,-.86 .2,-.95 -.3,-.93 -.72,-.84 -.9,-.6 -1,-.3",
    "fringe": "1,-.3 .93,-.5 .72,-.62 .35,-.67 .05,-.64 -.3,-.68 -.7,-.61 -.93,-.5 -1,-.3",
    "side": "1,-.3 .93,-.5 .8,-.75 .3,-.72 -.25,-.86 -.6,-1.06 -.85,-.7 -.93,-.45 -1,-.3",
    "bob": "1.08,.75 .95,.2 .86,-.5 .5,-.68 0,-.72 -.5,-.68 -.86,-.5 -.95,.2 -1.08,.75",
    "long": "1.08,1.1 .95,.3 .84,-.45 .4,-.82 .02,-1.08 -.4,-.82 -.84,-.45 -.95,.3 -1.08,1.1",
    "bun": "1,-.3 .92,-.5 .7,-.85 .25,-1 -.25,-1 -.7,-.85 -.92,-.5 -1,-.3",
}
"""Over the forehead, from the right temple to the left."""
_CROWN: Final = "-1.04,-.3 -1.06,-.85 -.72,-1.3 0,-1.47 .72,-1.3 1.06,-.85 1.04,-.3"
_CURLS: Final = (
    (-0.85, -0.72),
    (-0.55, -0.98),
    (-0.15, -1.1),
    (0.3, -1.06),
    (0.66, -0.9),
    (0.9, -0.65),
)
_SCARF_INSIDE: Final = mirrored("0,-.98 .4,-.9 .8,-.62 .93,0 .86,.75 0,1.2")
_SCARF_OUTSIDE: Final = mirrored("0,-1.45 .5,-1.35 1,-.95 1.16,0 1.08,.85 0,1.62")
_MOUSTACHE: Final = mirrored("0,.4 .3,.44 .44,.58 .2,.54 0,.53")


def draw_back_hair(canvas: Canvas, person: Person) -> None:
    """What lies behind the face."""
    colour = person.accent if person.hair_style == "headscarf" else person.hair
    if person.hair_style in _BACK:
        canvas.fill(_BACK[person.hair_style], shade(colour, 0.79), depth=-0.3)


def draw_front_hair(canvas: Canvas, person: Person) -> None:
    """Hair or scarf that lies over the forehead."""
    if person.hair_style in _HAIRLINE:
        crown = curve(_CROWN) * (person.cheek_width, 1)
        outline = np.concatenate([crown, curve(_HAIRLINE[person.hair_style])])
        canvas.fill(outline, person.hair, depth=0.06)
        gloss = curve("-.7,-1.02 -.3,-1.24 .2,-1.28")
        canvas.stroke(gloss, shade(person.hair, 1.14), 0.12, alpha=0.55, depth=0.1)
    elif person.hair_style == "curly":
        for x, y in _CURLS:
            canvas.fill(oval(x, y, 0.34, 0.28), person.hair, depth=0.05)
    elif person.hair_style == "headscarf":
        ring = ring_between(_SCARF_OUTSIDE, _SCARF_INSIDE)
        canvas.fill(ring, person.accent, depth=0.02)


def draw_beard(canvas: Canvas, person: Person, face: Points) -> None:
    """Drawn before the mouth, which stays visible on it.

    Args:
        face: The face's outline.
    """
    hair = mix(person.hair, person.skin, 0.12)
    if person.beard in ("full", "stubble"):
        jaw = face[face[:, 1] > 0.12]
        jaw = jaw[np.argsort(np.arctan2(jaw[:, 0], jaw[:, 1] - 0.1))]
        inner = [(0.66, 0.5), (0.46, 0.47), (0, 0.42), (-0.46, 0.47), (-0.66, 0.5)]
        top = curve([(jaw[-1, 0], 0.14), *inner, (jaw[0, 0], 0.14)])
        alpha = 0.95 if person.beard == "full" else 0.28
        canvas.fill(np.concatenate([jaw, top]), hair, alpha=alpha, depth=0.05)
    if person.beard in ("full", "moustache"):
        canvas.fill(_MOUSTACHE, hair)
