"""A data set divided into train and validation, stratified by expression and decided by content."""

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, RecipeError
from emotion_core.training.affectnet import LabelledSet


@dataclass(frozen=True)
class Split:
    """Which sample stands where. Indices point into the labelled set's ``samples``, ascending."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int
    validation_share: float
    fingerprint: str
    """SHA-256 (hex) over every distinct image's hash and part: the same for the same division."""


def split_by_content(labelled_set: LabelledSet, seed: int, validation_share: float = 0.15) -> Split:
    """Divide a set so that byte-identical images never stand on both sides.

    Each expression sends its share of samples, rounded to the nearest whole one, to validation (at
    least one, never all); copies of an image go together, which may cost one sample of precision.
    The result depends on the images' content and the seed, not on the samples' order or names.

    Args:
        labelled_set: At least two distinct images of every expression that occurs.
        seed: 0 or more.
        validation_share: Between 0 and 1, both excluded.

    Raises:
        RecipeError: ``seed`` or ``validation_share`` is out of range.
        DataError: Some expression has fewer than two distinct images.
    """
    if seed < 0:
        raise RecipeError(f"seed is {seed}; use 0 or a positive whole number")
    if not 0 < validation_share < 1:
        raise RecipeError(f"validation_share is {validation_share}; use a share between 0 and 1")
    samples = labelled_set.samples
    # Per image, how many samples of which expression it carries: copies may be labelled apart.
    images: dict[str, Counter[int]] = defaultdict(Counter)
    for sample in samples:
        images[sample.sha256][sample.expression] += 1
    left = _validation_counts(images, validation_share, labelled_set)
    contradictory = sorted(sha for sha, labels in images.items() if len(labels) > 1)
    plain: dict[int, list[str]] = defaultdict(list)
    for sha in sorted(images.keys() - set(contradictory)):
        plain[next(iter(images[sha]))].append(sha)

    rng = np.random.default_rng(seed)
    validation: set[str] = set()

    def take(sha: str) -> None:
        validation.add(sha)
        for expression, count in images[sha].items():
            left[expression] -= count

    # Images of several expressions first, by lot: the plain ones can then make up the counts.
    for sha in contradictory:
        wanted = rng.random() < validation_share
        if wanted and all(left[label] >= count for label, count in images[sha].items()):
            take(sha)
    for expression in sorted(plain):
        for position in rng.permutation(len(plain[expression])):
            sha = plain[expression][position]
            if images[sha][expression] <= left[expression]:
                take(sha)
    return Split(
        train=tuple(i for i, sample in enumerate(samples) if sample.sha256 not in validation),
        validation=tuple(i for i, sample in enumerate(samples) if sample.sha256 in validation),
        seed=seed,
        validation_share=validation_share,
        fingerprint=_fingerprint(images, validation),
    )


def _validation_counts(
    images: dict[str, Counter[int]], share: float, labelled_set: LabelledSet
) -> Counter[int]:
    """How many samples of each expression validation should get."""
    totals: Counter[int] = Counter()
    distinct: Counter[int] = Counter()
    for labels in images.values():
        totals.update(labels)
        distinct.update(labels.keys())
    for expression in sorted(totals):
        if distinct[expression] < 2:
            raise DataError(
                f"{labelled_set.source} holds only one distinct image of "
                f"{EXPRESSIONS[expression]}: it cannot stand in train and in validation"
            )
    return Counter(
        {label: min(max(math.floor(n * share + 0.5), 1), n - 1) for label, n in totals.items()}
    )


def _fingerprint(images: dict[str, Counter[int]], validation: set[str]) -> str:
    digest = hashlib.sha256(b"split 1\n")
    for sha in sorted(images):
        part = "validation" if sha in validation else "train"
        digest.update(f"{sha} {part}\n".encode())
    return digest.hexdigest()
