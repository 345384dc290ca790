"""Two runs compared on the same validation images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Final

from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.errors import ReportError
from emotion_core.statistics.effect_size import Effect, effect_of_agreement, effect_of_gaps
from emotion_core.statistics.intervals import SIGNIFICANCE
from emotion_core.statistics.metrics import METRICS, Metric, Task
from emotion_core.statistics.paired_tests import (
    JACKKNIFE,
    MCNEMAR,
    Agreement,
    Difference,
    agreement,
    benjamini_hochberg,
    difference,
    holm,
)
from emotion_core.statistics.predictions import Evaluation
from emotion_core.statistics.resampling import MEAN_CCC

DECISIVE: Final = MappingProxyType({"expression": "accuracy", "affect": MEAN_CCC})
"""The one metric of each task on which its verdict rests, fixed before anything is measured."""

TESTED: Final = MappingProxyType(
    {name: metric for name, metric in METRICS.items() if metric.task == "expression"}
    | {
        MEAN_CCC: Metric(
            MEAN_CCC,
            "CCC, mean of both",
            True,
            "affect",
            "mean of the CCC of valence and of arousal",
        )
    }
    | {name: metric for name, metric in METRICS.items() if metric.task == "affect"}
)
"""Every metric in which two runs are compared."""


@dataclass(frozen=True)
class Finding:
    """What one metric says about a pair."""

    metric: str
    task: Task
    difference: Difference
    effect: Effect
    p: float
    """Corrected by Holm: a decisive metric's for both tasks and all pairs of the comparison, any
    other's for the pairs."""
    q: float
    """Corrected by Benjamini and Hochberg for everything tested in the comparison: every metric
    of every pair."""
    better: int | None
    """Number of the run that is better by more than chance; None if that cannot be said. A
    decisive metric answers to ``p``, every other to ``q`` too: it was not chosen beforehand."""
    is_decisive: bool

    @property
    def advantage(self) -> tuple[float, float, float]:
        """(low, value, high) turned so that above zero is in the first run's favour."""
        d = self.difference
        if TESTED[self.metric].higher_is_better:
            return d.low, d.value, d.high
        return -d.high, -d.value, -d.low


@dataclass(frozen=True)
class Lead:
    """Who is ahead in a metric, told without a sign: always at least 0."""

    number: int | None
    """Of the run; None if they are level."""
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """Two runs, by their numbers, and everything that was tested between them."""

    first: int
    second: int
    agreement: Agreement
    findings: tuple[Finding, ...]
    """One for each of :data:`TESTED`, in its order."""

    def finding(self, metric: str) -> Finding:
        """What this metric says."""
        return next(finding for finding in self.findings if finding.metric == metric)

    def lead_of(self, number: int, metric: str) -> tuple[float, float, float]:
        """(value, low, high) of this run's figure minus the other's."""
        d = self.finding(metric).difference
        return (d.value, d.low, d.high) if number == self.first else (-d.value, -d.high, -d.low)

    def lead(self, metric: str) -> Lead:
        """Who is ahead, and by how much; the interval is below 0 where it may be the other."""
        low, value, high = self.finding(metric).advantage
        if value >= 0:
            return Lead(self.first if value > 0 else None, value, low, high)
        return Lead(self.second, -value, -high, -low)

    def joins(self, one: int, other: int) -> bool:
        """Whether it is about these two runs, in whichever order."""
        return {self.first, self.second} == {one, other}


