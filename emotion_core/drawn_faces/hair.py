"""Hair behind and over the face, beards, and what people wear on their heads."""

from typing import Final

import numpy as np

from emotion_core.drawn_faces.canvas import Canvas, curve, oval, points
from emotion_core.drawn_faces.head import outline
from emotion_core.drawn_faces.muscles import Muscles
from emotion_core.drawn_faces.person import Person, mix, shade

_BACKS: Final = {
    "long": "0,-1.45 0.95,-1.1 1.25,-0.1 1.28,1.2 1.05,2 -1.05,2 -1.28,1.2 -1.25,-0.1 -0.95,-1.1",
    "bob": "0,-1.45 0.95,-1.12 1.25,-0.2 1.25,0.75 0.8,1.08 "
    "-0.8,1.08 -1.25,0.75 -1.25,-0.2 -0.95,-1.12",
    "headscarf": "0,-1.5 0.98,-1.15 1.22,-0.1 1.1,0.95 1.25,2.1 "
    "-1.25,2.1 -1.1,0.95 -1.22,-0.1 -0.98,-1.15",
}
"""The outline of what hangs down behind the head."""

_HAIRLINES: Final = {
    "short": "0.9,-0.62 0.7,-0.86 0.2,-0.95 -0.3,-0.93 -0.72,-0.84 -0.9,-0.6",
    "fringe": "0.93,-0.5 0.72,-0.62 0.35,-0.67 0.05,-0.64 -0.3,-0.68 -0.7,-0.61 -0.93,-0.5",
    "side": "0.93,-0.5 0.8,-0.75 0.3,-0.72 -0.25,-0.86 -0.6,-1.06 -0.85,-0.7 -0.93,-0.45",
    "bob": "0.95,0.2 0.86,-0.5 0.5,-0.68 0,-0.72 -0.5,-0.68 -0.86,-0.5 -0.95,0.2",
    "long": "0.95,0.3 0.84,-0.45 0.4,-0.82 0.02,-1.08 -0.4,-0.82 -0.84,-0.45 -0.95,0.3",
    "bun": "0.92,-0.5 0.7,-0.85 0.25,-1 -0.25,-1 -0.7,-0.85 -0.92,-0.5",
    "spiky": "0.9,-0.6 0.66,-0.92 0.45,-0.78 0.22,-0.98 0,-0.8 -0.25,-0.98 -0.45,-0.8 "
    "-0.68,-0.92 -0.9,-0.6",
}
"""Where hair ends on the forehead, right to left."""

_SPIKES: Final = points(
    "-1.03,-0.3 -1.1,-0.85 -0.92,-0.95 -0.88,-1.3 -0.58,-1.22 -0.42,-1.62 -0.12,-1.38 0.12,-1.72 "
    "0.32,-1.36 0.62,-1.55 0.7,-1.2 0.98,-1.22 1,-0.85 1.03,-0.3"
)
_CURLS: Final = (
    (-0.85, -0.72, 0.3),
    (-0.55, -0.98, 0.34),
    (-0.15, -1.08, 0.36),
    (0.3, -1.06, 0.35),
    (0.66, -0.9, 0.32),
    (0.9, -0.65, 0.28),
)
"""Centre and radius."""


def draw_back_hair(canvas: Canvas, person: Person) -> None:
    """Hair behind the face."""
    dark, style = shade(person.hair, 0.8), person.hair_style
    if style == "headscarf":
        scarf = curve(_BACKS[style], closed=True)
        canvas.fill(scarf, shade(person.accent, 0.78), depth=-0.2)
    elif style in _BACKS:
        canvas.fill(curve(_BACKS[style], closed=True), dark, depth=-0.35)
    elif style == "curly":
        for angle in np.linspace(-0.35 * np.pi, 1.35 * np.pi, 15):
            x, y = 1.05 * np.cos(angle), -0.42 - 0.95 * np.sin(angle)
            canvas.fill(oval(x, y, 0.42, 0.42, steps=18), dark, depth=-0.3)
        canvas.fill(oval(0, -0.5, 1.15, 1.1), dark, depth=-0.3)
    elif style == "bun":
        canvas.fill(oval(0.15, -1.55, 0.42, 0.38), dark, depth=-0.3)


