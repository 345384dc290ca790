"""Refused files are retried after their cause is mended; what was said before is kept."""

from pathlib import Path

import pytest
from factories import make_batch, make_jpeg, make_model, make_scores
from sqlalchemy import text

from emotion_core.scoring.ingest import ingest
from emotion_core.store.batches import (
    Batch,
    batch_by_key,
    batch_summary,
    close_batch,
    refused_files,
)
from emotion_core.store.database import Database
from emotion_core.store.ledger import Refusal, claim_items, publish_items
from emotion_core.store.retries import request_retry


class Nights:
    """Nights over one inbox, in which some contents are refused."""

    def __init__(self, database: Database, inbox: Path) -> None:
        self.database = database
        self.inbox = inbox
        (inbox / "_SUCCESS").touch()
        self.model_id = self.another_model()

    def another_model(self) -> int:
        with self.database.transaction("emotion_train") as connection:
            self.model_id = make_model(connection).id
        return self.model_id

    def night(self, name: str, *, refuse: int = 0, code: str = "decoder_crashed") -> Batch:
        """Ingests, scores all but the first ``refuse`` items, closes."""
        batch = self.ingest(name)
        with self.database.transaction("emotion_score") as connection:
            claims = claim_items(
                connection,
                model_version_id=batch.model_version_id,
                worker="w",
                limit=1000,
                lease_seconds=60,
            )
            refusals = [Refusal(claim, code, "of the test") for claim in claims[:refuse]]
            good = claims[refuse:]
            assert publish_items(connection, good, *make_scores(len(good)), refusals) == (
                len(good),
                len(refusals),
            )
        with self.database.transaction("emotion_score") as connection:
            assert close_batch(connection, batch.id)
        return batch

    def ingest(self, name: str) -> Batch:
        batch = make_batch(self.database, f"{self.inbox} {name}", self.inbox, self.model_id)
        self.intake = ingest(self.database, batch, settle_seconds=60)
        return batch

    def retry(self, code: str, name: str | None = None) -> int:
        with self.database.transaction("emotion_score") as connection:
            return request_retry(
                connection,
                code=code,
                run_key=f"{self.inbox} {name}" if name else None,
                requested_by="operator",
            )

    def counts(self, name: str) -> tuple[int, int, int]:
        with self.database.transaction("emotion_report") as connection:
            found = batch_summary(connection, f"{self.inbox} {name}")
        assert found is not None and found.is_closed
        return (found.count_found, found.count_done, found.count_rejected)

    def refused(self, name: str) -> list[tuple[str, str, str | None]]:
        """File, reason, and the last word of where it is tried again."""
        with self.database.transaction("emotion_report") as connection:
            return [
                (file.file, file.reason, file.retried_in and file.retried_in.rpartition(" ")[2])
                for file in refused_files(connection, f"{self.inbox} {name}")
            ]


@pytest.fixture
def nights(database: Database, tmp_path: Path) -> Nights:
    return Nights(database, tmp_path)


def test_refused_content_is_scored_by_the_next_batch_and_the_first_refusal_is_kept(
    nights: Nights,
) -> None:
    for number in range(3):
        (nights.inbox / f"{number}.jpg").write_bytes(make_jpeg((number * 40, 50, 50)))
    nights.night("monday", refuse=2)

    assert nights.retry("decoder_crashed", "monday") == 2
    assert nights.retry("decoder_crashed", "monday") == 0
    nights.night("tuesday")

    assert nights.intake.count_retried == 2
    assert nights.counts("monday") == (3, 1, 2)
    assert nights.counts("tuesday") == (2, 2, 0)
    assert [(reason, to) for _, reason, to in nights.refused("monday")] == [
        ("decoder_crashed", "tuesday")
    ] * 2
    assert nights.refused("tuesday") == []
    with nights.database.transaction("emotion_report") as connection:
        predictions = connection.execute(
            text("SELECT count(*) FROM prediction WHERE model_version_id = :m"),
            {"m": nights.model_id},
        ).scalar_one()
    assert predictions == 3


