"""The head around the features: shoulders, skin, ears and glasses."""

import numpy as np

from emotion_core.drawn_faces.canvas import Canvas, Points, curve, oval, ring_between
from emotion_core.drawn_faces.muscles import Muscles
from emotion_core.drawn_faces.person import Person, shade


def outline(person: Person, muscles: Muscles) -> Points:
    """The face's outline from crown over the right side; the jaw drops with an open mouth."""
    cheek, jaw = person.cheek_width, person.jaw_width
    chin = 1 + 0.1 * max(muscles.open, 0) - 0.03 * max(muscles.pout, 0)
    temple = [(0.0, -1.2), (0.5 * cheek, -1.12), (0.87 * cheek, -0.72), (0.97 * cheek, -0.15)]
    lower = [(0.92 * cheek, 0.38), (0.72 * jaw * cheek, 0.86 * chin), (0.36 * jaw, 1.14 * chin)]
    left = [(-x, y) for x, y in [*lower[::-1], *temple[:0:-1]]]
    return curve([*temple, *lower, (0.0, 1.22 * chin), *left], closed=True)


def draw_body(canvas: Canvas, person: Person) -> None:
    """Neck, shoulders and clothes."""
    shoulders = curve("-2.1,2.6 -1.75,1.75 -.9,1.42 0,1.36 .9,1.42 1.75,1.75 2.1,2.6")
    canvas.fill(shoulders, person.clothes, depth=-0.1)
    if person.striped:
        for y in (1.62, 1.9, 2.2):
            stripe = curve([(-1.7, y + 0.15), (0, y), (1.7, y + 0.15)])
            canvas.stroke(stripe, person.accent, 0.11, depth=-0.1)
    neck = np.array([(-0.42, 0.7), (0.42, 0.7), (0.5, 1.5), (0, 1.78), (-0.5, 1.5)])
    canvas.fill(neck, shade(person.skin, 0.78), depth=-0.08)
    canvas.fill(oval(0, 1.0, 0.5, 0.36), shade(person.skin, 0.62), alpha=0.6, depth=-0.05)
    collar = curve("-.52,1.44 -.3,1.68 0,1.78 .3,1.68 .52,1.44")
    canvas.stroke(collar, shade(person.clothes, 0.75), 0.08, depth=-0.08)


def draw_skin(canvas: Canvas, person: Person, face: Points, shadow_side: int) -> None:
    """Ears, and the face within its outline."""
    edge = shade(person.skin, 0.8)
    if person.hair_style != "headscarf":
        for side in (-1, 1):
            x = side * 0.99 * person.cheek_width
            canvas.fill(oval(x, 0.02, 0.17, 0.27), edge, depth=-0.1)
            canvas.fill(oval(x, 0.02, 0.12, 0.21), person.skin, depth=-0.1)
    canvas.fill(face, person.skin, depth=0.0)
    # A crescent of shadow on one side and under the jaw gives the flat shape its roundness.
    inner = face * (0.9, 0.96) + (-0.1 * shadow_side, -0.04)
    canvas.fill(ring_between(face, inner), edge, alpha=0.45, depth=0.0)
    canvas.fill(oval(-0.3 * shadow_side, -0.72, 0.36, 0.2), shade(person.skin, 1.35), alpha=0.22)


def draw_glasses(canvas: Canvas, person: Person) -> None:
    """Frames with a faint shine; the eyes stay visible."""
    if person.glasses == "none":
        return
    frame = shade(person.accent, 0.4)
    for side in (-1, 1):
        x = side * 0.42 * person.eye_gap
        ring = oval(0, 0, 1, 1)
        if person.glasses == "square":
            ring = np.sign(ring) * np.abs(ring) ** 0.55  # a superellipse
        ring = ring * (0.34, 0.3) + (x, -0.07)
        canvas.fill(ring, (235, 245, 255), alpha=0.12, depth=0.42)
        canvas.stroke(np.concatenate([ring, ring[:2]]), frame, 0.05, depth=0.42)
        arm = np.array([(x + side * 0.3, -0.1), (side * 1.0, -0.14)])
        canvas.stroke(arm, frame, 0.05, depth=0.15)
    canvas.stroke(curve("-.12,-.1 0,-.15 .12,-.1"), frame, 0.05, depth=0.42)
