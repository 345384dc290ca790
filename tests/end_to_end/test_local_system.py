"""The demo, then an operator's day in a real browser, on one local system.

Each fixture is the next thing that happens, and waits until it is done: a demo, the system again
with a second demo, then in the browser training, promotion, a scored night, a retry. A viewer comes
last.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from installation import Installation
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, sync_playwright
from promotions import forget_champion
from waiting import wait_until

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.local.airflow_api import AirflowApi
from emotion_core.local.credentials import load_or_create
from emotion_core.local.home import Home
from emotion_core.local.instance import State
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import addresses

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

PATIENCE_S = 400.0
NETWORK = "efficientnet_b0"
MODEL = f"{NETWORK} v2"
"""The demo trained the first version."""
SMALL_DEMO = ("demo", "--exit", "--faces", "8", "--epochs", "1")
REASON = "The first one, on <b>drawn</b> faces."


@dataclass(frozen=True)
class System:
    """What runs, and how to get in."""

    home: Path
    faces: Path
    address: str
    passwords: dict[str, str]
    api: AirflowApi

    def finished(self, dag_id: str, run_id: str) -> str:
        """The state in which a run has ended."""
        try:
            wait_until(
                lambda: self.api.run_state(dag_id, run_id) in ("success", "failed"), PATIENCE_S
            )
        except AssertionError as late:
            tasks = {task.task_id: task.state for task in self.api.tasks(dag_id, run_id)}
            raise AssertionError(f"{dag_id} has not ended: {late}; {tasks}") from None
        return self.api.run_state(dag_id, run_id)

    def heartbeat(self) -> str:
        """When the scheduler last ended a pass."""
        health = httpx.get(f"{self.address}/api/v2/monitor/health", timeout=30).json()
        return str(health["scheduler"]["latest_scheduler_heartbeat"])


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """An empty home, removed with its databases afterwards."""
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        made = Installation(Path(folder) / "home")
        yield made
        made.run("clean")
        assert made.processes() == []


@pytest.fixture(scope="module")
def demo(installation: Installation) -> str:
    """What a demo from nothing says, as small as it can be; it stops its system."""
    said = installation.run(*SMALL_DEMO)
    assert installation.processes() == []
    return said


@pytest.fixture(scope="module")
def state(demo: str, installation: Installation) -> Iterator[State]:
    """The demo's system, started again."""
    with installation.up() as state:
        yield state


@pytest.fixture(scope="module")
def second_demo(state: State, installation: Installation) -> str:
    """What a second demo says, which joins the system."""
    return installation.run(*SMALL_DEMO)


@pytest.fixture(scope="module")
def system(second_demo: str, state: State, installation: Installation) -> Iterator[System]:
    """The system with nobody champion: the demo's would be too good for a promotion's gate."""
    home = Home(installation.home)
    credentials = load_or_create(home.secrets_path)
    found = addresses(PostgresServer(home, credentials.postgres), credentials)
    forget_champion({"emotion_migrate": found.migrate})
    faces = draw_dataset(home.path.parent / "faces", per_expression=8, seed=2)
    passwords = json.loads(home.secrets_path.read_text())
    api = AirflowApi(state.airflow_url, "operator", passwords["operator"])
    yield System(home.path, faces, state.airflow_url, passwords, api)
    api.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield opened
        opened.close()


def log_in(browser: Browser, system: System, user: str) -> Page:
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    # A busy machine draws Airflow's interface slowly.
    page.set_default_timeout(90_000)
    page.goto(f"{system.address}/emotion/models")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", system.passwords[user])
    page.click("button[type=submit]")
    page.locator("nav.places").wait_for()
    return page


@pytest.fixture(scope="module")
def operator(browser: Browser, system: System) -> Iterator[Page]:
    page = log_in(browser, system, "operator")
    yield page
    page.context.close()


def open_place(page: Page, system: System, name: str) -> FrameLocator:
    """One of our pages, as the menu of Airflow opens it."""
    page.goto(system.address)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name=f"Emotion {name}", exact=True).click()
    frame = page.frame_locator("iframe")
    frame.locator("nav.places").wait_for()
    return frame


def run_of(page: Page) -> tuple[str, str]:
    """The DAG and the run whose page is open."""
    page.wait_for_url("**/dags/*/runs/**")
    parts = page.url.split("/")
    return parts[parts.index("dags") + 1], parts[parts.index("runs") + 1]