def pairs_of(runs: Sequence[ComparedRun]) -> tuple[Pair, ...]:
    """Every two of the runs, tested; all of them must have been validated on the same images.

    Raises:
        ReportError: They were not.
    """
    compared = [(run, run.evaluation) for run in runs if run.evaluation is not None]
    if len({evaluation.identity for _, evaluation in compared}) > 1:
        raise ReportError("runs validated on different images cannot be paired")
    couples = list(combinations(compared, 2))
    counts = [agreement(first[1], second[1]) for first, second in couples]
    tested = {
        name: [
            _difference(name, first, second, counts[n])
            for n, ((first, _), (second, _)) in enumerate(couples)
        ]
        for name in TESTED
    }
    p_values = _corrected(tested)
    q_values = benjamini_hochberg([d.p for found in tested.values() for d in found])
    findings: list[list[Finding]] = [[] for _ in couples]
    for place, (name, metric) in enumerate(TESTED.items()):
        for n, ((first, evaluation), (second, _)) in enumerate(couples):
            is_decisive = name == DECISIVE[metric.task]
            p, q = p_values[name][n], q_values[place * len(couples) + n]
            better = None
            if (p if is_decisive else max(p, q)) < SIGNIFICANCE:
                better = _ahead(metric, tested[name][n], counts[n], first, second)
            findings[n].append(
                Finding(
                    metric=name,
                    task=metric.task,
                    difference=tested[name][n],
                    effect=_effect(tested[name][n], counts[n], first, second, evaluation),
                    p=p,
                    q=q,
                    better=better,
                    is_decisive=is_decisive,
                )
            )
    return tuple(
        Pair(first.number, second.number, counts[n], tuple(findings[n]))
        for n, ((first, _), (second, _)) in enumerate(couples)
    )


def metric_name(metric: str) -> str:
    """A tested metric as words: ``Macro F1``, ``CCC of valence``."""
    known = TESTED[metric]
    return f"{known.label} of {known.dimension}" if known.dimension else known.label


def clear_best(pairs: Sequence[Pair], numbers: Sequence[int], metric: str) -> int | None:
    """The run that beats every other one in this metric by more than chance, if one does."""
    for number in numbers:
        rivals = [pair for pair in pairs if number in (pair.first, pair.second)]
        if rivals and all(pair.finding(metric).better == number for pair in rivals):
            return number
    return None


def _difference(
    metric: str, first: ComparedRun, second: ComparedRun, counts: Agreement
) -> Difference:
    is_accuracy = metric == "accuracy"
    one, other = first.scores[metric], second.scores[metric]
    assert first.evaluation is not None and second.evaluation is not None  # noqa: S101
    if first.evaluation.says_the_same(second.evaluation):
        # The same answers are the same on other images too: here nothing is in doubt.
        return Difference(metric, 0.0, 0.0, 0.0, 1.0, JACKKNIFE if not is_accuracy else MCNEMAR)
    return difference(
        metric,
        one.value - other.value,
        first.resampled[metric],
        second.resampled[metric],
        counts if is_accuracy else None,
        (one, other),
    )


def _corrected(tested: Mapping[str, Sequence[Difference]]) -> dict[str, list[float]]:
    """p by Holm: the decisive ones of both tasks together, every other metric over its pairs.

    The page names a winner in either task, so both tasks' tests are its chances of a false one.
    """
    decisive = list(DECISIVE.values())
    together = holm([found.p for name in decisive for found in tested[name]])
    count = len(tested[decisive[0]])
    return {name: holm([found.p for found in tested[name]]) for name in tested} | {
        name: together[n * count : (n + 1) * count] for n, name in enumerate(decisive)
    }


def _effect(
    found: Difference,
    counts: Agreement,
    first: ComparedRun,
    second: ComparedRun,
    evaluation: Evaluation,
) -> Effect:
    if found.metric == "accuracy":
        return effect_of_agreement(counts)
    gaps = first.resampled[found.metric] - second.resampled[found.metric]
    return effect_of_gaps(found.value, gaps, int(evaluation.images.max()) + 1)


def _ahead(
    metric: Metric, found: Difference, counts: Agreement, first: ComparedRun, second: ComparedRun
) -> int | None:
    """The run that is ahead; None if they are level, or if copies and contents disagree on it."""
    lead = found.value if metric.higher_is_better else -found.value
    if found.metric == "accuracy" and lead * (counts.only_first - counts.only_second) <= 0:
        return None
    return (first.number if lead > 0 else second.number) if lead else None
