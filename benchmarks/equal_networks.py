"""How often equal networks are called different: small ones that are really trained, many pages.

    python benchmarks/equal_networks.py [--pages 600] [--images 600 3400]

Each page has two networks of equal expected quality, trained over folds and seeds on images of its
own, and two tasks whose p are corrected by Holm. Prints how many pages call the networks different,
by this system's test and by the usual ones that take a training for its network; and the difference
that is found on 80 % of the pages.

The networks are ridge regressions on rectified random features: what a training reaches depends on
its images and on its random numbers. By symmetry neither of the two is better.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from scipy import stats

from emotion_core.statistics.intervals import SIGNIFICANCE, wilson
from emotion_core.statistics.metrics import DECISIVE, METRICS
from emotion_core.statistics.paired_tests import McNemarTable, holm, paired_p
from emotion_core.statistics.predictions import Floats, Integers, Predictions
from emotion_core.statistics.resampled_tests import CORRECTED_T, corrected_difference

FOLDS: Final = 5
DESIGNS: Final = {"1 × 1": (1, 1), "5 × 1": (5, 1), "5 × 3": (5, 3), "1 × 5": (1, 5)}
"""Folds, seeds."""
METRIC_NAMES: Final = tuple(DECISIVE.values())
PLAIN: Final = "plain t over the trainings"
IMAGES: Final = "McNemar and jackknife over images"
GROUPS: Final = 200
"""Of images that the jackknife leaves out together."""
POWER: Final = 0.8

_INPUTS: Final = 24
_NOISE: Final = 3.2
_RIDGE: Final = 10.0
_DESCRIBED: Final = 40
_OTHER_IMAGES: Final = 5000


@dataclass(frozen=True)
class Kind:
    """What the two networks of a page have in common."""

    features: int = 48
    """The fewer, the more trainings vary."""
    is_same: bool = False
    """Whether they differ in their random numbers alone; otherwise each finds other images hard."""
    folds_share: bool = False
    """Whether the trainings of a seed draw the same random numbers, whatever their fold."""


KINDS: Final = {
    "two architectures": Kind(),
    "one architecture": Kind(is_same=True),
    "two architectures, unstable trainings": Kind(features=16),
    "two architectures, folds share random numbers": Kind(folds_share=True),
}


@dataclass(frozen=True)
class Images:
    """A data set of its own: labels, valence and arousal, and what two networks see."""

    truth: Integers
    affect: Floats
    seen: tuple[Floats, Floats]
    kind: Kind

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Training:
    """What one training predicts of the images that it held out."""

    held_out: Integers
    scores: Floats
    """Of the eight labels [H, 8]."""
    affect: Floats


Pair = tuple[Training, Training]


def main() -> None:
    """Simulate, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=600, help="of each kind and size")
    parser.add_argument("--images", type=int, nargs="+", default=[600, 3400])
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        for name, kind in KINDS.items():
            for count in options.images:
                pages = list(
                    pool.map(partial(page, kind, count), range(options.pages), chunksize=10)
                )
                print(f"{name}, {count} images, {len(pages)} pages; {reached(kind, count)}")
                print("\n".join(lines(pages)), flush=True)


def images_of(kind: Kind, count: int, rng: np.random.Generator) -> Images:
    """Draw images of eight classes whose valence and arousal differ between and within classes."""
    world = np.random.default_rng(0)
    centres = world.normal(0, 0.4, (8, 2))
    shown = world.normal(0, 1, (10, _INPUTS))
    truth = rng.integers(0, 8, count)
    affect = np.clip(centres[truth] + rng.normal(0, 0.3, (count, 2)), -1, 1)
    signal = np.hstack([np.eye(8)[truth], affect]) @ shown
    first, second = (signal + rng.normal(0, _NOISE, signal.shape) for _ in range(2))
    return Images(truth, affect, (first, first if kind.is_same else second), kind)


