"""What a new champion says otherwise than the one before, over the images that both scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from emotion_core.store.figures import figure_sql
from emotion_core.store.queries import query


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
    names = {"before": before, "after": after}
    totals = connection.execute(query("model_change_totals"), names).one()._mapping
    flips = connection.execute(query("model_change_flips"), names).mappings()
    return ModelChange(before, after, **totals, flips=tuple(Flip(**row) for row in flips))


def changes_among(connection: Connection, run_ids: Sequence[int]) -> tuple[ModelChange, ...]:
    """Every time that a model of one of these runs replaced one of another of them as champion.

    Asks the statement that a report shows, so that page and statement cannot differ. Changes
    without an image that both models scored are left out.
    """
    asked = connection.execution_options(no_parameters=True)
    rows = asked.exec_driver_sql(figure_sql("changes", run_ids))
    return tuple(
        _change(before, after, list(cells))
        for (before, after), cells in groupby(rows, key=attrgetter("model_before", "model_after"))
    )


def _change(before: str, after: str, cells: Sequence[Any]) -> ModelChange:
    images = sum(cell.count_images for cell in cells)
    flips = tuple(
        Flip(cell.expression_before, cell.expression_after, cell.count_images)
        for cell in cells
        if cell.expression_before != cell.expression_after
    )

    def mean(column: str) -> float:
        return float(sum(getattr(cell, column) for cell in cells) / images)

    return ModelChange(
        before,
        after,
        count_images=images,
        count_flips=sum(flip.count_images for flip in flips),
        mean_valence_shift=mean("valence_shift"),
        mean_valence_distance=mean("valence_distance"),
        mean_arousal_shift=mean("arousal_shift"),
        mean_arousal_distance=mean("arousal_distance"),
        flips=flips,
    )
