"""Legal holds: what neither retention nor erasure may touch until they are lifted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from emotion_core.errors import ErasureError
from emotion_core.store.queries import execute, rows

Kind = Literal["content", "subject", "source", "dataset"]


@dataclass(frozen=True)
class Hold:
    """One order to keep, for people."""

    id: int
    kind: Kind
    what: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


def place_hold(
    connection: Connection,
    *,
    kind: Kind,
    reason: str,
    placed_by: str,
    content: bytes | None = None,
    subject_hmac: bytes | None = None,
    source: str | None = None,
    dataset: str | None = None,
) -> int:
    """Keep what is named, whatever retention and erasure say; returns the hold's id.

    Raises:
        ErasureError: There is no data set of that name.
    """
    named = {"content": content, "subject_hmac": subject_hmac, "source": source, "dataset": dataset}
    try:
        made = execute(
            connection, "place_hold", kind=kind, reason=reason, placed_by=placed_by, **named
        )
    except IntegrityError:
        raise ErasureError(f"there is no data set {dataset!r} to hold") from None
    return int(made.scalar_one())


def count_held_now(connection: Connection, hold_id: int) -> int:
    """How many images, files or samples of what a hold names are here already."""
    return int(execute(connection, "count_held_now", id=hold_id).scalar_one())


def lift_hold(connection: Connection, hold_id: int, lifted_by: str) -> None:
    """Lift a hold.

    Raises:
        ErasureError: No such hold stands.
    """
    if not execute(connection, "lift_hold", id=hold_id, lifted_by=lifted_by).rowcount:
        raise ErasureError(f"no hold {hold_id} stands; see `emotion hold list`")


def holds(connection: Connection) -> list[Hold]:
    """Every hold, active ones first."""
    return rows(connection, "holds", Hold)
