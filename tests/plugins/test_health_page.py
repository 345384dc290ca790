"""The health page: what was measured, against which limit, what was alarming, what waits."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from factories import make_arrivals
from fastapi.testclient import TestClient
from promotions import forget_champion
from watched_nights import make_champion, score_night

from emotion_core.pages.health import HealthPage
from emotion_core.pages.health_measures import measured
from emotion_core.pages.page import render_page
from emotion_core.settings import Settings
from emotion_core.steps import health
from emotion_core.steps.installation import Installation
from emotion_core.store import batches
from emotion_core.store.database import Database

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def watched(database: Database, urls: dict[str, str], settings: Settings) -> Iterator[str]:
    """A night of another mix than the champion's validation images, looked at; returns its key."""
    key = f"drifted <b>{settings.home.parent.name}</b>"
    forget_champion(urls)
    model = make_champion(database, urls)
    score_night(database, settings, model, key, [5, 65, 5, 5, 5, 5, 5, 5])
    here = Installation(settings)
    health.watch_health(here, f"look at {key}")
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=f"next {key}", source="/in", model_version_id=model.id
        )
        batches.enter_files(connection, batch, make_arrivals(3, f"waiting {key}"))
        batches.plan_items(connection, batch.id)
    yield key
    here.database.close()
    forget_champion(urls)


def test_alarms_limits_drift_and_what_waits_stand_on_one_page(
    visitor: TestClient, watched: str
) -> None:
    page = visitor.get("/health").text

    assert "limits are crossed</h1>" in page
    look = page[page.index('id="check-title"') :].partition("</section>")[0]
    first = look[look.index("<tbody>") :].partition("</tr>")[0]
    assert 'class="differs"' in first and "alarm" in first and "new" in first
    assert "Age of the newest prediction" in look and "36.0\u202fh" in look
    alarms = page[page.index('id="alarms-title"') :].partition("</section>")[0]
    assert "differs from its validation images" in alarms
    drift = page[page.index('id="drift-title"') :].partition("</section>")[0]
    assert 'class="beyond"' in drift and "limit ." in drift
    now = page[page.index('id="now-title"') :].partition("</section>")[0]
    assert "resnet50" in now and ">3<" in now
    assert "drifted &lt;b&gt;" in page and "drifted <b>" not in page


def test_a_first_day_says_when_somebody_will_look() -> None:
    nothing = HealthPage(NOW, "Nothing was measured yet", None, None, (), (), (), ())

    page = render_page("health.html", page=nothing, root="")

    assert "<em>Watch health</em> runs after every scored batch" in page
    assert "No limit was ever crossed" in page
    assert "The champion has scored nothing yet. No image waits for a worker." in page


@pytest.mark.parametrize(
    ("measure", "value", "shown"),
    [
        ("backlog_hours", 0.0, "0\u202fh"),
        ("freshness_hours", 0.0157, "57\u202fs"),
        ("freshness_hours", 36.04, "36.0\u202fh"),
        ("refused_share", 0.123, "12.3\u202f%"),
        ("psi_expression", 0.1, ".100"),
        ("ks_valence", None, "–"),
    ],
)
def test_a_figure_is_written_in_its_own_unit(measure: str, value: float | None, shown: str) -> None:
    assert measured(value, measure) == shown


def test_the_way_between_the_pages_marks_where_one_is(visitor: TestClient, watched: str) -> None:
    for name in ("reports", "models", "batches", "health"):
        page = visitor.get(f"/{name}").text

        assert f'<a href="{name}" aria-current="page">' in page
        assert all(
            f'href="{other}"' in page for other in ("reports", "models", "batches", "health")
        )


def test_a_database_that_does_not_answer_is_said_so_and_nothing_else(
    visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/emotion")

    answer = visitor.get("/health")

    assert answer.status_code == 503
    assert "cannot reach the database emotion at 127.0.0.1" in answer.text
    assert "secret" not in answer.text
