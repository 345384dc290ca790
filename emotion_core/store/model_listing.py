"""Models as people look them over: figures, aliases, and the promotions that were refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

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


@dataclass(frozen=True)
class GateFigure:
    """One figure of a gate."""

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
    """A model that was held against the champion and fell short."""

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


def refused_gates(connection: Connection, limit: int = 10) -> list[RefusedGate]:
    """The newest gates that let nobody through, newest first."""
    rows = connection.execute(query("refused_checks"), {"limit": limit}).mappings().all()
    gates = []
    for _, of_gate in groupby(rows, key=lambda row: row["gate_id"]):
        checks = list(of_gate)
        first = checks[0]
        gates.append(
            RefusedGate(
                first["candidate"],
                first["champion"],
                first["asked_by"],
                first["checked_at"],
                tuple(
                    GateFigure(**{name: check[name] for name in GateFigure.__annotations__})
                    for check in checks
                ),
            )
        )
    return gates
