"""The ledger: claims, leases and fences, and the one transaction that publishes.

``pending -> leased(fence, until) -> done | rejected | quarantined``. Every claim raises the
item's fence; publishing marks only items whose fence is still the claim's. A worker that was
stopped, outlived its lease and comes back finds its fence gone and writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, CursorResult

from emotion_core.emotions import DIMENSIONS, PROBABILITY_COLUMNS
from emotion_core.store.copying import array_text, copy_columns, copy_rows
from emotion_core.store.queries import execute

SUSPECT_GROUP = 16
"""How many items of a worker that vanished are tried together before each is tried alone."""

SOLO_LIMIT = 3
"""How often an item may make its worker vanish while held alone before it is set aside."""

IDLE_LIMIT_SECONDS = 30.0
"""How long a worker may stand still inside of a transaction before the server ends it: its locks
would keep others from the items that its lease no longer covers."""


@dataclass(frozen=True)
class Claim:
    """One item leased to this worker."""

    item_id: int
    fence: int
    sha256: bytes
    places: tuple[tuple[str, bytes], ...]
    """Where its bytes were delivered, ``(source, path)``, newest first; the ten newest."""


@dataclass(frozen=True)
class Refusal:
    """One claimed item that cannot be scored."""

    claim: Claim
    code: str
    detail: str


def claim_items(
    connection: Connection,
    *,
    model_version_id: int,
    worker: str,
    limit: int,
    lease_seconds: float,
) -> list[Claim]:
    """Lease up to ``limit`` waiting items; empty when none waits. Commit at once."""
    _begin(connection)
    whose = {"model_version_id": model_version_id, "worker": worker}
    return _claims(
        execute(connection, "claim_items", limit=limit, lease_seconds=lease_seconds, **whose)
    )


def claim_suspect(
    connection: Connection, *, model_version_id: int, worker: str, lease_seconds: float
) -> list[Claim]:
    """Lease items whose worker vanished: up to :data:`SUSPECT_GROUP` that vanished with it once,
    else one alone. Those that made it vanish too often while alone are set aside. Commit at once.
    """
    _begin(connection)
    asked = {
        "model_version_id": model_version_id,
        "worker": worker,
        "limit": SUSPECT_GROUP,
        "solo_limit": SOLO_LIMIT,
        "lease_seconds": lease_seconds,
    }
    execute(connection, "quarantine_suspects", **asked)
    return _claims(execute(connection, "claim_suspect", **asked))


def renew_leases(connection: Connection, claims: Sequence[Claim], lease_seconds: float) -> int:
    """Prolong leases from now by the database's clock; returns how many were still this worker's.

    Fewer than given when items were published meanwhile or their fence is gone; both are harmless,
    since publishing checks the fence itself.
    """
    if not claims:
        return 0
    _begin(connection)
    return execute(
        connection, "renew_leases", lease_seconds=lease_seconds, **_fenced(claims)
    ).rowcount


def release_items(connection: Connection, claims: Sequence[Claim]) -> int:
    """Give claims back at once, for a worker that ends in good order; returns how many.

    They can be claimed without waiting for the lease, and the claim counts against none of them.
    """
    if not claims:
        return 0
    _begin(connection)
    return execute(connection, "release_items", **_fenced(claims)).rowcount


def publish_items(
    connection: Connection,
    claims: Sequence[Claim],
    probabilities: NDArray[np.float32],
    va: NDArray[np.float32],
    refusals: Sequence[Refusal],
) -> tuple[int, int]:
    """Write predictions and refusals of claimed items, and mark exactly those as ended.

    Args:
        connection: Transaction of role ``emotion_score``; what is not committed never was.
        claims: The N scored items.
        probabilities: [N, 8], rows summing to 1.
        va: [N, 2], valence and arousal in [-1, 1].
        refusals: The items that could not be scored.

    Returns:
        How many were published as scored and as refused; fewer than given when a fence is gone.
    """
    _begin(connection)
    return (
        _publish_scores(connection, claims, probabilities, va),
        _publish_refusals(connection, refusals),
    )


def items_left(connection: Connection, model_version_id: int) -> int:
    """How many items of a model still wait or are leased."""
    return int(execute(connection, "items_left", model_version_id=model_version_id).scalar_one())


def _begin(connection: Connection) -> None:
    idle_limit = f"{round(IDLE_LIMIT_SECONDS * 1000)}ms"
    execute(connection, "begin_ledger_work", idle_limit=idle_limit)


def _publish_scores(
    connection: Connection,
    claims: Sequence[Claim],
    probabilities: NDArray[np.float32],
    va: NDArray[np.float32],
) -> int:
    ended = _end(connection, claims, "done")
    if not len(ended):
        return 0
    # The rows come in the table's order, and without those whose fence is gone.
    ids = np.array([claim.item_id for claim in claims], np.int64)
    order = np.argsort(ids)
    chosen = order[np.searchsorted(ids, ended[:, 0], sorter=order)]
    probabilities, va = probabilities[chosen].astype(np.float32), va[chosen].astype(np.float32)
    columns: dict[str, NDArray[Any]] = {
        "image_id": ended[:, 1],
        "model_version_id": ended[:, 2],
        "expression_id": probabilities.argmax(axis=1).astype(np.int16),
        "confidence": probabilities.max(axis=1),
        **dict(zip((*PROBABILITY_COLUMNS, *DIMENSIONS), [*probabilities.T, *va.T], strict=True)),
    }
    copy_columns(connection, "prediction", columns)
    return len(ended)


def _publish_refusals(connection: Connection, refusals: Sequence[Refusal]) -> int:
    ended = set(_end(connection, [refusal.claim for refusal in refusals], "rejected")[:, 0])
    copy_rows(
        connection,
        "rejection",
        ("scoring_item_id", "code", "detail"),
        (
            (refusal.claim.item_id, refusal.code, refusal.detail[:500])
            for refusal in refusals
            if refusal.claim.item_id in ended
        ),
    )
    return len(ended)


def _end(connection: Connection, claims: Sequence[Claim], state: str) -> NDArray[np.int64]:
    """[M, 3] item, image and model of the claims whose fence still held."""
    if not claims:
        return np.empty((0, 3), np.int64)
    ended = execute(connection, "end_items", state=state, **_fenced(claims))
    return np.array([tuple(item) for item in ended], np.int64).reshape(-1, 3)


def _fenced(claims: Sequence[Claim]) -> dict[str, str]:
    return {
        "item_ids": array_text(claim.item_id for claim in claims),
        "fences": array_text(claim.fence for claim in claims),
    }


def _claims(rows: CursorResult[*tuple[Any, ...]]) -> list[Claim]:
    """One claim per item; the rows of an item follow one another, one for each place."""
    return [
        Claim(item_id, fence, sha256, tuple((place.source, place.path) for place in places))
        for (item_id, fence, sha256), places in groupby(rows, key=itemgetter(0, 1, 2))
    ]
