"""The pages in Airflow's UI for keyboard, screen reader, narrow screens, dark; hostile names."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile_texts import HOSTILE
from playwright.sync_api import Browser, Page, sync_playwright

from emotion_core.pages.batches import BatchesPage, NightRow, render_batch, render_batches
from emotion_core.pages.health import DISTANCES, DriftRow, HealthPage, render_health
from emotion_core.pages.index import render_message, render_started
from emotion_core.pages.models import ModelsPage, render_models
from emotion_core.pages.night import Night, RefusedFor
from emotion_core.statistics.metrics import headlines
from emotion_core.store.aliases import AliasChange
from emotion_core.store.batches import BatchSummary, RefusedFile
from emotion_core.store.gates import Gate, GateFigure
from emotion_core.store.health import HealthRow
from emotion_core.store.health_history import Alarm, NightDistance, Waiting
from emotion_core.store.model_listing import Headline, ListedModel

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KINDS = ("models", "batches", "batch", "health", "message", "started")


def models(text: str) -> str:
    listed = ListedModel(
        name=text,
        network=text,
        preset=text,
        group_key=text,
        dataset=text,
        is_drawn=True,
        registered_at=NOW,
        has_report=True,
        aliases=("champion",),
        headlines={name: Headline(0.61, 0.57, 0.65, 0.125) for name in list(headlines())[1:]},
    )
    other = ListedModel(**{**vars(listed), "name": f"other {text}", "aliases": (text,)})
    figures = (GateFigure("images", False, 51, None, None, None, None, "at least 100", text),)
    gate = Gate(
        1,
        text,
        text,
        2,
        3,
        "passed",
        1,
        0.025,
        100,
        51,
        0,
        0,
        1.0,
        1.0,
        text,
        NOW,
        False,
        False,
        figures,
    )
    page = ModelsPage(
        NOW,
        text,
        text,
        text,
        (listed, other),
        (AliasChange(1, "challenger", "override", text, text, text, text, NOW),),
        3,
        (gate,),
    )
    return render_models(page, root="", report_link=lambda key: "runs/x", press="p")


def batch(text: str) -> BatchSummary:
    return BatchSummary(text, text, text, True, NOW, NOW, 9, 6, 2, 1, 0, count_held=1)


def rendered(kind: str, text: str) -> str:
    """A page on which every text that anybody can choose is this one."""
    if kind == "models":
        return models(text)
    if kind == "batches":
        rows = (NightRow(batch(text), 12.5), NightRow(batch(f"other {text}"), None))
        page = BatchesPage(NOW, "6 of 9 files scored", rows, True)
        return render_batches(page, root="", batch_link=lambda key: "batches/x")
    if kind == "batch":
        night = Night(
            batch=batch(text),
            made_at=NOW,
            headline="6 of 9 files scored",
            reasons=(RefusedFor(text, 2, "Half of it.", "Send it again."),),
            refused=(RefusedFile(text, text, text, "Half of it.", text, "Send it.", text),),
            count_more_refused=1,
            held=(),
            mix=(),
            speeds=(),
            speed="No worker brought an image to its end.",
            drift=(),
        )
        return render_batch(night, root="../", press="p")
    if kind == "health":
        reading = HealthRow(text, text, NOW, text, text, "alarm", text, 0.4, 0.1, 9, True)
        distance = NightDistance(text, NOW, text, text, "ks_valence", 0.4, 0.1, "alarm", 80)
        drift = DriftRow(text, NOW, text, text, 80, (distance,) * len(DISTANCES))
        health = HealthPage(
            NOW,
            "One limit is crossed",
            NOW,
            3.0,
            (Waiting(text, 3, 2, 1, NOW),),
            (reading,),
            (Alarm(NOW, text, text, text, True),),
            (drift,),
        )
        return render_health(health, root="")
    if kind == "message":
        return render_message(text, title="Not done", root="")
    return render_started(text, "about:blank#run")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield opened
        opened.close()


def opened(browser: Browser, text: str, *, width: int = 1000, dark: bool = False) -> Page:
    # axe-core is injected as a script, which the page's own policy rightly forbids.
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        bypass_csp=True,
    )
    page = context.new_page()
    page.set_content(text)
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")
    return page


# The page that leads on at once is never read.
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_axe_core_finds_nothing(browser: Browser, kind: str, dark: bool) -> None:
    page = opened(browser, rendered(kind, "resnet50 v3"), dark=dark)

    found = Axe().run(page).response["violations"]

    assert [(v["impact"], v["id"], v["nodes"][0]["html"]) for v in found] == []
    page.context.close()


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_no_page_is_wider_than_its_screen(browser: Browser, kind: str, width: int) -> None:
    page = opened(browser, rendered(kind, "W" * 120), width=width)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_from_outside_runs_or_becomes_an_element(browser: Browser, kind: str) -> None:
    # Without the policy, so that escaping alone must do.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for text in HOSTILE[::5]:
        page.set_content(rendered(kind, text).replace("leaves now", "leaves"))

        assert page.locator("img, iframe, object, svg script").count() == 0, text
        assert page.evaluate("window.__ran") is None, text
    context.close()