def draw_beard(canvas: Canvas, person: Person, muscles: Muscles) -> None:
    """Drawn before the mouth, which stays visible on it."""
    hair = mix(person.hair, person.skin, 0.12)
    ring = outline(person, muscles)
    if person.beard in ("full", "stubble"):
        jaw = ring[ring[:, 1] > 0.12]
        jaw = jaw[np.argsort(np.arctan2(jaw[:, 0], jaw[:, 1] - 0.1))]
        top = points("0,0.14 0.66,0.5 0.46,0.47 0,0.42 -0.46,0.47 -0.66,0.5 0,0.14")
        top[[0, -1], 0] = jaw[[-1, 0], 0]
        alpha = 0.95 if person.beard == "full" else 0.28
        canvas.fill(np.concatenate([jaw, curve(top)]), hair, alpha=alpha, depth=0.05)
    if person.beard in ("full", "moustache"):
        lip = "0,0.4 0.3,0.44 0.44,0.58 0.2,0.54 0,0.53 -0.2,0.54 -0.44,0.58 -0.3,0.44"
        canvas.fill(curve(lip, closed=True), hair)
    if person.beard == "goatee":
        tuft = points("0.2,-0.26 0.15,0.04 0,0.09 -0.15,0.04 -0.2,-0.26 0,-0.3")
        tuft += (0, float(ring[:, 1].max()))
        canvas.fill(curve(tuft, closed=True), hair, depth=0.15)


def draw_front_hair(canvas: Canvas, person: Person) -> None:
    """Hair, cap or scarf that lies over the forehead."""
    light, accent, style = shade(person.hair, 1.14), person.accent, person.hair_style
    if style in _HAIRLINES:
        dome = points("-1.04,-0.3 -1.06,-0.85 -0.72,-1.3 0,-1.47 0.72,-1.3 1.06,-0.85 1.04,-0.3")
        dome[[0, 1, -2, -1], 0] *= person.cheek_width
        top = _SPIKES if style == "spiky" else curve(dome)
        if style in ("bob", "long"):
            low = 0.75 if style == "bob" else 1.1
            top = np.concatenate([[(-1.08, low)], top, [(1.08, low)]])
        canvas.fill(np.concatenate([top, curve(_HAIRLINES[style])]), person.hair, depth=0.06)
        gloss = curve("-0.7,-1.02 -0.3,-1.24 0.2,-1.28")
        canvas.stroke(gloss, light, 0.12, alpha=0.55, depth=0.1)
    elif style == "curly":
        for x, y, r in _CURLS:
            canvas.fill(oval(x, y, r, r * 0.85, steps=20), person.hair, depth=0.05)
        for place in points("-0.6,-1.05 -0.1,-1.2 0.4,-1.15"):
            gloss = curve(points("-0.12,0 0,-0.08 0.12,0") + place)
            canvas.stroke(gloss, light, 0.05, alpha=0.7, depth=0.08)
    elif style == "headscarf":
        inner = curve(
            "0.86,0.75 0.93,0 0.8,-0.62 0.4,-0.9 0,-0.98 "
            "-0.4,-0.9 -0.8,-0.62 -0.93,0 -0.86,0.75 0,1.2",
            closed=True,
        )
        rim = curve(
            "1.08,0.85 1.16,0 1,-0.95 0.5,-1.35 0,-1.45 "
            "-0.5,-1.35 -1,-0.95 -1.16,0 -1.08,0.85 0,1.62",
            closed=True,
        )
        canvas.fill(np.concatenate([rim, rim[:1], inner[:1], inner[::-1]]), accent, depth=0.02)
        fold = curve("0.95,0.9 0.5,1.32 -0.1,1.42")
        canvas.stroke(fold, shade(accent, 0.75), 0.05, depth=0.02)
    elif style == "beanie":
        cap = curve("-1.05,-0.72 -0.95,-1.25 0,-1.68 0.95,-1.25 1.05,-0.72")
        canvas.fill(cap, accent, depth=0.05)
        band = curve("-1.06,-0.62 -0.5,-0.84 0,-0.9 0.5,-0.84 1.06,-0.62")
        canvas.stroke(band, shade(accent, 0.78), 0.26, depth=0.08)
        canvas.fill(oval(0, -1.68, 0.18, 0.18), shade(accent, 1.3), depth=0.0)
