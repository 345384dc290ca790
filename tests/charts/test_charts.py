"""The drawings: well-formed, named, inside their box, and silent about colours."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from comparison_factory import MADE_AT, make_run_facts, make_validation_images

from emotion_core.charts import affect, agreement, confidence, cost, expressions, metrics, points
from emotion_core.charts.svg import Drawing, Scale, marker_path, tick_text, ticks, whole_ticks
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.comparison.comparison import compare
from emotion_core.emotions import EXPRESSIONS

IMAGES = make_validation_images(160)
COMPARISON = compare(
    [
        make_run_facts(images=IMAGES),
        make_run_facts("efficientnet_b0", images=IMAGES, skill=0.4, affect_skill=0.3, seed=2),
    ],
    MADE_AT,
)
FIRST, SECOND = COMPARISON.runs


def every_chart(run: ComparedRun = FIRST) -> dict[str, str]:
    assert run.evaluation is not None
    assert run.confidence is not None
    pair = COMPARISON.pairs[0]
    lines = [
        metrics.CurveLine(0, run.label, part, run.curves[part, "loss"], 9)
        for part in ("train", "validation")
    ]
    return {
        "strip": metrics.interval_strip("a", "Accuracy", COMPARISON.runs, "accuracy", 0.125),
        "lead": metrics.lead_bar("b", "Accuracy", (-0.1, 0.05, 0.2), 0.3),
        "agreement": metrics.agreement_bar("c", pair, FIRST, SECOND),
        "curve": metrics.curve_chart("d", "Loss", lines),
        "classes": expressions.class_chart("e", COMPARISON.runs),
        "recall": expressions.precision_recall_chart("j", COMPARISON.runs, 3),
        "truth": agreement.density_chart("k", run, run.evaluation, "truth"),
        "answers": agreement.density_chart("l", run, run.evaluation, "answer"),
        "residuals": agreement.residual_chart("m", run, run.affect[0]),
        "limits": agreement.bland_altman_chart("n", run, run.evaluation, run.affect[1], 1),
        "cost": cost.cost_chart("o", COMPARISON.runs, "accuracy"),
        "scatter": affect.affect_scatter("f", run, run.evaluation, 0),
        "reliability": confidence.reliability_chart("h", run, run.confidence),
        "risk": confidence.risk_chart("i", run, run.confidence),
        "circumplex": affect.circumplex("g", run, run.evaluation),
    }


@pytest.mark.parametrize("name", list(every_chart()))
def test_every_chart_is_an_image_with_a_title_and_a_description(name: str) -> None:
    root = ET.fromstring(every_chart()[name])  # noqa: S314 - our own output

    title, description = root[0], root[1]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text
    assert description.text


@pytest.mark.parametrize("name", list(every_chart()))
def test_every_chart_leaves_colours_to_the_style_sheet(name: str) -> None:
    assert not re.search(r'\b(style|fill|stroke|color)="|#[0-9a-f]{3}', every_chart()[name])


@pytest.mark.parametrize("name", list(every_chart()))
def test_nothing_is_drawn_outside_the_box(name: str) -> None:
    root = ET.fromstring(every_chart()[name])  # noqa: S314 - our own output
    _, _, width, height = map(float, (root.get("viewBox") or "").split())

    for element in root.iter():
        for key in ("x", "x1", "x2", "cx"):
            assert -0.1 <= float(element.get(key, 0)) <= width + 0.1
        for key in ("y", "y1", "y2", "cy"):
            assert -0.1 <= float(element.get(key, 0)) <= height + 0.1


def test_a_scatter_has_one_dot_per_image() -> None:
    assert every_chart()["scatter"].count("h0") == 160


def test_many_images_become_squares_of_density() -> None:
    many = make_run_facts(images=make_validation_images(points.MOST_DOTS + 100))
    run = compare([many], MADE_AT).runs[0]
    assert run.evaluation is not None

    drawn = affect.affect_scatter("f", run, run.evaluation, 0)

    assert "h0" not in drawn
    assert 'class="cell level-5"' in drawn
    assert len(drawn) < 60_000


def test_the_circumplex_names_every_expression_once_and_no_two_names_overlap() -> None:
    root = ET.fromstring(every_chart()["circumplex"])  # noqa: S314 - our own output

    names = [element for element in root.iter("text") if element.get("class") == "label halo"]
    places = [(float(e.get("x", 0)), float(e.get("y", 0))) for e in names]
    assert sorted(e.text or "" for e in names) == sorted(EXPRESSIONS)
    assert len(set(places)) == len(EXPRESSIONS)


def test_a_curve_of_one_epoch_is_a_mark() -> None:
    line = metrics.CurveLine(0, "A", "validation", ((1, 0.5),), 1)

    assert 'class="mark"' in metrics.curve_chart("d", "Loss", [line])


def test_the_best_epoch_is_marked_on_the_validation_line_alone() -> None:
    assert every_chart()["curve"].count('class="best"') == 1


def test_agreement_is_drawn_to_scale() -> None:
    root = ET.fromstring(every_chart()["agreement"])  # noqa: S314 - our own output
    widths = [float(rect.get("width", 0)) + 2 for rect in root.iter("rect")]
    counts = COMPARISON.pairs[0].agreement

    assert sum(widths) == pytest.approx(720, abs=1)
    assert widths[0] == pytest.approx(720 * counts.both / 160, abs=1)


def test_the_markers_of_eight_runs_are_eight_shapes() -> None:
    assert len({marker_path((10, 10), run, 4) for run in range(8)}) == 8


def test_texts_and_attributes_of_a_drawing_are_escaped() -> None:
    hostile = "</text><script>alert('&\"')</script>"
    drawing = Drawing(10, 10, name="x", title=hostile, description=hostile, css=f'a"{hostile}')
    drawing.text((0, 0), hostile, "label")

    markup = str(drawing.markup())

    assert "<script" not in markup
    assert markup.count("&lt;script&gt;") == 4


def test_ticks_are_few_round_and_inside() -> None:
    rng = np.random.default_rng(1)
    for low, width in zip(rng.uniform(-2, 2, 50), rng.uniform(0.01, 30, 50), strict=True):
        marks = ticks(low, low + width, 5)
        assert 1 <= len(marks) <= 5
        assert all(low - 1e-9 <= mark <= low + width + 1e-9 for mark in marks)
    assert whole_ticks(1, 12, 12) == list(range(1, 13))
    assert len(whole_ticks(1, 500, 12)) <= 12


def test_tick_texts_have_as_many_digits_as_tell_them_apart() -> None:
    assert [tick_text(v, [-1, -0.5, 0, 0.5, 1]) for v in (-1, -0.5, 0, 0.5, 1)] == [
        "−1",
        "−.5",
        "0",
        ".5",
        "1",
    ]
    assert [tick_text(v, [1.5, 2.0]) for v in (1.5, 2.0)] == ["1.5", "2.0"]
    assert tick_text(0.15, [0.15, 0.2]) == ".15"


def test_a_scale_maps_both_ends() -> None:
    scale = Scale(-1, 1, 100, 0)

    assert (scale(-1), scale(0), scale(1)) == (100, 50, 0)
