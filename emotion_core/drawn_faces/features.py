"""Eyes, brows, nose and mouth: what the muscles move."""

import numpy as np
import numpy.typing as npt

from emotion_core.drawn_faces.canvas import Canvas, Points, curve, oval, points
from emotion_core.drawn_faces.muscles import Muscles
from emotion_core.drawn_faces.person import Colour, Person, mix, shade

Values = npt.NDArray[np.float64]

_INK: Colour = (44, 30, 34)
_EYE_X, _EYE_Y = 0.42, -0.1
_MOUTH_Y = 0.66
_U = np.linspace(-1, 1, 19)
_LID = np.sqrt(1 - _U**2) ** 0.9


def draw_eyes(canvas: Canvas, person: Person, muscles: Muscles, gaze: float) -> list[Points]:
    """Both eyes; returns their outlines in face coordinates, left first, 6 points each."""
    return [_draw_eye(canvas, person, muscles, side, gaze) for side in (-1, 1)]


def _draw_eye(canvas: Canvas, person: Person, muscles: Muscles, side: int, gaze: float) -> Points:
    half = 0.26 * person.eye_size
    x0 = side * _EYE_X * person.eye_gap
    tilt = 0.5 * muscles.brow_tilt * (1 if side == 1 else -0.4)
    lift = float(np.clip(muscles.eyes + person.eye_rest + 0.3 * tilt, -1.0, 1.2))
    top = half * (0.66 + 0.36 * lift)
    bottom = half * float(np.clip(0.58 + 0.16 * lift - 0.34 * muscles.lower_lids, 0.1, 0.9))
    # u runs outwards on both sides, so that drooping outer corners mirror.
    sink = _U * side * 0.055 * muscles.droop + 0.012 * side * _U * -1
    xs = x0 + _U * half
    upper = _EYE_Y + sink - top * _LID
    lower = _EYE_Y + sink + bottom * _LID
    # Drooping lids cut the outer half of the eye, frowning ones the inner half.
    press = -0.09 * min(muscles.brow_inner, 0.0) * np.clip(-_U * side, 0, 1)
    upper += press + 0.05 * max(muscles.droop, 0) * np.clip(_U * side, 0, 1)
    upper = np.minimum(upper, lower)

    socket = shade(person.skin, 0.86)
    canvas.fill(oval(x0, _EYE_Y - 0.02, half * 1.35, half * 1.15), socket, alpha=0.35)
    canvas.fill(_band(xs, upper, lower), (252, 250, 248))

    size = half * 0.62
    look = np.array([x0 + gaze * half * 0.4, _EYE_Y - 0.01 + 0.06 * muscles.gaze_down])

    def within(shape: Points) -> Points:
        """The iris ends where the lids begin."""
        x = np.clip(shape[:, 0], xs[0], xs[-1])
        y = np.clip(shape[:, 1], np.interp(x, xs, upper), np.interp(x, xs, lower))
        return np.stack([x, y], axis=1)

    canvas.fill(within(oval(look[0], look[1], size, size)), shade(person.iris, 0.72))
    canvas.fill(within(oval(look[0], look[1] + size * 0.12, size * 0.8, size * 0.8)), person.iris)
    pupil = size * (0.5 + 0.1 * lift)
    canvas.fill(within(oval(look[0], look[1], pupil, pupil)), (22, 16, 20))
    spark = look + np.array([-0.3, -0.34]) * size
    glint = oval(spark[0], spark[1], size * 0.26, size * 0.26, steps=14)
    canvas.fill(within(glint), (255, 255, 255))

    canvas.stroke(np.stack([xs, lower], 1)[3:-3], shade(person.skin, 0.62), 0.022, alpha=0.7)
    lash = np.stack([xs, upper], 1)
    canvas.stroke(lash, _INK, 0.05 if person.lashes else 0.04)
    if person.lashes:
        corner = lash[-1 if side == 1 else 0]
        tip = corner + np.array([side * 0.07, -0.05])
        canvas.stroke(np.stack([corner, tip]), _INK, 0.035)
    crease = np.stack([xs, upper - 0.05 - 0.02 * _LID], 1)[2:-2]
    canvas.stroke(crease, shade(person.skin, 0.7), 0.022, alpha=0.55)
    if muscles.cheeks > 0.15 or muscles.lower_lids > 0.3:
        bag = np.stack([xs, lower + 0.075 - 0.02 * (1 - _LID)], 1)[3:-3]
        strength = max(muscles.cheeks, muscles.lower_lids)
        canvas.stroke(bag, shade(person.skin, 0.68), 0.03, alpha=0.55 * min(strength, 1.0))
    return _band(xs, upper, lower)[[0, 6, 12, 18, 25, 31]]


