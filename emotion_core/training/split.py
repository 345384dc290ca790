"""A data set divided into train and validation, stratified by expression and decided by content."""

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, RecipeError
from emotion_core.training.labelled_set import LabelledSet


@dataclass(frozen=True)
class Split:
    """Which sample is where. Indices point into the labelled set's ``samples``, ascending.

    Attributes:
        fingerprint: SHA-256 (hex) over every distinct image's hash and split: the same for the same
            division.
    """

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int
    validation_share: float
    fold: int
    fingerprint: str


def split_by_content(
    labelled_set: LabelledSet, seed: int, validation_share: float = 0.15, fold: int = 0
) -> Split:
    """Divide a set so that byte-identical images never stand on both sides.

    Each expression sends its share of samples, rounded to the nearest whole one, to validation (at
    least one, never all); copies of an image go together, which may cost one sample of precision.
    The result depends on the images' content and the seed, not on the samples' order or names.
    Folds of one seed hold out different images; 1 / share of them hold out every image once.

    Args:
        labelled_set: At least two distinct images of every expression that occurs.
        seed: 0 or more.
        validation_share: Between 0 and 1, both excluded.
        fold: Which share of the shuffled images, from 0.

    Raises:
        RecipeError: ``seed``, ``validation_share`` or ``fold`` is out of range.
        DataError: Some expression has fewer than two distinct images.
    """
    if seed < 0:
        raise RecipeError(f"seed is {seed}; use 0 or a positive whole number")
    if not 0 < validation_share < 1:
        raise RecipeError(f"validation_share is {validation_share}; use a share between 0 and 1")
    if fold < 0 or (fold + 1) * validation_share > 1 + 1e-9:
        raise RecipeError(f"fold is {fold}; folds of {validation_share} reach to the whole only")
    samples = labelled_set.samples
    # Per image, how many samples of which expression it carries: copies may be labelled apart.
    images: dict[str, Counter[int]] = defaultdict(Counter)
    for sample in samples:
        images[sample.sha256][sample.expression] += 1
    _require_two_of_each(images, labelled_set)

    rng = np.random.default_rng(seed)
    validation: set[str] = set()
    earlier: set[str] = set()
    for number in range(fold + 1):
        earlier |= validation
        left = _validation_counts(images, validation_share, number)
        validation = _held_out(images, earlier, left, validation_share, rng)
    return Split(
        train=tuple(i for i, sample in enumerate(samples) if sample.sha256 not in validation),
        validation=tuple(i for i, sample in enumerate(samples) if sample.sha256 in validation),
        seed=seed,
        validation_share=validation_share,
        fold=fold,
        fingerprint=_fingerprint(images, validation),
    )


def _held_out(
    images: dict[str, Counter[int]],
    earlier: set[str],
    left: Counter[int],
    share: float,
    rng: np.random.Generator,
) -> set[str]:
    """Images that no earlier fold holds out, up to the counts that are left."""
    free = sorted(images.keys() - earlier)
    chosen: set[str] = set()

    def take(sha: str) -> None:
        chosen.add(sha)
        for expression, count in images[sha].items():
            left[expression] -= count

    # Images of several expressions first, by lot: the plain ones can then make up the counts.
    plain: dict[int, list[str]] = defaultdict(list)
    for sha in free:
        if len(images[sha]) == 1:
            plain[next(iter(images[sha]))].append(sha)
            continue
        wanted = rng.random() < share
        if wanted and all(left[label] >= count for label, count in images[sha].items()):
            take(sha)
    for expression in sorted(plain):
        for position in rng.permutation(len(plain[expression])):
            sha = plain[expression][position]
            if images[sha][expression] <= left[expression]:
                take(sha)
    return chosen


def _validation_counts(images: dict[str, Counter[int]], share: float, fold: int) -> Counter[int]:
    """How many samples of each expression a fold's validation should get.

    Rounded where folds meet, so that the folds of a whole number of shares add up to everything.
    """
    totals: Counter[int] = Counter()
    for labels in images.values():
        totals.update(labels)

    def until(count: int, folds: int) -> int:
        return math.floor(count * share * folds + 0.5)

    return Counter(
        {
            label: min(max(until(n, fold + 1) - until(n, fold), 1), n - 1)
            for label, n in totals.items()
        }
    )


def _require_two_of_each(images: dict[str, Counter[int]], labelled_set: LabelledSet) -> None:
    distinct: Counter[int] = Counter()
    for labels in images.values():
        distinct.update(labels.keys())
    for expression in sorted(distinct):
        if distinct[expression] < 2:
            raise DataError(
                f"{labelled_set.source} holds only one distinct image of "
                f"{EXPRESSIONS[expression]}: it cannot stand in train and in validation"
            )


def _fingerprint(images: dict[str, Counter[int]], validation: set[str]) -> str:
    digest = hashlib.sha256(b"split 1\n")
    for sha in sorted(images):
        digest.update(f"{sha} {'validation' if sha in validation else 'train'}\n".encode())
    return digest.hexdigest()
