"""Where a new champion predicts otherwise than the one before, on images that both scored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from emotion_core.store.figures import figure_sql
from emotion_core.store.queries import execute


@dataclass(frozen=True)
class Flip:
    """Images that one champion called so and the next one otherwise."""

    expression_before: str
    expression_after: str
    count_images: int


@dataclass(frozen=True)
class ModelChange:
    """Two successive champions on the images that both scored; shifts are after minus before."""

    before: str
    after: str
    count_images: int
    count_flips: int
    mean_valence_shift: float | None
    """None, as the other means, where they have no image in common."""
    mean_valence_distance: float | None
    mean_arousal_shift: float | None
    mean_arousal_distance: float | None
    flips: tuple[Flip, ...]
    """Most frequent first."""

    @property
    def flip_share(self) -> float:
        """Of the images that both scored, 0 to 1; 0 where there is none."""
        return self.count_flips / self.count_images if self.count_images else 0.0


def model_change(connection: Connection, before: str, after: str) -> ModelChange:
    """What changed when one model replaced another as champion; without images if it never did."""
    return _change(before, after, execute(connection, "model_change", before=before, after=after))


def changes_among(connection: Connection, run_ids: Sequence[int]) -> tuple[ModelChange, ...]:
    """Every time that a model of one of these runs replaced one of another of them as champion.

    Asks the statement that a report shows, so that page and statement cannot differ. Changes
    without an image that both models scored are left out.
    """
    asked = connection.execution_options(no_parameters=True)
    cells = asked.exec_driver_sql(figure_sql("changes", run_ids))
    return tuple(
        _change(*models, of_models)
        for models, of_models in groupby(cells, key=attrgetter("model_before", "model_after"))
    )


def _change(before: str, after: str, found: Iterable[Any]) -> ModelChange:
    """From counts and sums by pair of expressions, most frequent first."""
    cells = list(found)
    images = sum(cell.count_images for cell in cells)
    flips = tuple(
        Flip(cell.expression_before, cell.expression_after, cell.count_images)
        for cell in cells
        if cell.expression_before != cell.expression_after
    )
    means = {
        f"mean_{column}": float(sum(getattr(cell, column) for cell in cells) / images)
        if images
        else None
        for column in ("valence_shift", "valence_distance", "arousal_shift", "arousal_distance")
    }
    return ModelChange(
        before, after, images, sum(flip.count_images for flip in flips), flips=flips, **means
    )
