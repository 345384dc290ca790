"""From facts to one self-contained HTML file that asks nothing of the network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from markupsafe import Markup

from emotion_core.charts import metrics
from emotion_core.comparison import formatting, model_card
from emotion_core.comparison.champion_roles import standing_of, standing_sentence
from emotion_core.comparison.compared_run import SELECTION, ComparedRun
from emotion_core.comparison.comparison import Comparison
from emotion_core.comparison.expressions import ConfusionDifference
from emotion_core.comparison.pair import DECISIVE, Pair
from emotion_core.comparison.published_results import FIELD_METRICS
from emotion_core.emotions import EXPRESSIONS
from emotion_core.pages.page import render_page, write_page
from emotion_core.pages.stored_reports import PAGE_FILE, keep_earlier

_CURVES: Final = (
    ("loss", "Loss"),
    (SELECTION, "Selection score"),
    ("accuracy", "Accuracy"),
    ("macro_f1", "Macro F1"),
    ("ccc_valence", "CCC of valence"),
    ("ccc_arousal", "CCC of arousal"),
)
_SHADES: Final = 8
"""Steps of a confusion cell's shade beyond none."""


def render_comparison(
    comparison: Comparison, out_dir: Path, thumbnails: Mapping[str, str] | None = None
) -> Path:
    """Write ``comparison.html`` and ``comparison.json``; returns the page's path.

    The same comparison gives the same bytes. Both files are written aside first: until they are
    complete, what stood in the folder stays. A page that says something else is kept under
    ``earlier/``, by the time at which it was made.

    Args:
        comparison: What to say.
        out_dir: Folder of the two files; made if it is not there.
        thumbnails: Sample id to a picture as ``data:image/…``; None, as usual, shows no face.
    """
    shown = _pairs_shown(comparison)
    page = render_page(
        "comparison.html",
        root=None,
        comparison=comparison,
        pairs=tuple(pair for pair in comparison.pairs if pair in shown),
        folded_pairs=tuple(pair for pair in comparison.pairs if pair not in shown),
        curves=_curves(comparison),
        standing=standing_sentence(comparison.runs),
        standing_of=standing_of,
        thumbnails=thumbnails,
        confusion_rows=confusion_rows,
        mistakes_sentence=mistakes_sentence,
        difference_rows=difference_rows,
        difference_sentence=difference_sentence,
        images_needed=images_needed,
        FIELD_METRICS=FIELD_METRICS,
        DECISIVE=DECISIVE,
        model_card=model_card,
    )
    facts = comparison.to_dict()
    keep_earlier(out_dir, page)
    return write_page(out_dir / PAGE_FILE, page, facts)


def confusion_rows(run: ComparedRun) -> list[tuple[str, int, list[tuple[str, int, int]]]]:
    """Rows of a confusion matrix as shown: expression, images, and per prediction a cell.

    A cell is (share of the row in percent, images, shade 0 … 8).
    """
    if run.evaluation is None:
        return []
    rows = []
    for expression, counts in zip(EXPRESSIONS, run.evaluation.confusion.tolist(), strict=True):
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        cells = [
            (f"{100 * share:.0f}" if count else "", count, round(share * _SHADES))
            for share, count in zip(shares, counts, strict=True)
        ]
        rows.append((expression, total, cells))
    return rows


def mistakes_sentence(run: ComparedRun) -> str:
    """The most frequent mistakes in words, then the pairs that are taken for each other."""
    if not run.mistakes:
        return "It made no mistake."
    parts = [
        f"{mistake.truth} for {mistake.predicted} ({mistake.count} of {mistake.of})"
        for mistake in run.mistakes
    ]
    pairs = [
        f"{pair.one} and {pair.other} ({pair.count} of {pair.of} images of either)"
        for pair in run.confused
    ]
    return (
        f"Most often it takes {formatting.listing(parts)}. "
        f"Taken for each other, whichever way round: {formatting.listing(pairs)}."
    )


def difference_rows(
    found: ConfusionDifference,
) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """Rows of a difference of confusion matrices as shown: expression, and cells.

    A cell is (percentage points with a sign, empty where level; which run has more, ``first`` or
    ``second``; shade 0 … 8).
    """
    return [
        (
            expression,
            [
                (
                    formatting.points(gap),
                    "first" if gap > 0 else "second",
                    min(_SHADES, round(abs(gap) * 2 * _SHADES)),
                )
                for gap in row
            ],
        )
        for expression, row in zip(EXPRESSIONS, found.cells, strict=True)
    ]


def difference_sentence(found: ConfusionDifference, first: ComparedRun, second: ComparedRun) -> str:
    """Where two runs go wrong differently, in words."""
    if not found.largest:
        return "Both make the same mistakes equally often."
    parts = [
        f"{(first if gap > 0 else second).label} takes {truth} for {predicted} more often "
        f"({formatting.points(abs(gap)).lstrip('+')} points)"
        for truth, predicted, gap in found.largest
    ]
    return f"{'; '.join(parts)}."


def images_needed(count: int | None) -> str:
    """How many validation images would settle a difference; rounded, since it is an estimate."""
    if count is None:
        return formatting.NOTHING
    return str(count) if count < 100 else formatting.count(float(f"{count:.2g}"))


def _pairs_shown(comparison: Comparison) -> list[Pair]:
    """Of up to three runs all pairs; of more, each task's first against its second."""
    if len(comparison.compared) <= 3:
        return list(comparison.pairs)
    shown = []
    for metric in DECISIVE.values():
        ranked = sorted(comparison.compared, key=lambda run: -run.scores[metric].value)
        first, second = ranked[0].number, ranked[1].number
        shown += [pair for pair in comparison.pairs if pair.joins(first, second)]
    return shown


def _curves(comparison: Comparison) -> list[Markup]:
    drawn: list[Markup] = []
    for metric, title in _CURVES:
        lines = [
            metrics.CurveLine(
                run=run.number,
                label=run.label,
                part=part,
                points=run.curves[part, metric],
                best_epoch=run.record.kept_epoch,
            )
            for run in comparison.runs
            for part in ("train", "validation")
            if run.curves.get((part, metric))
        ]
        if lines:
            drawn.append(metrics.curve_chart(f"curve-{metric}", title, lines))
    return drawn
