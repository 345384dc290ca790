"""Model versions and the aliases that say which of them is current."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from emotion_core.errors import NoChampionError, StoreError
from emotion_core.store.queries import execute, rows


@dataclass(frozen=True)
class ModelVersion:
    """One model that can score."""

    id: int
    name: str
    network: str
    folder: str
    weights_sha256: str
    run_key: str
    group_key: str
    registered_at: datetime
    aliases: tuple[str, ...]


def register_model_version(
    connection: Connection, *, run_id: int, network: str, card: Mapping[str, Any], folder: str
) -> ModelVersion:
    """The model version of a run, made when there is none; numbered per network.

    ``card`` is the run's ``model.json``: it names the SHA-256 of weights and preprocessing.
    """
    execute(connection, "lock_model_numbers", network=network)
    made = execute(
        connection,
        "register_model_version",
        run_id=run_id,
        network=network,
        card=card,
        folder=folder,
    )
    return model_versions(connection, id=made.scalar_one())[0]


def model_versions(
    connection: Connection,
    *,
    id: int | None = None,  # noqa: A002  - the column's name
    name: str | None = None,
    alias: str | None = None,
    group_key: str | None = None,
) -> list[ModelVersion]:
    """Model versions, newest first; every argument given narrows the list."""
    asked = {"id": id, "name": name, "alias": alias, "group_key": group_key}
    return rows(connection, "model_versions", ModelVersion, **asked)


def current_model(connection: Connection, alias: str = "champion") -> ModelVersion | None:
    """The model under an alias, if any."""
    return next(iter(model_versions(connection, alias=alias)), None)


def run_scores(connection: Connection, group_key: str) -> dict[int, dict[str, float]]:
    """Validation metrics of a group's model versions: model id to metric to value."""
    scores: dict[int, dict[str, float]] = {}
    for score in execute(connection, "run_scores", group_key=group_key):
        scores.setdefault(score.model_version_id, {})[score.metric] = score.value
    return scores


def chosen_model(connection: Connection, name: str | None) -> ModelVersion:
    """The model of that name; without one, the champion.

    Raises:
        NoChampionError: No model has been promoted yet.
        StoreError: No such model.
    """
    if name is None:
        champion = current_model(connection)
        if champion is None:
            raise NoChampionError(
                "no model is champion yet: run train_and_compare, then promote a model"
            )
        return champion
    found = model_versions(connection, name=name)
    if not found:
        known = ", ".join(model.name for model in model_versions(connection)) or "none yet"
        raise StoreError(f"there is no model {name!r}; there are: {known}")
    return found[0]
