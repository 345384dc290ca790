"""What readers of the tables saw change when one compared network replaced another as champion."""

from dataclasses import dataclass
from typing import Final

from emotion_core.statistics.intervals import wilson
from emotion_core.store.model_changes import ModelChange

SHOWN: Final = 8
"""Flips of a change on the page, the most frequent ones."""


@dataclass(frozen=True)
class Change:
    """One change of champion, over the delivered images that both models scored."""

    facts: ModelChange
    flip_low: float
    """Of the share of flipped expressions, 95 % (Wilson 1927), 0 to 1."""
    flip_high: float

    @property
    def shown_flips(self) -> tuple[tuple[str, str, int], ...]:
        """From, to and number of images of the most frequent flips."""
        return tuple(
            (flip.expression_before, flip.expression_after, flip.count_images)
            for flip in self.facts.flips[:SHOWN]
        )


def change_of(facts: ModelChange) -> Change:
    """Judge how far the share of flips would hold for other images of the same kind.

    Args:
        facts: With at least one image that both models scored.
    """
    return Change(facts, *wilson(facts.count_flips, facts.count_images))