def draw_brows(canvas: Canvas, person: Person, muscles: Muscles) -> list[Points]:
    """Both brows; returns 5 points each in face coordinates, from the picture's left to right."""
    colour = person.hair if person.hair_style != "bald" else shade(person.skin, 0.4)
    if min(abs(a - b) for a, b in zip(colour, person.skin, strict=True)) < 18:
        colour = shade(colour, 0.6)
    rows = []
    for side in (-1, 1):
        alone = muscles.brow_tilt * (0.16 if side == 1 else -0.05)
        base = -0.47 - person.brow_height
        inner = base - 0.15 * muscles.brow_inner - alone * 0.6 + 0.02 * muscles.nose
        outer = base + 0.02 - 0.13 * muscles.brow_outer - alone
        middle = base - 0.055 - 0.07 * (muscles.brow_inner + muscles.brow_outer) - alone * 1.1
        reach = 0.17 - 0.055 * muscles.brow_gather
        heights = [inner, (inner + middle) / 2 - 0.005, middle, outer]
        spine = curve(np.stack([side * np.array([reach, 0.3, 0.48, 0.71]), heights], 1))
        thick = 0.066 * person.brow_weight * np.linspace(1.15, 0.45, len(spine))
        thick *= np.sin(np.linspace(0.9, 2.6, len(spine)))
        canvas.fill(_band(spine[:, 0], spine[:, 1] - thick, spine[:, 1] + thick), colour)
        rows.append(spine[[0, 6, 12, 18, 24][::side]])
    return rows


def draw_forehead(canvas: Canvas, person: Person, muscles: Muscles) -> None:
    """Folds above and between the brows."""
    ink = shade(person.skin, 0.66)
    raised = (muscles.brow_inner + 0.8 * max(muscles.brow_outer, 0)) / 1.8
    if raised > 0.35:
        for y in (-0.76, -0.87):
            bow = 0.03 if muscles.brow_outer > 0.3 else -0.03
            fold = curve(np.array([(-0.36, y + bow), (0, y), (0.36, y + bow)]))
            canvas.stroke(fold, ink, 0.03, alpha=0.6 * min(raised, 1.0))
    gather = max(muscles.brow_gather, 0.0)
    if gather > 0.15:
        for side in (-1, 1):
            fold = curve(points("0.075,-0.52 0.055,-0.42 0.08,-0.3", side=side))
            canvas.stroke(fold, ink, 0.04, alpha=0.85 * min(gather, 1.0))


