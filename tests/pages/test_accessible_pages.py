"""Keyboard, screen reader, narrow screens, dark and paper: what a browser and axe-core find."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from comparison_factory import MADE_AT, make_failed_run, make_run_facts, make_validation_images
from playwright.sync_api import Browser, Page, sync_playwright
from test_hostile_pages import hostile_night

from emotion_core.comparison.comparison import compare
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.index import render_index, write_night
from emotion_core.store.reports import ReportRecord
from emotion_core.vision.cost import ModelCost

IMAGES = make_validation_images(96)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    first = make_run_facts(images=IMAGES, aliases=("champion",))
    runs = [
        type(first)(
            **{**vars(first), "costs": (ModelCost("CPU", 8 * 10**9, 10**8, 8, 20.0, None),)}
        ),
        make_run_facts("efficientnet_b0", images=IMAGES, skill=0.3, seed=2),
        make_failed_run("swin_t"),
    ]
    index = folder / "index.html"
    report = ReportRecord("key", "/r", "No clear winner.", 2, MADE_AT, "Networks", ("a",))
    index.write_text(render_index([report], link=lambda key: "runs/x"), encoding="utf-8")
    return {
        "comparison": render_comparison(compare(runs, MADE_AT), folder / "comparison"),
        "night": write_night(hostile_night(["1.jpg", "2.jpg", "3.jpg"]), folder / "night"),
        "index": index,
    }


def opened(browser: Browser, path: Path, *, width: int = 1000, scheme: str = "light") -> Page:
    # axe-core is injected as a script, which the page's own policy rightly forbids.
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    page = context.new_page()
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["comparison", "night", "index"])
def test_axe_core_finds_nothing(
    browser: Browser, pages: dict[str, Path], kind: str, scheme: str
) -> None:
    page = opened(browser, pages[kind], scheme=scheme)
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")

    found = Axe().run(page).response["violations"]

    assert [(v["impact"], v["id"], v["nodes"][0]["html"]) for v in found] == []
    page.context.close()


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("kind", ["comparison", "night", "index"])
def test_no_page_is_wider_than_its_screen(
    browser: Browser, pages: dict[str, Path], kind: str, width: int
) -> None:
    page = opened(browser, pages[kind], width=width)

    wide = page.evaluate("document.documentElement.scrollWidth")

    assert wide == width
    page.context.close()


def test_a_table_is_sorted_by_the_keyboard_alone(browser: Browser, pages: dict[str, Path]) -> None:
    page = opened(browser, pages["comparison"])
    button = page.locator("table.regions th button").nth(2)

    button.focus()
    page.keyboard.press("Enter")

    counts = page.locator("table.regions tbody td:nth-child(3)").all_inner_texts()
    assert [int(count) for count in counts] == sorted(int(count) for count in counts)
    page.context.close()


def test_paper_has_neither_sql_nor_menus_and_nothing_is_cut_off(
    browser: Browser, pages: dict[str, Path]
) -> None:
    page = opened(browser, pages["comparison"], width=720)
    page.emulate_media(media="print")

    assert not any(e.is_visible() for e in page.locator(".sql, nav").all())
    cut = page.evaluate(
        "() => [...document.querySelectorAll('.scroll')]"
        ".filter(e => getComputedStyle(e).overflowX !== 'visible').length"
    )
    assert cut == 0
    # Chromium repeats a table's headings on each sheet only if no control is drawn in them.
    buttons = page.locator("table.classes thead button")
    assert {b.evaluate("e => getComputedStyle(e).display") for b in buttons.all()} == {"contents"}
    page.context.close()
