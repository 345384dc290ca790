"""The index with its filters, and the night's report: from rows, and as files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from factories import make_arrivals, make_model
from sqlalchemy import text

from emotion_core.errors import ReportError
from emotion_core.pages.index import IndexFilter, render_index, render_night, write_night
from emotion_core.pages.night import read_night, without_names
from emotion_core.settings import Settings
from emotion_core.steps import reports
from emotion_core.steps.installation import Installation
from emotion_core.store.batches import ArrivedFile, close_batch, enter_files, open_batch, plan_items
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items
from emotion_core.store.reports import ReportRecord
from emotion_core.store.throughput import Throughput, record_throughput

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)


def make_report(key: str, **changes: object) -> ReportRecord:
    usual = {
        "verdict": "Expression: no clear winner.",
        "title": f"Networks of {key}",
        "networks": ("resnet50", "efficientnet_b0"),
        "datasets": ("AffectNet, part",),
        "outcomes": ("no_winner", "winner"),
    }
    return ReportRecord(key, "/r", count_runs=2, rendered_at=NOW, **(usual | changes))  # type: ignore[arg-type]


REPORTS = [
    make_report("one"),
    make_report("two", networks=("swin_t",), outcomes=("one_run", "one_run")),
    make_report("three", datasets=("drawn",), is_drawn=True, verdict="ResNet50 is better."),
]


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (IndexFilter(), {"one", "two", "three"}),
        (IndexFilter(network="swin_t"), {"two"}),
        (IndexFilter(dataset="AffectNet, part"), {"one", "two"}),
        (IndexFilter(outcome="a winner"), {"one", "three"}),
        (IndexFilter(faces="photographs"), {"one", "two"}),
        (IndexFilter(words="BETTER resnet50"), {"three"}),
        (IndexFilter(words="affectnet", network="resnet50"), {"one"}),
        (IndexFilter(words="<script>"), set()),
    ],
)
def test_the_form_lets_through_what_it_was_filled_in_for(
    chosen: IndexFilter, shown: set[str]
) -> None:
    page = render_index(REPORTS, link=lambda key: f"runs/{key}", chosen=chosen)

    assert {key for key in ("one", "two", "three") if f'href="runs/{key}"' in page} == shown


def test_the_form_needs_no_script_and_keeps_what_was_chosen() -> None:
    page = render_index(REPORTS, link=str, chosen=IndexFilter(words='"quoted"', network="resnet50"))

    assert 'method="get"' in page and "form-action &#39;self&#39;" in page.replace("'", "&#39;")
    assert 'value="&#34;quoted&#34;"' in page
    assert '<option value="resnet50" selected>' in page
    assert "None of the 3 reports" in page


def test_an_index_without_reports_says_how_to_get_one() -> None:
    assert "trigger <em>Train and compare</em>" in render_index([], link=str)


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
        record_throughput(
            connection,
            Throughput(
                run_key=key,
                model_version_id=model.id,
                worker="w",
                host="h",
                device="CPU, 2 threads",
                engine="eager",
                count_scored=3,
                count_refused=1,
                seconds=2.0,
                stage_seconds={},
            ),
        )
        assert close_batch(connection, batch.id)
    return key


def test_a_night_says_what_came_what_was_refused_the_mix_and_the_speed(
    database: Database, night: str
) -> None:
    with database.transaction("emotion_report") as connection:
        found = read_night(connection, night, NOW)

    page = render_night(found)

    assert found.headline == "3 of 4 files scored"
    assert [(part.expression, part.count_images) for part in found.mix] == [
        ("Happy", 2),
        ("Contempt", 1),
    ]
    assert found.mix[0].mean_valence == pytest.approx(0.4)
    assert [(reason.reason, reason.count) for reason in found.reasons] == [("unreadable_file", 1)]
    assert found.speed == "4 images by one worker, 2.00\u202fimages/s for each of them."
    assert "&lt;b&gt;half&lt;/b&gt;.jpg" in page and "Check owner and permissions." in page
    assert "Drift" not in page


def test_a_night_shows_its_drift_once_its_health_was_looked_at(
    database: Database, night: str
) -> None:
    with database.transaction("emotion_report") as connection:
        connection.execute(
            text(
                "WITH looked AS (INSERT INTO health_check (check_key, source, batch_id, "
                "model_version_id) SELECT :key, source, id, model_version_id FROM batch "
                "WHERE run_key = :key RETURNING id) "
                "INSERT INTO health_measurement (check_id, measure, against, value, limit_value, "
                "p_value, count_images, count_reference, status, sentence) "
                "SELECT id, 'psi_expression', 'validation', 0.4, 0.1, 0.0002, 3, 48, 'alarm', "
                "'The mix has moved.' FROM looked"
            ),
            {"key": night},
        )
        found = read_night(connection, night, NOW)

    assert "The mix has moved." in render_night(found)
    assert found.drift[0].status == "alarm"


def test_a_night_is_a_page_and_its_facts_byte_for_byte_again(
    database: Database, night: str, settings: Settings, tmp_path: Path
) -> None:
    page = Path(reports.report_night(Installation(settings), night, made_at=NOW))
    with database.transaction("emotion_report") as connection:
        again = write_night(without_names(read_night(connection, night, NOW)), tmp_path / "again")

    assert page.read_bytes() == again.read_bytes()
    facts = json.loads(page.with_name("night.json").read_text())
    assert facts["batch"]["count_found"] == 4
    assert facts["mix"][0]["share"] == pytest.approx(2 / 3, abs=1e-6)


def test_a_written_night_names_no_file_that_its_erasure_would_have_to_find(
    night: str, settings: Settings
) -> None:
    page = Path(reports.report_night(Installation(settings), night, made_at=NOW))

    for written in (page, page.with_name("night.json")):
        assert "half" not in written.read_text()
        assert "Check owner and permissions." in written.read_text()


def test_a_night_that_never_was_is_refused_by_name(settings: Settings) -> None:
    with pytest.raises(ReportError, match="no batch 'nobody'"):
        reports.report_night(Installation(settings), "nobody")
