"""From facts to one self-contained HTML file that asks nothing of the network."""

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emotion_core.durable import replacing
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.metrics import METRICS
from emotion_core.reporting import affect_charts, charts, confidence_charts, numerals
from emotion_core.reporting.compared_run import SELECTION, ComparedRun
from emotion_core.reporting.comparison import Comparison
from emotion_core.reporting.pair import DECISIVE, Pair, metric_name
from emotion_core.settings import TEMPLATES_DIR

PAGE_FILE: Final = "comparison.html"
FACTS_FILE: Final = "comparison.json"

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


def render_comparison(comparison: Comparison, out_dir: Path) -> Path:
    """Write ``comparison.html`` and ``comparison.json``; returns the page's path.

    The same comparison gives the same bytes. Both files are written aside first: until they are
    complete, what stood in the folder stays.

    Args:
        comparison: What to say.
        out_dir: Folder of the two files; made if it is not there.
    """
    shown = _pairs_shown(comparison)
    page = render_page(
        "comparison.html",
        comparison=comparison,
        pairs=tuple(pair for pair in comparison.pairs if pair in shown),
        folded_pairs=tuple(pair for pair in comparison.pairs if pair not in shown),
        curves=_curves(comparison),
    )
    facts = json.dumps(comparison.to_dict(), indent=1, ensure_ascii=True, allow_nan=False)
    out_dir.mkdir(parents=True, exist_ok=True)
    with replacing(out_dir / PAGE_FILE) as page_file, replacing(out_dir / FACTS_FILE) as facts_file:
        page_file.write_text(page, encoding="utf-8", newline="\n")
        facts_file.write_text(facts + "\n", encoding="utf-8", newline="\n")
    return out_dir / PAGE_FILE


def render_page(template: str, **facts: Any) -> str:
    """Render a template with the house's style sheet inlined.

    Every value is escaped, and a name that is not given is an error, not an empty text.
    """
    style, style_hash = _style()
    return _environment().get_template(template).render(style=style, style_hash=style_hash, **facts)


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
        score=numerals.score,
        signed=numerals.signed,
        count=numerals.count,
        percent=numerals.percent,
        p_figure=numerals.p_figure,
        moment=numerals.moment,
        duration=numerals.duration,
        listing=numerals.listing,
        visible=numerals.visible,
        metric_name=metric_name,
    )
    environment.globals.update(
        EXPRESSIONS=EXPRESSIONS,
        DIMENSIONS=DIMENSIONS,
        METRICS=METRICS,
        interval=numerals.interval,
        interval_strip=charts.interval_strip,
        lead_bar=charts.lead_bar,
        lead_reach=charts.lead_reach,
        agreement_bar=charts.agreement_bar,
        class_chart=charts.class_chart,
        swatch=charts.swatch,
        affect_scatter=affect_charts.affect_scatter,
        circumplex=affect_charts.circumplex,
        reliability_chart=confidence_charts.reliability_chart,
        risk_chart=confidence_charts.risk_chart,
        confusion_rows=confusion_rows,
        mistakes_sentence=mistakes_sentence,
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
    """The most frequent mistakes in words."""
    if not run.mistakes:
        return "It made no mistake."
    parts = [
        f"{mistake.truth} for {mistake.predicted} ({mistake.count} of {mistake.of})"
        for mistake in run.mistakes
    ]
    return f"Most often it takes {numerals.listing(parts)}."


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
            charts.CurveLine(
                run=run.number,
                label=run.label,
                part=part,
                points=run.curves[part, metric],
                best_epoch=run.record.best_epoch,
            )
            for run in comparison.runs
            for part in ("train", "validation")
            if run.curves.get((part, metric))
        ]
        if lines:
            drawn.append(charts.curve_chart(f"curve-{metric}", title, lines))
    return drawn


@cache
def _style() -> tuple[Markup, str]:
    """The style sheet without its comments, and its hash for the page's security policy."""
    text = (TEMPLATES_DIR / "style.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"  # noqa: S704 - our own file
