"""Gates: what was measured when a model was compared with the champion, and whether it passed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from emotion_core.errors import StoreError
from emotion_core.store.database import answer
from emotion_core.store.queries import execute, frame, row

_CHAMPIONS = "champion_"


@dataclass(frozen=True)
class Gate:
    """A row of ``promotion_gate``; figures of the comparison are None where there was no champion.

    Differences and their intervals are candidate minus champion.
    """

    id: int
    candidate: str
    champion: str | None
    model_version_id: int
    champion_id: int | None
    golden: str
    """``passed``, ``missing`` or ``failed``."""
    golden_detail: str
    calibration_error: float | None
    collapse: str | None
    """Why the candidate is of no use; None when it is of some."""
    alpha: float
    """Below it a figure counts as worse."""
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
    accuracy_candidate: float | None
    accuracy_champion: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    accuracy_p: float | None
    ccc_candidate: float | None
    ccc_champion: float | None
    ccc_low: float | None
    ccc_high: float | None
    ccc_p: float | None
    asked_by: str
    checked_at: datetime
    is_passed: bool
    """The database's own verdict on the figures above."""
    is_used: bool
    """Whether a change of champion rests on it already; each gate serves once."""


def held_out_by_both(
    connection: Connection, candidate_id: int, champion_id: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What two models said of the images that neither was trained on and both were validated on.

    Returns:
        The candidate's and the champion's rows, in the same order, with the columns of
        :func:`emotion_core.store.training_runs.validation_predictions`. The truth is the label
        in the candidate's data set.
    """
    both = frame(connection, "held_out_by_both", candidate_id=candidate_id, champion_id=champion_id)
    theirs = both.filter(regex=f"^{_CHAMPIONS}")
    candidate = both.drop(columns=theirs.columns)
    return candidate, candidate.assign(
        **theirs.rename(columns=lambda n: n.removeprefix(_CHAMPIONS))
    )


def record_gate(connection: Connection, facts: Mapping[str, Any]) -> Gate:
    """Keep a gate's figures; the database adds the calibration, McNemar's test, the attempt and its
    verdict.

    Args:
        connection: Transaction of role ``emotion_train``.
        facts: The columns that ``sql/queries/record_promotion_gate.sql`` names; the
            database fills in those of McNemar's test where they are None.

    Raises:
        StoreError: Another model is champion by now, or the figures are not those of the tables.
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
    gate = row(connection, "promotion_gate", Gate, id=gate_id)
    if gate is None:
        raise StoreError(f"there is no gate number {gate_id}; check the model again")
    return gate
