"""Hostile names, notes and labels in a real browser: nothing runs, nothing breaks."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from comparison_factory import (
    MADE_AT,
    RECIPE,
    make_failed_run,
    make_run_facts,
    make_validation_images,
)
from hostile_texts import CALL, HOSTILE
from playwright.sync_api import Browser, Page, sync_playwright

from emotion_core.comparison.compared_run import DOUBT_COLUMNS, RunFacts
from emotion_core.comparison.comparison import compare
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.index import IndexFilter, render_index, write_night
from emotion_core.pages.night import Night
from emotion_core.store.batches import BatchSummary, HeldReason, RefusedFile
from emotion_core.store.nights import DriftReading, MixShare
from emotion_core.store.reports import ReportRecord
from emotion_core.store.run_facts import ScoringSpeed
from emotion_core.store.throughput import Throughput
from emotion_core.vision.cost import ModelCost

IMAGES = make_validation_images(48)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # A machine's own Chromium where there is one; else the one that Playwright brings.
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield opened
        opened.close()


def hostile_run(texts: list[str], number: int) -> RunFacts:
    """A run in which every text that anybody can choose is one of these."""

    def pick(n: int) -> str:
        return texts[(n + number) % len(texts)]

    facts = make_run_facts(
        pick(0),
        images=IMAGES.assign(sample_id=[f"{n} {pick(n)}" for n in range(len(IMAGES))]),
        run_key=pick(1),
        group_key=pick(2),
        preset=pick(3),
        dataset_name=pick(4),
        device=pick(5),
        versions={pick(6): pick(7)},
        git_revision=pick(8),
        weights_origin=pick(9),
        recipe=RECIPE | {pick(10): pick(11)},
        note=pick(12),
        model_name=pick(13),
        aliases=(pick(14),),
    )
    doubts = pd.DataFrame(
        [(pick(15), pick(16), pick(17), 0.1, 0.9, pick(18))], columns=list(DOUBT_COLUMNS)
    )
    return RunFacts(
        record=facts.record,
        epochs=facts.epochs,
        predictions=facts.predictions,
        reference=facts.reference,
        doubts=doubts,
        card={
            "weights_sha256": pick(19),
            "preprocessing": {
                "image_size": pick(20),
                "resize": pick(21),
                "channel_order": pick(22),
            },
        },
        costs=(ModelCost(pick(23), 10**9, 10**8, 8, 50.0, None),),
        speeds=(ScoringSpeed(pick(24), pick(25), 100.0, 1000),),
    )


def hostile_pages(folder: Path) -> list[Path]:
    """Comparisons, nights and an index that hold every one of the texts."""
    pages = []
    for start in range(0, len(HOSTILE), 26):
        texts = list(HOSTILE[start : start + 26])
        runs = [hostile_run(texts, 0), hostile_run(texts, 1), make_failed_run(failure=texts[0])]
        pages.append(render_comparison(compare(runs, MADE_AT), folder / f"comparison-{start}"))
        pages.append(write_night(hostile_night(texts), folder / f"night-{start}"))
    reports = [
        ReportRecord(
            text, text, text, 2, MADE_AT, text, (text,), (text,), (text,), (text,), is_drawn=True
        )
        for text in HOSTILE
    ]
    index = folder / "index.html"
    index.write_text(
        render_index(reports, link=lambda key: "runs/x", chosen=IndexFilter(words="<"), nights=[]),
        encoding="utf-8",
    )
    return [*pages, index]


def hostile_night(texts: list[str]) -> Night:
    """A batch whose source, files, folders and workers are called so."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    return Night(
        batch=BatchSummary(texts[0], texts[1], texts[2], True, now, now, 9, 8, 1, 0, 0),
        made_at=now,
        headline="8 of 9 files scored",
        reasons=(),
        refused=tuple(
            RefusedFile("s", text, "truncated", "Cut short.", text, "Again.", text)
            for text in texts
        ),
        count_more_refused=0,
        held=tuple(HeldReason(text, "manifest_size", "m", text, "a", 1) for text in texts),
        mix=(MixShare("Happy", 8, 1.0, 0.5, 0.1, 0.1),),
        speeds=tuple(Throughput("r", 1, t, t, t, t, 8, 1, 2.0, {}) for t in texts),
        speed="9 images by one worker.",
        drift=tuple(DriftReading(t, t, 0.1, 0.2, "fine", t) for t in texts),
    )


