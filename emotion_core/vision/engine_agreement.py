"""Whether an engine gives the scores of the reference: eager float32 on the same pixels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.vision.scores import Scores

SAME_LABEL_SHARE: Final = 0.99
"""Of the check images must keep their most probable expression."""

WIDEST_FLIP: Final = 0.02
"""A label may change only where the reference's two best are this close."""

WIDEST_DIFFERENCE: Final = 0.15
"""No probability, valence or arousal may move further; bfloat16 moves them up to 0.11."""

COUNT_PATTERNS: Final = 32


@dataclass(frozen=True)
class Agreement:
    """An engine's scores beside the reference's."""

    count_images: int
    count_faces: int
    """How many of them were delivered or labelled images; the others are drawn patterns."""
    same_label_share: float
    widest_flip: float
    """The largest lead, in the reference, of an expression that lost it; 0 without any."""
    widest_difference: float
    """The largest change of any probability, valence or arousal."""

    @property
    def keeps_scores(self) -> bool:
        """Whether the engine may replace the reference."""
        return (
            self.same_label_share >= SAME_LABEL_SHARE
            and self.widest_flip <= WIDEST_FLIP
            and self.widest_difference <= WIDEST_DIFFERENCE
        )


def compare(reference: Scores, candidate: Scores, count_faces: int) -> Agreement:
    """An engine's scores of the check images beside the reference's.

    Args:
        count_faces: As in :class:`Agreement`.
    """
    if not candidate.are_numbers:
        return Agreement(len(reference.va), count_faces, 0.0, 1.0, 2.0)
    flipped = reference.expressions != candidate.expressions
    return Agreement(
        count_images=len(reference.va),
        count_faces=count_faces,
        same_label_share=float(1 - flipped.mean()),
        widest_flip=float(reference.margins[flipped].max(initial=0.0)),
        widest_difference=reference.widest_difference(candidate),
    )


def patterns(image_size: int) -> NDArray[np.uint8]:
    """Seeded pictures from coarse blots to fine grain, for when no face is at hand.

    Enough to find an engine that computes something else; too far from faces to judge rounding,
    which is why engines below float32 are only chosen where real images were given.

    Returns:
        uint8 [32, image_size, image_size, 3], the same on every machine.
    """
    generator = np.random.default_rng(20_26)
    made = []
    for number in range(COUNT_PATTERNS):
        cells = min(image_size, 2 ** (1 + number % 7))
        grid = generator.uniform(0, 255, (cells, cells, 3))
        where = np.arange(image_size) * cells // image_size
        contrast = 0.2 + 0.8 * generator.random()
        made.append(127 + (grid[where][:, where] - 127) * contrast)
    return np.array(made).astype(np.uint8)
