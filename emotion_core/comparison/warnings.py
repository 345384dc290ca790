"""What a reader must know before the metrics: drawn faces, random weights, failed runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.comparison.run_configuration import RunConfiguration
from emotion_core.store.training_runs import RunRecord

Weight = Literal["warning", "note"]

FEW_IMAGES: Final = 200
"""Below this many validation images, accuracy carries more than about ± 7 points."""


@dataclass(frozen=True)
class ReportWarning:
    """One thing to know."""

    weight: Weight
    title: str
    text: str


def warnings_for(
    runs: Sequence[ComparedRun], configuration: RunConfiguration, not_paired: str | None
) -> tuple[ReportWarning, ...]:
    """All that apply, warnings first."""
    random = [run.label for run in runs if run.record.weights_origin == "none"]
    chosen = [run for run in runs if run.has_figures and _keeps_best(run.record)]
    return (
        *about_training([run.record for run in runs], random),
        *_about_kept_epochs(
            [run.label for run in chosen],
            [text for run in chosen if (text := _gain_by_choice(run))],
        ),
        *_about_runs(runs),
        *_about_pairing(runs, not_paired),
        *_about_device(runs),
        *_about_recipes(runs, configuration),
        *_about_size(runs),
    )


def about_experiment(trainings: Mapping[str, Sequence[RunRecord]]) -> tuple[ReportWarning, ...]:
    """What applies to networks that were trained over folds and seeds.

    Args:
        trainings: By the network's name on the page.
    """

    def named(applies: Callable[[RunRecord], bool]) -> list[str]:
        return [label for label, records in trainings.items() if any(map(applies, records))]

    return (
        *about_training(
            [record for records in trainings.values() for record in records],
            named(lambda record: record.weights_origin == "none"),
        ),
        *_about_kept_epochs(named(_keeps_best), []),
    )


def about_training(
    records: Sequence[RunRecord], random: Sequence[str]
) -> tuple[ReportWarning, ...]:
    """Of the data, the labels, and the networks that began with random weights."""
    return (*_about_data(records), *_about_labels(records), *_about_weights(random))


def _keeps_best(record: RunRecord) -> bool:
    return record.recipe.get("keep") == "best"


def _about_data(records: Sequence[RunRecord]) -> list[ReportWarning]:
    if not any(record.dataset_is_drawn for record in records):
        return []
    return [
        ReportWarning(
            "warning",
            "Drawn faces",
            "These faces were drawn by this program, not photographed. The metrics show that "
            "training, scoring and comparing work; they say nothing about real faces.",
        )
    ]


def _about_labels(records: Sequence[RunRecord]) -> list[ReportWarning]:
    warnings = dict.fromkeys(text for record in records for text in record.label_warnings)
    return [
        ReportWarning(
            "warning", "Labels that contradict each other", _sentence(formatting.visible(text))
        )
        for text in warnings
    ]


def _about_kept_epochs(chosen: Sequence[str], gains: Sequence[str]) -> list[ReportWarning]:
    """What choosing the epoch on the reported images may have added to the metrics."""
    if not chosen:
        return []
    return [
        ReportWarning(
            "warning",
            "Best epoch chosen on these images",
            f"{formatting.listing(chosen)} kept the epoch that scored best on the images reported "
            "here, so the metrics are too high, the more so the longer a network was trained. "
            + "".join(f"{text}. " for text in gains)
            + "On fresh images, the best of 12 epochs lost .033 of accuracy where 152 images had "
            "chosen it, and .017 where 512 had. A recipe that keeps the last epoch has no bias.",
        )
    ]


def _gain_by_choice(run: ComparedRun) -> str:
    accuracy = dict(run.curves.get(("validation", "accuracy"), ()))
    kept = accuracy.get(run.record.kept_epoch or 0)
    if kept is None:
        return ""
    last = max(accuracy)
    return (
        f"{run.label}: accuracy {formatting.score(kept)} in the kept epoch "
        f"{run.record.kept_epoch}, {formatting.score(accuracy[last])} in the last, {last} "
        f"({formatting.signed(kept - accuracy[last])})"
    )


def _about_weights(random: Sequence[str]) -> list[ReportWarning]:
    if not random:
        return []
    return [
        ReportWarning(
            "warning",
            "Random starting weights",
            f"{formatting.listing(random)} started from random weights, without pretraining. On so "
            "few images that costs much accuracy, and which network suffers less says little about "
            "which is better after pretraining.",
        )
    ]


def _about_runs(runs: Sequence[ComparedRun]) -> list[ReportWarning]:
    warnings = [
        ReportWarning("warning", f"{run.label} failed", f"{_sentence(run.reason or '')}")
        for run in runs
        if run.state == "failed"
    ]
    for run in runs:
        if run.state != "failed" and not run.has_figures:
            warnings.append(
                ReportWarning(
                    "warning",
                    f"{run.label} has no metrics",
                    f"This page shows what the tables held when it was made: {run.reason}.",
                )
            )
    return warnings


def _about_pairing(runs: Sequence[ComparedRun], not_paired: str | None) -> list[ReportWarning]:
    if not_paired is None or sum(run.has_figures for run in runs) < 2:
        return []
    return [ReportWarning("warning", "Not the same images", not_paired)]


def _about_device(runs: Sequence[ComparedRun]) -> list[ReportWarning]:
    on_cpu = [run for run in runs if (run.record.device or "").lower().startswith("cpu")]
    if not on_cpu:
        return []
    return [
        ReportWarning(
            "note",
            "Trained on a CPU",
            f"{_names(on_cpu)} trained on a CPU, where recipes are usually cut down to fit the "
            "time: smaller images, fewer of them, fewer epochs. Speeds are not those of a GPU.",
        )
    ]


def _about_recipes(
    runs: Sequence[ComparedRun], configuration: RunConfiguration
) -> list[ReportWarning]:
    differing = [name for name in configuration.different_in("Recipe") if name != "Preset"]
    if not differing or sum(run.has_figures for run in runs) < 2:
        return []
    return [
        ReportWarning(
            "note",
            "The recipes differ",
            f"The runs differ in {formatting.listing([_uncapitalised(n) for n in differing])}. "
            "What is compared is network and recipe together, not the networks alone.",
        )
    ]


def _about_size(runs: Sequence[ComparedRun]) -> list[ReportWarning]:
    sizes = [len(run.evaluation) for run in runs if run.evaluation is not None]
    if not sizes or min(sizes) >= FEW_IMAGES:
        return []
    return [
        ReportWarning(
            "note",
            "Few validation images",
            f"Only {formatting.count(min(sizes))} images were held out. The intervals are wide, "
            "and only large differences can show.",
        )
    ]


def _names(runs: Sequence[ComparedRun]) -> str:
    return formatting.listing([run.label for run in runs])


def _uncapitalised(name: str) -> str:
    return name[:1].lower() + name[1:]


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text}."