def layout(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """() => ({
            ran: window.__ran || 0,
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            scripts: document.querySelectorAll("script").length,
            handlers: [...document.querySelectorAll("*")].filter(element =>
                [...element.attributes].some(a => a.name.startsWith("on"))).length,
            foreign: document.querySelectorAll(
                "iframe, img, video, object, embed, base, math, body body, #hostile").length,
            links: [...document.querySelectorAll("a")].map(a => a.getAttribute("href")),
        })"""
    )
    return found


def test_two_hundred_hostile_texts_run_nothing_and_break_no_layout(
    browser: Browser, tmp_path: Path
) -> None:
    pages = hostile_pages(tmp_path)
    page = browser.new_page(viewport={"width": 800, "height": 600})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))

    assert len(set(HOSTILE)) >= 200
    for path in pages:
        page.goto(path.as_uri())
        for button in page.locator("thead button").all()[:6]:
            button.click()
        found = layout(page)
        assert found["ran"] == 0, path
        assert found["scripts"] == 1 and found["handlers"] == 0 and found["foreign"] == 0, path
        assert found["wide"] <= 0, (path, found["wide"])
        assert all(re.match(r"#|runs/x|\?$", href) for href in found["links"]), path
    assert {re.sub(r"^file:.*", "file", url) for url in requests} == {"file"}


def test_the_counter_would_count_a_script_that_ran(browser: Browser, tmp_path: Path) -> None:
    # Without escaping and policy the same texts do run: the test above is not blind.
    bare = tmp_path / "bare.html"
    bare.write_text(f"<!doctype html>{HOSTILE[0]}", encoding="utf-8")
    page = browser.new_page()

    page.goto(bare.as_uri())

    assert HOSTILE[0] == f"<script>{CALL}</script>"
    assert layout(page)["ran"] == 1


def test_the_policy_alone_stops_a_script_that_escaping_missed(
    browser: Browser, tmp_path: Path
) -> None:
    path = render_comparison(compare([make_run_facts(images=IMAGES)], MADE_AT), tmp_path)
    html = path.read_text("utf-8")
    injected = "".join(HOSTILE[n] for n in range(0, 12 * 18, 12))
    path.write_text(html.replace("<main", f"{injected}<main", 1), encoding="utf-8")
    page = browser.new_page()

    page.goto(path.as_uri())

    assert layout(page)["ran"] == 0


def test_a_click_on_a_heading_sorts_its_table(browser: Browser, tmp_path: Path) -> None:
    path = render_comparison(compare([make_run_facts(images=IMAGES)], MADE_AT), tmp_path)
    page = browser.new_page()
    page.goto(path.as_uri())
    table = page.locator("table.classes")
    heading = table.locator("th", has_text="F1").first

    heading.locator("button").click()
    rising = [float(f"0{t}") for t in table.locator("td:nth-child(6) .value").all_inner_texts()]
    heading.locator("button").click()
    falling = [float(f"0{t}") for t in table.locator("td:nth-child(6) .value").all_inner_texts()]

    assert rising == sorted(rising) and falling == sorted(rising, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"


def test_the_page_says_the_same_with_scripts_off(browser: Browser, tmp_path: Path) -> None:
    path = render_comparison(compare([make_run_facts(images=IMAGES)], MADE_AT), tmp_path)
    texts = []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled)
        page = context.new_page()
        page.goto(path.as_uri())
        texts.append(page.locator("main").inner_text())
        context.close()

    assert " ".join(texts[0].split()) == " ".join(texts[1].split())
