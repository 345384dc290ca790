"""A whole picture of a person who feels something."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from emotion_core.drawn_faces import camera, features, hair, head
from emotion_core.drawn_faces.canvas import SUPERSAMPLE, Canvas, sample_pose
from emotion_core.drawn_faces.muscles import contract
from emotion_core.drawn_faces.person import Person


@dataclass(frozen=True)
class Portrait:
    """A picture and where its features lie."""

    image: Image.Image
    """[224, 224] RGB."""
    landmarks: npt.NDArray[np.float64]
    """[136]: x and y in turns of the 68 usual points (jaw, brows, nose, eyes, mouth), pixels."""


def draw_portrait(
    expression: int, valence: float, arousal: float, rng: np.random.Generator
) -> Portrait:
    """Draw somebody new; the same generator state draws the same picture.

    Args:
        expression: 0 to 7.
        valence: -1 to 1.
        arousal: -1 to 1.
        rng: Decides everything else: person, pose, light, what is in the way.
    """
    person = Person(rng)
    muscles = contract(expression, valence, arousal, rng)
    canvas = Canvas(camera.background(rng), sample_pose(rng))
    hair.draw_back_hair(canvas, person)
    head.draw_body(canvas, person)
    ring = head.draw_skin(canvas, person, muscles, 1 if rng.random() < 0.5 else -1)
    features.draw_cheeks(canvas, person, muscles)
    features.draw_forehead(canvas, person, muscles)
    hair.draw_beard(canvas, person, muscles)
    mouth = features.draw_mouth(canvas, person, muscles)
    eyes = features.draw_eyes(canvas, person, muscles, float(rng.normal(0, 0.3)))
    nose = features.draw_nose(canvas, person, muscles)
    hair.draw_front_hair(canvas, person)
    brows = features.draw_brows(canvas, person, muscles)
    head.draw_glasses(canvas, person)
    camera.occlude(canvas, person, rng)
    # The outline runs from the crown over the right side; the jaw's 17 points run left to right.
    lower = ring[ring[:, 1] > -0.15]
    lower = lower[np.argsort(-np.arctan2(lower[:, 0], lower[:, 1] + 0.15))][::-1]
    jaw = lower[np.linspace(0, len(lower) - 1, 17).round().astype(int)]
    flat = canvas.project(jaw, 0.0)
    bulging = canvas.project(np.concatenate([*brows, *nose, *eyes, *mouth]))
    landmarks = np.concatenate([flat, bulging]).ravel() / SUPERSAMPLE
    return Portrait(camera.photograph(canvas, rng), landmarks)
