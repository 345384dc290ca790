"""Aliases of models: which is champion, which challenges it, and every change of that.

``move_alias`` in the database is the only way to change one; it asks for a gate, an override, or
the change that is undone, whoever calls it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from emotion_core.errors import PromotionRefusedError, StoreError
from emotion_core.store.database import answer
from emotion_core.store.gates import Gate
from emotion_core.store.queries import query


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
    """The change that made the present champion champion."""

    id: int
    from_id: int | None
    """Champion before; None when it was the first."""
    to_id: int


def move_champion(
    connection: Connection, gate: Gate, *, is_override: bool, reason: str, changed_by: str
) -> None:
    """Make a gate's candidate the champion, if the champion is still the one it was held against.

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
    _move(
        connection,
        alias="champion",
        from_id=gate.champion_id,
        to_id=gate.model_version_id,
        kind="override" if is_override else "promotion",
        gate_id=gate.id,
        reason=reason,
        changed_by=changed_by,
    )


def roll_back_champion(
    connection: Connection, undoable: Undoable, *, reason: str, changed_by: str
) -> None:
    """Make the champion before champion again; raises as :func:`move_champion` does."""
    _move(
        connection,
        alias="champion",
        from_id=undoable.to_id,
        to_id=undoable.from_id,
        kind="rollback",
        undoes_id=undoable.id,
        reason=reason,
        changed_by=changed_by,
    )


def move_challenger(
    connection: Connection,
    *,
    from_id: int | None,
    to_id: int | None,
    reason: str,
    changed_by: str,
) -> None:
    """Name the challenger, or none; raises as :func:`move_champion` does."""
    _move(
        connection,
        alias="challenger",
        from_id=from_id,
        to_id=to_id,
        kind="withdrawal" if to_id is None else "challenge",
        reason=reason,
        changed_by=changed_by,
    )


def change_to_undo(connection: Connection) -> Undoable | None:
    """What a rollback would undo now; None when no model was ever promoted."""
    row = connection.execute(query("change_to_undo")).mappings().one_or_none()
    return None if row is None else Undoable(**row)


def alias_changes(connection: Connection, limit: int = 20) -> list[AliasChange]:
    """The newest changes of both aliases, newest first."""
    rows = connection.execute(query("alias_changes"), {"limit": limit}).mappings()
    return [AliasChange(**row) for row in rows]


def _move(
    connection: Connection,
    *,
    alias: str,
    from_id: int | None,
    to_id: int | None,
    kind: str,
    reason: str,
    changed_by: str,
    gate_id: int | None = None,
    undoes_id: int | None = None,
) -> None:
    values = {
        "alias": alias,
        "from_id": from_id,
        "to_id": to_id,
        "kind": kind,
        "gate_id": gate_id,
        "undoes_id": undoes_id,
        "reason": reason,
        "changed_by": changed_by,
    }
    try:
        change = connection.execute(query("move_alias"), values).scalar()
    except DBAPIError as error:
        raise PromotionRefusedError(f"{alias} was not changed: {answer(error)}") from error
    if change is None:
        raise StoreError(
            f"{alias} was moved by somebody else meanwhile; nothing was changed. Look again."
        )
