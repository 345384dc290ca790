"""The scoring worker: claim, read, decode, infer, publish, until nothing is left.

The stages overlap: while one chunk is computed, the next is read and decoded and the one before is
published. Adding machines is adding workers: they meet only in the ledger.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import EmotionError, ScoringError
from emotion_core.scoring.lease_keeper import LeaseKeeper
from emotion_core.scoring.reading import read_claims
from emotion_core.scoring.stages import BoundedQueue, Stages
from emotion_core.scoring.tally import Tally
from emotion_core.store.database import Database
from emotion_core.store.ledger import (
    Claim,
    Refusal,
    claim_items,
    claim_suspect,
    items_left,
    publish_items,
)
from emotion_core.vision.decoding import DecodePool
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.processor import available_cores

if TYPE_CHECKING:
    from emotion_core.vision.scores import Scores

log = logging.getLogger(__name__)

FIRST_CHUNK = 32
"""The first claim is small, so that the first rows are there within seconds."""

QUEUE_LENGTH = 2
"""Chunks that may wait between two stages."""

PROGRESS_SECONDS = 10.0


class AnyScorer(Protocol):
    """What the worker asks of a model; see :class:`emotion_core.vision.scorer.Scorer`."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What images go through before :meth:`score`."""

    def score(self, pixels: NDArray[np.uint8]) -> "Scores":
        """Score uint8 [N, S, S, 3]."""


@dataclass
class _Chunk:
    """Claims on their way through the stages."""

    claims: list[Claim]
    good: list[Claim] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    pixels: NDArray[np.uint8] | None = None
    scores: "Scores | None" = None


