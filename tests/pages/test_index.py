"""The index of reports: its filters, and a file that leads to every page without a server."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from comparison_factory import MADE_AT, make_run_facts, make_validation_images

from emotion_core.comparison.comparison import compare
from emotion_core.files import folder_name
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.index import IndexFilter, IndexPage, write_index
from emotion_core.pages.page import render_page
from emotion_core.pages.stored_reports import earlier_pages
from emotion_core.store.reports import ReportRecord

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)
KEY = 'manual__2026-01-01T00:00:00+00:00 "<script>alert(1)</script>'


def make_report(key: str, **changes: object) -> ReportRecord:
    usual = {
        "verdict": "Expression: no <b>clear</b> winner.",
        "title": f"Networks of {key}",
        "networks": ("resnet50", "efficientnet_b0"),
        "datasets": ("AffectNet, part",),
        "outcomes": ("no_winner", "winner"),
    }
    return ReportRecord(key, "/r", count_runs=2, rendered_at=NOW, **(usual | changes))  # type: ignore[arg-type]


REPORTS = [
    make_report("one"),
    make_report("two", networks=("swin_t",), outcomes=("one_run", "one_run")),
    make_report("three", datasets=("drawn",), is_drawn=True, verdict="ResNet50 is better."),
]


def rendered(reports: list[ReportRecord], chosen: IndexFilter) -> str:
    index = IndexPage(reports, [], "runs/{}".format, "batches/{}".format, chosen)
    return render_page("index.html", index=index, root="")


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (IndexFilter(), {"one", "two", "three"}),
        (IndexFilter(network="swin_t"), {"two"}),
        (IndexFilter(dataset="AffectNet, part"), {"one", "two"}),
        (IndexFilter(outcome="a winner"), {"one", "three"}),
        (IndexFilter(faces="photographs"), {"one", "two"}),
        (IndexFilter(words="BETTER resnet50"), {"three"}),
        (IndexFilter(words="affectnet", network="resnet50"), {"one"}),
        (IndexFilter(words="<script>"), set()),
    ],
)
def test_the_form_lets_through_what_it_was_filled_in_for(
    chosen: IndexFilter, shown: set[str]
) -> None:
    page = rendered(REPORTS, chosen)

    assert {key for key in ("one", "two", "three") if f'href="runs/{key}"' in page} == shown


def test_the_form_needs_no_script_and_keeps_what_was_chosen() -> None:
    page = rendered(REPORTS, IndexFilter(words='"quoted"', network="resnet50"))

    assert 'method="get"' in page and "form-action &#39;self&#39;" in page.replace("'", "&#39;")
    assert 'value="&#34;quoted&#34;"' in page
    assert '<option value="resnet50" selected>' in page
    assert "None of the 3 reports matches" in page


def test_an_index_without_reports_says_how_to_get_one() -> None:
    assert "trigger <em>Train and compare</em>" in rendered([], IndexFilter())


def test_a_page_that_says_something_else_is_kept_and_the_same_page_is_not(tmp_path: Path) -> None:
    facts = make_run_facts(images=make_validation_images(64))

    first = render_comparison(compare([facts], MADE_AT), tmp_path).read_bytes()
    render_comparison(compare([facts], MADE_AT), tmp_path)
    same = earlier_pages(tmp_path)
    page = render_comparison(compare([facts], MADE_AT + timedelta(days=1)), tmp_path)
    (kept,) = earlier_pages(tmp_path)
    back = render_comparison(compare([facts], MADE_AT), tmp_path / "anew").read_bytes()

    assert same == []
    assert kept.read_bytes() == first == back != page.read_bytes()
    assert kept.with_name("comparison.json").is_file()


def test_the_index_file_leads_to_every_page_without_a_server(tmp_path: Path) -> None:
    facts = make_run_facts(images=make_validation_images(64))
    folder = tmp_path / folder_name(KEY)
    for day in range(2):
        render_comparison(compare([facts], MADE_AT + timedelta(days=day)), folder)
    listed = [make_report(key, title=key) for key in (KEY, "its files are gone")]

    index = write_index(listed, [], tmp_path)

    page = index.read_text("utf-8")
    links = [unquote(link) for link in re.findall(r'<a href="([^"#]+)"', page)]
    assert len(links) == 2
    assert all((tmp_path / link).is_file() for link in links)
    assert "<form" not in page
    assert "its files are gone" not in page
    assert "<script>alert" not in page and "<b>clear" not in page
