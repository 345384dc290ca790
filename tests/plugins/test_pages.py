"""The pages in Airflow's UI: behind its login, and serving nothing but what belongs to a run."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

import pytest
from factories import make_arrivals, make_training_run
from fastapi.testclient import TestClient
from sqlalchemy import text

from emotion_core.files import folder_name
from emotion_core.settings import Settings
from emotion_core.store.batches import ArrivedFile
from emotion_core.store.database import Database
from emotion_core.store.experiments import Experiment, open_experiment
from emotion_core.store.models import ModelVersion
from emotion_core.store.reports import ReportRecord, record_report
from emotion_core.store.training_runs import fail_training_run

RUN_ID = "manual__2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    "path",
    [
        "/reports",
        "/models",
        "/batches",
        "/batches/x",
        "/health",
        "/runs/train_and_compare/x",
        "/started/promote_model/x",
    ],
)
def test_nobody_sees_a_page_without_a_login(plugin: ModuleType, path: str) -> None:
    assert TestClient(plugin.app).get(path).status_code == 401


def test_a_training_run_shows_its_report(visitor: TestClient, settings: Settings) -> None:
    folder = settings.reports_dir / folder_name(RUN_ID)
    folder.mkdir(parents=True)
    (folder / "comparison.html").write_text("<p>the report</p>")

    answer = visitor.get(f"/runs/train_and_compare/{RUN_ID.replace('+', '%2B')}")

    assert answer.text == "<p>the report</p>"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_run_without_a_report_says_when_there_will_be_one(visitor: TestClient) -> None:
    answer = visitor.get("/runs/train_and_compare/manual__later")

    assert answer.status_code == 200
    assert "when the task compare has ended" in answer.text


def test_a_run_without_a_report_says_how_far_its_trainings_are(
    visitor: TestClient, database: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        record = make_training_run(connection, group_key="manual__crossed")
        split_id = connection.execute(
            text("SELECT split_id FROM training_run WHERE id = :id"), {"id": record.id}
        ).scalar_one()
        crossed = Experiment(record.group_key, ("resnet50",), "quick", 5, 3, 42, None)
        open_experiment(connection, crossed, split_id)
        fail_training_run(connection, record.id, "out of memory")

    answer = visitor.get("/runs/train_and_compare/manual__crossed")

    assert "1 of 15 trainings have ended." in answer.text


@pytest.mark.parametrize(
    "run_id", ["..%2F..%2Fsecrets", "....", "%00", "<script>alert(1)</script>"]
)
def test_a_run_id_cannot_leave_the_folder_of_reports(
    visitor: TestClient, settings: Settings, run_id: str
) -> None:
    settings.reports_dir.mkdir(parents=True)
    (settings.home / "comparison.html").write_text("secret")

    answer = visitor.get(f"/runs/train_and_compare/{run_id}")

    assert "secret" not in answer.text and "<script>alert" not in answer.text


def test_a_scoring_run_shows_its_counts_and_why_files_were_refused(
    visitor: TestClient, open_batch: Callable[..., ModelVersion]
) -> None:
    name = b"<img src=x onerror=alert(1)>.jpg"
    link = ArrivedFile(name, 1, 1, None, "not_a_regular_file", "a <b>link</b>")
    model = open_batch("night of the page", [*make_arrivals(2, "page"), link])

    page = visitor.get("/runs/score_new_images/night of the page").text

    assert model.name in page and "link, pipe" in page
    assert "<img src=x" not in page and "<b>link</b>" not in page


def test_the_index_links_every_report(visitor: TestClient, database: Database) -> None:
    with database.transaction("emotion_report") as connection:
        record_report(
            connection,
            ReportRecord(RUN_ID, "/r", "No clear <winner>.", 2, datetime(2026, 1, 2, tzinfo=UTC)),
        )

    page = visitor.get("/reports").text

    assert "No clear &lt;winner&gt;." in page
    assert "runs/train_and_compare/manual__2026-01-02T03%3A04%3A05%2B00%3A00" in page


def test_airflow_is_told_of_the_tab_and_of_a_menu_entry_for_each_page(plugin: ModuleType) -> None:
    views = [(view["destination"], view["href"]) for view in plugin.EmotionPages.external_views]

    assert views == [
        ("dag_run", "emotion/runs/{DAG_ID}/{RUN_ID}"),
        *(("nav", f"emotion/{name}") for name in ("reports", "models", "batches", "health")),
    ]
    routes = [view["url_route"] for view in plugin.EmotionPages.external_views]
    assert len(set(routes)) == len(routes)


def test_the_index_is_filtered_by_its_address_alone(
    visitor: TestClient, database: Database
) -> None:
    with database.transaction("emotion_report") as connection:
        for key, network in (("filter-a", "resnet50"), ("filter-b", "swin_t")):
            record_report(
                connection,
                ReportRecord(
                    key, "/r", "v", 1, datetime(2026, 1, 2, tzinfo=UTC), networks=(network,)
                ),
            )

    answer = visitor.get("/reports", params={"network": "swin_t"})

    assert "filter-b" in answer.text and "filter-a" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self'" in policy and "script-src 'sha256-" in policy
    assert "unsafe-inline'; img" not in policy.partition("script-src")[2]


def test_the_pages_find_the_database_by_airflows_connection(
    visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # as the API server has it
    address = os.environ["EMOTION_DATABASE_URL"]
    monkeypatch.delenv("EMOTION_DATABASE_URL")
    with create_session() as session:
        session.add(Connection(conn_id="emotion_db", uri=address))
    try:
        answer = visitor.get("/models")
    finally:
        with create_session() as session:
            session.query(Connection).filter(Connection.conn_id == "emotion_db").delete()

    assert answer.status_code == 200
