"""The ledger: whatever happens to a worker, each item gets exactly one end."""

from dataclasses import replace

import numpy as np
import pytest
from asking import ask, ask_one
from factories import make_arrivals, make_model, make_scores
from sqlalchemy.exc import IntegrityError

from emotion_core.store.batches import (
    ArrivedFile,
    Batch,
    batch_summary,
    close_batch,
    enter_files,
    known_files,
    open_batch,
    plan_items,
)
from emotion_core.store.database import Database
from emotion_core.store.ledger import (
    SOLO_LIMIT,
    SUSPECT_GROUP,
    Claim,
    Refusal,
    claim_items,
    claim_suspect,
    items_left,
    publish_items,
    release_items,
)


@pytest.fixture
def batch(database: Database, request: pytest.FixtureRequest) -> Batch:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    with database.transaction("emotion_score") as connection:
        opened = open_batch(
            connection, run_key=request.node.name, source="/inbox", model_version_id=model.id
        )
        enter_files(connection, opened, make_arrivals(10, request.node.name))
        plan_items(connection, opened.id)
    return opened


def claim(database: Database, batch: Batch, limit: int = 100, lease: float = 60) -> list[Claim]:
    with database.transaction("emotion_score") as connection:
        return claim_items(
            connection,
            model_version_id=batch.model_version_id,
            worker="w",
            limit=limit,
            lease_seconds=lease,
        )


def publish(database: Database, claims: list[Claim], *refusals: Refusal) -> tuple[int, int]:
    with database.transaction("emotion_score") as connection:
        return publish_items(connection, claims, *make_scores(len(claims)), refusals)


def suspects(database: Database, batch: Batch, lease: float = -1) -> list[Claim]:
    with database.transaction("emotion_score") as connection:
        return claim_suspect(
            connection,
            model_version_id=batch.model_version_id,
            worker="w",
            lease_seconds=lease,
        )


def count(database: Database, table: str) -> int:
    return int(ask_one(database, f"SELECT count(*) FROM {table}"))


def test_a_batch_whose_items_all_end_closes_with_counts_that_add_up(
    database: Database, batch: Batch, request: pytest.FixtureRequest
) -> None:
    claims = claim(database, batch)

    publish(database, claims[:8], *(Refusal(c, "truncated", "half") for c in claims[8:]))
    with database.transaction("emotion_score") as connection:
        closed = close_batch(connection, batch.id)

    with database.transaction("emotion_report") as connection:
        summary = batch_summary(connection, request.node.name)
    assert closed and summary is not None
    assert (summary.count_found, summary.count_done, summary.count_rejected) == (10, 8, 2)
    assert summary.count_left == 0


def test_a_batch_with_anything_left_does_not_close(database: Database, batch: Batch) -> None:
    publish(database, claim(database, batch, limit=9))

    with database.transaction("emotion_score") as connection:
        assert not close_batch(connection, batch.id)


def test_planning_twice_adds_nothing(database: Database, batch: Batch) -> None:
    with database.transaction("emotion_score") as connection:
        again = plan_items(connection, batch.id)

    assert again == 0


def test_entering_known_deliveries_again_adds_nothing(
    database: Database, batch: Batch, request: pytest.FixtureRequest
) -> None:
    files = make_arrivals(10, request.node.name)

    with database.transaction("emotion_score") as connection:
        known = known_files(connection, "/inbox", [file.delivery for file in files])
        entered, _ = enter_files(connection, batch, files)

    assert known == {file.delivery for file in files}
    assert entered == 0


def test_two_workers_never_hold_the_same_item(database: Database, batch: Batch) -> None:
    first = claim(database, batch, limit=6)
    second = claim(database, batch, limit=6)

    assert len(first) == 6 and len(second) == 4
    assert not {c.item_id for c in first} & {c.item_id for c in second}


def test_a_worker_that_outlived_its_lease_publishes_nothing(
    database: Database, batch: Batch
) -> None:
    late = claim(database, batch, limit=1, lease=-1)
    heir = suspects(database, batch, lease=60)
    before = count(database, "prediction")

    by_late, by_heir = publish(database, late), publish(database, heir)

    assert late[0].item_id == heir[0].item_id
    assert (by_late, by_heir) == ((0, 0), (1, 0))
    assert count(database, "prediction") == before + 1


def test_publishing_twice_writes_once(database: Database, batch: Batch) -> None:
    claims = claim(database, batch)

    once, twice = publish(database, claims), publish(database, claims)

    assert (once, twice) == ((10, 0), (0, 0))


def test_what_kills_its_worker_alone_again_and_again_is_quarantined(
    database: Database, batch: Batch
) -> None:
    poison = claim(database, batch, limit=1, lease=-1)[0]
    claims_made = 0

    while found := suspects(database, batch):
        assert [one.item_id for one in found] == [poison.item_id]
        claims_made += 1

    state = ask_one(database, "SELECT state FROM scoring_item WHERE id = :id", id=poison.item_id)
    with database.transaction("emotion_score") as connection:
        left = items_left(connection, batch.model_version_id)
    assert (claims_made, state, left) == (1 + SOLO_LIMIT, "quarantined", 9)


