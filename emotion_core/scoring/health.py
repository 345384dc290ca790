"""The health check of a night: measurements, each with its limit, its status and a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from emotion_core.emotions import EXPRESSIONS
from emotion_core.statistics.drift import MINIMUM_IMAGES, class_drift, value_drift
from emotion_core.statistics.intervals import wilson
from emotion_core.store.health import LatestNight

Against = Literal["validation", "recent nights", "limit"]
Status = Literal["fine", "alarm", "too few", "no reference"]

ACCURACY_DROP: Final = 0.05
"""A smaller loss of accuracy than this is no alarm, however sure it is."""

REFUSED_MINIMUM: Final = 10
"""Fewer files than this say nothing about a share."""

AFFECT: Final = ("valence", "arousal")

DISTANCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "psi_expression": "stability index of the expression mix",
        "js_expression": "Jensen–Shannon distance of the expression mix",
        "ks_valence": "Kolmogorov–Smirnov distance of valence",
        "ks_arousal": "Kolmogorov–Smirnov distance of arousal",
    }
)
"""The measures of drift, and what each is called in a sentence."""


@dataclass(frozen=True)
class Limits:
    """What an operator may set; the limits of drift are in :mod:`emotion_core.statistics.drift`."""

    freshness_hours: float = 36.0
    """Since the newest prediction."""
    backlog_hours: float = 12.0
    """That the oldest image may wait for a worker."""
    refused_share: float = 0.2
    """Of a night's files, 0 to 1."""
    window_nights: int = 7
    """Earlier nights that a night is compared with."""


@dataclass(frozen=True)
class Scored:
    """What a model says of N images."""

    probabilities: NDArray[np.float64]
    """[N, 8], in the order of :data:`EXPRESSIONS`; of a night calibrated already, as published."""
    va: NDArray[np.float64]
    """[N, 2], valence and arousal in [-1, 1]."""

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """[8], how many images were called what."""
        called = self.probabilities.argmax(axis=1) if len(self) else np.empty(0, np.int64)
        return np.bincount(called, minlength=len(EXPRESSIONS)).astype(np.int64)


@dataclass(frozen=True)
class CheckedNight:
    """One closed batch and what it is compared with."""

    batch: LatestNight
    scored: Scored
    validation: Scored
    """The same model's predictions of its validation images."""
    recent: Scored
    """The nights before, of the same source by the same model."""


@dataclass(frozen=True)
class QueueState:
    """What waits for the champion, by the database's clock."""

    newest_scored_at: datetime | None
    """None when nothing was ever scored."""
    hours_since_newest: float | None
    count_waiting: int
    hours_oldest_waiting: float
    """0 when nothing waits."""


@dataclass(frozen=True)
class Measurement:
    """One figure of one check, as its row."""

    measure: str
    against: Against
    status: Status
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit_value: float | None = None
    p_value: float | None = None
    count_images: int = 0
    count_reference: int | None = None


def measurements(
    night: CheckedNight | None, queue: QueueState, limits: Limits
) -> list[Measurement]:
    """Everything that one check measures; a night without images gives rows that say so."""
    found = [_freshness(queue, limits), _backlog(queue, limits)]
    if night is not None:
        found += _drift(night, night.validation, "validation")
        found += _drift(night, night.recent, "recent nights")
        found += [_expected_accuracy(night), _refused_share(night.batch, limits)]
    return found


def _judged(
    measure: str, against: Against, is_alarm: bool, sentence: str, value: float, **more: Any
) -> Measurement:
    return Measurement(measure, against, "alarm" if is_alarm else "fine", sentence, value, **more)


def _drift(night: CheckedNight, reference: Scored, against: Against) -> list[Measurement]:
    run_key, scored = night.batch.run_key, night.scored
    than = "its validation images" if against == "validation" else "the nights before"
    counts = {"count_images": len(scored), "count_reference": len(reference)}
    if min(counts.values()) < MINIMUM_IMAGES:
        status: Status = "too few"
        why = (
            f"{len(scored):,} images and {len(reference):,} of {than} are too few to compare; "
            f"{MINIMUM_IMAGES} are needed on both sides"
        )
        if not len(reference):
            status, why = "no reference", f"there is nothing of {than} to compare with"
        return [
            Measurement(measure, against, status, f"{run_key}: {why}.", **counts)
            for measure in DISTANCES
        ]
    distances = (
        *class_drift(scored.class_counts, reference.class_counts),
        *(value_drift(scored.va[:, axis], reference.va[:, axis]) for axis in (0, 1)),
    )
    mix = _mix_compared(scored, reference)
    means = [_mean_compared(name, scored, reference, i) for i, name in enumerate(AFFECT)]
    return [
        _judged(
            measure,
            against,
            distance.is_beyond,
            f"{run_key} {'differs from' if distance.is_beyond else 'is as'} {than} "
            f"({DISTANCES[measure]} {distance.value:.3f}, limit {distance.limit:.3f}): {what}.",
            distance.value,
            limit_value=distance.limit,
            p_value=distance.p_value,
            **counts,
        )
        for measure, distance, what in zip(DISTANCES, distances, (mix, mix, *means), strict=True)
    ]


