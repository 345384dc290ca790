"""Models as people look them over: their figures and aliases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import query


@dataclass(frozen=True)
class Headline:
    """One metric of a model on its validation images."""

    value: float
    low: float | None
    """Of the 95 % interval."""
    high: float | None
    chance: float | None


@dataclass(frozen=True)
class ListedModel:
    """One model version."""

    name: str
    network: str
    preset: str
    group_key: str
    """Of the training run that made it, and of its report."""
    dataset: str
    is_drawn: bool
    registered_at: datetime
    has_report: bool
    aliases: tuple[str, ...]
    headlines: dict[str, Headline]
    """By metric; without those that were not measured."""
    dataset_fingerprint: str = ""
    split_fingerprint: str = ""
    """With the one above it says which images were held out: the same name may hold others."""


def listed_models(
    connection: Connection, metrics: Sequence[str], limit: int = 200
) -> list[ListedModel]:
    """The newest model versions, newest first, each with these metrics."""
    rows = connection.execute(query("listed_models"), {"limit": limit}).mappings().all()
    found: dict[str, dict[str, Headline]] = {row["name"]: {} for row in rows}
    asked = {"models": list(found), "metrics": list(metrics)}
    for score in connection.execute(query("headline_scores"), asked) if found else ():
        found[score.model][score.metric] = Headline(
            score.value, score.low, score.high, score.chance
        )
    return [
        ListedModel(**{**row, "aliases": tuple(row["aliases"])}, headlines=found[row["name"]])
        for row in rows
    ]
