"""How often the report is wrong where the truth is known: made-up networks, thousands of pages.

    python benchmarks/errors.py [--pages 1000]

Prints how often a page of equal networks names a winner, how often intervals hold the score that
endless images would give, and what is said of a network that is right as often as it says.
"""

import argparse
import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from comparison_factory import MADE_AT, make_figures, make_record

from emotion_core.comparison.compared_run import RunFacts
from emotion_core.comparison.comparison import compare
from emotion_core.comparison.confidence import confidence_of
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.statistics.calibration import calibrate, expected_calibration_error, scaled
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.metrics import scores_of
from emotion_core.statistics.paired_tests import estimates
from emotion_core.statistics.predictions import Evaluation

COPIES = {
    "no copies": (0.0, 1),
    "10 % of the images three times": (0.1, 3),
    "5 % of the images ten times": (0.05, 10),
}
EVERYTHING = 100_000
"""So many images stand for endless ones."""
NO_EPOCHS = pd.DataFrame(columns=["split", "epoch", "metric", "value"])


def main() -> None:
    """Simulate, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=1000, help="of each kind")
    options = parser.parse_args()
    seeds = range(options.pages)
    with ProcessPoolExecutor() as pool:
        print(f"Pages of equal networks that name a winner ({options.pages} each; promised: .050)")
        for runs, count, copies in kinds():
            found = pool.map(partial(page, runs, count, copies), seeds, chunksize=10)
            winner, marked, accuracy = np.mean(list(found), axis=0)
            print(
                f"  {runs} networks, {count} images, {copies}: {winner:.3f}; any figure marked "
                f"{marked:.3f}; McNemar alone {accuracy:.3f}",
                flush=True,
            )
        print("Intervals that hold the score of endless images (promised: .950)")
        for skill, count, copies in shapes():
            truth = scores_of(
                Evaluation.from_frame(network(EVERYTHING, skill, seed=1, images_seed=1))
            )
            rows = list(pool.map(partial(intervals, skill, count, copies), seeds, chunksize=10))
            for name in ("accuracy", "macro_f1", "mean_average_precision", "ccc_mean"):
                value, low, high = np.array([row[name] for row in rows]).T
                held = np.mean((low <= truth[name]) & (truth[name] <= high))
                print(
                    f"  {name} {truth[name]:.3f}, {count} images, {copies}: {held:.3f}; measured "
                    f"on average {value.mean():.3f}, mean interval {low.mean():.3f} to "
                    f"{high.mean():.3f}",
                    flush=True,
                )
        print("A network that is right as often as it says")
        for count in (152, 512):
            rows = np.array(list(pool.map(partial(calibrated, count), seeds, chunksize=10)))
            said, fitted, before, after = rows.mean(axis=0)
            print(
                f"  {count} images: called over- or underconfident {said:.3f}; given a temperature "
                f"{fitted:.3f}; error on other images {before:.4f} without it, {after:.4f} with it",
                flush=True,
            )


def kinds() -> Iterator[tuple[int, int, str]]:
    """Networks, images, copies."""
    for count in (152, 512):
        for copies in COPIES:
            yield 2, count, copies
    yield 3, 152, "no copies"


def shapes() -> Iterator[tuple[float, int, str]]:
    """Skill, images, copies."""
    for skill in (2.5, 5.0):
        for count in (152, 512):
            yield skill, count, "no copies"
        yield skill, 152, "5 % of the images ten times"


def network(
    count: int, skill: float, seed: int, images_seed: int, copies: str = "no copies"
) -> pd.DataFrame:
    """What a network says of made-up images, some of which are easier for every network."""
    share, times = COPIES[copies]
    drawn = np.random.default_rng(images_seed)
    truth = drawn.integers(0, 8, count)
    affect = np.clip(drawn.normal(0, 0.45, (count, 2)), -1, 1)
    ease, pull = drawn.normal(0, 1, count), drawn.normal(0, 0.2, (count, 2))
    rng = np.random.default_rng((seed, images_seed))
    logits = 1.5 * rng.normal(size=(count, 8))
    logits[np.arange(count), truth] += skill + ease
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said = np.clip(0.6 * affect + pull + rng.normal(0, 0.2, (count, 2)), -1, 1)
    frame = pd.DataFrame(
        {
            "sha256": [
                hashlib.sha256(f"{images_seed}-{n}".encode()).hexdigest() for n in range(count)
            ],
            "expression": truth,
            "valence": affect[:, 0],
            "arousal": affect[:, 1],
            **{name: probabilities[:, n] for n, name in enumerate(PROBABILITY_COLUMNS)},
            "predicted_valence": said[:, 0],
            "predicted_arousal": said[:, 1],
        }
    )
    again = drawn.choice(count, round(share * count), replace=False)
    frame = frame.iloc[np.append(np.arange(count), np.repeat(again, times - 1))]
    return frame.assign(sample_id=[str(n) for n in range(len(frame))]).reset_index(drop=True)


def page(runs: int, count: int, copies: str, seed: int) -> tuple[bool, bool, bool]:
    """Of a page of equal networks: whether it names a winner, marks a figure, McNemar p < .05."""
    facts = []
    for number in range(runs):
        predictions = network(count, 2.5, 1000 + number, seed, copies)
        facts.append(
            RunFacts(
                record=make_record(f"network{number}", split_seed=seed),
                epochs=NO_EPOCHS,
                predictions=predictions,
                metrics=make_figures(predictions),
            )
        )
    comparison = compare(facts, MADE_AT)
    findings = [finding for pair in comparison.pairs for finding in pair.findings]
    return (
        any(verdict.kind == "winner" for verdict in comparison.verdicts),
        any(finding.better is not None for finding in findings),
        any(pair.agreement.p < 0.05 for pair in comparison.pairs),
    )


def intervals(
    skill: float, count: int, copies: str, seed: int
) -> dict[str, tuple[float, float | None, float | None]]:
    """Every score of a network with its interval."""
    evaluation = Evaluation.from_frame(network(count, skill, 1000, seed + 2, copies))
    found = estimates(Jackknife(evaluation))
    return {name: (one.value, one.low, one.high) for name, one in found.items()}


def calibrated(count: int, seed: int) -> tuple[bool, bool, float, float]:
    """What is said of a calibrated network, whether it gets a temperature, and what that does."""
    frame = network(count, 2.5, 1000, seed)
    other = network(5000, 2.5, 1000, seed + 1_000_000)
    columns = list(PROBABILITY_COLUMNS)
    rng = np.random.default_rng(seed)
    for table in (frame, other):
        rows = table[columns].to_numpy()
        # The truth is drawn from what the network says: it is right exactly as often.
        table["expression"] = (rows.cumsum(axis=1) < rng.random((len(rows), 1))).sum(axis=1)
    sentence = confidence_of(Evaluation.from_frame(frame), None).sentence
    temperature = calibrate(frame["expression"], frame[columns]).temperature
    before, after = (
        expected_calibration_error(other["expression"], scaled(other[columns], chosen))
        for chosen in (1.0, temperature)
    )
    return (
        "overconfident" in sentence or "underconfident" in sentence,
        temperature != 1.0,
        before,
        after,
    )


if __name__ == "__main__":
    main()
