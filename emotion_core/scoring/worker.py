"""The scoring worker: claim, decode, infer, publish, until nothing is left.

Adding machines is adding workers: they meet only in the ledger.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused
from emotion_core.scoring.inbox import read_regular_file
from emotion_core.store.database import Database
from emotion_core.store.ledger import (
    Claim,
    Refusal,
    claim_items,
    claim_suspect,
    items_left,
    publish_items,
)
from emotion_core.vision.images import decode

if TYPE_CHECKING:  # torch takes seconds to import; whoever made the scorer has done so
    from emotion_core.vision.inference import Scorer

log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What one worker did."""

    count_scored: int = 0
    count_refused: int = 0
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float:
        """Rate over the worker's whole life, waiting included."""
        return (self.count_scored + self.count_refused) / self.seconds if self.seconds else 0.0


def work(
    database: Database,
    scorer: "Scorer",
    *,
    model_version_id: int,
    worker: str,
    chunk: int = 128,
    lease_seconds: float = 300.0,
    poll_seconds: float = 2.0,
) -> Tally:
    """Score everything that waits for this model; returns when nothing waits or is leased.

    While others still hold leases this worker stays: should one of them die, its items are
    claimed here when the lease runs out.
    """
    tally = Tally()
    began = time.monotonic()
    while True:
        with database.transaction("emotion_score") as connection:
            claims = claim_items(
                connection,
                model_version_id=model_version_id,
                worker=worker,
                limit=chunk,
                lease_seconds=lease_seconds,
            ) or claim_suspect(
                connection,
                model_version_id=model_version_id,
                worker=worker,
                lease_seconds=lease_seconds,
            )
        if claims:
            _score_claims(database, scorer, claims, tally)
            tally.seconds = time.monotonic() - began
            log.info(
                "%d scored, %d refused, %.1f images/s",
                tally.count_scored,
                tally.count_refused,
                tally.images_per_second,
            )
            continue
        with database.transaction("emotion_score") as connection:
            left = items_left(connection, model_version_id)
        if not left:
            return tally
        log.info("%d items are held by other workers; waiting", left)
        time.sleep(poll_seconds)


def _score_claims(database: Database, scorer: "Scorer", claims: list[Claim], tally: Tally) -> None:
    good: list[Claim] = []
    pixels: list[NDArray[np.uint8]] = []
    refusals: list[Refusal] = []
    for claim in claims:
        try:
            pixels.append(scorer.preprocessing.pixels(decode(_read(claim))))
            good.append(claim)
        except ImageRefused as refused:
            refusals.append(Refusal(claim, refused.code, refused.detail))
    scores = scorer.score(np.stack(pixels) if pixels else _no_pixels(scorer))
    with database.transaction("emotion_score") as connection:
        scored, refused_count = publish_items(
            connection, good, scores.probabilities, scores.va, refusals
        )
    tally.count_scored += scored
    tally.count_refused += refused_count


def _read(claim: Claim) -> bytes:
    """The claimed content, from the newest place that still holds exactly those bytes."""
    refusal = ImageRefused("missing_file", "no delivery of this content can be read any more")
    for source, path in claim.places:
        try:
            data, _ = read_regular_file(Path(source), path)
        except OSError:
            continue
        if hashlib.sha256(data).digest() == claim.sha256:
            return data
        refusal = ImageRefused(
            "changed_since_arrival", "the file holds other bytes than when it was taken in"
        )
    raise refusal


def _no_pixels(scorer: "Scorer") -> NDArray[np.uint8]:
    size = scorer.preprocessing.image_size
    return np.empty((0, size, size, 3), np.uint8)
