"""deploy/grafana/emotion.json: each panel's SQL, asked as the analyst over two seeded nights.

Grafana itself is not here: its macros are replaced as its documentation says.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from factories import make_arrivals, make_throughput
from own_database import Own
from promotions import make_champion, make_rival, make_shared_labels
from sqlalchemy import Row, text
from watched_nights import probabilities

from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import Settings
from emotion_core.steps import health
from emotion_core.steps.installation import Installation
from emotion_core.store import batches, models, training_runs
from emotion_core.store.database import Database
from emotion_core.store.ledger import Refusal, claim_items, publish_items

FOLDER = Path(__file__).parents[1] / "deploy" / "grafana"
DASHBOARD = json.loads((FOLDER / "emotion.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
MODEL = "resnet50 v1"
HAPPY_HEAVY = [10, 130, 10, 10, 10, 10, 10, 10]

Ask = Callable[[str], list[Row[Any]]]


@pytest.fixture(scope="module")
def ask(
    server: PostgresServer, urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """The answer to a panel's or another statement of the dashboard, as ``emotion_analyst``."""
    own = Own(server, urls, "grafana")
    own.make()
    folder = tmp_path_factory.mktemp("grafana")
    settings = Settings.from_environment(
        {"EMOTION_HOME": str(folder), "EMOTION_DATABASE_URL": own.urls["emotion_app"]}
    )
    here = Installation(settings)
    model = _champion(here.database)
    _night(here.database, settings, model, "monday", [25] * 8, count_refused=0)
    health.watch_health(here, "monday's look")
    _night(here.database, settings, model, "tuesday", HAPPY_HEAVY, count_refused=50)
    _plan(here.database, settings, model, "wednesday", 7)
    health.watch_health(here, "tuesday's look")
    here.database.close()
    analyst = Database(own.urls["emotion_analyst"])

    def answer(statement: str) -> list[Row[Any]]:
        with analyst.connect() as connection:
            return list(connection.execute(text(_without_macros(statement))))

    yield answer
    analyst.close()
    own.drop()


def _champion(database: Database) -> models.ModelVersion:
    with database.transaction("emotion_train") as connection:
        model = make_rival(connection, make_shared_labels(), share_right=0.8)
        run_id = connection.execute(text("SELECT run_id FROM model_version")).scalar_one()
        training_runs.record_run_metrics(
            connection, run_id, "network", {"accuracy": 0.8}, {"accuracy": (0.75, 0.85)}
        )
        make_champion(connection, model)
    return model


def _plan(
    database: Database, settings: Settings, model: models.ModelVersion, name: str, count: int
) -> batches.Batch:
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=name, source=settings.inbox, model_version_id=model.id
        )
        batches.enter_files(connection, batch, make_arrivals(count, name))
        batches.plan_items(connection, batch.id)
    return batch


def _night(
    database: Database,
    settings: Settings,
    model: models.ModelVersion,
    name: str,
    counts: list[int],
    count_refused: int,
) -> None:
    """A closed batch that two workers scored, each half of it in ten seconds."""
    total = sum(counts)
    batch = _plan(database, settings, model, name, total + count_refused)
    with database.transaction("emotion_score") as connection:
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=9_999, lease_seconds=60
        )
        publish_items(
            connection,
            claims[:total],
            probabilities(counts),
            np.zeros((total, 2), np.float32),
            [Refusal(claim, "truncated", "half of it") for claim in claims[total:]],
        )
        assert batches.close_batch(connection, batch.id)
        for worker in ("one", "two"):
            make_throughput(
                connection,
                name,
                model.id,
                worker=worker,
                host=f"machine {worker}",
                engine="openvino f32",
                count_scored=total // 2,
                count_refused=count_refused // 2,
                seconds=10.0,
            )


def _without_macros(statement: str) -> str:
    """As Grafana's PostgreSQL data source fills them in."""
    now = datetime.now(UTC)
    first, last = (
        moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        for moment in (now - timedelta(days=30), now + timedelta(days=1))
    )
    filled = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 BETWEEN '{first}' AND '{last}'", statement)
    filled = filled.replace("${model:sqlstring}", f"'{MODEL}'")
    assert "$" not in filled, filled
    return filled


