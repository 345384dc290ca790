"""A sheet to draw a head on: face coordinates in, pixels out, with the head's pose in between."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from emotion_core.drawn_faces.person import Colour

Points = npt.NDArray[np.float64]
"""[N, 2]; x to the right, y down; (0, 0) is a little below the eyes; the face is ±1 wide."""

SIZE: Final = 224
"""Side of a finished picture, pixels."""
SUPERSAMPLE: Final = 2


@dataclass(frozen=True)
class Pose:
    """Angles in radians; scale and shifts as shares of the picture's side."""

    roll: float
    yaw: float
    pitch: float
    scale: float
    shift_x: float
    shift_y: float


def sample_pose(rng: np.random.Generator) -> Pose:
    """A head held roughly upright and roughly towards the camera, filling most of the picture."""
    return Pose(
        roll=float(np.clip(rng.normal(0, 0.09), -0.3, 0.3)),
        yaw=float(np.clip(rng.normal(0, 0.17), -0.4, 0.4)),
        pitch=float(np.clip(rng.normal(0, 0.08), -0.2, 0.2)),
        scale=rng.uniform(0.35, 0.4),
        shift_x=float(np.clip(rng.normal(0, 0.02), -0.05, 0.05)),
        shift_y=float(np.clip(rng.normal(0.02, 0.02), -0.04, 0.07)),
    )


def points(text: str, *, side: int = 1, x: float = 0.0, y: float = 0.0) -> Points:
    """Points in SVG's notation, ``x,y x,y``; mirrored where side is -1, then moved by x and y."""
    read = np.array([pair.split(",") for pair in text.split()], dtype=np.float64)
    return read * (side, 1) + (x, y)


@lru_cache(maxsize=64)
def _basis(count: int, steps: int, closed: bool) -> Points:
    """Catmull–Rom weights: multiply with control points [count, 2] to get the smooth curve."""
    spans = count if closed else count - 1
    weights = np.zeros((spans * steps + (not closed), count))
    for row in range(len(weights)):
        span = min(row // steps, spans - 1)
        t = row / steps - span
        cubic = np.array([1, t, t**2, t**3]) @ _CATMULL_ROM
        for offset, weight in zip((-1, 0, 1, 2), cubic, strict=True):
            index = span + offset
            weights[row, index % count if closed else min(max(index, 0), count - 1)] += weight
    return weights


_CATMULL_ROM: Final = np.array(
    [[0, 1, 0, 0], [-0.5, 0, 0.5, 0], [1, -2.5, 2, -0.5], [-0.5, 1.5, -1.5, 0.5]]
)
"""Weights of four neighbours (columns) for the powers of t from 0 to 3 (rows)."""


def curve(control: Points | str, *, closed: bool = False, steps: int = 8) -> Points:
    """A smooth curve through control points [K, 2], or :func:`points` of a text."""
    through = points(control) if isinstance(control, str) else control
    smooth: Points = _basis(len(through), steps, closed) @ through
    return smooth


@lru_cache(maxsize=8)
def _circle(steps: int) -> Points:
    angles = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def oval(x: float, y: float, rx: float, ry: float, *, turn: float = 0.0, steps: int = 28) -> Points:
    """An ellipse's outline; ``turn`` in radians."""
    ring: Points = _circle(steps) * (rx, ry)
    if turn:
        cos, sin = np.cos(turn), np.sin(turn)
        ring = ring @ np.array([[cos, sin], [-sin, cos]])
    ring += np.array([x, y])
    return ring


_BULGE: Final = np.array([0.85, 0.35])
"""How fast the face's surface falls away from the camera towards the sides and up and down."""


class Canvas:
    """Draws shapes given in face coordinates.

    ``depth`` says where a shape lies: ``None`` on the face's bulging surface (features move when
    the head turns), a number at that constant depth (0 the outline, negative behind the head).
    """

    def __init__(self, background: Image.Image, pose: Pose) -> None:
        self.side = SIZE * SUPERSAMPLE
        self.image = background.resize((self.side, self.side), Image.Resampling.BILINEAR)
        self._draw = ImageDraw.Draw(self.image, "RGBA")
        self._pose = pose
        self._unit = pose.scale * self.side
        cos, sin = np.cos(pose.roll), np.sin(pose.roll)
        self._turn = np.array([[cos, sin], [-sin, cos]]) * self._unit
        self._centre = np.array([0.5 + pose.shift_x, 0.5 + pose.shift_y]) * self.side
        self._nod = np.array([np.sin(pose.yaw), np.sin(pose.pitch)])
        self._squeeze = 1 - np.array([0.25, 0.15]) * self._nod**2

    def project(self, points: Points, depth: float | None = None) -> Points:
        """Pixels on the supersampled sheet, [N, 2]."""
        turned = points * self._squeeze
        if depth is None:
            bulge = np.sqrt(np.maximum(1 - (points * points) @ _BULGE, 0.0)) * 0.42
            turned += bulge[:, None] * self._nod
        else:
            turned += depth * self._nod
        pixels: Points = turned @ self._turn + self._centre
        return pixels

    def fill(
        self, points: Points, colour: Colour, *, alpha: float = 1.0, depth: float | None = None
    ) -> None:
        """A filled shape."""
        shown = round(255 * min(alpha, 1.0))
        if shown > 0:
            flat = self.project(points, depth).ravel().tolist()
            self._draw.polygon(flat, fill=(*colour, shown) if shown < 255 else colour)

    def stroke(
        self,
        points: Points,
        colour: Colour,
        width: float,
        *,
        alpha: float = 1.0,
        depth: float | None = None,
    ) -> None:
        """A line with round ends; ``width`` in half face widths."""
        shown = round(255 * min(alpha, 1.0))
        if shown <= 0:
            return
        pixels = self.project(points, depth)
        half = max(0.5, width * self._unit / 2)
        # One ribbon for the whole line: Pillow's own joints would show as dots when translucent.
        if shown < 255:
            self._draw.polygon(_ribbon(pixels, half, tapered=True), fill=(*colour, shown))
            return
        self._draw.polygon(_ribbon(pixels, half, tapered=False), fill=colour)
        if half > 1:
            for x, y in (pixels[0], pixels[-1]):
                self._draw.ellipse((x - half, y - half, x + half, y + half), fill=colour)


@lru_cache(maxsize=64)
def _taper(count: int) -> Points:
    """A pencil's stroke: thin at both ends."""
    return np.sin(np.linspace(0.15, np.pi - 0.15, count))[:, None]


def _ribbon(pixels: Points, half: float, *, tapered: bool) -> list[float]:
    """A line's outline, as Pillow takes it."""
    direction = np.empty_like(pixels)
    direction[1:-1] = pixels[2:] - pixels[:-2]
    direction[0] = pixels[1] - pixels[0]
    direction[-1] = pixels[-1] - pixels[-2]
    length = np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-6)
    normal = direction[:, ::-1] * (half / length)[:, None] * (-1.0, 1.0)
    if tapered:
        normal = normal * _taper(len(pixels))
    flat: list[float] = np.concatenate([pixels + normal, (pixels - normal)[::-1]]).ravel().tolist()
    return flat