def test_what_is_refused_again_can_be_retried_again(nights: Nights) -> None:
    (nights.inbox / "a.jpg").write_bytes(make_jpeg((0, 60, 0)))
    nights.night("monday", refuse=1)
    nights.retry("decoder_crashed", "monday")
    nights.night("tuesday", refuse=1, code="decode_timeout")

    assert nights.retry("decoder_crashed", "tuesday") == 0
    assert nights.retry("decode_timeout", "tuesday") == 1
    nights.night("wednesday")

    assert nights.refused("monday") == [("a.jpg", "decoder_crashed", "tuesday")]
    assert nights.refused("tuesday") == [("a.jpg", "decode_timeout", "wednesday")]
    assert nights.counts("wednesday") == (1, 1, 0)


def test_every_file_with_the_same_content_goes_with_it(nights: Nights) -> None:
    (nights.inbox / "a.jpg").write_bytes(make_jpeg((0, 70, 0)))
    nights.night("monday", refuse=1)
    (nights.inbox / "same.jpg").write_bytes(make_jpeg((0, 70, 0)))
    nights.night("tuesday")

    assert nights.retry("decoder_crashed", "tuesday") == 2
    nights.night("wednesday")

    assert nights.counts("monday") == nights.counts("tuesday") == (1, 0, 1)
    assert nights.counts("wednesday") == (2, 2, 0)


def test_a_file_that_could_not_be_read_is_read_again(nights: Nights) -> None:
    picture = nights.inbox / "a.jpg"
    picture.write_bytes(make_jpeg((0, 80, 0)))
    (nights.inbox.parent / f"{nights.inbox.name} second name").hardlink_to(picture)
    nights.night("monday")
    # The link is gone, yet size and time are the same: the delivery stays known until it is put
    # back.
    (nights.inbox.parent / f"{nights.inbox.name} second name").unlink()
    nights.night("tuesday")

    assert nights.retry("hard_link", "monday") == 1
    nights.night("wednesday")

    assert nights.refused("monday") == [("a.jpg", "hard_link", "wednesday")]
    assert nights.counts("tuesday") == (0, 0, 0)
    assert nights.counts("wednesday") == (1, 1, 0)


def test_a_file_that_still_cannot_be_read_is_refused_again(nights: Nights) -> None:
    (nights.inbox / "a.jpg").symlink_to("/etc/hostname")
    nights.night("monday")

    assert nights.retry("not_a_regular_file", "monday") == 1
    assert nights.refused("monday") == [("a.jpg", "not_a_regular_file", "batch")]
    nights.night("tuesday")

    assert nights.refused("monday") == [("a.jpg", "not_a_regular_file", "tuesday")]
    assert nights.refused("tuesday") == [("a.jpg", "not_a_regular_file", None)]
    assert nights.counts("tuesday") == (1, 0, 1)


def test_with_a_new_champion_the_new_model_scores_what_is_retried(nights: Nights) -> None:
    (nights.inbox / "a.jpg").write_bytes(make_jpeg((0, 90, 0)))
    nights.night("monday", refuse=1)
    nights.retry("decoder_crashed", "monday")
    nights.another_model()

    nights.night("tuesday")

    assert nights.counts("tuesday") == (1, 1, 0)
    assert nights.refused("monday") == [("a.jpg", "decoder_crashed", "tuesday")]


def test_what_an_open_batch_counts_on_is_left_alone(nights: Nights) -> None:
    (nights.inbox / "a.jpg").write_bytes(make_jpeg((0, 95, 0)))
    nights.night("monday", refuse=1)
    (nights.inbox / "same.jpg").write_bytes(make_jpeg((0, 95, 0)))
    nights.ingest("open")

    assert nights.retry("decoder_crashed", "monday") == 0


def test_a_closed_batch_takes_in_nothing_more(nights: Nights) -> None:
    (nights.inbox / "a.jpg").write_bytes(make_jpeg((0, 97, 0)))
    nights.night("monday")
    (nights.inbox / "b.jpg").write_bytes(make_jpeg((0, 98, 0)))

    with nights.database.transaction("emotion_score") as connection:
        closed = batch_by_key(connection, f"{nights.inbox} monday")
    intake = ingest(nights.database, closed, settle_seconds=0)

    assert intake.count_entered == 0
    nights.night("tuesday")
    assert nights.counts("tuesday") == (1, 1, 0)
