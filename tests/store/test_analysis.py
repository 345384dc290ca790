"""The questions of sql/analysis, asked through psql as the analyst; answers worked out by hand.

Two nights. The first is resnet50 v1's, with four images: Happy, Fear (unsure), Contempt and a Sad
one that is pleasant. The second is efficientnet_b0 v1's, which replaced it: two of the same images
again, one new one, and a file cut short.
"""

import csv
import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import (
    make_labels,
    make_model,
    make_predictions,
    make_throughput,
    make_training_run,
    score_files,
)
from own_database import Own
from promotions import make_champion
from sqlalchemy import Connection, text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.local.credentials import Credentials
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import ANALYST
from emotion_core.settings import SQL_DIR
from emotion_core.store import datasets, experiments, models, training_runs
from emotion_core.store.batches import ArrivedFile, close_batch
from emotion_core.store.database import Database

Ask = Callable[[str], list[list[str]]]
QUESTIONS = sorted(path.stem for path in (SQL_DIR / "analysis").glob("*.sql"))
SAID_FIRST = {
    "a": (1, 0.93, 0.5, 0.0),
    "b": (4, 0.44, -0.5, 0.5),
    "c": (7, 0.65, -0.25, 0.25),
    "d": (2, 0.93, 0.5, -0.5),
}
"""Image to expression, confidence, valence and arousal."""
SAID_SECOND = {"c": (4, 0.93, -0.5, 0.5), "d": (2, 0.93, -0.5, -0.5), "e": (4, 0.44, -0.25, 0.0)}
SHA256 = {name: hashlib.sha256(name.encode()) for name in "abcde"}
NAMES = {digest.hexdigest(): name for name, digest in SHA256.items()}