def sql_of(title: str) -> str:
    [target] = PANELS[title]["targets"]
    return str(target["rawSql"])


def shown(ask: Ask, title: str) -> list[tuple[Any, ...]]:
    """A panel's rows without their times."""
    return [
        tuple(
            round(float(value), 4) if isinstance(value, float | Decimal) else value
            for name, value in row._mapping.items()
            if name not in ("time", "checked_at")
        )
        for row in ask(sql_of(title))
    ]


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_shows_something_and_a_series_has_a_time_and_figures(ask: Ask, title: str) -> None:
    rows = ask(sql_of(title))

    assert rows
    if PANELS[title]["targets"][0]["format"] == "time_series":
        for row in rows:
            time, *others = row._mapping.items()
            assert time[0] == "time" and time[1].tzinfo is not None
            assert [name for name, value in others if isinstance(value, str)] in ([], ["metric"])
            assert any(isinstance(value, int | float | Decimal) for _, value in others)
        times = [row[0] for row in rows]
        assert times == sorted(times)


def test_the_first_row_says_how_it_stands(ask: Ask) -> None:
    assert shown(ask, "Images that wait") == [(7,)]
    assert shown(ask, "Champion") == [(MODEL,)]
    [(age,)] = shown(ask, "Newest prediction")
    assert 0 <= age < 1
    [(alarms,)] = shown(ask, "Alarms at the last look")
    told = [sentence for _, _, sentence, _ in shown(ask, "Alarms")]
    assert alarms == sum(sentence.startswith("tuesday") for sentence in told) > 0


def test_images_a_second_are_added_up_over_the_workers_of_a_night(ask: Ask) -> None:
    # 200 and 250 files by two workers in ten seconds each.
    assert shown(ask, "Images per second, by night") == [(MODEL, 20.0), (MODEL, 25.0)]
    assert ("openvino f32 on machine one", 12.5) in shown(
        ask, "Images per second, by engine and machine"
    )


def test_refusals_are_a_share_and_have_reasons(ask: Ask) -> None:
    assert [share for _, share in shown(ask, "Refused share, by sender's folder")][:2] == [0.0, 0.2]
    assert shown(ask, "Why files were refused") == [("truncated", 50)]
    assert ("refused", 50) in shown(ask, "What came, and what became of it")


def test_the_class_mix_of_a_day_adds_up_to_one(ask: Ask) -> None:
    mix = dict(shown(ask, "Class mix of $model"))

    assert mix["Happy"] == pytest.approx(155 / 400, abs=1e-3)
    assert sum(mix.values()) == pytest.approx(1, abs=1e-3)


def test_drift_stands_beside_its_limit(ask: Ask) -> None:
    drift = dict(shown(ask, "Drift, as a share of its limit"))

    assert drift["psi_expression, recent nights"] > 1
    assert any("Happy" in sentence for _, _, sentence, _ in shown(ask, "Alarms"))


def test_the_lists_of_models_and_the_marks_of_promotions_are_answered(ask: Ask) -> None:
    [variable] = DASHBOARD["templating"]["list"]
    [marks] = DASHBOARD["annotations"]["list"]

    assert {row[0] for row in ask(variable["query"])} == {MODEL}
    assert [row.text for row in ask(marks["target"]["rawSql"])] == [f"override: {MODEL}"]


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS.values():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in PANELS.values()}) == len(PANELS)


def test_everything_asks_the_provisioned_source_as_the_analyst() -> None:
    [source] = yaml.safe_load((FOLDER / "datasource.yaml").read_text())["datasources"]
    [variable] = DASHBOARD["templating"]["list"]
    [marks] = DASHBOARD["annotations"]["list"]
    asked = [panel["datasource"] for panel in PANELS.values()]
    asked += [panel["targets"][0]["datasource"] for panel in PANELS.values()]

    assert source["user"] == "emotion_analyst"
    assert source["secureJsonData"] == {"password": "$EMOTION_ANALYST_PASSWORD"}
    for found in (*asked, variable["datasource"], marks["datasource"]):
        assert found == {"type": source["type"], "uid": source["uid"]}
