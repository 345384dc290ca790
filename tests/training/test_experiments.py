"""Networks trained over folds and seeds: one experiment in tables, shell and report."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import Answer, emotion
from sqlalchemy import text
from tiny_faces import NETWORK, make_faces

from emotion_core.errors import RecipeError
from emotion_core.settings import Settings
from emotion_core.steps import reports
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database
from emotion_core.store.experiments import PooledMetric, record_metrics
from emotion_core.training.request import TrainingRequest

SECOND = "timm:test_resnet"
PLACEHOLDER = {"accuracy": PooledMetric(0.5, 0.4, 0.6, None, None, 4)}
FORM = {"networks": [NETWORK, SECOND], "preset": "quick", "data": "/faces"}


def test_every_network_is_trained_with_every_seed_and_fold() -> None:
    request = TrainingRequest.from_form({**FORM, "folds": 2, "repeats": 2, "seed": 7})

    names = [training.name for training in request.trainings()]

    assert names[:3] == [
        f"{NETWORK}/seed7-fold1",
        f"{SECOND}/seed7-fold1",
        f"{NETWORK}/seed7-fold2",
    ]
    assert len(set(names)) == 8
    assert {training.recipe.validation_share for training in request.trainings()} == {0.5}
    assert request.trainings()[-1].label == f"{SECOND} · 3 epochs · seed 8, fold 2 of 2"


def test_a_network_that_is_trained_once_keeps_its_plain_name() -> None:
    once = TrainingRequest.from_form(FORM).trainings()

    assert [training.name for training in once] == [NETWORK, SECOND]
    assert {training.recipe.validation_share for training in once} == {0.15}


@pytest.mark.parametrize(("field", "value"), [("folds", 0), ("folds", 11), ("repeats", 6)])
def test_an_impossible_number_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(RecipeError, match=rf"{field} is {value}; it must be a whole number, 1 to"):
        TrainingRequest.from_form({**FORM, field: value})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiment")


@pytest.fixture(scope="module")
def trained(urls: dict[str, str], place: Path) -> Answer:
    """Two networks over two folds and two seeds, from a shell."""
    faces = make_faces(place / "faces", per_expression=4, seed=3)
    return emotion(
        *("train", str(faces), "--network", NETWORK, "--network", SECOND, "--preset", "quick"),
        *("--weights", "none", "--epochs", "2", "--folds", "2", "--repeats", "2"),
        *("--run", "crossed", "--note", "why <b>not</b>"),
        EMOTION_DATABASE_URL=urls["emotion_app"],
        EMOTION_HOME=str(place),
    )


@pytest.fixture
def asked(trained: Answer, database: Database) -> Iterator[Database]:
    assert trained.returncode == 0, trained.stderr
    yield database


def ask(database: Database, question: str) -> list[tuple[object, ...]]:
    with database.transaction("emotion_report") as connection:
        return [tuple(row) for row in connection.execute(text(question))]


def test_an_experiment_is_one_row_with_all_of_its_trainings(asked: Database) -> None:
    (summary,) = ask(
        asked,
        "SELECT networks, folds, repeats, count_trainings, count_succeeded, count_failed"
        " FROM experiment_summary WHERE experiment = 'crossed'",
    )
    trainings = ask(
        asked,
        "SELECT network, seed, fold FROM experiment_training WHERE experiment = 'crossed'"
        " AND status = 'succeeded'",
    )

    assert summary == ([NETWORK, SECOND], 2, 2, 8, 8, 0)
    assert len(set(trainings)) == 8


def test_every_image_is_held_out_once_per_seed(asked: Database) -> None:
    counts = ask(
        asked,
        "SELECT network, seed, count(*), count(DISTINCT image_sha256)"
        " FROM experiment_training JOIN validation_answer USING (run_id, run, network)"
        " WHERE experiment = 'crossed' GROUP BY network, seed",
    )

    assert len(counts) == 4
    assert {(answers, images) for _, _, answers, images in counts} == {(32, 32)}


def test_the_pooled_accuracy_is_the_share_of_right_answers_over_all_images(
    asked: Database,
) -> None:
    stored = ask(
        asked,
        "SELECT network, value, count_trainings FROM experiment_score"
        " WHERE experiment = 'crossed' AND metric = 'accuracy' AND low <= value AND value <= high"
        " AND seed_spread >= 0 AND fold_spread >= 0 ORDER BY network",
    )
    by_hand = ask(
        asked,
        "SELECT network, avg(is_right::int)::float8, count(DISTINCT run_id)"
        " FROM experiment_training JOIN validation_answer USING (run_id, run, network)"
        " WHERE experiment = 'crossed' GROUP BY network ORDER BY network",
    )

    assert [row[0] for row in stored] == [NETWORK, SECOND]
    assert [row[1] for row in stored] == pytest.approx([row[1] for row in by_hand])
    assert [row[2] for row in stored] == [4, 4] == [row[2] for row in by_hand]


def test_the_page_compares_networks_and_not_trainings(trained: Answer, asked: Database) -> None:
    page = Path(trained.stdout.splitlines()[-1]).read_text(encoding="utf-8")

    for words in ("2 folds × 2 seeds", "32 held-out images", "was trained 4 times"):
        assert words in page
    assert "This training of" not in page
    assert "why &lt;b&gt;not&lt;/b&gt;" in page


def test_likely_label_errors_come_from_it_without_a_further_command(trained: Answer) -> None:
    assert "likely label errors; see the view likely_label_error" in trained.stderr


def test_how_long_it_takes_is_said_before_and_on_the_way(trained: Answer) -> None:
    assert "8 trainings; how long one takes is known when the first has ended" in trained.stderr
    assert "7 of 8 trainings have ended, about" in trained.stderr


def test_the_list_of_runs_names_each_seed_and_fold(
    trained: Answer, urls: dict[str, str], place: Path
) -> None:
    shell = {"EMOTION_DATABASE_URL": urls["emotion_app"], "EMOTION_HOME": str(place)}

    listed = emotion("runs", **shell)
    shown = emotion("runs", "show", "crossed", **shell)

    assert "crossed" in listed.stdout
    assert "2 × 2" in listed.stdout
    assert f"crossed/{NETWORK}/seed42-fold1" in " ".join(shown.stdout.split())
    assert "8 of 8" in shown.stdout


def test_the_same_name_with_other_folds_is_refused(
    trained: Answer, urls: dict[str, str], place: Path
) -> None:
    refused = emotion(
        *("train", str(place / "faces"), "--network", NETWORK, "--network", SECOND),
        *("--preset", "quick", "--weights", "none", "--folds", "3", "--run", "crossed"),
        EMOTION_DATABASE_URL=urls["emotion_app"],
        EMOTION_HOME=str(place),
    )

    assert refused.returncode == 1
    assert "was begun with" in refused.stderr and "2 folds, 2 seeds" in refused.stderr


def test_folds_of_another_machine_are_registered_as_one_experiment(
    trained: Answer, asked: Database, urls: dict[str, str], place: Path
) -> None:
    folders = sorted(str(path) for path in (place / "runs").glob("crossed*fold*"))

    registered = emotion(
        *("register", *folders, "--data", str(place / "faces"), "--run", "from afar, crossed"),
        EMOTION_DATABASE_URL=urls["emotion_app"],
        EMOTION_HOME=str(place / "elsewhere"),
    )

    question = (
        "SELECT network, metric, value, low, high FROM experiment_score"
        " WHERE experiment = '{}' ORDER BY network, metric"
    )
    assert len(folders) == 8
    assert registered.returncode == 0, registered.stderr
    assert ask(asked, question.format("from afar, crossed")) == ask(
        asked, question.format("crossed")
    )


def test_a_failed_training_loses_no_other_and_is_named(
    trained: Answer, asked: Database, urls: dict[str, str], place: Path
) -> None:
    with asked.transaction("emotion_train") as connection:
        connection.execute(
            text(
                "UPDATE training_run SET status = 'failed', failure = 'out of memory'"
                " WHERE run_key LIKE 'crossed/%test_resnet/seed43-fold2'"
            )
        )
        record_metrics(connection, "crossed", {"of before": PLACEHOLDER})
    settings = Settings.from_environment(
        {"EMOTION_HOME": str(place), "EMOTION_DATABASE_URL": urls["emotion_app"]}
    )

    page = reports.compare(Installation(settings, urls["emotion_app"]), "crossed")

    html = Path(page).read_text(encoding="utf-8")
    counts = ask(
        asked,
        "SELECT DISTINCT network, count_trainings FROM experiment_score"
        " WHERE experiment = 'crossed' ORDER BY network",
    )
    assert counts == [(NETWORK, 2), (SECOND, 2)]
    assert "3 of 4 trainings have succeeded" in html and "out of memory" in html
    assert "Seeds compared</dt><dd>42</dd>" in html