@pytest.fixture(scope="module")
def trained(operator: Page, system: System) -> str:
    """Training's form, filled in and triggered; returns the run's state in the end."""
    operator.goto(f"{system.address}/dags/train_and_compare")
    operator.get_by_role("button", name="Trigger").first.click()
    operator.locator("#element_networks [aria-label='Remove ResNet50']").click()
    for field, text in (("preset", "quick"), ("weights", "none:")):
        box = operator.locator(f"#element_{field} input[role=combobox]")
        box.fill(text)
        box.press("Enter")
    operator.fill("#element_data", str(system.faces))
    operator.get_by_role("button", name="Instead of the preset's values").click()
    epochs = operator.get_by_label("Epochs", exact=True)
    epochs.fill("1")
    epochs.press("Tab")
    operator.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
    return system.finished(*run_of(operator))


@pytest.fixture(scope="module")
def promoted(trained: str, operator: Page, system: System) -> str:
    """The button on the models' page, the approval, the switch; returns the run's state."""
    models = open_place(operator, system, "models")
    model = models.locator("tr", has_text=MODEL)
    model.locator("summary", has_text="Promote").click()
    model.get_by_role("textbox", name="Why").fill(REASON)
    model.get_by_role("button", name=f"Promote {MODEL}").click()
    dag_id, run_id = run_of(operator)

    def approval() -> str | None:
        tasks = {task.task_id: task.state for task in system.api.tasks(dag_id, run_id)}
        assert "failed" not in (tasks["check"], tasks["approve"])
        return tasks["approve"]

    wait_until(lambda: approval() == "awaiting_input", PATIENCE_S)
    while approval() == "awaiting_input":
        for _ in range(2):  # an answer within one pass of the scheduler is lost: docs/facts.md
            before = system.heartbeat()
            wait_until(lambda before=before: system.heartbeat() != before, PATIENCE_S)
        answer_request(operator, system)
        wait_until(lambda: approval() in ("awaiting_input", "success"), PATIENCE_S)
    return system.finished(dag_id, run_id)


def answer_request(operator: Page, system: System) -> None:
    """Approve what waits under *Required actions*."""
    operator.goto(f"{system.address}/required_actions")
    operator.get_by_role("link", name=f"{MODEL} as champion").click()
    approve = operator.get_by_role("button", name="Approve")
    with operator.expect_response(
        lambda answer: answer.request.method == "PATCH" and "hitl" in answer.url.lower()
    ) as answered:
        approve.click()
    assert answered.value.ok, answered.value.text()


@pytest.fixture(scope="module")
def scored(promoted: str, system: System) -> str:
    """A night of four faces and a letter; returns its run."""
    inbox = system.home / "inbox" / "evening"
    inbox.mkdir(parents=True)
    for picture in sorted(system.faces.rglob("*.jpg"))[:4]:
        shutil.copy(picture, inbox)
    (inbox / "letter to Jane.jpg").write_text("Dear Jane")
    (inbox / "_SUCCESS").touch()
    system.api.trigger("score_new_images", "tonight", {"settle_seconds": 0}, "")
    assert system.finished("score_new_images", "tonight") == "success"
    return "tonight"


@pytest.fixture(scope="module")
def retried(scored: str, operator: Page, system: System) -> str:
    """The button beside the reason, on the night's page; returns the run's state."""
    batches = open_place(operator, system, "batches")
    batches.get_by_role("link", name=scored, exact=True).click()
    batches.locator("summary", has_text="Retry").click()
    batches.get_by_label("score now").uncheck()
    batches.get_by_role("button", name="Retry 1").click()
    dag_id, run_id = run_of(operator)
    assert dag_id == "retry_refused"
    return system.finished(dag_id, run_id)


@pytest.fixture(scope="module")
def viewer(retried: str, browser: Browser, system: System) -> Iterator[Page]:
    page = log_in(browser, system, "viewer")
    yield page
    page.context.close()


def test_the_demo_trains_both_networks_and_names_a_champion(demo: str) -> None:
    for network in ("resnet50", "efficientnet_b0"):
        assert re.search(rf"train {network}.* done", demo)
        assert re.search(rf"{network} +epoch +1 of 1", demo)
    assert re.search(r"(resnet50|efficientnet_b0) v1 has the higher mean of macro F1", demo)
    assert re.search(r"^Verdict +Expression: ", demo, re.MULTILINE)


