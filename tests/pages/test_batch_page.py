"""One batch's page: from rows to facts, to a page, and to a file that names no file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from factories import make_arrivals, make_model, make_throughput
from page_samples import USUAL, batch
from sqlalchemy import text

from emotion_core.errors import ReportError
from emotion_core.pages.batch import read_batch, without_names, write_batch
from emotion_core.pages.page import render_page
from emotion_core.settings import Settings
from emotion_core.steps import reports
from emotion_core.steps.installation import Installation
from emotion_core.store.batches import ArrivedFile, close_batch, enter_files, open_batch, plan_items
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)


@pytest.fixture
def night(database: Database, request: pytest.FixtureRequest) -> str:
    """A closed batch: three images scored, one file refused."""
    key = request.node.name
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    refused = ArrivedFile(b"<b>half</b>.jpg", 1, 1, None, "unreadable_file", "denied")
    with database.transaction("emotion_score") as connection:
        batch = open_batch(connection, run_key=key, source=f"/in/{key}", model_version_id=model.id)
        enter_files(connection, batch, [*make_arrivals(3, key), refused])
        plan_items(connection, batch.id)
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=3, lease_seconds=60
        )
        probabilities = np.full((3, 8), 0.05, dtype=np.float32)
        probabilities[:2, 1] = probabilities[2, 7] = 0.65
        affect = np.array([[0.5, 0.0], [0.3, 0.2], [-0.25, 0.25]], dtype=np.float32)
        publish_items(connection, claims, probabilities, affect, [])
        make_throughput(connection, key, model.id, count_scored=3, count_refused=1)
        assert close_batch(connection, batch.id)
    return key


def test_a_page_says_what_came_what_was_refused_the_expressions_and_the_speed(
    database: Database, night: str
) -> None:
    with database.transaction("emotion_report") as connection:
        found = read_batch(connection, night, NOW)

    page = render_page("batch.html", page=found, root=None, idempotency_key=None)

    assert found.headline == "3 of 4 files scored"
    assert [(part.expression, part.count_images) for part in found.mix] == [
        ("Happy", 2),
        ("Contempt", 1),
    ]
    assert found.mix[0].mean_valence == pytest.approx(0.4)
    assert [(reason.reason, reason.count) for reason in found.reasons] == [("unreadable_file", 1)]
    assert found.speed == "4 images by one worker, 2.00\u202fimages/s for each of them."
    assert "&lt;b&gt;half&lt;/b&gt;.jpg" in page and "Check owner and permissions." in page
    assert "Drift" not in page and "Drift" in batch(USUAL)


def test_drift_is_read_once_the_batch_was_checked(database: Database, night: str) -> None:
    with database.transaction("emotion_report") as connection:
        connection.execute(
            text(
                "WITH checked AS (INSERT INTO health_check (check_key, source, batch_id, "
                "model_version_id) SELECT :key, source, id, model_version_id FROM batch "
                "WHERE run_key = :key RETURNING id) "
                "INSERT INTO health_measurement (check_id, measure, against, value, limit_value, "
                "p_value, count_images, count_reference, status, sentence) "
                "SELECT id, 'psi_expression', 'validation', 0.4, 0.1, 0.0002, 3, 48, 'alarm', "
                "'The mix has moved.' FROM checked"
            ),
            {"key": night},
        )
        found = read_batch(connection, night, NOW)

    assert [(one.status, one.sentence) for one in found.drift] == [("alarm", "The mix has moved.")]


def test_a_written_page_is_the_same_bytes_again_and_names_no_file_that_must_be_erasable(
    database: Database, night: str, settings: Settings, tmp_path: Path
) -> None:
    page = Path(reports.report_night(Installation(settings), night, made_at=NOW))
    with database.transaction("emotion_report") as connection:
        facts = without_names(read_batch(connection, night, NOW))
    again = write_batch(facts, tmp_path / "again" / "night.html")

    assert page.read_bytes() == again.read_bytes()
    for written in (page, page.with_name("night.json")):
        assert "half" not in written.read_text()
        assert "Check owner and permissions." in written.read_text()
    said = json.loads(page.with_name("night.json").read_text())
    assert said["batch"]["count_found"] == 4
    assert said["mix"][0]["share"] == pytest.approx(2 / 3, abs=1e-6)


def test_a_batch_that_never_was_is_refused_by_name(settings: Settings) -> None:
    with pytest.raises(ReportError, match="no batch 'nobody'"):
        reports.report_night(Installation(settings), "nobody")