def draw_nose(canvas: Canvas, person: Person, muscles: Muscles) -> list[Points]:
    """The nose; returns the bridge (4 points) and the base (5 points) in face coordinates."""
    size = person.nose_size
    dark, light = shade(person.skin, 0.74), shade(person.skin, 1.22)
    flare = 1 + 0.22 * max(muscles.nose, 0) + 0.12 * max(muscles.brow_gather, 0)
    tip = 0.27 - 0.05 * max(muscles.nose, 0)
    wide = 0.13 * size * flare
    base = points("-1,-0.03 -0.7,0.05 0,0.075 0.7,0.05 1,-0.03") * (wide, 1) + (0, tip)
    base = curve(base)
    if person.nose_style == 0:
        canvas.fill(oval(0, tip, wide * 1.05, 0.1 * size), dark, alpha=0.35)
    canvas.fill(oval(-0.03, tip - 0.04, wide * 0.45, 0.05 * size), light, alpha=0.6)
    if person.nose_style == 1:
        side_line = curve(np.array([(0.06, -0.12), (0.09, 0.05), (0.12 * size, tip - 0.05)]))
        canvas.stroke(side_line, dark, 0.03, alpha=0.6)
    canvas.stroke(base, dark, 0.04)
    for side in (-1, 1):
        nostril = oval(side * wide * 0.52, tip + 0.045, 0.036 * flare, 0.022, steps=14)
        canvas.fill(nostril, shade(person.skin, 0.45), alpha=0.8)
    wrinkled = min(max(muscles.nose, 0.0), 1.0)
    if wrinkled > 0.12:
        for row in range(3):
            y = -0.16 + 0.085 * row
            for side in (-1, 1):
                fold = curve(points("0.02,0.015 0.1,-0.02 0.17,0.035", side=side, y=y))
                canvas.stroke(fold, shade(person.skin, 0.58), 0.036, alpha=0.95 * wrinkled)
    bridge = np.array([(0, -0.2), (0, -0.06), (0, 0.08), (0, tip - 0.05)])
    return [bridge, base[[0, 8, 16, 24, 32]]]


def draw_cheeks(canvas: Canvas, person: Person, muscles: Muscles) -> None:
    """Blush, freckles, and the folds from nose to mouth."""
    raised = float(np.clip(muscles.cheeks, 0, 1.2))
    rosy = mix(person.skin, (232, 84, 92), 0.55)
    for side in (-1, 1):
        y = 0.3 - 0.08 * raised
        for size, alpha in ((1.0, 0.2), (0.7, 0.25)):
            blush = oval(side * 0.58, y, 0.23 * size, 0.16 * size)
            canvas.fill(blush, rosy, alpha=alpha * (0.35 + person.blush + 0.8 * raised))
        if person.freckles:
            for x, y in points("-0.09,-0.03 0,0.03 0.08,-0.05 0.05,0.06 -0.04,0.07"):
                freckle = oval(side * 0.5 + x, 0.2 + y, 0.016, 0.016, steps=10)
                canvas.fill(freckle, shade(person.skin, 0.66))
        fold = max(raised * 0.8, muscles.upper_lip, 0.6 * muscles.smirk if side == 1 else 0.0)
        if fold > 0.15:
            line = curve(points("0.19,0.25 0.37,0.4 0.47,0.62", side=side))
            canvas.stroke(line, shade(person.skin, 0.66), 0.036, alpha=0.7 * min(fold, 1.0))


