"""A night's figures as readings: each a value, the limit it is held against, and a sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from emotion_core.emotions import EXPRESSIONS
from emotion_core.statistics.drift import MINIMUM_IMAGES, Distance, class_drift, value_drift
from emotion_core.statistics.intervals import wilson

Against = Literal["validation", "recent nights", "limit"]
Status = Literal["fine", "alarm", "too few", "no reference"]

ACCURACY_DROP: Final = 0.05
"""A smaller loss of accuracy than this is no alarm, however sure it is."""

REFUSED_MINIMUM: Final = 10
"""Fewer files than this say nothing about a share."""

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
    """Earlier nights that a night is held against."""


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
class Night:
    """One closed batch and what it is held against."""

    run_key: str
    model: str
    scored: Scored
    validation: Scored
    """The same model's predictions of its validation images."""
    recent: Scored
    """The nights before, of the same source by the same model."""
    count_found: int
    count_refused: int
    """Refused and quarantined files."""
    calibration_error: float | None
    """That is left after the model's temperature, 0 to 1; None when none is recorded."""
    validation_accuracy: tuple[float, float] | None
    """The model's accuracy on its validation images, and the lower end of its interval."""


@dataclass(frozen=True)
class Pulse:
    """The state of the queue, by the database's clock."""

    newest_scored_at: datetime | None
    """None when nothing was ever scored."""
    hours_since_newest: float | None
    count_waiting: int
    hours_oldest_waiting: float
    """0 when nothing waits."""


@dataclass(frozen=True)
class Reading:
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


def readings_of(night: Night | None, pulse: Pulse, limits: Limits) -> list[Reading]:
    """Everything that one look measures; a night without images gives rows that say so."""
    readings = [_freshness(pulse, limits), _backlog(pulse, limits)]
    if night is not None:
        readings += _drift(night, night.validation, "validation")
        readings += _drift(night, night.recent, "recent nights")
        readings += [_expected_accuracy(night), _refused_share(night, limits)]
    return readings


def _drift(night: Night, reference: Scored, against: Against) -> Iterator[Reading]:
    than = "its validation images" if against == "validation" else "the nights before"
    counts = (len(night.scored), len(reference))
    if min(counts) < MINIMUM_IMAGES:
        status: Status = "no reference" if not counts[1] else "too few"
        why = (
            f"there is nothing of {than} to compare with"
            if not counts[1]
            else f"{counts[0]:,} images against {counts[1]:,} are too few to compare; "
            f"{MINIMUM_IMAGES} are needed on both sides"
        )
        for measure in DISTANCES:
            yield Reading(
                measure,
                against,
                status,
                f"{night.run_key}: {why}.",
                count_images=counts[0],
                count_reference=counts[1],
            )
        return
    mixes = class_drift(night.scored.class_counts, reference.class_counts)
    values = (value_drift(night.scored.va[:, axis], reference.va[:, axis]) for axis in (0, 1))
    told = (
        _mix_told(night.scored, reference),
        _mix_told(night.scored, reference),
        _mean_told("valence", night.scored, reference, 0),
        _mean_told("arousal", night.scored, reference, 1),
    )
    for measure, distance, what in zip(DISTANCES, (*mixes, *values), told, strict=True):
        yield _distance_reading(night, measure, against, distance, what, than, counts)


def _distance_reading(
    night: Night,
    measure: str,
    against: Against,
    distance: Distance,
    what: str,
    than: str,
    counts: tuple[int, int],
) -> Reading:
    verdict = "differs from" if distance.is_beyond else "is as"
    return Reading(
        measure,
        against,
        "alarm" if distance.is_beyond else "fine",
        f"{night.run_key} {verdict} {than} ({DISTANCES[measure]} {distance.value:.3f}, limit "
        f"{distance.limit:.3f}): {what}.",
        value=distance.value,
        limit_value=distance.limit,
        p_value=distance.p_value,
        count_images=counts[0],
        count_reference=counts[1],
    )


def _mix_told(night: Scored, reference: Scored) -> str:
    now = night.class_counts / len(night)
    before = reference.class_counts / len(reference)
    most = int(np.abs(now - before).argmax())
    return f"{EXPRESSIONS[most]} is {now[most]:.0%} of the images, {before[most]:.0%} there"


