"""What a new champion says otherwise than the one before, over the images that both scored."""

from dataclasses import dataclass

from sqlalchemy import Connection

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