def test_what_vanished_once_is_tried_in_a_group_and_then_each_alone(
    database: Database, batch: Batch
) -> None:
    claim(database, batch, lease=-1)

    group = suspects(database, batch)
    publish(database, group[1:])
    alone = suspects(database, batch)

    assert len(group) == 10 <= SUSPECT_GROUP
    assert [c.item_id for c in alone] == [group[0].item_id]


def test_a_neighbour_of_what_kills_is_never_set_aside(database: Database, batch: Batch) -> None:
    poison = claim(database, batch, lease=-1)[3].item_id

    while claims := suspects(database, batch):
        if poison not in [c.item_id for c in claims]:
            publish(database, claims)

    of_model = "SELECT id, state FROM scoring_item WHERE model_version_id = :m"
    states = dict(ask(database, of_model, m=batch.model_version_id))
    assert states.pop(poison) == "quarantined"
    assert set(states.values()) == {"done"}


def test_claims_given_back_can_be_claimed_at_once_and_count_against_nobody(
    database: Database, batch: Batch
) -> None:
    claims = claim(database, batch, lease=3_600)

    with database.transaction("emotion_score") as connection:
        count_released = release_items(connection, claims)
    late = publish(database, claims)
    again = claim(database, batch)

    summed = "SELECT sum(attempts) FROM scoring_item WHERE model_version_id = :m"
    attempts = ask_one(database, summed, m=batch.model_version_id)
    assert (count_released, late) == (10, (0, 0))
    assert [c.item_id for c in again] == [c.item_id for c in claims]
    assert attempts == 10


def test_a_suspect_given_back_stays_a_suspect_and_can_be_claimed_at_once(
    database: Database, batch: Batch
) -> None:
    claim(database, batch, lease=-1)
    suspects(database, batch)
    alone = suspects(database, batch, lease=3_600)

    for _ in range(SOLO_LIMIT + 1):
        with database.transaction("emotion_score") as connection:
            release_items(connection, alone)
        alone = suspects(database, batch, lease=3_600)

    assert len(alone) == 1
    assert publish(database, alone) == (1, 0)


def test_a_prediction_without_its_item_cannot_be_written(database: Database, batch: Batch) -> None:
    insert = (
        "INSERT INTO prediction SELECT max(id) + 1000, :m, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 "
        "FROM image"
    )

    with pytest.raises(IntegrityError):
        ask(database, insert, role="emotion_score", m=batch.model_version_id)


def test_a_claim_knows_the_newest_places_of_its_content_first(
    database: Database, batch: Batch, request: pytest.FixtureRequest
) -> None:
    first = make_arrivals(1, request.node.name)[0]
    copies = [
        type(first)(b'copy %d\n"\\\xff' % n, first.size, first.modified_ns, first.sha256)
        for n in range(12)
    ]
    for copy in copies:
        with database.transaction("emotion_score") as connection:
            enter_files(connection, batch, [copy])

    claimed = claim(database, batch, limit=1)[0]

    assert claimed.sha256 == first.sha256
    assert [path for _, path in claimed.places] == [copy.path for copy in copies[:1:-1]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_a_probability_that_is_none_is_refused_and_nothing_is_half_written(
    database: Database, batch: Batch, value: float
) -> None:
    claims = claim(database, batch)
    probabilities, va = make_scores(len(claims))
    probabilities[3, 2] = value

    with pytest.raises(IntegrityError), database.transaction("emotion_score") as connection:
        publish_items(connection, claims, probabilities, va, ())

    with database.transaction("emotion_score") as connection:
        assert items_left(connection, batch.model_version_id) == 10


def test_files_entered_with_their_items_are_one_item_per_content_and_need_no_plan_afterwards(
    database: Database, batch: Batch, request: pytest.FixtureRequest
) -> None:
    copies = [replace(file, path=b"copy of " + file.path) for file in make_arrivals(3, "copied")]
    refused = ArrivedFile(b"pipe", 0, 1, None, "not_a_regular_file", "nothing was opened")
    arrivals = [*make_arrivals(5, "copied"), *copies, refused]

    with database.transaction("emotion_score") as connection:
        first = enter_files(connection, batch, arrivals, plans=True)
    with database.transaction("emotion_score") as connection:
        second = enter_files(connection, batch, arrivals, plans=True)
        left_to_plan = plan_items(connection, batch.id)
    with database.transaction("emotion_report") as connection:
        summary = batch_summary(connection, request.node.name)

    assert first == (9, 5)
    assert second == (0, 0)
    assert left_to_plan == 0
    assert summary is not None and summary.count_rejected == 1


def test_predictions_keep_every_bit_of_a_float(database: Database, batch: Batch) -> None:
    claims = claim(database, batch)
    probabilities, va = make_scores(len(claims))

    with database.transaction("emotion_score") as connection:
        publish_items(connection, claims, probabilities, va, ())

    rows = ask(
        database,
        "SELECT p_neutral, p_contempt, prediction.valence FROM prediction "
        "JOIN scoring_item USING (image_id, model_version_id) "
        "WHERE model_version_id = :model ORDER BY scoring_item.id",
        model=batch.model_version_id,
    )
    expected = np.column_stack([probabilities[:, 0], probabilities[:, 7], va[:, 0]])
    np.testing.assert_array_equal(np.array(rows, np.float32), expected)