def _mean_told(name: str, night: Scored, reference: Scored, axis: int) -> str:
    now, before = night.va[:, axis].mean(), reference.va[:, axis].mean()
    return f"mean {name} is {now:+.2f}, {before:+.2f} there"


def _expected_accuracy(night: Night) -> Reading:
    """The mean published confidence: what share a calibrated network expects to have right.

    Scoring has divided the logits by the model's temperature; doing it again would be wrong.
    The interval holds the chance in which images came (95 %, binomial) and, on both sides, the
    calibration error that was left on the validation images. It is an expectation: on images of
    another kind the calibration itself may fail (Guillory et al. 2021, arXiv:2107.03315).
    """
    measure, n = "expected_accuracy", len(night.scored)
    if night.calibration_error is None or night.validation_accuracy is None:
        why = f"{night.model} has no recorded calibration or accuracy"
        return Reading(measure, "validation", "no reference", f"{why}.", count_images=n)
    if n < MINIMUM_IMAGES:
        why = f"{n:,} images are too few to expect an accuracy; {MINIMUM_IMAGES} are needed"
        return Reading(measure, "validation", "too few", f"{night.run_key}: {why}.", count_images=n)
    expected = float(night.scored.probabilities.max(axis=1).mean())
    slack = 1.96 * sqrt(expected * (1 - expected) / n) + night.calibration_error
    accuracy, accuracy_low = night.validation_accuracy
    limit = min(accuracy_low, accuracy - ACCURACY_DROP)
    is_alarm = expected + slack < limit
    return Reading(
        measure,
        "validation",
        "alarm" if is_alarm else "fine",
        f"{night.model} expects to be right about {expected:.0%} of {n:,} images of "
        f"{night.run_key}; on its validation images it was about {accuracy:.0%}.",
        value=expected,
        low=max(0.0, expected - slack),
        high=min(1.0, expected + slack),
        limit_value=limit,
        count_images=n,
    )


def _refused_share(night: Night, limits: Limits) -> Reading:
    """Held against the limit by the lower end of its 95 % interval (Wilson 1927)."""
    n, refused = night.count_found, night.count_refused
    if n < REFUSED_MINIMUM:
        return Reading(
            "refused_share",
            "limit",
            "too few",
            f"{night.run_key}: {_refused_told(refused, n)}, too few files to judge.",
            count_images=n,
        )
    share = refused / n
    low, high = wilson(refused, n)
    return Reading(
        "refused_share",
        "limit",
        "alarm" if low > limits.refused_share else "fine",
        f"{night.run_key}: {_refused_told(refused, n)} ({share:.1%}, limit "
        f"{limits.refused_share:.1%}).",
        value=share,
        low=low,
        high=high,
        limit_value=limits.refused_share,
        count_images=n,
    )


def _refused_told(refused: int, n: int) -> str:
    files = "file" if n == 1 else "files"
    return f"{refused:,} of {n:,} {files} {'was' if refused == 1 else 'were'} refused"


def _images_wait(n: int) -> str:
    return "1 image waits" if n == 1 else f"{n:,} images wait"


def _freshness(pulse: Pulse, limits: Limits) -> Reading:
    hours = pulse.hours_since_newest
    if hours is None:
        sentence = "Nothing was scored by the champion yet."
        return Reading("freshness_hours", "limit", "no reference", sentence)
    return Reading(
        "freshness_hours",
        "limit",
        "alarm" if hours > limits.freshness_hours else "fine",
        f"The newest prediction is {hours:.1f} hours old (limit {limits.freshness_hours:g}).",
        value=hours,
        limit_value=limits.freshness_hours,
    )


def _backlog(pulse: Pulse, limits: Limits) -> Reading:
    hours = pulse.hours_oldest_waiting
    told = (
        f"{_images_wait(pulse.count_waiting)} for a worker, the oldest for {hours:.1f} hours"
        if pulse.count_waiting
        else "no image waits for a worker"
    )
    return Reading(
        "backlog_hours",
        "limit",
        "alarm" if hours > limits.backlog_hours else "fine",
        f"{told[0].upper()}{told[1:]} (limit {limits.backlog_hours:g} hours).",
        value=hours,
        limit_value=limits.backlog_hours,
        count_images=pulse.count_waiting,
    )
