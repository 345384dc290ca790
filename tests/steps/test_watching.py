"""A look after the night: rows from real tables, told once, read by analysts."""

import pytest
from sqlalchemy import text
from watched_nights import make_champion, score_night

from emotion_core.settings import Settings
from emotion_core.steps import health
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database
from emotion_core.store.health import health_measurements

EVEN = [25] * 8
SKEWED = [130, 10, 10, 10, 10, 10, 10, 10]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def test_drift_is_told_when_it_begins_and_not_again_while_it_stands(
    database: Database, settings: Settings, urls: dict[str, str], name: str
) -> None:
    model = make_champion(database, urls)
    here = Installation(settings)
    score_night(database, settings, model, f"{name} 1", EVEN)
    score_night(database, settings, model, f"{name} 2", EVEN)
    calm = health.watch_health(here, f"{name} look 2")
    score_night(database, settings, model, f"{name} 3", SKEWED)
    drifted = health.watch_health(here, f"{name} look 3")
    told = health.new_alarms(here, f"{name} look 3")

    again = health.watch_health(here, f"{name} look 3 b")

    assert (calm["count_readings"], calm["count_alarms"]) == (12, 0)
    assert (drifted["count_alarms"], drifted["count_new_alarms"]) == (4, 4)
    assert all("Neutral is 65% of the images" in sentence for sentence in told)
    assert (again["count_alarms"], again["count_new_alarms"]) == (4, 0)
    assert health.new_alarms(here, f"{name} look 3 b") == []


def test_a_retry_of_a_look_replaces_its_rows_and_tells_the_same(
    database: Database, settings: Settings, urls: dict[str, str], name: str
) -> None:
    model = make_champion(database, urls)
    here = Installation(settings)
    score_night(database, settings, model, f"{name} 1", EVEN)
    health.watch_health(here, f"{name} before")
    score_night(database, settings, model, f"{name} 2", SKEWED)

    first = health.watch_health(here, name)
    second = health.watch_health(here, name)

    assert first == second
    assert first["count_new_alarms"] == 4


def test_a_night_of_no_images_is_looked_at_without_alarm(
    database: Database, settings: Settings, urls: dict[str, str], name: str
) -> None:
    model = make_champion(database, urls)
    score_night(database, settings, model, f"{name} 1", EVEN)
    score_night(database, settings, model, f"{name} 2", [0] * 8)

    counts = health.watch_health(Installation(settings), name)

    with database.transaction("emotion_report") as connection:
        found = health_measurements(connection, name)
    assert counts["count_alarms"] == 0
    assert {row.batch for row in found} == {f"{name} 2"}
    assert "too few" in {row.status for row in found}


@pytest.mark.parametrize("temperature", [2.01, 0.80, 1.0])
@pytest.mark.parametrize(("confidence", "status"), [(0.8, "fine"), (0.55, "alarm")])
def test_accuracy_is_expected_from_published_confidence_which_is_calibrated_already(
    database: Database,
    settings: Settings,
    urls: dict[str, str],
    name: str,
    temperature: float,
    confidence: float,
    status: str,
) -> None:
    model = make_champion(database, urls, temperature=temperature)
    score_night(database, settings, model, name, EVEN, confidence)

    health.watch_health(Installation(settings), name)

    with database.transaction("emotion_report") as connection:
        found = health_measurements(connection, name)
    (expected,) = [row for row in found if row.measure == "expected_accuracy"]
    assert expected.value == pytest.approx(confidence, abs=1e-6)
    assert expected.status == status


def test_before_any_night_a_look_gives_freshness_and_backlog(
    database: Database, settings: Settings, urls: dict[str, str], name: str
) -> None:
    make_champion(database, urls)

    counts = health.watch_health(Installation(settings), name)

    assert counts["count_readings"] == 2


def test_an_analyst_reads_the_newest_look_at_each_night_in_plain_words(
    database: Database, settings: Settings, urls: dict[str, str], name: str
) -> None:
    model = make_champion(database, urls)
    score_night(database, settings, model, name, SKEWED)
    here = Installation(settings)
    health.watch_health(here, f"{name} look 1")
    health.watch_health(here, f"{name} look 2")
    analyst = Database(urls["emotion_analyst"])

    with analyst.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT measure, against, is_alarm, sentence FROM drift WHERE batch = :batch "
                "AND is_alarm ORDER BY measure"
            ),
            {"batch": name},
        ).all()
        measures = connection.execute(
            text("SELECT count(*) FROM nightly_health WHERE check_run LIKE :look"),
            {"look": f"{name} look _"},
        ).scalar_one()
    analyst.close()

    assert [(row.measure, row.against) for row in rows] == [
        ("js_expression", "validation"),
        ("psi_expression", "validation"),
    ]
    assert rows[0].sentence.startswith(f"{name} differs from its validation images")
    assert measures == 24


@pytest.mark.parametrize("view", ["drift", "nightly_health"])
def test_every_column_of_a_health_view_has_a_comment(database: Database, view: str) -> None:
    with database.transaction("emotion_report") as connection:
        bare = connection.execute(
            text(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:view) "
                "AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"
            ),
            {"view": view},
        ).scalars()
        assert list(bare) == []
