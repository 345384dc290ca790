"""Every page in Chromium: hostile texts, keyboard, screen reader, narrow screens, dark, paper."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile_texts import CALL, HOSTILE
from page_samples import KINDS, USUAL
from playwright.sync_api import Browser, Page

LINK = re.compile(r"#|\?$|(\.\./)?(reports|models|batches|health)$|(runs|batches)/x$|about:blank")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab without the pages' own policy: axe-core is a script, and escaping alone must do."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, bypass_csp=True)
    yield context.new_page()
    context.close()


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


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_hostile_texts_run_nothing_and_break_no_layout(page: Page, kind: str) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    scripts = 2 if kind in ("models", "batch") else 1

    assert len(set(HOSTILE)) >= 200
    for start in range(0, len(HOSTILE), 26):
        page.set_content(KINDS[kind](HOSTILE[start : start + 26]))
        for button in page.locator("thead button").all()[:6]:
            button.click()
        found = layout(page)
        assert (found["ran"], found["handlers"], found["foreign"]) == (0, 0, 0), start
        assert found["scripts"] == scripts
        assert found["wide"] <= 0, start
        assert [href for href in found["links"] if not LINK.match(href)] == []
    assert requests == []


def test_the_counter_would_count_a_script_that_ran(page: Page) -> None:
    # Without escaping and policy the same texts do run: the test above is not blind.
    page.set_content(f"<!doctype html>{HOSTILE[0]}")

    assert HOSTILE[0] == f"<script>{CALL}</script>"
    assert layout(page)["ran"] == 1


def test_the_policy_alone_stops_a_script_that_escaping_missed(browser: Browser) -> None:
    injected = "".join(HOSTILE[n] for n in range(0, 12 * 18, 12))
    page = browser.new_page()

    page.set_content(KINDS["comparison"](USUAL).replace("<main", f"{injected}<main", 1))

    assert layout(page)["ran"] == 0
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_axe_core_finds_nothing_in_light_and_dark(page: Page, kind: str) -> None:
    page.set_content(KINDS[kind](USUAL))
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [(v["impact"], v["id"], v["nodes"][0]["html"]) for v in found] == [], scheme


@pytest.mark.parametrize("kind", KINDS)
def test_no_page_is_wider_than_its_screen(page: Page, kind: str) -> None:
    for texts in (USUAL, ("W" * 120, "X" * 120)):
        page.set_content(KINDS[kind](texts))
        for width in (400, 800, 1400):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_click_on_a_heading_sorts_its_table(page: Page) -> None:
    page.set_content(KINDS["comparison"](USUAL))
    table = page.locator("table.classes")
    heading = table.locator("th", has_text="F1").first
    orders = []
    for _ in range(2):
        heading.locator("button").click()
        shown = table.locator("td:nth-child(6) .value").all_inner_texts()
        orders.append([float(f"0{text}") for text in shown])

    assert orders == [sorted(orders[0]), sorted(orders[0], reverse=True)]
    assert heading.get_attribute("aria-sort") == "descending"


def test_a_table_is_sorted_by_the_keyboard_alone(page: Page) -> None:
    page.set_content(KINDS["comparison"](USUAL))
    page.locator("table.regions th button").nth(2).focus()

    page.keyboard.press("Enter")

    counts = page.locator("table.regions tbody td:nth-child(3)").all_inner_texts()
    assert [int(count) for count in counts] == sorted(int(count) for count in counts)


def test_the_page_says_the_same_with_scripts_off(browser: Browser) -> None:
    html, texts = KINDS["comparison"](USUAL), []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled)
        page = context.new_page()
        page.set_content(html)
        texts.append(" ".join(page.locator("main").inner_text().split()))
        context.close()

    assert texts[0] == texts[1]


def test_paper_has_neither_sql_nor_menus_and_nothing_is_cut_off(page: Page) -> None:
    page.set_content(KINDS["comparison"](USUAL))
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
