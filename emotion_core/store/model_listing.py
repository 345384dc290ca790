"""Models for people: metrics, aliases, and the promotions that were refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True)
class GateFigure:
    """One condition of a gate."""

    figure: str
    is_passed: bool
    candidate_value: float | None
    champion_value: float | None
    low: float | None
    """Of the 95 % interval of candidate minus champion."""
    high: float | None
    p: float | None
    asked_for: str


@dataclass(frozen=True)
class RefusedGate:
    """A model that was compared with the champion and refused."""

    candidate: str
    champion: str | None
    asked_by: str
    checked_at: datetime
    figures: tuple[GateFigure, ...]
    """Those that fell short first."""


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


def refused_gates(connection: Connection, limit: int = 10) -> list[RefusedGate]:
    """The newest gates that let nobody through, newest first."""

    def gate(figures: Sequence[dict[str, Any]], **facts: Any) -> RefusedGate:
        return RefusedGate(**facts, figures=tuple(GateFigure(**figure) for figure in figures))

    return rows(connection, "refused_gates", gate, limit=limit)