def _mix_compared(night: Scored, reference: Scored) -> str:
    now = night.class_counts / len(night)
    before = reference.class_counts / len(reference)
    most = int(np.abs(now - before).argmax())
    return f"{EXPRESSIONS[most]} is {now[most]:.0%} of the images, {before[most]:.0%} there"


def _mean_compared(name: str, night: Scored, reference: Scored, axis: int) -> str:
    now, before = night.va[:, axis].mean(), reference.va[:, axis].mean()
    return f"mean {name} is {now:+.2f}, {before:+.2f} there"


def _expected_accuracy(night: CheckedNight) -> Measurement:
    """The mean published confidence: what share a calibrated network expects to have right.

    Scoring has divided the logits by the model's temperature; doing it again would be wrong.
    The interval holds the chance in which images came (95 %, binomial) and, on both sides, the
    calibration error that was left on the validation images. It is an expectation: on images of
    another kind the calibration itself may fail (Guillory et al. 2021, arXiv:2107.03315).
    """
    measure, n, batch = "expected_accuracy", len(night.scored), night.batch
    if batch.ece_after is None or batch.accuracy is None or batch.accuracy_low is None:
        why = f"{batch.model} has no recorded calibration or accuracy"
        return Measurement(measure, "validation", "no reference", f"{why}.", count_images=n)
    if n < MINIMUM_IMAGES:
        why = f"{n:,} images are too few to expect an accuracy; {MINIMUM_IMAGES} are needed"
        sentence = f"{batch.run_key}: {why}."
        return Measurement(measure, "validation", "too few", sentence, count_images=n)
    expected = float(night.scored.probabilities.max(axis=1).mean())
    slack = 1.96 * sqrt(expected * (1 - expected) / n) + batch.ece_after
    limit = min(batch.accuracy_low, batch.accuracy - ACCURACY_DROP)
    return _judged(
        measure,
        "validation",
        expected + slack < limit,
        f"{batch.model} expects to be right about {expected:.0%} of {n:,} images of "
        f"{batch.run_key}; on its validation images it was about {batch.accuracy:.0%}.",
        expected,
        low=max(0.0, expected - slack),
        high=min(1.0, expected + slack),
        limit_value=limit,
        count_images=n,
    )


def _refused_share(batch: LatestNight, limits: Limits) -> Measurement:
    """Compared with the limit by the lower end of its 95 % interval (Wilson 1927)."""
    measure, n, refused = "refused_share", batch.count_found, batch.count_refused
    counted = (
        f"{batch.run_key}: {refused:,} of {n:,} {'file' if n == 1 else 'files'} "
        f"{'was' if refused == 1 else 'were'} refused"
    )
    if n < REFUSED_MINIMUM:
        sentence = f"{counted}, too few files to judge."
        return Measurement(measure, "limit", "too few", sentence, count_images=n)
    low, high = wilson(refused, n)
    return _judged(
        measure,
        "limit",
        low > limits.refused_share,
        f"{counted} ({refused / n:.1%}, limit {limits.refused_share:.1%}).",
        refused / n,
        low=low,
        high=high,
        limit_value=limits.refused_share,
        count_images=n,
    )


def _freshness(queue: QueueState, limits: Limits) -> Measurement:
    hours, measure = queue.hours_since_newest, "freshness_hours"
    if hours is None:
        sentence = "Nothing was scored by the champion yet."
        return Measurement(measure, "limit", "no reference", sentence)
    return _judged(
        measure,
        "limit",
        hours > limits.freshness_hours,
        f"The newest prediction is {hours:.1f} hours old (limit {limits.freshness_hours:g}).",
        hours,
        limit_value=limits.freshness_hours,
    )


def _backlog(queue: QueueState, limits: Limits) -> Measurement:
    hours, n = queue.hours_oldest_waiting, queue.count_waiting
    waiting = "No image waits for a worker"
    if n:
        images = "image waits" if n == 1 else "images wait"
        waiting = f"{n:,} {images} for a worker, the oldest for {hours:.1f} hours"
    return _judged(
        "backlog_hours",
        "limit",
        hours > limits.backlog_hours,
        f"{waiting} (limit {limits.backlog_hours:g} hours).",
        hours,
        limit_value=limits.backlog_hours,
        count_images=n,
    )
