"""Champions and rivals for tests; champions come by an override: few tests are about gates."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from factories import make_labels, make_training_run
from sqlalchemy import Connection, text

from emotion_core.comparison.gate import paired_figures
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store import aliases, gates, models, training_runs
from emotion_core.store.database import Database

PASSES = {"golden": "passed", "golden_detail": "the golden outputs came back"}
"""Of a stored model that gives its golden outputs."""

NOTHING_COMPARED: dict[str, Any] = {
    "golden": "missing",
    "golden_detail": "not asked",
    "collapse": None,
    "alpha": 0.05,
    "minimum_images": 100,
    "count_images": 0,
    "only_candidate": 0,
    "only_champion": 0,
    "asked_by": "test",
    **dict.fromkeys(
        f"{metric}_{figure}"
        for metric in ("accuracy", "ccc")
        for figure in ("candidate", "champion", "low", "high", "p")
    ),
}
"""A gate for two models that held out no image in common."""


def make_rival(
    connection: Connection,
    labels: pd.DataFrame,
    *,
    share_right: float,
    noise: float = 0.3,
    folder: Path = Path("/runs/none"),
    weights_sha256: str = "ab" * 32,
    is_calibrated: bool = True,
) -> models.ModelVersion:
    """A model validated on the second half of ``labels``, as good as one likes.

    Args:
        share_right: Of the held-out samples: the first ones are called right.
        noise: By how much valence and arousal are off, alternating in sign.
    """
    run = make_training_run(connection, network="resnet50", labels=labels)
    held_out = labels.iloc[len(labels) // 2 :].copy()
    count = len(held_out)
    is_right = np.arange(count) < round(share_right * count)
    called = np.where(is_right, held_out["expression"], (held_out["expression"] + 1) % 8)
    probabilities = np.full((count, 8), 0.01, np.float32)
    probabilities[np.arange(count), called] = 0.93
    held_out[list(PROBABILITY_COLUMNS)] = probabilities
    sign = np.where(np.arange(count) % 2, 1.0, -1.0)
    for dimension in ("valence", "arousal"):
        off = held_out[dimension] + noise * sign
        held_out[f"predicted_{dimension}"] = off.clip(-1, 1)
    training_runs.record_validation_predictions(connection, run.id, held_out)
    if is_calibrated:
        training_runs.record_calibration(
            connection,
            run.id,
            {"temperature": 1.2, "ece_before": 0.1, "ece_after": 0.04, "count_images": count},
        )
    return models.register_model_version(
        connection,
        run_id=run.id,
        network="resnet50",
        card={"weights_sha256": weights_sha256, "preprocessing_fingerprint": "cd" * 32},
        folder=str(folder),
    )


def make_shared_labels(count: int = 480) -> pd.DataFrame:
    """Labels of which every model of :func:`make_rival` holds out the second half."""
    return make_labels(count)


def record_gate(connection: Connection, model: models.ModelVersion, **facts: Any) -> gates.Gate:
    """A gate that holds ``model`` against the present champion; refuses unless ``facts`` pass."""
    champion = models.current_model(connection)
    return gates.record_gate(
        connection,
        {
            **NOTHING_COMPARED,
            "model_version_id": model.id,
            "champion_id": champion.id if champion else None,
            **facts,
        },
    )


def make_champion(connection: Connection, model: models.ModelVersion) -> None:
    """Make a model the champion whatever it is worth; transaction of role ``emotion_train``."""
    aliases.move_champion(
        connection,
        record_gate(connection, model),
        is_override=True,
        reason="a test needs a champion",
        changed_by="test",
    )


def forget_champion(urls: dict[str, str]) -> None:
    """As on the first day; only the owner of the tables can, and only with the guard off."""
    owner = Database(urls["emotion_migrate"])
    with owner.transaction("emotion_owner") as connection:
        for table in ("model_alias", "model_alias_change"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    owner.close()


def gate_of(database: Database, candidate: models.ModelVersion, **facts: object) -> gates.Gate:
    """The gate as the steps record it, with everything but the figures in order."""
    with database.transaction("emotion_train") as connection:
        champion = models.current_model(connection)
        assert champion is not None
        both = gates.held_out_by_both(connection, candidate.id, champion.id)
        figures = asdict(paired_figures(*both))
        return record_gate(connection, candidate, **{**figures, **PASSES, **facts})


def champion_of(database: Database) -> str:
    with database.transaction("emotion_report") as connection:
        champion = models.current_model(connection)
    assert champion is not None
    return champion.name


def move(database: Database, gate: gates.Gate, *, is_override: bool = False) -> None:
    with database.transaction("emotion_train") as connection:
        aliases.move_champion(
            connection, gate, is_override=is_override, reason="why", changed_by="who"
        )


def roll_back(database: Database) -> str:
    with database.transaction("emotion_train") as connection:
        undoable = aliases.change_to_undo(connection)
        assert undoable is not None
        aliases.roll_back_champion(connection, undoable, reason="r", changed_by="w")
    return champion_of(database)
