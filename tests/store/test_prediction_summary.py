"""The summary equals a recount of the predictions, whatever was done to them and by whom."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from asking import ask, ask_one
from factories import make_arrivals, make_model, make_scores
from sqlalchemy import text

from emotion_core.store.batches import at_work, close_batch, enter_files, open_batch
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items

KEY = "day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited"
SUMS = "count_images, sum_valence, sum_valence_squared, sum_arousal, sum_arousal_squared"
SUMMED = ", ".join(f"sum({name})" for name in SUMS.split(", "))
# Every figure as text: sums of whole numbers must be the same to the last digit.
KEPT = f"""
    SELECT cast(row({KEY}, {SUMMED}) AS text) FROM prediction_summary
    GROUP BY {KEY} HAVING sum(count_images) <> 0
"""
MANY = 300


def plan_night(
    database: Database, night: str, images: str, count: int = MANY, model: int | None = None
) -> tuple[int, int]:
    """A batch of ``count`` images and its model, a new one where none is named."""
    if model is None:
        with database.transaction("emotion_train") as connection:
            model = make_model(connection).id
    with database.transaction("emotion_score") as connection:
        batch = open_batch(connection, run_key=night, source=night, model_version_id=model)
        enter_files(connection, batch, make_arrivals(count, images), plans=True)
    return batch.id, model


def score_chunk(database: Database, model: int, *, seed: int, limit: int = 64) -> int:
    """Claim and publish one chunk of answers that follow from ``seed``; returns how many."""
    with database.transaction("emotion_score") as connection:
        claims = claim_items(
            connection, model_version_id=model, worker=str(seed), limit=limit, lease_seconds=60
        )
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.full(8, 0.3), len(claims)).astype(np.float32)
    affect = chance.uniform(-1, 1, (len(claims), 2)).astype(np.float32)
    with database.transaction("emotion_score") as connection:
        return publish_items(connection, claims, probabilities, affect, [])[0]


def score_all(database: Database, model: int) -> None:
    seed = 0
    while score_chunk(database, model, seed=seed):
        seed += 1


def close(database: Database, batch: int) -> None:
    with database.transaction("emotion_score") as connection:
        assert close_batch(connection, batch)


@pytest.fixture
def recount(owner: Database) -> Callable[[], set[str]]:
    """What counting everything anew would leave, without leaving it."""

    def recounted() -> set[str]:
        with owner.connect() as connection:
            connection.execute(text("SET ROLE emotion_owner"))
            connection.execute(text("SELECT recount_predictions()"))
            rows = set(connection.execute(text(KEPT)).scalars())
            connection.rollback()
        return rows

    return recounted


def kept(database: Database) -> set[str]:
    return {row for (row,) in ask(database, KEPT)}


def forget(database: Database, model: int, modulus: int) -> None:
    """As retention and erasure do it: by the one role that may."""
    statement = "DELETE FROM prediction WHERE model_version_id = :model AND image_id % :modulus = 0"
    ask(database, statement, role="emotion_erase", model=model, modulus=modulus)


def test_scoring_scoring_again_and_closing_leave_a_true_summary(
    database: Database, recount: Callable[[], set[str]]
) -> None:
    first_batch, first = plan_night(database, "summary 1", "s")
    score_all(database, first)
    _, second = plan_night(database, "summary 2", "s")
    score_all(database, second)
    before = kept(database)

    close(database, first_batch)

    ((rows, keys),) = ask(
        database,
        f"SELECT count(*), count(DISTINCT ({KEY})) FROM prediction_summary "
        "WHERE model_version_id IN (:first, :second)",
        first=first,
        second=second,
    )
    again = ask_one(
        database,
        "SELECT count(*) FROM image_scored_again JOIN prediction USING (image_id) "
        "WHERE model_version_id = :second",
        second=second,
    )
    assert before == kept(database) == recount()
    assert rows == keys
    assert again == MANY


def test_erasing_everything_leaves_nothing_not_even_a_rounding(
    database: Database, recount: Callable[[], set[str]]
) -> None:
    batch, model = plan_night(database, "summary 3", "t")
    score_all(database, model)
    of_model = "FROM prediction_summary WHERE model_version_id = :model"

    forget(database, model, 3)
    some = kept(database) == recount()
    forget(database, model, 1)

    (sums,) = ask(database, f"SELECT {SUMMED} {of_model}", model=model)
    assert some and kept(database) == recount()
    assert set(sums) == {0}
    close(database, batch)
    assert ask_one(database, f"SELECT count(*) {of_model}", model=model) == 0


def test_a_transaction_that_fails_changes_no_sum(database: Database) -> None:
    _, model = plan_night(database, "summary 4", "u", count=8)
    before = kept(database)

    with database.engine.connect() as connection:
        connection.execute(text("SET ROLE emotion_score"))
        claims = claim_items(
            connection, model_version_id=model, worker="w", limit=8, lease_seconds=60
        )
        publish_items(connection, claims, *make_scores(8), [])
        connection.rollback()

    assert kept(database) == before


def test_workers_erasers_and_closers_at_once_lose_no_count(
    database: Database, recount: Callable[[], set[str]]
) -> None:
    batch, one = plan_night(database, "summary 5", "v")
    _, other = plan_night(database, "summary 6", "v")

    def work(model: int, seed: int) -> None:
        while score_chunk(database, model, seed=seed, limit=16):
            forget(database, model, 7)
            ask(database, "SELECT compact_prediction_summary()", role="emotion_score")

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, (one, one, other, other), range(4)))

    missed = ask_one(
        database,
        "SELECT count(*) FROM prediction AS a JOIN prediction AS b USING (image_id) "
        "WHERE a.model_version_id = :one AND b.model_version_id = :other "
        "AND NOT EXISTS (SELECT FROM image_scored_again AS again "
        "WHERE again.image_id = a.image_id)",
        one=one,
        other=other,
    )
    assert kept(database) == recount()
    assert missed == 0
    close(database, batch)


# Kept figures and the rows themselves; rounded, since sums of floats have an order.
AFFECT_OF = """
    SELECT count_images, round(mean_valence::numeric, 9), round(spread_arousal::numeric, 9),
           round(mean_confidence::numeric, 9)
    FROM scored_image_by_batch_affect WHERE batch = :night
