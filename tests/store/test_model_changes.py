"""What changed between two champions: flips and shifts, worked out by hand."""

import numpy as np
import pytest
from asking import ask_one
from factories import make_arrivals, make_model
from promotions import make_champion

from emotion_core.store.archive import plan_shadow_items
from emotion_core.store.batches import enter_files, open_batch, plan_items
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items
from emotion_core.store.model_changes import Flip, changes_among, model_change
from emotion_core.store.training_runs import run_by_key


def sure_of(*expressions: int) -> np.ndarray:
    probabilities = np.full((len(expressions), 8), 0.01, np.float32)
    probabilities[np.arange(len(expressions)), expressions] = 0.93
    return probabilities


def test_flips_are_counted_by_pair_and_shifts_are_after_minus_before(
    database: Database, analyst: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        before, after = make_model(connection), make_model(connection)
    with database.transaction("emotion_score") as connection:
        batch = open_batch(
            connection, run_key="change", source="/inbox", model_version_id=before.id
        )
        enter_files(connection, batch, make_arrivals(4, "change"))
        plan_items(connection, batch.id)
        said = (sure_of(1, 1, 2, 7), np.array([[0.5, 0.0]] * 4, np.float32))
        then = (sure_of(1, 4, 4, 4), np.array([[0.25, 0.5], [0.75, 0.5]] * 2, np.float32))
        for model, scores in ((before, said), (after, then)):
            plan_shadow_items(connection, batch.id, model.id)
            claims = claim_items(
                connection, model_version_id=model.id, worker="w", limit=4, lease_seconds=60
            )
            by_content = sorted(claims, key=lambda claim: claim.places)
            publish_items(connection, by_content, *scores, [])

    with database.transaction("emotion_train") as connection:
        make_champion(connection, before)
        make_champion(connection, after)
    with database.transaction("emotion_report") as connection:
        change = model_change(connection, before.name, after.name)
        never = model_change(connection, after.name, before.name)
        runs = [run_by_key(connection, model.run_key) for model in (before, after)]
        on_a_page = changes_among(connection, [run.id for run in runs if run])
        alone = changes_among(connection, [0])

    assert (change.count_images, change.count_flips, change.flip_share) == (4, 3, 0.75)
    assert change.flips == (
        Flip("Contempt", "Fear", 1),
        Flip("Happy", "Fear", 1),
        Flip("Sad", "Fear", 1),
    )
    assert change.mean_valence_shift == pytest.approx(0.0)
    assert change.mean_valence_distance == pytest.approx(0.25)
    assert change.mean_arousal_shift == change.mean_arousal_distance == pytest.approx(0.5)
    assert (on_a_page, alone) == ((change,), ())
    assert (never.count_images, never.flips, never.mean_valence_shift) == (0, (), None)

    share = ask_one(
        analyst,
        "SELECT flip_share FROM model_change_summary WHERE model_before = :b AND model_after = :a",
        role=None,
        b=before.name,
        a=after.name,
    )
    assert share == pytest.approx(0.75)
