"""What stands between a face and a labelled file: background, things in the way, light, lens."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from emotion_core.drawn_faces.canvas import SIZE, Canvas, curve, oval, points
from emotion_core.drawn_faces.person import Person, shade, vivid


def background(rng: np.random.Generator) -> Image.Image:
    """A soft backdrop, small: the canvas enlarges it."""
    side = 56
    dim = rng.random() < 0.25
    value = (0.2, 0.5) if dim else (0.72, 0.98)
    first, second = vivid(rng, (0.12, 0.5), value), vivid(rng, (0.12, 0.5), value)
    ends = np.array([[first, first], [second, second]], dtype=np.uint8)
    if rng.random() < 0.5:
        ends = ends.transpose(1, 0, 2)
    sheet = Image.fromarray(np.ascontiguousarray(ends)).resize(
        (side, side), Image.Resampling.BILINEAR
    )
    draw = ImageDraw.Draw(sheet, "RGBA")
    kind = rng.integers(4)
    tint = (*vivid(rng, (0.2, 0.6), value), int(rng.integers(50, 130)))
    if kind == 0:
        for x, y, r in rng.uniform((0, 0, 4), (side, side, 14), size=(6, 3)):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=tint)
    elif kind == 1:
        for x in range(int(rng.integers(0, 10)), side, 12):
            draw.line((x, 0, x - 12, side), fill=tint, width=4)
    elif kind == 2:
        y = int(rng.integers(24, 44))
        draw.rectangle((0, y, side, side), fill=tint)
    return sheet


def occlude(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """Now and then something hides a part of the face: a strand, a hand, a scarf."""
    what = rng.random()
    side = 1 if rng.random() < 0.5 else -1
    if what < 0.04 and person.hair_style in ("long", "bob", "side", "fringe"):
        strand = points("0.1,-1.1 0.55,-0.75 0.75,-0.1 0.95,0.45 1.08,-0.4 0.7,-1.15", side=side)
        canvas.fill(curve(strand, closed=True), person.hair, depth=0.4)
    elif what < 0.08:
        x, y = side * rng.uniform(0.55, 0.95), rng.uniform(0.75, 1.15)
        palm, crease = shade(person.skin, 0.94), shade(person.skin, 0.72)
        canvas.stroke(np.array([(x + side * 0.2, y + 1.3), (x, y + 0.4)]), palm, 0.5, depth=0.45)
        canvas.fill(oval(x, y + 0.35, 0.34, 0.36), palm, depth=0.45)
        for k in range(4):
            tip = (x + (k - 1.5) * 0.2 - side * 0.1, y - 0.25 - 0.08 * (1.5 - abs(k - 1.5)))
            root = (x + (k - 1.5) * 0.15, y + 0.3)
            canvas.stroke(np.array([root, tip]), crease, 0.2, depth=0.45)
            canvas.stroke(np.array([root, tip]), palm, 0.165, depth=0.45)
    elif what < 0.11:
        y = rng.uniform(0.95, 1.2)
        scarf = points("-1.25,0.1 -0.5,0 0,-0.05 0.5,0 1.25,0.1 1.2,0.9 0,1.1 -1.2,0.9", y=y)
        canvas.fill(curve(scarf, closed=True), person.accent, depth=0.3)
        for shift in (0.25, 0.5):
            fold = curve(points("-1.15,0.1 0,0 1.15,0.1", y=y + shift))
            canvas.stroke(fold, shade(person.accent, 0.78), 0.05, depth=0.3)


@lru_cache(maxsize=8)
def _grain(strength: int) -> Image.Image:
    """Noise around mid-grey, made once; pictures take random windows of it."""
    rng = np.random.default_rng(20_190_215 + strength)
    noise = rng.normal(128, strength, size=(2 * SIZE, 2 * SIZE, 3))
    return Image.fromarray(noise.clip(0, 255).astype(np.uint8))


def photograph(canvas: Canvas, rng: np.random.Generator) -> Image.Image:
    """The finished picture, [224, 224] RGB: uneven light, colour cast, lens blur and grain."""
    picture = canvas.image.reduce(canvas.side // SIZE)
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.4)
    xs, ys = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 8))
    light = 1 - fall * (0.5 + 0.5 * (xs * np.cos(angle) + ys * np.sin(angle)).clip(-1, 1))
    veil = Image.fromarray((light * 255).astype(np.uint8)).resize(
        (SIZE, SIZE), Image.Resampling.BICUBIC
    )
    picture = ImageChops.multiply(picture, Image.merge("RGB", (veil, veil, veil)))
    levels = np.linspace(0, 1, 256)
    # Lamps are warm or cold, seldom green: people under green light look ill.
    warmth, tint = rng.normal(0, 0.06), rng.normal(0, 0.02)
    gamma, gain = np.exp(rng.normal(-0.05, 0.14)), 1 + 0.3 * fall
    table: list[int] = []
    for cast in 1 + warmth * np.array([1.0, 0.15, -1.0]) + tint * np.array([0.5, -0.5, 0.5]):
        table += (255 * (levels * gain * cast).clip(0, 1) ** gamma).astype(int).tolist()
    picture = picture.point(table)
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.4)))
    strength = int(rng.integers(0, 6))
    if strength:
        x, y = (int(v) for v in rng.integers(0, SIZE, size=2))
        window = _grain(strength).crop((x, y, x + SIZE, y + SIZE))
        picture = ImageChops.add(picture, window, scale=1.0, offset=-128)
    if rng.random() < 0.02:
        picture = picture.convert("L").convert("RGB")
    return picture


def jpeg_bytes(picture: Image.Image, rng: np.random.Generator) -> bytes:
    """The picture as a JPEG file of everyday quality."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(68, 93)))
    return buffer.getvalue()