def train(images: Images, network: int, held_out: Integers, rng: np.random.Generator) -> Training:
    """Fit ridge regression on rectified features of random weights; predict what is held out."""
    weights = rng.normal(0, 1 / np.sqrt(_INPUTS), (_INPUTS, images.kind.features))
    features = np.maximum(
        images.seen[network] @ weights + rng.normal(0, 1, images.kind.features), 0
    )
    features = np.hstack([features, np.ones((len(images), 1))])
    targets = np.hstack([np.eye(8)[images.truth], images.affect])
    learned = np.ones(len(images), dtype=bool)
    learned[held_out] = False
    x, y = features[learned], targets[learned]
    found = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y)
    answers = features[held_out] @ found
    return Training(held_out, answers[:, :8], np.clip(answers[:, 8:], -1, 1))


def pair(images: Images, number: int, seed: int, fold: int) -> Pair:
    """Both networks' trainings of one seed without one fold; each seed divides the images anew."""
    order = np.random.default_rng((number, seed)).permutation(len(images))
    held_out = np.sort(np.array_split(order, FOLDS)[fold])
    drawn = number, seed, 0 if images.kind.folds_share else fold
    first, second = (
        train(images, network, held_out, np.random.default_rng((*drawn, network)))
        for network in range(2)
    )
    return first, second


def predictions(
    images: Images, trainings: Sequence[Training], group: Integers | None = None
) -> Predictions:
    """Of several trainings together, each image once for every training that held it out."""
    places = np.concatenate([one.held_out for one in trainings])
    return Predictions(
        images.truth[places],
        images.affect[places],
        np.concatenate([one.scores for one in trainings]),
        np.concatenate([one.affect for one in trainings]),
        group=None if group is None else group[places],
    )


def scores(found: Predictions) -> Floats:
    """Every decisive metric [metrics], or [metrics, G] with each group left out in turn."""
    return np.array([METRICS[name].formula(found) for name in METRIC_NAMES], dtype=np.float64)


def page(kind: Kind, count: int, number: int) -> Mapping[tuple[str, str], Floats]:
    """By design and method: difference, p, standard error and degrees of freedom of each metric."""
    images = images_of(kind, count, np.random.default_rng((number, 99)))
    places = {
        (seed, fold)
        for folds, seeds in DESIGNS.values()
        for seed in range(seeds)
        for fold in range(folds)
    }
    pairs = {place: pair(images, number, *place) for place in sorted(places)}
    single = {
        place: np.array([scores(predictions(images, [one])) for one in both])
        for place, both in pairs.items()
    }
    found = {}
    for design, (folds, seeds) in DESIGNS.items():
        rows = [[(seed, fold) for fold in range(folds)] for seed in range(seeds)]
        found[design, IMAGES] = over_images(images, [pairs[place] for row in rows for place in row])
        if folds * seeds > 1:  # one training knows nothing of another: no test, no call
            # [networks, metrics], a mean over the seeds.
            pooled = np.mean(
                [
                    [
                        scores(predictions(images, [pairs[place][network] for place in row]))
                        for network in range(2)
                    ]
                    for row in rows
                ],
                axis=0,
            )
            trained = np.array([[single[place] for place in row] for row in rows])
            found[design, CORRECTED_T], found[design, PLAIN] = over_trainings(
                pooled[0] - pooled[1], trained
            )
    return found


def over_images(images: Images, pairs: Sequence[Pair]) -> Floats:
    """As two models are compared: what varies are images."""
    sides = [[both[network] for both in pairs] for network in range(2)]
    held_out = np.unique(np.concatenate([one.held_out for one in sides[0]]))
    place = np.zeros(len(images), dtype=np.int64)
    place[held_out] = np.arange(len(held_out))
    whole = [predictions(images, side) for side in sides]
    where = place[np.concatenate([one.held_out for one in sides[0]])]
    right = [np.bincount(where, one.right) for one in whole]
    table = McNemarTable(0, int(np.sum(right[0] > right[1])), int(np.sum(right[0] < right[1])), 0)
    left = np.array([scores(predictions(images, side, place % GROUPS)) for side in sides])
    further = left.shape[-1] - 1
    moved = np.sqrt(further) * (left - left.mean(axis=-1, keepdims=True))
    value = scores(whole[0]) - scores(whole[1])
    p = [
        table.p if name == "accuracy" else paired_p(value[n], moved[0, n], moved[1, n])
        for n, name in enumerate(METRIC_NAMES)
    ]
    error = (moved[0] - moved[1]).std(axis=-1)
    return np.stack([value, p, error, np.full(len(value), further)], axis=1)


