"""Which run is better, in one sentence per task; "no clear winner" is a verdict too.

Each task has one decisive metric, fixed beforehand: accuracy for expression, the mean CCC for
valence and arousal. A run wins when it beats every other in it by more than chance, and no other
metric of the task says the opposite by more than chance. Nobody wins who does not beat guessing.
Their p are corrected for both tasks and all pairs, so that a page of equal networks names some
winner in at most 5 % of cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import Scored
from emotion_core.comparison.pair import Finding, Pair, clear_best
from emotion_core.statistics.intervals import SIGNIFICANCE
from emotion_core.statistics.metrics import DECISIVE, METRICS, TASKS, Task
from emotion_core.statistics.paired_tests import JACKKNIFE, MCNEMAR
from emotion_core.statistics.resampled_tests import CORRECTED_T

_TESTS: Final = {
    MCNEMAR: "McNemar’s exact test",
    JACKKNIFE: "a paired jackknife test",
    CORRECTED_T: "the corrected resampled t test",
}
Kind = Literal["winner", "no_winner", "no_skill", "one_run", "not_paired", "no_run"]


@dataclass(frozen=True)
class Verdict:
    """What the statistics say about one task."""

    task: Task
    title: str
    kind: Kind
    headline: str
    sentence: str
    """By how much."""
    chance: str | None
    """Whether it could be chance; None where nothing was tested."""
    winner: int | None
    """Number of the run that won."""
    metric: str
    """The decisive metric."""
    floor: float | None
    """What guessing, or always saying the same, reaches in it."""


def verdict_on(
    task: Task,
    runs: Sequence[Scored],
    pairs: Sequence[Pair],
    not_paired: str | None,
    *,
    is_of_networks: bool = False,
) -> Verdict:
    """Judge one task.

    Args:
        task: Which one.
        runs: Those of the comparison, also failed ones.
        pairs: Every two runs with figures; empty if they cannot be paired.
        not_paired: Why they cannot, if so.
        is_of_networks: Whether several trainings speak for each, so that a network is better;
            otherwise it is one training that is.
    """
    metric = DECISIVE[task]
    ranked = sorted(
        (run for run in runs if run.has_figures),
        key=lambda run: (-run.scores[metric].value, run.number),
    )
    floors = [floor_of(task, run) for run in ranked]

    def verdict(
        kind: Kind, headline: str, sentence: str, chance: str | None = None, winner: int = -1
    ) -> Verdict:
        return Verdict(
            task=task,
            title=TASKS[task],
            kind=kind,
            headline=headline,
            sentence=sentence,
            chance=chance,
            winner=winner if winner >= 0 else None,
            metric=metric,
            floor=floors[0] if floors and len(set(floors)) == 1 else None,
        )

    if not ranked:
        return verdict("no_run", "No result", "No run has ended with metrics to show.")
    if len(ranked) > 1 and not_paired is not None:
        return verdict("not_paired", "No claim", not_paired)
    best, rivals = ranked[0], ranked[1:]
    if not has_skill(task, best):
        return verdict(
            "no_skill",
            "No better than guessing",
            f"{_reaches(task, best)}; {_floor_words(task, floors[0])}."
            + ("" if not rivals else " A winner among such networks would mean nothing."),
        )
    if not rivals:
        return verdict(
            "one_run",
            "One network only",
            f"{_reaches(task, best)}; {_floor_words(task, floors[0])}.",
        )
    duels = {
        rival.number: next(pair for pair in pairs if pair.joins(best.number, rival.number))
        for rival in rivals
    }
    if clear_best(pairs, [best.number], metric) is None:
        return verdict("no_winner", "No clear winner", *_undecided(task, best, rivals, duels))
    opposed = _opposition(task, best, rivals, duels)
    if opposed:
        lead = _lead(task, best, rivals[0], duels[rivals[0].number])
        return verdict("no_winner", "No clear winner", f"{lead} But {opposed}.")
    than = {1: "", 2: f" than {_names(rivals)}"}.get(len(rivals), " than all others")
    next_best = _lead(task, best, rivals[0], duels[rivals[0].number])
    return verdict(
        "winner",
        f"{'' if is_of_networks else 'This training of '}{best.label} is better{than}",
        next_best if len(rivals) == 1 else f"{next_best} It leads the others by more.",
        _chance(task, duels) + _support(task, best, duels),
        best.number,
    )


def floor_of(task: Task, run: Scored) -> float:
    """The best that saying something without looking reaches in the task's decisive metric."""
    if task == "affect":
        return 0.0
    return max(values["accuracy"] for values in run.references.values() if "accuracy" in values)


def has_skill(task: Task, run: Scored) -> bool:
    """Whether the run's interval lies above the floor."""
    low = run.scores[DECISIVE[task]].low
    return low is not None and low > floor_of(task, run)


def summary_of(verdicts: Sequence[Verdict]) -> str:
    """All verdicts in one line."""
    return " ".join(f"{verdict.title}: {_uncapitalised(verdict)}." for verdict in verdicts)


def _uncapitalised(verdict: Verdict) -> str:
    if verdict.kind == "winner" and not verdict.headline.startswith("This "):
        return verdict.headline  # begins with a name
    return verdict.headline[0].lower() + verdict.headline[1:]


