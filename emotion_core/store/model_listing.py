"""Models for people: their metrics and aliases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import execute, rows


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
    dataset_fingerprint: str = ""
    split_fingerprint: str = ""
    """With the one above it says which images were held out: the same name may hold others."""
    headlines: dict[str, Headline] = field(default_factory=dict)
    """By metric; without those that were not measured."""


def listed_models(
    connection: Connection, metrics: Sequence[str], limit: int = 200
) -> list[ListedModel]:
    """The newest model versions, newest first, each with these metrics."""
    listed = rows(connection, "listed_models", ListedModel, limit=limit)
    found = {model.name: model.headlines for model in listed}
    asked = {"models": list(found), "metrics": list(metrics)}
    for model, metric, *headline in execute(connection, "headline_scores", **asked):
        found[model][metric] = Headline(*headline)
    return listed