def over_trainings(value: Floats, trained: Floats) -> tuple[Floats, Floats]:
    """As two networks are compared: what varies are trainings; with the correction and without.

    Args:
        value: First minus second in each metric, of all held-out images [metrics].
        trained: Of each training [seeds, folds, networks, metrics].
    """
    ours, plain = [], []
    for n, name in enumerate(METRIC_NAMES):
        first, second = trained[:, :, 0, n], trained[:, :, 1, n]
        further = first.size - 1
        tested = corrected_difference(name, float(value[n]), first, second, 1 / FOLDS)
        error = (tested.high - tested.value) / float(stats.t.ppf(0.975, further))
        ours.append((value[n], tested.p, error, further))
        error = float((first - second).std(ddof=1)) / np.sqrt(first.size)
        p = 2 * stats.t.sf(abs(value[n]) / error, further)
        plain.append((value[n], p, error, further))
    return np.array(ours), np.array(plain)


def is_called(p: Floats) -> bool:
    """Whether a page calls its networks different: in either task, corrected for both."""
    return min(holm(list(p))) < SIGNIFICANCE


def found_difference(pages: Floats, metric: int) -> float:
    """The difference in one metric that 80 % of pages find where networks are so far apart.

    Args:
        pages: Rows of :func:`page` [pages, metrics, 4], of equal networks; their differences are
            shifted, their standard errors stay.
        metric: Which of them; the networks stay equal in the other.
    """

    def share_found(by: float) -> float:
        value, _, error, further = pages[:, metric].T
        p = pages[:, :, 1].copy()
        p[:, metric] = 2 * stats.t.sf(np.abs(value + by) / error, further)
        found = np.array([holm(list(row))[metric] < SIGNIFICANCE for row in p])
        return float(np.mean(found & (value + by > 0)))

    low, high = 0.0, 1.0
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if share_found(middle) >= POWER else (middle, high)
    return high


def reached(kind: Kind, count: int) -> str:
    """What trainings reach on other images, each with images and random numbers of its own."""
    learned = count - count // FOLDS
    found = []
    for number in range(_DESCRIBED):
        rng = np.random.default_rng((number, 98))
        images = images_of(kind, learned + _OTHER_IMAGES, rng)
        training = train(images, 0, np.arange(learned, len(images)), rng)
        found.append(scores(predictions(images, [training])))
    return "a training reaches " + ", ".join(
        f"{name} {mean:.3f} ± {spread:.3f}"
        for name, mean, spread in zip(
            METRIC_NAMES, np.mean(found, axis=0), np.std(found, axis=0, ddof=1), strict=True
        )
    )


def lines(pages: Sequence[Mapping[tuple[str, str], Floats]]) -> Iterator[str]:
    """How many pages call their networks different, by design and method."""
    for design, method in pages[0]:
        rows = np.array([one[design, method] for one in pages])
        called = sum(is_called(row[:, 1]) for row in rows)
        low, high = wilson(called, len(rows))
        text = f"  {design} {method}: {called / len(rows):.3f} ({low:.3f} to {high:.3f})"
        if method == CORRECTED_T:
            reach = [found_difference(rows, metric) for metric in range(len(METRIC_NAMES))]
            text += "; found with 80 % power: " + ", ".join(
                f"{name} {value:.3f}" for name, value in zip(METRIC_NAMES, reach, strict=True)
            )
        yield text


if __name__ == "__main__":
    main()
