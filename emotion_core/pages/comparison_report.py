"""From facts to one self-contained HTML file that asks nothing of the network."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emotion_core.charts import affect, agreement, confidence, cost, expressions, metrics
from emotion_core.comparison import formatting, model_card
from emotion_core.comparison.champion_roles import standing_of, standing_sentence
from emotion_core.comparison.compared_run import SELECTION, ComparedRun
from emotion_core.comparison.comparison import Comparison
from emotion_core.comparison.expressions import ConfusionDifference
from emotion_core.comparison.pair import Pair
from emotion_core.comparison.published_results import FIELD_METRICS
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.files import replacing
from emotion_core.pages import health_measures
from emotion_core.pages.earlier_pages import FACTS_FILE, PAGE_FILE, keep_earlier
from emotion_core.settings import TEMPLATES_DIR
from emotion_core.statistics.metrics import DECISIVE, METRICS, TASKS, headlines

SORTING: Final = "sort.js"
"""Sorts tables."""
FRAMED: Final = "frame.js"
"""Lets a page that Airflow shows in a frame lead to Airflow's own pages."""
SCRIPTS: Final = (SORTING, FRAMED)

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
        comparison=comparison,
        pairs=tuple(pair for pair in comparison.pairs if pair in shown),
        folded_pairs=tuple(pair for pair in comparison.pairs if pair not in shown),
        curves=_curves(comparison),
        standing=standing_sentence(comparison.runs),
        standing_of=standing_of,
        thumbnails=thumbnails,
    )
    facts = json.dumps(comparison.to_dict(), indent=1, ensure_ascii=True, allow_nan=False)
    out_dir.mkdir(parents=True, exist_ok=True)
    keep_earlier(out_dir, page)
    with replacing(out_dir / PAGE_FILE) as page_file, replacing(out_dir / FACTS_FILE) as facts_file:
        page_file.write_text(page, encoding="utf-8", newline="\n")
        facts_file.write_text(facts + "\n", encoding="utf-8", newline="\n")
    return out_dir / PAGE_FILE


def render_page(template: str, *, scripts: Sequence[str] = (SORTING,), **facts: Any) -> str:
    """Render a template with the house's style sheet inlined.

    Every value is escaped, and a name that is not given is an error, not an empty text.

    Args:
        template: A file of ``reports/templates``.
        scripts: The only scripts that run on the page, of :data:`SCRIPTS`.
        facts: What the template names.
    """
    style, style_hash = _inlined("style.css")
    shown: dict[str, Any] = {
        "style": style,
        "style_hash": style_hash,
        "scripts": [_inlined(name) for name in scripts],
        "form_action": "'none'",
        "referrer": "no-referrer",
    }
    return _environment().get_template(template).render(shown | facts)


def script_policy() -> str:
    """The source expressions of a Content-Security-Policy that lets just our scripts run."""
    return " ".join(f"'{_inlined(name)[1]}'" for name in SCRIPTS)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        score=formatting.score,
        signed=formatting.signed,
        count=formatting.count,
        percent=formatting.percent,
        p_figure=formatting.p_figure,
        moment=formatting.moment,
        duration=formatting.duration,
        listing=formatting.listing,
        measured=health_measures.measured,
        measure_name=health_measures.measure_name,
        visible=formatting.visible,
        metric_name=lambda name: METRICS[name].title,
        rounded=formatting.rounded,
        per_second=formatting.per_second,
        megabytes=formatting.megabytes,
        images_needed=images_needed,
        magnitude=magnitude,
        millions=millions,
        gigaflops=gigaflops,
    )
    environment.globals.update(
        EXPRESSIONS=EXPRESSIONS,
        DIMENSIONS=DIMENSIONS,
        METRICS=METRICS,
        TASKS=TASKS,
        interval=formatting.interval,
        interval_strip=metrics.interval_strip,
        lead_bar=metrics.lead_bar,
        lead_reach=metrics.lead_reach,
        share_bar=metrics.share_bar,
        agreement_bar=metrics.agreement_bar,
        class_chart=expressions.class_chart,
        precision_recall_chart=expressions.precision_recall_chart,
        density_chart=agreement.density_chart,
        residual_chart=agreement.residual_chart,
        bland_altman_chart=agreement.bland_altman_chart,
        cost_chart=cost.cost_chart,
        FIELD_METRICS=FIELD_METRICS,
        DECISIVE=DECISIVE,
        INTENDED=model_card.INTENDED,
        NOT_FOR=model_card.NOT_FOR,
        NOTICE=model_card.NOTICE,
        swatch=metrics.swatch,
        affect_scatter=affect.affect_scatter,
        circumplex=affect.circumplex,
        reliability_chart=confidence.reliability_chart,
        risk_chart=confidence.risk_chart,
        confusion_rows=confusion_rows,
        mistakes_sentence=mistakes_sentence,
        difference_rows=difference_rows,
        difference_sentence=difference_sentence,
    )
    return environment


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


def magnitude(size: float) -> str:
    """An effect's size without its sign, which the column of leads already tells."""
    return formatting.score(abs(size), 2)


def millions(count: int | None) -> str:
    """``24.6`` of 24,560,458."""
    return formatting.NOTHING if count is None else formatting.rounded(count / 1e6)


def gigaflops(flops: int | None) -> str:
    """``4.09`` of 4,090,000,000."""
    return formatting.NOTHING if flops is None else formatting.rounded(flops / 1e9)


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
    for metric, title in {"loss": "Loss", SELECTION: "Selection score", **headlines()}.items():
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


@cache
def _inlined(name: str) -> tuple[Markup, str]:
    """A file without its comments, and its hash for the page's security policy."""
    text = (TEMPLATES_DIR / name).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"  # noqa: S704 - our own file
