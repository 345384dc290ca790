"""The head around the features: shoulders, skin, ears and glasses."""

import numpy as np

from emotion_core.drawn_faces.canvas import Canvas, Points, curve, oval, points
from emotion_core.drawn_faces.muscles import Muscles
from emotion_core.drawn_faces.person import Person, mix, shade


def outline(person: Person, muscles: Muscles) -> Points:
    """The face's outline from crown over the right side; the jaw drops with an open mouth."""
    right = points("0,-1.2 0.5,-1.12 0.87,-0.72 0.97,-0.15 0.92,0.38 0.72,0.86 0.36,1.14 0,1.22")
    right[1:5, 0] *= person.cheek_width
    right[5:7, 0] *= person.jaw_width
    right[5, 0] *= person.cheek_width
    right[5:, 1] *= person.chin + 0.1 * max(muscles.open, 0) - 0.03 * max(muscles.pout, 0)
    left = right[-2:0:-1] * (-1, 1)
    return curve(np.concatenate([right, left]), closed=True, steps=6)


def draw_body(canvas: Canvas, person: Person) -> None:
    """Neck, shoulders and clothes."""
    cloth = person.clothes
    if person.clothes_style == "hood":
        canvas.fill(oval(0, 1.35, 1.12, 0.55), shade(cloth, 0.7), depth=-0.2)
    shoulders = curve("-2.1,2.6 -1.75,1.75 -0.9,1.42 0,1.36 0.9,1.42 1.75,1.75 2.1,2.6")
    canvas.fill(shoulders, cloth, depth=-0.1)
    if person.clothes_style == "stripes":
        for y in (1.62, 1.9, 2.2):
            stripe = curve(points("-1.7,0.15 0,0 1.7,0.15", y=y))
            canvas.stroke(stripe, person.accent, 0.11, depth=-0.1)
    neck = points("-0.42,0.7 0.42,0.7 0.5,1.5 0,1.78 -0.5,1.5")
    canvas.fill(neck, shade(person.skin, 0.78), depth=-0.08)
    canvas.fill(oval(0, 1.0, 0.5, 0.36), shade(person.skin, 0.62), alpha=0.6, depth=-0.05)
    if person.clothes_style == "collar":
        for side in (-1, 1):
            collar = points("0.5,1.36 0.05,1.82 0.62,1.98 0.86,1.5", side=side)
            canvas.fill(collar, mix(person.accent, (255, 255, 255), 0.6), depth=-0.05)
    else:
        neckline = curve("-0.52,1.44 -0.3,1.68 0,1.78 0.3,1.68 0.52,1.44")
        canvas.stroke(neckline, shade(cloth, 0.75), 0.08, depth=-0.08)


def draw_skin(canvas: Canvas, person: Person, muscles: Muscles, shadow_side: int) -> Points:
    """Ears and face; returns the face's outline in face coordinates."""
    edge, ears = shade(person.skin, 0.8), person.ears
    for side in (-1, 1) if person.hair_style != "headscarf" else ():
        x = side * 0.99 * person.cheek_width
        canvas.fill(oval(x, 0.02, 0.17 * ears, 0.27 * ears), edge, depth=-0.1)
        canvas.fill(oval(x, 0.02, 0.12 * ears, 0.21 * ears), person.skin, depth=-0.1)
        canvas.fill(oval(x + side * 0.01, 0.04, 0.06, 0.12), edge, alpha=0.7, depth=-0.1)
        if person.earrings:
            ring = oval(x + side * 0.02, 0.34, 0.06, 0.06, steps=16)
            canvas.fill(ring, (246, 206, 96), depth=-0.08)
    ring = outline(person, muscles)
    canvas.fill(ring, person.skin, depth=0.0)
    # A crescent of shadow on one side and under the jaw gives the flat shape its roundness.
    inner = ring * (0.9, 0.96) + (-0.1 * shadow_side, -0.04)
    crescent = np.concatenate([ring, ring[:1], inner[:1], inner[::-1]])
    canvas.fill(crescent, edge, alpha=0.45, depth=0.0)
    canvas.fill(oval(-0.3 * shadow_side, -0.72, 0.36, 0.2), shade(person.skin, 1.35), alpha=0.22)
    return ring


def draw_glasses(canvas: Canvas, person: Person) -> None:
    """Frames with a faint shine; the eyes stay visible."""
    if person.glasses == "none":
        return
    frame = shade(person.accent, 0.4)
    for side in (-1, 1):
        x = side * 0.42 * person.eye_gap
        ring = oval(x, -0.07, 0.34, 0.32, steps=32)
        if person.glasses == "square":
            # A superellipse: the circle's points pushed towards the corners.
            unit = (ring - (x, -0.07)) / (0.34, 0.32)
            ring = np.sign(unit) * np.abs(unit) ** 0.55 * (0.34, 0.28) + (x, -0.07)
        canvas.fill(ring, (235, 245, 255), alpha=0.12, depth=0.42)
        canvas.stroke(np.concatenate([ring, ring[:2]]), frame, 0.05, depth=0.42)
        arm = np.array([(x + side * 0.3, -0.1), (side * 1.0, -0.14)])
        canvas.stroke(arm, frame, 0.05, depth=0.15)
    canvas.stroke(curve("-0.12,-0.1 0,-0.15 0.12,-0.1"), frame, 0.05, depth=0.42)