def work(
    database: Database,
    scorer: AnyScorer,
    *,
    model_version_id: int,
    worker: str,
    chunk: int = 128,
    lease_seconds: float = 60.0,
    poll_seconds: float = 2.0,
    tally: Tally | None = None,
) -> Tally:
    """Score everything that waits for this model; returns when nothing waits or is leased.

    While others still hold leases this worker stays: should one of them die, its items are
    claimed here when the lease runs out. At SIGTERM what is held is released at once, and the
    signal then has its way.

    Args:
        chunk: Images claimed at a time. Memory stays below six chunks of pixels.
        lease_seconds: Renewed while the worker lives, so it says how soon others take over from
            one that died.
        tally: Counted into, for a caller who wants the counts of a worker that failed, too.

    Raises:
        EmotionError: A system failed (database, source, model); what was held is released.
        Exception: Whatever else any stage raised, after all of them have stopped. What was
            published stays; the rest can be claimed by others when the lease runs out.
    """
    tally = Tally() if tally is None else tally
    with (
        DecodePool(scorer.preprocessing, max(1, available_cores() // 4)) as decoders,
        closing(LeaseKeeper(database, lease_seconds)) as leases,
    ):
        owner = {
            "model_version_id": model_version_id,
            "worker": worker,
            "lease_seconds": lease_seconds,
        }
        _Worker(database, scorer, decoders, leases, tally, owner, chunk).run(poll_seconds)
    return tally


@dataclass
class _Worker:
    """One run of the stages; inference runs in the calling thread."""

    database: Database
    scorer: AnyScorer
    decoders: DecodePool
    leases: LeaseKeeper
    tally: Tally
    owner: dict[str, Any]
    """Whose claims these are: ``model_version_id``, ``worker`` and ``lease_seconds``."""
    chunk: int
    seconds_idle: float = 0.0

    def __post_init__(self) -> None:
        self.stages = Stages()
        self.claimed: BoundedQueue[_Chunk] = BoundedQueue(self.stages, 1)
        self.decoded: BoundedQueue[_Chunk] = BoundedQueue(self.stages, QUEUE_LENGTH)
        self.scored: BoundedQueue[_Chunk] = BoundedQueue(self.stages, QUEUE_LENGTH)
        self.is_published = threading.Event()

    def run(self, poll_seconds: float) -> None:
        began = time.monotonic()
        self._note_engine()
        with _called_off(self.stages) as was_called_off:
            self.stages.start("claim", lambda: self._claim_all(poll_seconds))
            self.stages.start("decode", self._decode_all)
            self.stages.start("publish", self._publish_all)
            self.stages.start("progress", lambda: self._report(began))
            try:
                self._infer_all()
            except BaseException as error:
                self.stages.fail(error)
            try:
                self.stages.join()
            except BaseException as error:
                # What ends for another reason than an image holds its claims no longer than needed.
                is_stopped = isinstance(error, (EmotionError, KeyboardInterrupt))
                if is_stopped or was_called_off.is_set():
                    self._release()
                raise
            finally:
                self.tally.seconds = time.monotonic() - began - self.seconds_idle
        log.info("%s", _sentence(self.tally))

    def _claim_all(self, poll_seconds: float) -> None:
        limit = min(FIRST_CHUNK, self.chunk)
        while not self.stages.stop.is_set():
            if claims := self._claim(claim_items, limit=limit):
                self.claimed.put(_Chunk(claims))
                limit = self.chunk
                continue
            # Suspects must be this worker's only burden: should it vanish, they did it.
            self.leases.wait_until_empty(self.stages.stop)
            if claims := self._claim(claim_suspect):
                self.claimed.put(_Chunk(claims))
                self.leases.wait_until_empty(self.stages.stop)
            elif left := self._left():
                log.info("%d items are held by other workers; waiting", left)
                self.stages.stop.wait(poll_seconds)
                self.seconds_idle += poll_seconds
            else:
                break
        self.claimed.put(None)

    def _claim(self, claim: Callable[..., list[Claim]], **limit: int) -> list[Claim]:
        with (
            self.tally.timing("claim"),
            self.database.transaction("emotion_score") as connection,
        ):
            claims = claim(connection, **self.owner, **limit)
        self.leases.add(claims)
        return claims

    def _decode_all(self) -> None:
        for chunk in self.claimed:
            self._decode(chunk)
            self.decoded.put(chunk)
        self.decoded.put(None)

    def _decode(self, chunk: _Chunk) -> None:
        side = self.scorer.preprocessing.image_size
        pixels = np.empty((len(chunk.claims), side, side, 3), np.uint8)
        for claims, files in read_claims(chunk.claims, chunk.refusals, self.tally):
            first = len(chunk.good)
            with self.tally.timing("decode"):
                outcomes = self.decoders.decode_into(files, pixels[first:])
            for row, (claim, refused) in enumerate(zip(claims, outcomes, strict=True), first):
                if refused is not None:
                    chunk.refusals.append(Refusal(claim, refused.code, refused.detail))
                    continue
                if len(chunk.good) < row:  # close the gap that a refused one left
                    pixels[len(chunk.good)] = pixels[row]
                chunk.good.append(claim)
        chunk.pixels = pixels[: len(chunk.good)]

    def _infer_all(self) -> None:
        for chunk in self.decoded:
            assert chunk.pixels is not None  # noqa: S101  - the stage before has decoded
            with self.tally.timing("infer"):
                chunk.scores = self.scorer.score(chunk.pixels)
            chunk.pixels = None
            self._note_engine()
            self.scored.put(chunk)
        self.scored.put(None)

    def _publish_all(self) -> None:
        for chunk in self.scored:
            assert chunk.scores is not None  # noqa: S101  - the stage before has scored
            with (
                self.tally.timing("publish"),
                self.database.transaction("emotion_score") as connection,
            ):
                scored, refused = publish_items(
                    connection,
                    chunk.good,
                    chunk.scores.probabilities,
                    chunk.scores.va,
                    chunk.refusals,
                )
            self.leases.drop(chunk.claims)
            self.tally.count_scored += scored
            self.tally.count_refused += refused
        self.is_published.set()

    def _report(self, began: float) -> None:
        due = began + PROGRESS_SECONDS
        while not (self.is_published.wait(0.2) or self.stages.stop.is_set()):
            if time.monotonic() < due:
                continue
            due += PROGRESS_SECONDS
            seconds = time.monotonic() - began - self.seconds_idle
            rate = self.tally.count_images / max(seconds, 1e-9)
            left = self._left()
            log.info(
                "%d scored, %d refused, %.1f images/s with %s; %d left%s",
                self.tally.count_scored,
                self.tally.count_refused,
                rate,
                self.tally.engine or "this scorer",
                left,
                f", about {_duration(left / rate)} for this worker alone" if rate else "",
            )

    def _release(self) -> None:
        try:
            count = self.leases.release()
        except Exception as error:  # then the leases run out by themselves
            log.warning("the leases of this worker could not be released: %s", error)
        else:
            log.info("stopped: %d items released, for any worker to claim", count)

    def _left(self) -> int:
        with self.database.transaction("emotion_score") as connection:
            return items_left(connection, self.owner["model_version_id"])

    def _note_engine(self) -> None:
        self.tally.engine = str(getattr(self.scorer, "engine", ""))
        self.tally.device = str(getattr(self.scorer, "device", ""))


@contextmanager
def _called_off(stages: Stages) -> Iterator[threading.Event]:
    """Let SIGTERM stop the stages, then have its former way; set in the event when it came."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        came.set()
        stages.fail(ScoringError("the worker was stopped by SIGTERM"))

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)
        if came.is_set():
            signal.raise_signal(signal.SIGTERM)


def _sentence(tally: Tally) -> str:
    stages = ", ".join(f"{name} {spent:.1f}" for name, spent in tally.stage_seconds.items())
    return (
        f"{tally.count_scored} scored, {tally.count_refused} refused in {tally.seconds:.1f} s: "
        f"{tally.images_per_second:.1f} images/s on {tally.device or 'this machine'} with "
        f"{tally.engine or 'this scorer'}; seconds in each stage: {stages}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
