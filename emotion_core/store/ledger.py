"""The ledger: claims, leases and fences, and the one transaction that publishes.

``pending -> leased(fence, until) -> done | rejected | quarantined``. Every claim raises the
item's fence; publishing marks only items whose fence is still the claim's. A worker that was
stopped, outlived its lease and comes back finds its fence gone and writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, Row

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store.copying import copy_columns, copy_frame, make_temporary_table
from emotion_core.store.queries import query

SOLO_LIMIT = 3
"""How often an item may make its worker vanish while held alone before it is set aside."""


@dataclass(frozen=True)
class Claim:
    """One item leased to this worker."""

    item_id: int
    fence: int
    sha256: bytes
    places: tuple[tuple[str, bytes], ...]
    """Where its bytes were delivered, ``(source, path)``, newest first."""


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
    rows = connection.execute(
        query("claim_items"),
        {
            "model_version_id": model_version_id,
            "worker": worker,
            "limit": limit,
            "lease_seconds": lease_seconds,
        },
    )
    return [_claim(row) for row in rows]


def claim_suspect(
    connection: Connection, *, model_version_id: int, worker: str, lease_seconds: float
) -> list[Claim]:
    """Lease one item whose worker vanished, alone; sets aside those that did so too often."""
    connection.execute(
        query("quarantine_suspects"),
        {"model_version_id": model_version_id, "solo_limit": SOLO_LIMIT},
    )
    rows = connection.execute(
        query("claim_suspect"),
        {"model_version_id": model_version_id, "worker": worker, "lease_seconds": lease_seconds},
    )
    return [_claim(row) for row in rows]


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
    make_temporary_table(
        connection,
        "scored_item",
        "item_id bigint, fence integer, "
        "expression_id smallint, confidence real, "
        + ", ".join(f"{name} real" for name in PROBABILITY_COLUMNS)
        + ", valence real, arousal real",
    )
    make_temporary_table(
        connection, "refused_item", "item_id bigint, fence integer, code text, detail text"
    )
    if claims:
        columns: dict[str, NDArray[Any]] = {
            "item_id": np.array([claim.item_id for claim in claims], np.int64),
            "fence": np.array([claim.fence for claim in claims], np.int32),
            "expression_id": probabilities.argmax(axis=1).astype(np.int16),
            "confidence": probabilities.max(axis=1).astype(np.float32),
        }
        for index, name in enumerate(PROBABILITY_COLUMNS):
            columns[name] = probabilities[:, index].astype(np.float32)
        columns["valence"] = va[:, 0].astype(np.float32)
        columns["arousal"] = va[:, 1].astype(np.float32)
        copy_columns(connection, "scored_item", columns)
    if refusals:
        frame = pd.DataFrame(
            {
                "item_id": [refusal.claim.item_id for refusal in refusals],
                "fence": [refusal.claim.fence for refusal in refusals],
                "code": [refusal.code for refusal in refusals],
                # PostgreSQL's text cannot hold a zero byte.
                "detail": [refusal.detail.replace("\0", "?")[:500] for refusal in refusals],
            }
        )
        copy_frame(connection, "refused_item", frame)
    row = connection.execute(query("publish_items")).one()
    return int(row.count_scored), int(row.count_refused)


def items_left(connection: Connection, model_version_id: int) -> int:
    """How many items of a model still wait or are leased."""
    return int(
        connection.execute(query("items_left"), {"model_version_id": model_version_id}).scalar_one()
    )


def _claim(row: Row[Any]) -> Claim:
    places = zip(row.sources, row.paths, strict=True)
    return Claim(
        item_id=row.id,
        fence=row.fence,
        sha256=bytes(row.sha256),
        places=tuple((source, bytes(path)) for source, path in places),
    )