"""
AFFECT_OF_ROWS = """
    SELECT count(*), round(avg(valence)::numeric, 9), round(stddev_samp(arousal)::numeric, 9),
           round(avg(confidence)::numeric, 9)
    FROM scored_image_by_batch WHERE batch = :night
"""


def affect(database: Database, night: str) -> tuple[bool, bool]:
    """Whether the batch's figures are kept, and whether they are those of its rows."""
    counted = "SELECT count(*) FROM batch_affect JOIN batch ON batch.id = batch_id "
    is_kept = ask_one(database, f"{counted} WHERE run_key = :night", night=night) == 1
    return is_kept, ask(database, AFFECT_OF, night=night) == ask(
        database, AFFECT_OF_ROWS, night=night
    )


def test_a_batchs_affect_is_true_while_open_closed_and_after_something_was_removed(
    database: Database,
) -> None:
    first, model = plan_night(database, "affect 1", "w")
    score_all(database, model)
    # The same images again: they are in both batches.
    second, _ = plan_night(database, "affect 2", "w", model=model)
    seen = [affect(database, "affect 1")]

    # A batch that nobody works on would be closed with the first.
    with at_work(database, "affect 2"):
        close(database, first)
    seen.append(affect(database, "affect 1"))
    forget(database, model, 3)
    seen.append(affect(database, "affect 1"))
    close(database, second)
    seen.append(affect(database, "affect 1"))

    assert seen == [(False, True), (True, True), (False, True), (True, True)]
