"""Legal holds: what neither retention nor erasure may touch until they are lifted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from emotion_core.errors import ErasureError
from emotion_core.store.queries import query

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
        return int(
            connection.execute(
                query("place_hold"),
                {"kind": kind, **named, "reason": reason, "placed_by": placed_by},
            ).scalar_one()
        )
    except IntegrityError:
        raise ErasureError(f"there is no data set {dataset!r} to hold") from None


def count_held_now(connection: Connection, hold_id: int) -> int:
    """How many images, files or samples of what a hold names are here already."""
    return int(connection.execute(query("count_held_now"), {"id": hold_id}).scalar_one())


def lift_hold(connection: Connection, hold_id: int, lifted_by: str) -> None:
    """Let what a hold kept go its way again.

    Raises:
        ErasureError: No such hold stands.
    """
    done = connection.execute(query("lift_hold"), {"id": hold_id, "lifted_by": lifted_by})
    if done.rowcount != 1:
        raise ErasureError(f"no hold {hold_id} stands; see `emotion hold list`")


def holds(connection: Connection) -> list[Hold]:
    """Every hold, standing ones first."""
    return [Hold(**row) for row in connection.execute(query("holds")).mappings()]