def test_the_demo_scores_its_batch_and_tells_every_refusal(demo: str) -> None:
    assert re.search(r"\b27\W+25\W+2\W+0\W+0\W+(resnet50|efficientnet_b0) v1", demo)
    assert re.search(r"cut off in transit\.jpg\W+truncated", demo)
    assert re.search(r"shopping list\.jpg\W+not_an_image", demo)


def test_the_demo_leaves_a_report_that_needs_no_network(demo: str) -> None:
    page = Path(re.search(r"^Report +(.+comparison\.html)", demo, re.MULTILINE)[1])

    text = page.read_text(encoding="utf-8")

    assert "resnet50" in text.lower()
    assert "is champion: it scores the nightly batches." in text
    assert (
        re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+\.(?:js|css|png|woff2?)""", text) == []
    )


def test_a_second_demo_joins_the_system_and_works_on_what_is_there(second_demo: str) -> None:
    assert "already running" in second_demo
    assert "both networks were trained on these faces before" in second_demo
    assert re.search(r"\b27\W+25\W+2\W+0\W+0\W", second_demo)


def test_training_succeeds_and_its_report_is_a_tab_of_the_run(trained: str, operator: Page) -> None:
    assert trained == "success"

    operator.get_by_role("link", name="Emotion report").first.click()

    report = operator.frame_locator("iframe")
    report.locator("#verdict, .verdict").first.wait_for()
    assert NETWORK in report.locator("body").inner_text().lower().replace("-", "_")


def test_a_promotion_is_kept_with_who_and_why(
    promoted: str, operator: Page, system: System
) -> None:
    assert promoted == "success"

    models = open_place(operator, system, "models")

    assert models.locator("h1").inner_text() == f"{MODEL} is champion"
    history = models.get_by_role("region", name="Changes of champion").inner_text()
    assert "promotion" in history and "operator" in history and REASON in history


def test_a_retried_file_is_said_to_be_retried(retried: str, operator: Page, system: System) -> None:
    assert retried == "success"

    operator.goto(f"{system.address}/emotion/batches/tonight")

    assert operator.locator("h1").inner_text() == "4 of 5 files scored"
    refused = operator.get_by_role("region", name="Refused files")
    assert "retried" in refused.inner_text()
    operator.get_by_text("The files").click()
    assert "letter to Jane.jpg" in refused.inner_text()
    assert operator.locator("form").count() == 0


def test_the_health_of_the_night_is_on_its_page(
    scored: str, operator: Page, system: System
) -> None:
    # "Watch health" follows the night by itself.
    wait_until(lambda: "Nothing was measured" not in shown(operator, system, "health"), PATIENCE_S)

    assert "Age of the newest prediction" in shown(operator, system, "health")


def test_a_viewer_sees_every_page_without_a_button_or_a_file_name(
    viewer: Page, system: System
) -> None:
    for place in ("reports", "models", "batches", "batches/tonight", "health"):
        text = shown(viewer, system, place)

        assert "Jane" not in text
        assert viewer.locator("form[method=post]").count() == 0, place
    assert MODEL in shown(viewer, system, "models")


def test_a_viewers_form_is_refused(viewer: Page, system: System) -> None:
    answer = viewer.request.post(
        f"{system.address}/emotion/models/roll-back",
        form={
            "idempotency_key": "20261123T010203_00000000-1",
            "champion": MODEL,
            "reason": "spite",
        },
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status == 403
    assert "Your role in Airflow does not allow this" in answer.text()


def test_another_sites_form_is_refused_though_the_browser_sends_the_cookie(
    retried: str, operator: Page, system: System
) -> None:
    # Another port of the same host is another origin, but the same site: the cookie travels.
    fields = {"idempotency_key": "20261123T010203_00000000-2", "champion": MODEL, "reason": "spite"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{system.address}/emotion/models/roll-back">{inputs}</form>'
    operator.route(
        "http://127.0.0.1:1/",
        lambda route: route.fulfill(body=f"<!doctype html>{form}", content_type="text/html"),
    )
    operator.goto("http://127.0.0.1:1/")

    with operator.expect_navigation() as answered:
        operator.evaluate("document.forms[0].submit()")

    assert answered.value.status == 403
    assert "not sent from one of these pages" in operator.locator("body").inner_text()
    assert is_logged_in(operator.context, system)


def shown(page: Page, system: System, place: str) -> str:
    page.goto(f"{system.address}/emotion/{place}")
    return page.locator("body").inner_text()


def is_logged_in(context: BrowserContext, system: System) -> bool:
    return context.request.get(f"{system.address}/emotion/models").status == 200
