"""Pages stay reachable: earlier ones beside the newest, all of them from a file."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

from comparison_factory import MADE_AT, make_run_facts, make_validation_images

from emotion_core.comparison.comparison import compare
from emotion_core.files import folder_name
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.earlier_pages import earlier_pages
from emotion_core.pages.index import write_index
from emotion_core.store.reports import ReportRecord

KEY = 'manual__2026-01-01T00:00:00+00:00 "<script>alert(1)</script>'


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
    listed = [
        ReportRecord(
            group_key=key,
            folder="",
            verdict="no <b>clear</b> winner",
            count_runs=1,
            rendered_at=MADE_AT,
            title=key,
            run_keys=("r",),
            networks=("resnet50",),
            datasets=("faces",),
            outcomes=("no_winner",),
            is_drawn=True,
        )
        for key in (KEY, "its files are gone")
    ]

    index = write_index(listed, [], tmp_path)

    page = index.read_text("utf-8")
    links = [unquote(link) for link in re.findall(r'<a href="([^"#]+)"', page)]
    assert len(links) == 2
    assert all((tmp_path / link).is_file() for link in links)
    assert "<form" not in page
    assert "its files are gone" not in page
    assert "<script>alert" not in page and "<b>clear" not in page
