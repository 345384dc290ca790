"""Gates: what was measured of a candidate and the champion, and whether the candidate passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from emotion_core.errors import StoreError
from emotion_core.store.database import answer
from emotion_core.store.queries import execute, frame, rows

BETTER: Final = "better in accuracy or mean CCC"
"""The figure that the rule tests against :attr:`Gate.better_below`."""

_CHAMPIONS = "champion_"


@dataclass(frozen=True)
class GateFigure:
    """One row of the promotion rule (SQL function ``promotion_rule``)."""

    figure: str
    is_passed: bool
    candidate_value: float | None
    champion_value: float | None
    low: float | None
    """Of the 95 % interval of candidate minus champion."""
    high: float | None
    p: float | None
    asked_for: str
    detail: str | None
    """What was found, where a number does not tell it."""

    @property
    def measured(self) -> str:
        """``accuracy 0.508 against 0.500 (p 0.83)``; empty where nothing was compared."""
        if self.champion_value is None or self.p is None:
            return ""
        values = f"{self.candidate_value:.3f} against {self.champion_value:.3f}"
        return f"{self.figure} {values} (p {self.p:.3g})"


@dataclass(frozen=True)
class Gate:
    """One comparison of a candidate with the champion of that moment, and its verdict."""

    id: int
    candidate: str
    champion: str | None
    model_version_id: int
    champion_id: int | None
    golden: str
    """``passed``, ``missing`` or ``failed``."""
    attempt: int | None
    """The candidate's place among those compared with this champion, from 1; None in rows of before
    this was counted."""
    better_below: float
    """Below it a figure counts as better: ``alpha / (attempt * (attempt + 1))``."""
    minimum_images: int
    count_images: int
    only_candidate: int
    """Distinct images of which the candidate had more samples right."""
    only_champion: int
    accuracy_p: float | None
    ccc_p: float | None
    asked_by: str
    checked_at: datetime
    is_passed: bool
    is_used: bool
    """Whether a change of champion rests on it already; each gate serves once."""
    figures: tuple[GateFigure, ...]
    """Every row of the promotion rule; those that did not pass first."""

    @property
    def verdict(self) -> str:
        """Whether the candidate may become champion, and why, in a few sentences."""
        may = "may" if self.is_passed else "may not"
        against = f"the champion {self.champion}" if self.champion else "no champion"
        sentences = [f"{self.candidate} {may} become champion (against {against})."]
        failed = [
            figure.detail or f"{figure.figure} (required: {figure.asked_for})"
            for figure in self.figures
            if not figure.is_passed
        ]
        if failed:
            sentences.append(f"Not passed: {'; '.join(failed)}.")
        measured = [figure.measured for figure in self.figures if figure.measured]
        if measured:
            (better,) = (f for f in self.figures if f.figure == BETTER)
            sentences.append(f"Measured: {'; '.join(measured)}; required was {better.asked_for}.")
        return " ".join(sentences)


def held_out_by_both(
    connection: Connection, candidate_id: int, champion_id: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What two models predicted for the images that both held out.

    Returns:
        The candidate's and the champion's rows, in the same order, with the columns of
        :func:`emotion_core.store.training_runs.validation_predictions`. The truth is the label
        in the candidate's data set.
    """
    both = frame(connection, "held_out_by_both", candidate_id=candidate_id, champion_id=champion_id)
    theirs = both.filter(regex=f"^{_CHAMPIONS}")
    candidate = both.drop(columns=theirs.columns)
    champion = theirs.rename(columns=lambda name: name.removeprefix(_CHAMPIONS))
    return candidate, candidate.assign(**champion)


def record_gate(connection: Connection, facts: Mapping[str, Any]) -> Gate:
    """Keep what a gate measured; the database adds calibration, McNemar's test and verdict.

    Args:
        connection: Transaction of role ``emotion_train``.
        facts: The columns that ``sql/queries/record_promotion_gate.sql`` names; the
            database fills in those of McNemar's test where they are None.

    Raises:
        StoreError: Another model is champion by now, or the values are not those of the tables.
    """
    try:
        gate_id = execute(connection, "record_promotion_gate", **facts).scalar_one()
    except DBAPIError as error:
        raise StoreError(f"the gate was not kept: {answer(error)}") from error
    return gate_by_id(connection, gate_id)


def gate_by_id(connection: Connection, gate_id: int) -> Gate:
    """The gate under this number.

    Raises:
        StoreError: There is none.
    """
    found = _gates(connection, [gate_id])
    if not found:
        raise StoreError(f"there is no gate number {gate_id}; check the model again")
    return found[0]


def refused_gates(connection: Connection, limit: int = 10) -> list[Gate]:
    """The newest gates that refused their candidate, newest first."""
    return _gates(connection, list(execute(connection, "refused_gates", limit=limit).scalars()))


def _gates(connection: Connection, ids: list[int]) -> list[Gate]:
    def gate(figures: Sequence[dict[str, Any]], **facts: Any) -> Gate:
        return Gate(**facts, figures=tuple(GateFigure(**figure) for figure in figures))

    return rows(connection, "promotion_gates", gate, ids=ids)