@pytest.fixture(scope="module")
def ask(server: PostgresServer, credentials: Credentials, urls: dict[str, str]) -> Iterator[Ask]:
    """Run one question and give its rows; hashes as the images' names, without times of day."""
    own = Own(server, urls, "analysis")
    own.make()
    database = Database(own.urls["emotion_app"])
    _two_nights(database)
    database.close()

    def asked(question: str) -> list[list[str]]:
        done = subprocess.run(
            [
                *(server.programs / "psql", "--no-psqlrc", "--csv", "--set", "ON_ERROR_STOP=1"),
                *("-h", str(server.socket_dir), "-U", ANALYST, "-d", own.name),
                *("-f", SQL_DIR / "analysis" / f"{question}.sql"),
            ],
            env={**os.environ, "PGPASSWORD": credentials.password(ANALYST), "TZ": "UTC"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return [
            [NAMES.get(cell, cell) for cell in row] for row in csv.reader(done.stdout.split("\n"))
        ][1:-1]

    yield asked
    own.drop()


def _two_nights(database: Database) -> None:
    with database.transaction("emotion_train") as connection:
        made = []
        for network, accuracy in (("resnet50", 0.5), ("efficientnet_b0", 0.625)):
            # Images of its own: a gate finds nothing in common, and the override needs nothing.
            labels = make_labels(18).iloc[[8, 9, 16]]  # Neutral, Happy, Neutral
            predictions = make_predictions(labels)
            predictions[list(PROBABILITY_COLUMNS)] = np.eye(8, dtype=np.float32)[[0, 1, 4]]
            made.append(_model(connection, network, labels, accuracy))
            run = training_runs.run_by_key(connection, made[-1].run_key)
            assert run is not None
            training_runs.record_validation_predictions(connection, run.id, predictions)
        # Trained on the second model's images: the only one to be ranked with it.
        _model(connection, "efficientnet_b0", labels, 0.75)
        fingerprint = hashlib.sha256("".join(labels["sha256"]).encode()).hexdigest()
        for name, count, suggested, p_suggested in (
            ("five folds", 2, 4, 0.75),
            ("ten folds", 1, 2, 0.625),
        ):
            doubts = labels[["sample_id", "expression"]].iloc[:count]
            datasets.record_label_errors(
                connection,
                fingerprint=fingerprint,
                group_key=name,
                errors=doubts.assign(suggested=suggested, p_given=0.125, p_suggested=p_suggested),
            )
        _experiment(connection, made[0].run_key)
    first, second = made
    with database.transaction("emotion_train") as connection:
        make_champion(connection, first)
    _night(database, "night before", first, SAID_FIRST, again={})
    with database.transaction("emotion_train") as connection:
        make_champion(connection, second)
    _night(database, "last night", second, SAID_SECOND, again={"f": "truncated"})


def _experiment(connection: Connection, run_key: str) -> None:
    """Two networks over five folds, on the data of this training."""
    split_id = connection.execute(
        text("SELECT split_id FROM training_run WHERE run_key = :key"), {"key": run_key}
    ).scalar_one()
    networks = ("resnet50", "efficientnet_b0")
    crossed = experiments.Experiment("crossed", networks, "tuned", 5, 1, 42, None)
    experiments.open_experiment(connection, crossed, split_id)
    pooled = {
        network: {"accuracy": experiments.PooledMetric(value, value - 0.05, 1, None, 0.02, 5)}
        for network, value in zip(networks, (0.45, 0.475), strict=True)
    }
    experiments.record_metrics(connection, "crossed", pooled)


def _model(
    connection: Connection, network: str, labels: pd.DataFrame, accuracy: float
) -> models.ModelVersion:
    run = make_training_run(connection, network=network, labels=labels)
    for kind, value in (("network", accuracy), ("chance", 0.125)):
        interval = {"accuracy": (0.25, 0.75)} if kind == "network" else {}
        training_runs.record_run_metrics(connection, run.id, kind, {"accuracy": value}, interval)
    return make_model(connection, run=run)


def _night(
    database: Database,
    name: str,
    model: models.ModelVersion,
    said: dict[str, tuple[int, float, float, float]],
    again: dict[str, str],
) -> None:
    arrived = [
        ArrivedFile(f"{name}/{image}.jpg".encode(), 100, 1, SHA256[image].digest())
        for image in said
    ]
    arrived += [
        ArrivedFile(f"{name}/{file}.jpg".encode(), 50, 1, None, code, "half of it")
        for file, code in again.items()
    ]
    scores = (
        np.stack([_probabilities(expression, sure) for expression, sure, _, _ in said.values()]),
        np.array([affect for _, _, *affect in said.values()], np.float32),
    )
    batch = score_files(database, name, model.id, arrived, scores, source="/home/somebody/inbox")
    with database.transaction("emotion_score") as connection:
        assert close_batch(connection, batch.id)
        make_throughput(
            connection, name, model.id, count_scored=len(said), count_refused=len(again)
        )


def _probabilities(expression: int, confidence: float) -> np.ndarray:
    probabilities = np.full(8, (1 - confidence) / 7, np.float32)
    probabilities[expression] = confidence
    return probabilities


def test_every_question_says_in_words_what_it_asks_and_runs_as_it_stands(ask: Ask) -> None:
    assert len(QUESTIONS) >= 15

    for question in QUESTIONS:
        first = (SQL_DIR / "analysis" / f"{question}.sql").read_text().splitlines()[0]
        assert first.startswith("-- ")
        ask(question)


def test_last_night(ask: Ask) -> None:
    night = ["last night", "efficientnet_b0 v1", "t", "4", "3", "1", "0", "0"]

    assert ask("last_night") == [night]


def test_last_nights_unsure_fear(ask: Ask) -> None:
    assert ask("last_nights_unsure_fear") == [["e", "0.44", "-0.25", "0"]]


def test_last_nights_refusals(ask: Ask) -> None:
    rows = ask("last_nights_refusals")

    assert [row[:2] for row in rows] == [["truncated", "1"]]
    assert rows[0][2] == "The image ends before its pixels do."


def test_refused_share_by_night(ask: Ask) -> None:
    rows = ask("refused_share_by_night")

    assert [[name, *rest] for name, _, *rest in rows] == [
        ["night before", "4", "0", "0.0000"],
        ["last night", "4", "1", "0.2500"],
    ]


def test_what_waits(ask: Ask) -> None:
    assert ask("what_waits") == []


def test_what_changed_with_the_new_champion(ask: Ask) -> None:
    # Both scored c and d; d stayed Sad, and c lost a quarter of valence on its way to Fear.
    pair = ["resnet50 v1", "efficientnet_b0 v1"]

    assert ask("what_changed_with_the_new_champion") == [
        [*pair, "Contempt", "Fear", "1", "-0.250"],
    ]


def test_is_contempt_drifting(ask: Ask) -> None:
    rows = ask("is_contempt_drifting")

    # One of four: the standard error is the root of 1/4 * 3/4 / 4.
    assert [row[1:] for row in rows] == [
        ["efficientnet_b0 v1", "3", "0.0000", "0.0000", ""],
        ["resnet50 v1", "4", "0.2500", "0.2165", ""],
    ]


def test_which_network_is_better(ask: Ask) -> None:
    asked = ["crossed", "sixteen colours", "5", "1", "accuracy"]

    assert ask("which_network_is_better") == [
        [*asked, "efficientnet_b0", "0.475", "0.425", "1.000", "", "0.020"],
        [*asked, "resnet50", "0.450", "0.400", "1.000", "", "0.020"],
    ]


def test_which_model_is_better(ask: Ask) -> None:
    interval = ["0.250", "0.750", "0.125"]
    rows = ask("which_model_is_better")

    # Both sets are called so, but they hold other images: nothing is ranked across them.
    headings = [tuple(row[:3]) for row in rows]
    assert [heading[0] for heading in headings] == ["sixteen colours"] * 3
    assert headings == sorted(headings) and len(set(headings)) == 2
    of_set = {
        heading: [row[3:] for row in rows if tuple(row[:3]) == heading] for heading in headings
    }
    assert sorted(of_set.values(), key=len) == [
        [["accuracy", "resnet50 v1", "0.500", *interval]],
        [
            ["accuracy", "efficientnet_b0 v2", "0.750", *interval],
            ["accuracy", "efficientnet_b0 v1", "0.625", *interval],
        ],
    ]


def test_what_the_champion_mixes_up(ask: Ask) -> None:
    assert ask("what_the_champion_mixes_up") == [["Neutral", "Fear", "1", "0.500"]]


def test_worst_recalled_expression(ask: Ask) -> None:
    rows = ask("worst_recalled_expression")

    assert [row[:3] for row in rows] == sorted(row[:3] for row in rows)
    for model in ("efficientnet_b0 v1", "resnet50 v1"):
        assert [row[4:] for row in rows if row[3] == model] == [
            ["Neutral", "2", "0.500"],
            ["Happy", "1", "1.000"],
        ]


def test_where_models_disagree(ask: Ask) -> None:
    pair = ["resnet50 v1", "efficientnet_b0 v1"]

    assert ask("where_models_disagree") == [[*pair, "Contempt", "Fear", "1"]]


def test_images_to_label_next(ask: Ask) -> None:
    assert ask("images_to_label_next") == [
        ["c", "Fear", "0.93", "1"],
        ["e", "Fear", "0.44", "0"],
        ["d", "Sad", "0.93", "0"],
    ]


def test_likeliest_label_errors(ask: Ask) -> None:
    rows = ask("likeliest_label_errors")

    # Two cross-validations doubt the sample; another one only the first of them doubted.
    assert [[row[0], *row[2:]] for row in rows] == [["sixteen colours", "Neutral", "Sad", "0.500"]]
    assert re.fullmatch("[0-9a-f]{64}", rows[0][1])


def test_how_sure_is_the_champion(ask: Ask) -> None:
    rows = ask("how_sure_is_the_champion")

    assert [(round(float(start), 1), count) for start, count in rows] == [(0.4, "1"), (0.9, "2")]


def test_pleasant_or_not(ask: Ask) -> None:
    assert ask("pleasant_or_not") == [["unpleasant", "calm", "1"], ["unpleasant", "excited", "2"]]


def test_unlikely_pairs(ask: Ask) -> None:
    # d was Sad and pleasant to the first model; the champion's heads agree everywhere.
    assert ask("unlikely_pairs") == []


def test_delivered_again(ask: Ask) -> None:
    # c and d came twice, and each night had its own model.
    models = "efficientnet_b0 v1, resnet50 v1"

    assert ask("delivered_again") == [["d", models, "2"], ["c", models, "2"]]


def test_mood_by_night(ask: Ask) -> None:
    assert ask("mood_by_night") == [
        ["night before", "resnet50 v1", "4", "0.063", "0.063"],
        ["last night", "efficientnet_b0 v1", "3", "-0.417", "0.000"],
    ]


def test_how_fast(ask: Ask) -> None:
    rows = ask("how_fast")

    assert [[row[0], *row[-2:]] for row in rows] == [
        ["last night", "3", "2.0"],
        ["night before", "4", "2.0"],
    ]


def test_who_promoted_what(ask: Ask) -> None:
    rows = ask("who_promoted_what")

    assert [row[2:4] for row in rows] == [
        ["resnet50 v1", "efficientnet_b0 v1"],
        ["", "resnet50 v1"],
    ]


def test_no_question_is_left_without_an_answer_worked_out_by_hand() -> None:
    written = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in QUESTIONS if f"def test_{name}(" not in written] == []


def test_every_question_stands_in_the_documents() -> None:
    written = (Path(__file__).parents[2] / "docs" / "store" / "sql.md").read_text(encoding="utf-8")

    assert [name for name in QUESTIONS if f"`{name}.sql`" not in written] == []
