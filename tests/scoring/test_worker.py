"""A night's work: every file ends in one row, and bad neighbours harm nobody."""

from pathlib import Path
from typing import Any

import pytest
from factories import FakeScorer, make_batch, make_jpeg
from sqlalchemy import text

from emotion_core.scoring.ingest import Ingested, ingest
from emotion_core.scoring.worker import Tally, work
from emotion_core.store.batches import Batch, batch_summary, close_batch, refused_files
from emotion_core.store.database import Database


@pytest.fixture
def batch(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Batch:
    (tmp_path / "_SUCCESS").touch()
    return make_batch(database, request.node.name, tmp_path)


def night(database: Database, batch: Batch, scorer: Any) -> tuple[Ingested, Tally]:
    intake = ingest(database, batch, settle_seconds=60)
    tally = work(database, scorer, model_version_id=batch.model_version_id, worker="w", chunk=4)
    with database.transaction("emotion_score") as connection:
        assert close_batch(connection, batch.id)
    return intake, tally


def test_every_file_ends_in_exactly_one_row(
    database: Database, batch: Batch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    good = [make_jpeg((n * 20, 90, 120)) for n in range(6)]
    for number, data in enumerate(good):
        (tmp_path / f"good {number}.jpg").write_bytes(data)
    (tmp_path / "again.jpg").write_bytes(good[0])
    (tmp_path / "cut.jpg").write_bytes(make_jpeg((1, 2, 3), 200)[:900])
    (tmp_path / "letter.jpg").write_bytes(b"Dear sir or madam")
    (tmp_path / 'quo"te\n.jpg').write_bytes(make_jpeg((9, 9, 9)))
    scorer = FakeScorer()

    intake, tally = night(database, batch, scorer)

    with database.transaction("emotion_report") as connection:
        summary = batch_summary(connection, request.node.name)
        refused = refused_files(connection, request.node.name)
    assert summary is not None
    assert (intake.count_entered, intake.count_planned) == (10, 9)
    assert sum(scorer.sizes) == 7
    assert (tally.count_scored, tally.count_refused) == (7, 2)
    assert (summary.count_found, summary.count_done, summary.count_rejected) == (10, 8, 2)
    assert {(file.file, file.reason) for file in refused} == {
        ("cut.jpg", "truncated"),
        ("letter.jpg", "not_an_image"),
    }


def test_a_second_night_scores_nothing_again(
    database: Database, batch: Batch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg())
    night(database, batch, FakeScorer())
    key = request.node.name + " tomorrow"
    tomorrow = make_batch(database, key, batch.source, batch.model_version_id)
    (tmp_path / "renamed.jpg").write_bytes(make_jpeg())
    scorer = FakeScorer()

    intake, _ = night(database, tomorrow, scorer)

    assert (intake.count_entered, intake.count_known, intake.count_planned) == (1, 1, 0)
    assert scorer.sizes == []


def test_new_bytes_under_an_old_name_are_a_new_item(
    database: Database, batch: Batch, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg((10, 10, 10)))
    ingest(database, batch, settle_seconds=60)
    (tmp_path / "a.jpg").write_bytes(make_jpeg((250, 10, 10)))

    intake = ingest(database, batch, settle_seconds=60)

    assert (intake.count_entered, intake.count_planned) == (1, 1)


def test_bytes_that_changed_after_arrival_are_never_scored_as_the_old_content(
    database: Database, batch: Batch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg((10, 10, 10)))
    (tmp_path / "b.jpg").write_bytes(make_jpeg((20, 10, 10)))
    ingest(database, batch, settle_seconds=60)
    (tmp_path / "a.jpg").write_bytes(make_jpeg((250, 10, 10)))
    (tmp_path / "b.jpg").unlink()

    work(database, FakeScorer(), model_version_id=batch.model_version_id, worker="w")  # type: ignore[arg-type]

    with database.transaction("emotion_report") as connection:
        refused = refused_files(connection, request.node.name)
    assert [(file.file, file.reason) for file in refused] == [
        ("a.jpg", "changed_since_arrival"),
        ("b.jpg", "missing_file"),
    ]


def test_a_crash_between_claim_and_publish_loses_nothing(
    database: Database, batch: Batch, tmp_path: Path
) -> None:
    def crash() -> None:
        raise MemoryError

    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(make_jpeg((number * 40, 0, 0)))
    ingest(database, batch, settle_seconds=60)
    with pytest.raises(MemoryError):
        work(
            database,
            FakeScorer(crash),  # type: ignore[arg-type]
            model_version_id=batch.model_version_id,
            worker="crashes",
            lease_seconds=0.2,
        )

    tally = work(
        database,
        FakeScorer(),  # type: ignore[arg-type]
        model_version_id=batch.model_version_id,
        worker="heir",
        poll_seconds=0.1,
    )

    with database.transaction("emotion_report") as connection:
        rows = connection.execute(
            text("SELECT count(*) FROM prediction WHERE model_version_id = :m"),
            {"m": batch.model_version_id},
        ).scalar_one()
    assert (tally.count_scored, rows) == (5, 5)