def _reaches(task: Task, run: Scored) -> str:
    estimate = run.scores[DECISIVE[task]]
    article = "an" if task == "expression" else "a"
    return (
        f"{run.label} reaches {article} {METRICS[DECISIVE[task]].in_sentence} of "
        f"{formatting.score(estimate.value)} (95{formatting.NARROW_SPACE}% interval "
        f"{formatting.interval(estimate.low, estimate.high)})"
    )


def _floor_words(task: Task, floor: float) -> str:
    if task == "affect":
        return "guessing reaches 0"
    return f"guessing or always saying the same reaches {formatting.score(floor)}"


def _lead(task: Task, best: Scored, rival: Scored, duel: Pair) -> str:
    metric = DECISIVE[task]
    gap, low, high = duel.lead_of(best.number, metric)
    return (
        f"{best.label} has {_article(task)} {METRICS[DECISIVE[task]].in_sentence} of "
        f"{formatting.score(best.scores[metric].value)} against "
        f"{formatting.score(rival.scores[metric].value)} of {rival.label}: "
        f"a lead of {formatting.score(gap)} "
        f"(95{formatting.NARROW_SPACE}% interval {formatting.interval(low, high)})."
    )


def _article(task: Task) -> str:
    return "an" if task == "expression" else "a"


def _chance(task: Task, duels: Mapping[int, Pair]) -> str:
    closest = max(
        (duel.finding(DECISIVE[task]) for duel in duels.values()), key=lambda finding: finding.p
    )
    them = "the two" if len(duels) == 1 else "they"
    return (
        f"If {them} were equally good, a page like this would show such a lead "
        f"{_frequency(closest.p)} ({_test_words(closest, len(duels))})."
    )


def _undecided(
    task: Task, best: Scored, rivals: Sequence[Scored], duels: Mapping[int, Pair]
) -> tuple[str, str]:
    metric = DECISIVE[task]
    verdicts = {rival.number: duels[rival.number].finding(metric).better for rival in rivals}
    close = [rival for rival in rivals if verdicts[rival.number] is None]
    behind = [rival for rival in rivals if verdicts[rival.number] == best.number]
    nearest = duels[close[0].number].finding(metric)
    if nearest.difference.value == 0:
        sentence = (
            f"{best.label} and {close[0].label} have the same {METRICS[metric].in_sentence}, "
            f"{formatting.score(best.scores[metric].value)}."
        )
    else:
        sentence = _lead(task, best, close[0], duels[close[0].number])
    if behind:
        sentence += f" {best.label} is clearly ahead of {_names(behind)}."
    return sentence, (
        f"If they were equally good, a page like this would show such a lead "
        f"{_frequency(nearest.p)} ({_test_words(nearest, len(rivals))}): "
        "too often to call one of them better."
    )


def _support(task: Task, best: Scored, duels: Mapping[int, Pair]) -> str:
    agree: list[str] = []
    silent: list[str] = []
    for metric in METRICS.values():
        if metric.task != task or not metric.supports:
            continue
        is_clear = all(duel.finding(metric.name).better == best.number for duel in duels.values())
        (agree if is_clear else silent).append(metric.in_sentence)
    parts = []
    if agree:
        parts.append(f"{formatting.listing(agree)} {'agrees' if len(agree) == 1 else 'agree'}")
    if silent:
        verb = "is" if len(silent) == 1 else "are"
        parts.append(f"{formatting.listing(silent)} {verb} too close to call")
    text = "; ".join(parts)
    return f" {text if text.startswith('mAP') else text[0].upper() + text[1:]}."


def _opposition(
    task: Task, best: Scored, rivals: Sequence[Scored], duels: Mapping[int, Pair]
) -> str:
    """Who beats the best run by more than chance in another metric of the task."""
    parts = []
    for rival in rivals:
        words = [
            METRICS[finding.metric].in_sentence
            for finding in duels[rival.number].findings
            if finding.task == task and finding.better == rival.number
        ]
        if words:
            parts.append(
                f"{rival.label} is better by more than chance in {formatting.listing(words)}"
            )
    return "; ".join(parts)


def _names(runs: Sequence[Scored]) -> str:
    return formatting.listing([run.label for run in runs])


def _frequency(p: float) -> str:
    """How often, in words that need no statistics."""
    if p < 0.001:
        return "less than once in 1,000 times"
    if p < SIGNIFICANCE:
        times = max(1, round(1000 * p))
        return f"{'nearly' if times == 50 else 'about'} {times} times in 1,000"
    times = round(100 * p)
    return f"{'a little over' if times == 5 else 'about'} {times} times in 100"


def _test_words(finding: Finding, count_pairs: int) -> str:
    """``p = .030 by McNemar’s exact test, .060 when corrected for both tasks``."""
    test = _TESTS[finding.difference.test]
    chances = "both tasks" if count_pairs == 1 else "both tasks and all pairs"
    corrected = formatting.p_figure(finding.p)
    return (
        f"{formatting.p_value(finding.difference.p)} by {test}, "
        f"{corrected} when corrected for {chances}"
    )
