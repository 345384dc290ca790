"""The models' page: every version, every change of champion, every refusal, and the buttons."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from factories import make_labels, make_predictions, make_training_run
from fastapi.testclient import TestClient
from promotions import forget_champion, make_champion, make_rival, make_shared_labels, record_gate

from emotion_core.pages.models import ModelsPage
from emotion_core.pages.page import render_page
from emotion_core.store import aliases, training_runs
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion, register_model_version

HOSTILE = '<img src=x onerror=alert(1)>"'
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def champion(database: Database, urls: dict[str, str]) -> Iterator[ModelVersion]:
    forget_champion(urls)
    labels = make_labels(160)
    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, labels=labels)
        predictions = make_predictions(labels.iloc[80:])
        training_runs.record_validation_predictions(connection, run.id, predictions)
        training_runs.record_run_metrics(
            connection,
            run.id,
            "network",
            {"accuracy": 0.612, "ccc_arousal": -0.04},
            {"accuracy": (0.57, 0.65)},
        )
        model = register_model_version(
            connection,
            run_id=run.id,
            network="resnet50",
            card={"weights_sha256": "ab" * 32, "preprocessing_fingerprint": "cd" * 32},
            folder="/runs/none",
        )
        make_champion(connection, model)
    yield model
    forget_champion(urls)


def test_every_version_stands_with_its_figures_and_the_champion_is_marked(
    visitor: TestClient, champion: ModelVersion
) -> None:
    page = visitor.get("/models").text

    assert f"<h1>{champion.name} is champion</h1>" in page
    row = page[page.index(f"<bdi>{champion.name}</bdi>") :].partition("</tr>")[0]
    assert '<span class="badge strong">champion</span>' in row
    assert "resnet50</bdi>, preset quick" in row and "drawn faces" in row
    assert ".612" in row and ".570–.650" in row and "−.040" in row


def test_every_change_says_who_when_and_why_and_foreign_text_stays_text(
    visitor: TestClient, champion: ModelVersion, database: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        rival = make_rival(connection, make_shared_labels(), share_right=0.5)
        gate = record_gate(connection, rival)
        aliases.move_champion(
            connection, gate, is_override=True, reason=f"why {HOSTILE}", changed_by=HOSTILE
        )

    page = visitor.get("/models").text

    history = page[page.index('id="history-title"') :].partition("</section>")[0]
    assert "override" in history and champion.name in history and rival.name in history
    assert "why &lt;img src=x onerror=alert(1)&gt;" in history
    assert "<img" not in page


def test_a_refused_promotion_shows_each_figure_that_fell_short(
    visitor: TestClient, champion: ModelVersion, database: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        rival = make_rival(connection, make_shared_labels(), share_right=0.5, is_calibrated=False)
        record_gate(connection, rival, asked_by="ada & co")

    page = visitor.get("/models").text

    refused = page[page.index('id="refused-title"') :].partition("</details>")[0]
    assert rival.name in refused and champion.name in refused
    assert "ada &amp; co" in refused
    fell = [part for part in refused.split("<tr") if part.startswith(' class="differs"')]
    assert any("calibration" in part for part in fell)
    assert any("golden answers" in part for part in fell)


def test_only_who_may_act_sees_buttons(
    visitor: TestClient, visit: object, champion: ModelVersion, database: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        rival = make_rival(connection, make_shared_labels(), share_right=0.5)
        aliases.move_champion(
            connection, record_gate(connection, rival), is_override=True, reason="r", changed_by="t"
        )

    seen = {role: visit(role).get("/models") for role in ("viewer", "op")}  # type: ignore[operator]

    assert "<form" not in seen["viewer"].text and "Roll back" not in seen["viewer"].text
    assert 'action="models/promote"' in seen["op"].text
    assert f'name="model" value="{champion.name}"' in seen["op"].text
    assert f'name="model" value="{rival.name}"' not in seen["op"].text, "it is champion"
    assert f"Make <bdi>{champion.name}</bdi> champion again" in seen["op"].text
    policy = seen["op"].headers["content-security-policy"]
    assert "form-action 'self'" in policy and policy.count("'sha256-") == 2
    # A browser that is told to keep the referrer to itself says Origin: null on its forms.
    assert seen["op"].headers["referrer-policy"] == "same-origin"
    assert seen["op"].headers["cache-control"] == "no-store"


def test_who_has_no_right_to_read_gets_a_sentence(visit: object) -> None:
    answer = visit(None).get("/models")  # type: ignore[operator]

    assert answer.status_code == 403
    assert "Your role in Airflow does not allow this" in answer.text


def test_a_browser_without_a_login_is_led_to_it_and_back(plugin: object) -> None:
    browser = TestClient(plugin.app, follow_redirects=False)  # type: ignore[attr-defined]

    answer = browser.get("/models", headers={"accept": "text/html,*/*"})

    assert answer.status_code == 303
    assert answer.headers["location"] == "/auth/login?next=http%3A%2F%2Ftestserver%2Fmodels"


def test_a_first_day_says_what_to_do_next() -> None:
    nothing = ModelsPage(NOW, None, None, None, (), (), 0, ())

    page = render_page("models.html", page=nothing, root="", report_link=str, idempotency_key=None)

    assert "No model is champion yet" in page
    assert "Trigger <em>Train and compare</em>" in page


def test_the_tab_of_a_promotion_shows_the_models(
    operator: TestClient, champion: ModelVersion
) -> None:
    page = operator.get("/runs/promote_model/manual__1").text

    assert f"{champion.name} is champion" in page
    assert 'href="../../batches"' in page