def draw_mouth(canvas: Canvas, person: Person, muscles: Muscles) -> list[Points]:
    """The mouth; returns its outer (12) and inner (8) outline in face coordinates."""
    u = _U
    opened = float(np.clip(muscles.open, 0.0, 1.1))
    if opened < 0.09:
        opened = 0.0
    stretch = 1 + 0.3 * muscles.width + 0.12 * abs(muscles.smile)
    half = 0.45 * person.mouth_width * (stretch - 0.1 * opened - 0.15 * max(muscles.pout, 0))
    smile = muscles.smile + person.resting_smile
    shift = 0.05 * muscles.smirk
    xs = u * half + shift
    corner = 0.5 * (1 - u) * (smile - 0.15 * muscles.smirk)
    corner = corner + 0.5 * (1 + u) * (smile + 1.15 * muscles.smirk)
    middle = _MOUTH_Y - 0.05 * max(muscles.pout, 0) - 0.05 * max(muscles.upper_lip, 0)
    middle += 0.03 * opened + 0.06 * float(np.clip(smile, -1, 1))
    line = middle - 0.21 * corner * np.abs(u) ** 1.6
    box = min(max(muscles.square, 0.0), 1.0) * opened
    sharp = 2.0 + 6.0 * min(max(muscles.square, 0.0), 1.0)
    arch = (1 - np.abs(u) ** sharp) if smile > 0.3 or box > 0.02 else np.sqrt(1 - u**2)
    rise = 0.15 * opened * (0.35 if smile > 0.3 else 1.0) + 0.11 * max(muscles.upper_lip, 0)
    drop = 0.4 * opened
    upper = line - rise * arch
    lower = line + drop * arch

    fullness = person.lip_weight * (1 - 0.75 * min(max(muscles.press, 0), 1))
    bow = (1 - u**2) * (1 - 0.35 * np.exp(-((u / 0.16) ** 2)))
    lip_top = upper - 0.062 * fullness * bow
    lip_bottom = lower + 0.085 * fullness * (1 - u**2) ** 0.8 * (1 + 0.5 * max(muscles.pout, 0))
    canvas.fill(_band(xs, lip_top, lip_bottom), person.lips)
    gap = lower - upper
    if float(gap.max()) > 0.03:
        _draw_inside(canvas, xs, upper, lower, opened, box, smile)
        canvas.stroke(np.stack([xs, upper], 1), shade(person.lips, 0.6), 0.022)
        canvas.stroke(np.stack([xs, lower], 1), shade(person.lips, 0.6), 0.022)
    else:
        canvas.stroke(np.stack([xs, (upper + lower) / 2], 1), shade(person.lips, 0.38), 0.045)
    for side, strength in ((-1, abs(smile)), (1, max(abs(smile), muscles.smirk))):
        if strength > 0.3:
            x, y = xs[0 if side == -1 else -1], line[0 if side == -1 else -1]
            dimple = curve(points("0.01,-0.045 0.04,0 0,0.05", side=side, x=x, y=y))
            canvas.stroke(dimple, shade(person.skin, 0.6), 0.03, alpha=0.6 * min(strength, 1.0))
    if muscles.pout > 0.3:
        y = float(lip_bottom.max()) + 0.07
        dent = curve(points("-0.12,0.03 0,0 0.12,0.03", y=y))
        canvas.stroke(dent, shade(person.skin, 0.66), 0.035, alpha=0.7 * min(muscles.pout, 1.0))
    # The 68 usual points run along the upper edge and back along the lower one.
    outer = _band(xs, lip_top, lip_bottom)[[0, 3, 6, 9, 12, 15, 18, 22, 25, 28, 31, 34]]
    return [outer, _band(xs, upper, lower)[[1, 5, 9, 13, 17, 24, 28, 32]]]


def _band(xs: Values, top: Values, bottom: Values) -> Points:
    """The outline of what lies between two lines: along the top and back along the bottom."""
    return np.concatenate([np.stack([xs, top], 1), np.stack([xs, bottom], 1)[::-1]])


def _draw_inside(
    canvas: Canvas,
    xs: Values,
    upper: Values,
    lower: Values,
    opened: float,
    box: float,
    smile: float,
) -> None:
    """Darkness, tongue and teeth, each ending where the lips begin."""
    gap = lower - upper
    canvas.fill(_band(xs, upper, lower), (92, 26, 36))

    def band(top: Values, bottom: Values, colour: Colour) -> None:
        within = _band(xs, np.clip(top, upper, lower), np.clip(bottom, upper, lower))
        canvas.fill(within, colour)

    if opened > 0.3 and box < 0.25:
        across = (xs - xs.mean()) / (0.75 * np.ptp(xs) / 2)
        hump = 0.45 * gap.max() * np.clip(1 - across**2, 0, 1)
        band(lower - hump, lower, (222, 102, 108))
    teeth = (250, 248, 240)
    if box > 0.02:
        band(upper + 0.06 * gap, upper + 0.46 * gap, teeth)
        band(upper + 0.56 * gap, lower - 0.06 * gap, (238, 234, 224))
        for share in (0.25, 0.5, 0.75):
            x = xs[0] + share * np.ptp(xs)
            y0, y1 = np.interp(x, xs, upper), np.interp(x, xs, lower)
            canvas.stroke(np.array([(x, y0), (x, y1)]), (190, 176, 170), 0.014)
    elif smile > 0.2 or gap.max() > 0.09:
        share = 0.55 if smile > 0.3 else 0.24
        band(upper, upper + np.minimum(share * gap, 0.13), teeth)
