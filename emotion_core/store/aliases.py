"""Aliases of models: champion, challenger, and every change of them.

``move_alias`` in the database is the only way to change one; it asks for a gate, an override, or
the change that is undone, whoever calls it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from emotion_core.errors import PromotionRefusedError, StoreError
from emotion_core.store.database import answer
from emotion_core.store.gates import Gate
from emotion_core.store.queries import execute, row, rows


@dataclass(frozen=True)
class AliasChange:
    """One change of an alias, as it is kept for ever."""

    id: int
    alias: str
    kind: str
    """``promotion``, ``override``, ``rollback``, ``challenge``, ``withdrawal``; ``ungated`` before
    there was a gate."""
    from_model: str | None
    to_model: str | None
    reason: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Undoable:
    """The change that a rollback undoes: it made the present champion champion."""

    id: int
    from_id: int | None
    """Champion before; None when it was the first."""
    to_id: int


def move_champion(
    connection: Connection, gate: Gate, *, is_override: bool, reason: str, changed_by: str
) -> None:
    """Make a gate's candidate the champion, if the champion is still the one it was compared with.

    Args:
        connection: Transaction of role ``emotion_train``.
        gate: Passed, or refused with ``is_override``; at most seven days old, and unused.
        is_override: Whether somebody decided against the gate; ``reason`` then says why.
        reason: Kept with the change.
        changed_by: The person, kept too.

    Raises:
        StoreError: The champion was moved meanwhile; nothing was changed.
        PromotionRefusedError: The gate allows no such change.
    """
    kind = "override" if is_override else "promotion"
    whom = {"from_id": gate.champion_id, "to_id": gate.model_version_id, "gate_id": gate.id}
    _move(connection, "champion", kind, reason=reason, changed_by=changed_by, **whom)


def roll_back_champion(
    connection: Connection, undoable: Undoable, *, reason: str, changed_by: str
) -> None:
    """Make the champion before champion again; raises as :func:`move_champion` does."""
    whom = {"from_id": undoable.to_id, "to_id": undoable.from_id, "undoes_id": undoable.id}
    _move(connection, "champion", "rollback", reason=reason, changed_by=changed_by, **whom)


def move_challenger(
    connection: Connection,
    *,
    from_id: int | None,
    to_id: int | None,
    reason: str,
    changed_by: str,
) -> None:
    """Name the challenger, or none; raises as :func:`move_champion` does."""
    kind = "withdrawal" if to_id is None else "challenge"
    whom = {"from_id": from_id, "to_id": to_id}
    _move(connection, "challenger", kind, reason=reason, changed_by=changed_by, **whom)


def change_to_undo(connection: Connection) -> Undoable | None:
    """What a rollback would undo now; None when no model was ever promoted."""
    return row(connection, "change_to_undo", Undoable)


def alias_changes(connection: Connection, limit: int = 20) -> list[AliasChange]:
    """The newest changes of both aliases, newest first."""
    return rows(connection, "alias_changes", AliasChange, limit=limit)


def _move(connection: Connection, alias: str, kind: str, **change: Any) -> None:
    rests_on = {"gate_id": None, "undoes_id": None}
    try:
        change_id = execute(
            connection, "move_alias", alias=alias, kind=kind, **(rests_on | change)
        ).scalar()
    except DBAPIError as error:
        raise PromotionRefusedError(f"{alias} was not changed: {answer(error)}") from error
    if change_id is None:
        raise StoreError(f"{alias} was moved by somebody else meanwhile; nothing was changed")
