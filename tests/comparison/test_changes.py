"""The page's section on what a change of champion changed."""

import json
from pathlib import Path

import pytest
from comparison_factory import MADE_AT, make_run_facts, make_validation_images

from emotion_core.comparison.comparison import compare
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.stored_reports import FACTS_FILE
from emotion_core.store.model_changes import Flip, ModelChange

CHANGE = ModelChange(
    before="resnet50 v1",
    after="<b>b0</b> v2",
    count_images=1000,
    count_flips=250,
    mean_valence_shift=-0.05,
    mean_valence_distance=0.2,
    mean_arousal_shift=0.125,
    mean_arousal_distance=0.3,
    flips=(Flip("Happy", "Fear", 200), Flip("Sad", "Anger", 50)),
)


def test_a_change_of_champion_stands_with_its_interval_flips_and_shifts(tmp_path: Path) -> None:
    comparison = compare(
        [make_run_facts(images=make_validation_images(64))], MADE_AT, changes=[CHANGE]
    )

    page = render_comparison(comparison, tmp_path).read_text("utf-8")

    (change,) = comparison.changes
    # Wilson (1927) by hand: (.25 + z²/2n ± z √(.25·.75/n + z²/4n²)) / (1 + z²/n), z = 1.96.
    assert (change.flip_low, change.flip_high) == pytest.approx((0.2241, 0.2778), abs=1e-4)
    section = page.split('id="changed"')[1].split("</section>")[0]
    assert "&lt;b&gt;b0&lt;/b&gt; v2" in section and "<b>b0" not in section
    assert "−.050" in section and "+.125" in section
    assert section.index("Fear") < section.index("Anger")
    facts = json.loads((tmp_path / FACTS_FILE).read_text("utf-8"))
    assert facts["changes"][0]["facts"]["count_flips"] == 250


def test_without_a_change_the_page_says_what_would_fill_the_section(tmp_path: Path) -> None:
    page = render_comparison(
        compare([make_run_facts(images=make_validation_images(64))], MADE_AT), tmp_path
    )

    section = page.read_text("utf-8").split('id="changed"')[1].split("</section>")[0]

    assert "Score the archive again" in section
    assert "FROM model_change" in section
