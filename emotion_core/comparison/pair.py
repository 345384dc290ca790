"""Two runs compared on the same validation images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.errors import ReportError
from emotion_core.statistics.effect_size import Effect, effect_of_accuracy, effect_of_gaps
from emotion_core.statistics.intervals import SIGNIFICANCE
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.metrics import DECISIVE, METRICS, Task
from emotion_core.statistics.paired_tests import (
    Difference,
    McNemarTable,
    benjamini_hochberg,
    difference,
    holm,
    mcnemar_table,
)


@dataclass(frozen=True)
class Finding:
    """One metric of a pair."""

    metric: str
    task: Task
    difference: Difference
    effect: Effect | None
    """None where whole trainings are compared: no number of images settles them alone."""
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
        if METRICS[self.metric].higher_is_better:
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
    agreement: McNemarTable | None
    """None where the two held out the same images several times."""
    findings: tuple[Finding, ...]
    """One per metric, in the order of :data:`METRICS`."""

    def finding(self, metric: str) -> Finding:
        """Of this metric."""
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
    compared = [(run, run.resampled) for run in runs if run.resampled is not None]
    if len({resampled.evaluation.identity for _, resampled in compared}) > 1:
        raise ReportError("runs validated on different images cannot be paired")
    couples = list(combinations(compared, 2))
    tested = {
        name: [
            difference(name, one, other, (first.scores[name], second.scores[name]))
            for (first, one), (second, other) in couples
        ]
        for name in METRICS
    }
    tables = [mcnemar_table(one.evaluation, other.evaluation) for (_, one), (_, other) in couples]

    def effect(n: int, found: Difference) -> Effect:
        (_, one), (_, other) = couples[n]
        return _effect(found, tables[n], one, other)

    def is_level(n: int, found: Difference) -> bool:
        lead, table = found.value, tables[n]
        return found.metric == "accuracy" and lead * (table.only_first - table.only_second) <= 0

    return pairs_from(
        [(first.number, second.number) for (first, _), (second, _) in couples],
        tested,
        agreement=tables,
        effect=effect,
        is_level=is_level,
    )


def pairs_from(
    couples: Sequence[tuple[int, int]],
    tested: Mapping[str, Sequence[Difference]],
    *,
    agreement: Sequence[McNemarTable] | None = None,
    effect: Callable[[int, Difference], Effect] | None = None,
    is_level: Callable[[int, Difference], bool] = lambda n, found: False,
) -> tuple[Pair, ...]:
    """Judge the differences of these couples together, corrected for all that was tested.

    Args:
        couples: Numbers of the first and the second.
        tested: By metric, the difference of each couple.
        agreement: Of each couple, where both answered the same images once.
        effect: Of a couple, by its place, and a difference; where images alone vary.
        is_level: Whether neither is ahead in spite of the difference: where copies of an image
            and distinct images disagree on who is.
    """
    # The page names a winner in either task, so both tasks' tests are its chances of a false one.
    p_values = {
        **{name: _corrected(holm, {name: found})[name] for name, found in tested.items()},
        **_corrected(holm, {name: tested[name] for name in DECISIVE.values()}),
    }
    q_values = _corrected(benjamini_hochberg, tested)
    pairs = []
    for n, (first, second) in enumerate(couples):
        findings = []
        for name, metric in METRICS.items():
            found, p, q = tested[name][n], p_values[name][n], q_values[name][n]
            is_clear = (p if metric.decides else max(p, q)) < SIGNIFICANCE
            lead = found.value if metric.higher_is_better else -found.value
            ahead = None if not lead or is_level(n, found) else first if lead > 0 else second
            findings.append(
                Finding(
                    metric=name,
                    task=metric.task,
                    difference=found,
                    effect=effect and effect(n, found),
                    p=p,
                    q=q,
                    better=ahead if is_clear else None,
                    is_decisive=metric.decides,
                )
            )
        pairs.append(Pair(first, second, agreement[n] if agreement else None, tuple(findings)))
    return tuple(pairs)


def clear_best(pairs: Sequence[Pair], numbers: Sequence[int], metric: str) -> int | None:
    """The run that beats every other one in this metric by more than chance, if one does."""
    for number in numbers:
        rivals = [pair for pair in pairs if number in (pair.first, pair.second)]
        if rivals and all(pair.finding(metric).better == number for pair in rivals):
            return number
    return None


def _corrected(
    correct: Callable[[Sequence[float]], list[float]], tested: Mapping[str, Sequence[Difference]]
) -> dict[str, list[float]]:
    """The p of all of these differences corrected together, by metric and pair."""
    corrected = iter(correct([one.p for found in tested.values() for one in found]))
    return {name: [next(corrected) for _ in found] for name, found in tested.items()}


def _effect(found: Difference, table: McNemarTable, first: Jackknife, second: Jackknife) -> Effect:
    if found.metric == "accuracy":
        return effect_of_accuracy(table)
    gaps = first.moved[found.metric] - second.moved[found.metric]
    return effect_of_gaps(found.value, gaps, first.evaluation.count_images)
