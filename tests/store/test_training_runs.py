"""Training runs in the tables: repeatable, complete, and never two champions."""

from pathlib import Path

import pytest
from factories import SUMMARY, make_labels, make_model, make_predictions, make_training_run

from emotion_core.errors import StoreError
from emotion_core.store import aliases, models, training_runs
from emotion_core.store.database import Database


def test_a_retry_finds_its_own_row(database: Database) -> None:
    labels = make_labels()

    with database.transaction("emotion_train") as connection:
        first = make_training_run(connection, group_key="retry", labels=labels)
        training_runs.fail_training_run(connection, first.id, "out of luck")
        second = make_training_run(connection, group_key="retry", labels=labels)

    assert second.id == first.id
    assert (second.status, second.failure) == ("running", None)


def test_a_run_that_succeeded_stays_so(database: Database) -> None:
    labels = make_labels()

    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, group_key="kept", labels=labels)
        training_runs.finish_training_run(connection, run.id, SUMMARY)
        training_runs.fail_training_run(connection, run.id, "too late")
        again = make_training_run(connection, group_key="kept", labels=labels)

    assert again.status == "succeeded"


def test_a_run_knows_its_data_and_how_much_of_it_was_held_out(database: Database) -> None:
    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection)

    assert (run.count_train, run.count_validation, run.dataset_is_drawn) == (8, 8, True)
    assert run.label_warnings == ()


def test_validation_predictions_come_back_beside_the_truth(database: Database) -> None:
    labels = make_labels()
    predictions = make_predictions(labels[8:])

    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, labels=labels)
        for _ in range(2):
            training_runs.record_validation_predictions(connection, run.id, predictions)
        back = training_runs.validation_predictions(connection, run.id)

    expected = predictions.sort_values("sample_id").reset_index(drop=True)
    assert list(back["sample_id"]) == list(expected["sample_id"])
    assert list(back["expression"]) == list(expected["expression"])
    assert back["p_happy"].to_numpy() == pytest.approx(expected["p_happy"].to_numpy(), abs=1e-7)


def test_epochs_are_seen_as_they_finish(database: Database) -> None:
    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, group_key="seen")
        before = training_runs.training_progress(connection, "seen")
        training_runs.record_epoch(
            connection, run.id, 1, "validation", {"accuracy": 0.5, "ccc_valence": 0.1}
        )
        after = training_runs.training_progress(connection, "seen")

    assert [p.epoch for p in before] == [None]
    assert [(p.epoch, p.epochs, p.accuracy, p.ccc_arousal) for p in after] == [(1, 2, 0.5, None)]


def test_registering_a_run_again_makes_no_second_model(database: Database) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
        run = training_runs.run_by_key(connection, model.run_key)
        assert run is not None
        again = make_model(connection, run=run, folder=Path("/elsewhere"))

    assert again == model


def test_an_alias_moves_only_from_where_it_was_seen(database: Database) -> None:
    def move(from_id: int | None, to_id: int) -> None:
        with database.transaction("emotion_train") as connection:
            aliases.move_challenger(
                connection, from_id=from_id, to_id=to_id, reason="test", changed_by="test"
            )

    with database.transaction("emotion_train") as connection:
        first, second = make_model(connection), make_model(connection)
        before = models.current_model(connection, "challenger")

    move(before.id if before else None, first.id)
    move(first.id, second.id)
    for stale in (None, first.id):
        with pytest.raises(StoreError, match="moved by somebody else"):
            move(stale, first.id)

    with database.transaction("emotion_train") as connection:
        current = models.current_model(connection, "challenger")
    assert current is not None and current.id == second.id
