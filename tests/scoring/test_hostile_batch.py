"""A night of hostile files, from the inbox to the tables: one row each, no neighbour lost."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from factories import FakeScorer, make_batch, make_jpeg
from sqlalchemy import text

from emotion_core.errors import ScoringError
from emotion_core.scoring.ingest import ingest
from emotion_core.scoring.worker import work
from emotion_core.settings import Settings
from emotion_core.steps import scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database

sys.path.insert(0, str(Path(__file__).parents[1] / "vision"))
from hostile_files import mutations

COUNT = 1_500


def test_a_night_of_hostile_files_ends_in_one_row_each(
    database: Database,
    settings: Settings,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    here = Installation(settings)
    (tmp_path / "_SUCCESS").touch()
    for number, data in enumerate(mutations(COUNT, seed=9)):
        (tmp_path / f"{number:05d} hostile.jpg").write_bytes(data)
    for number in range(100):
        (tmp_path / f"{15 * number:05d} valid.jpg").write_bytes(make_jpeg((number, 255, number)))
    batch = make_batch(database, str(tmp_path), tmp_path)

    ingest(database, batch, settle_seconds=60)
    work(database, FakeScorer(), model_version_id=batch.model_version_id, worker="w")  # type: ignore[arg-type]
    with pytest.raises(ScoringError, match=r"of 1,600 were refused .* the limit is 20%"):
        scoring.close_batch(here, str(tmp_path), refused_share_limit=0.2)
    summary = scoring.close_batch(here, str(tmp_path))

    with database.transaction("emotion_report") as connection:
        ends = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM prediction p WHERE p.image_id = f.image_id "
                "        AND p.model_version_id = :model) + "
                "       (SELECT count(*) FROM scoring_item i JOIN rejection r "
                "        ON r.scoring_item_id = i.id WHERE i.image_id = f.image_id "
                "        AND i.model_version_id = :model) + "
                "       (SELECT count(*) FROM rejection r WHERE r.inbox_file_id = f.id), "
                "       readable_path(f.path) LIKE '%valid%', "
                "       EXISTS (SELECT FROM prediction p WHERE p.image_id = f.image_id "
                "               AND p.model_version_id = :model) "
                "FROM inbox_file f WHERE f.batch_id = :batch"
            ),
            {"model": batch.model_version_id, "batch": batch.id},
        ).all()
    assert summary["count_found"] == len(ends) == COUNT + 100
    assert {count for count, _, _ in ends} == {1}
    assert sum(is_scored for _, is_valid, is_scored in ends if is_valid) == 100
    assert summary["count_quarantined"] == 0
    record_property(
        "figure",
        f"hostile batch: {COUNT:,} hostile and 100 valid files through the ledger: "
        f"{summary['count_done']:,} predictions, {summary['count_rejected']:,} reasons, "
        "0 without a row, 0 with two",
    )
