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
    """Divide a set so that no group and no byte-identical images stand on both sides.

    Each expression sends its share of samples, rounded to the nearest whole one, to validation (at
    least one, never all); copies of an image go together, which may cost one sample of precision.
    The result depends on the images' content and the seed, not on the samples' order or names.
    Folds of one seed hold out different images; 1 / share of them hold out every image once.

    Where samples have groups, scikit-learn's ``StratifiedGroupKFold`` divides whole groups, into
    the whole number of folds nearest to 1 / share; expressions are as even as groups let them be.

    Args:
        labelled_set: At least two distinct images of every expression that occurs.
        seed: 0 or more.
        validation_share: Between 0 and 1, both excluded.
        fold: Which share of the shuffled images, from 0.

    Raises:
        RecipeError: ``seed``, ``validation_share`` or ``fold`` is out of range.
        DataError: Some expression has fewer than two distinct images, or stands in one group only.
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

    if any(sample.group is not None for sample in samples):
        folds = max(2, round(1 / validation_share))
        held_out = _held_out_groups(labelled_set, seed, folds, fold)
        return _split(labelled_set, images, held_out, seed, validation_share, fold)
    rng = np.random.default_rng(seed)
    validation: set[str] = set()
    earlier: set[str] = set()
    for number in range(fold + 1):
        earlier |= validation
        left = _validation_counts(images, validation_share, number)
        validation = _held_out(images, earlier, left, validation_share, rng)
    return _split(labelled_set, images, validation, seed, validation_share, fold)


def _split(
    labelled_set: LabelledSet,
    images: dict[str, Counter[int]],
    validation: set[str],
    seed: int,
    validation_share: float,
    fold: int,
) -> Split:
    samples = labelled_set.samples
    return Split(
        train=tuple(i for i, sample in enumerate(samples) if sample.sha256 not in validation),
        validation=tuple(i for i, sample in enumerate(samples) if sample.sha256 in validation),
        seed=seed,
        validation_share=validation_share,
        fold=fold,
        fingerprint=_fingerprint(images, validation),
    )


def _held_out_groups(labelled_set: LabelledSet, seed: int, folds: int, fold: int) -> set[str]:
    """Images of the groups that a fold holds out; copies of an image join their groups."""
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError:  # not on every machine that only trains
        raise DataError(
            f"{labelled_set.source} has groups, which scikit-learn divides: install it here"
        ) from None
    # By content, so that neither names nor order decide.
    samples = sorted(labelled_set.samples, key=lambda sample: (sample.sha256, sample.group or ""))
    joined: dict[str, str] = {}

    def root(key: str) -> str:
        while (above := joined.setdefault(key, key)) != key:
            key = above
        return key

    for sample in samples:
        content = f"image {sample.sha256}"
        group = content if sample.group is None else f"group {sample.group}"
        joined[root(group)] = root(content)
    units = [root(f"image {sample.sha256}") for sample in samples]
    # Numbered by their contents: a group's name decides nothing.
    numbers = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    if len(numbers) < folds:
        raise DataError(
            f"{labelled_set.source} has {len(numbers)} groups, fewer than the {folds} folds that a "
            "split divides them into; use a larger validation_share or fewer folds"
        )
    divided = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(
        samples, [s.expression for s in samples], [numbers[unit] for unit in units]
    )
    train, held_out = list(divided)[fold]
    learned = {samples[place].expression for place in train}
    for sample in samples:
        if sample.expression not in learned:
            raise DataError(
                f"{labelled_set.source}: all images of {EXPRESSIONS[sample.expression]} are in "
                "groups that one fold holds out together; use other groups, or another seed"
            )
    return {samples[place].sha256 for place in held_out}


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
