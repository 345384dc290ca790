"""The batches' page and one batch: counts, reasons, names for some, and the way back for files."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from factories import make_arrivals, make_model, make_scores, make_throughput
from fastapi.testclient import TestClient

from emotion_core.pages.batches import BatchesPage
from emotion_core.pages.page import render_page
from emotion_core.store import batches, retries
from emotion_core.store.batches import ArrivedFile, HeldFolder
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items

OpenBatch = Callable[[str, list[ArrivedFile]], object]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECRET = "Jane <b>Doe</b>"
"""In the names of files and folders: only those who may act are shown it."""


@pytest.fixture
def night(database: Database, request: pytest.FixtureRequest) -> str:
    """A closed batch: two images scored, two files refused, a folder held back."""
    key = f"night/{request.node.name}"
    refused = [
        ArrivedFile(f"{SECRET} {n}.jpg".encode(), n, n, None, "unreadable_file", f"no {SECRET}")
        for n in (1, 2)
    ]
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=key, source=f"/home/{SECRET}/{key}/inbox", model_version_id=model.id
        )
        batches.enter_files(connection, batch, [*make_arrivals(2, key), *refused])
        batches.plan_items(connection, batch.id)
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=9, lease_seconds=60
        )
        publish_items(connection, claims, *make_scores(2), [])
        batches.record_intake(
            connection,
            batch.id,
            count_ignored=0,
            count_unsettled=0,
            held=[HeldFolder(SECRET.encode(), "manifest_missing", 3, f"{SECRET} is missing")],
        )
        make_throughput(connection, key, model.id, count_scored=2, seconds=4.0)
        assert batches.close_batch(connection, batch.id)
    return key


def test_the_last_nights_stand_at_a_glance(visitor: TestClient, night: str) -> None:
    page = visitor.get("/batches").text

    assert "<h1>2 of 4 files scored</h1>" in page
    row = page[page.index(f'href="batches/{night.replace("/", "%2F")}"') :].partition("</tr>")[0]
    cells = [part.partition("<")[0] for part in row.split("<td>")[1:]]
    assert cells[0] == "4" and cells[1] == "2" and cells[3:5] == ["0", "0"]
    assert "50.0\u202f%" in row and "0.500\u202fimages/s" in row
    assert "folder held back" in row


def test_one_batch_names_its_files_to_those_who_may_act_and_to_nobody_else(
    visit: Callable[[str], TestClient], night: str
) -> None:
    address = f"/batches/{night.replace('/', '%2F')}"

    acting, looking = visit("op").get(address).text, visit("viewer").get(address).text

    assert "Jane &lt;b&gt;Doe&lt;/b&gt; 1.jpg" in acting and "<b>Doe" not in acting
    assert "Jane" not in looking
    for page in (acting, looking):
        assert "Check owner and permissions." in page
    assert "only users who may start runs see them" in looking


def test_the_tab_of_a_run_keeps_the_same_silence(
    visit: Callable[[str], TestClient], open_batch: OpenBatch, refused: ArrivedFile
) -> None:
    open_batch("tab", [refused])

    assert "Jane.jpg" in visit("op").get("/runs/score_new_images/tab").text
    assert "Jane.jpg" not in visit("viewer").get("/runs/score_new_images/tab").text
    assert 'href="../../models"' in visit("op").get("/runs/score_new_images/tab").text


def test_each_reason_has_a_button_until_its_files_are_retried(
    visit: Callable[[str], TestClient], night: str, database: Database
) -> None:
    address = f"/batches/{night.replace('/', '%2F')}"
    before, looking = visit("op").get(address).text, visit("viewer").get(address).text

    with database.transaction("emotion_score") as connection:
        retries.request_retry(connection, code="unreadable_file", run_key=night, requested_by="ada")

    after = visit("op").get(address).text
    assert 'action="../batches/retry"' in before and ">Retry 2<" in before
    assert f'name="batch" value="{night}"' in before
    assert "<form" not in looking
    assert "<form" not in after and ">retried<" in after


def test_an_open_batch_has_no_button_yet(
    operator: TestClient, open_batch: OpenBatch, refused: ArrivedFile
) -> None:
    open_batch("still open", [refused, *make_arrivals(1, "open")])

    page = operator.get("/batches/still%20open").text

    assert "<form" not in page and "when the batch is closed" in page
    assert '<span class="badge">open</span>' in operator.get("/batches").text


def test_a_batch_that_never_was_is_said_not_to_be(visitor: TestClient) -> None:
    answer = visitor.get("/batches/nobody")

    assert answer.status_code == 404
    assert "There is no batch of this name" in answer.text


@pytest.mark.parametrize(
    ("has_champion", "advice"),
    [(False, "promote one on the page"), (True, "Drop images into the inbox")],
)
def test_a_first_day_says_what_to_do_next(has_champion: bool, advice: str) -> None:
    nothing = BatchesPage(NOW, "No batch yet", (), has_champion)

    page = render_page("batches.html", page=nothing, root="", batch_link=str)

    assert advice in page
