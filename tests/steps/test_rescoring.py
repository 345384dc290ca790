"""Scoring again: the challenger in the shadow of a night, the archive with a new champion."""

from pathlib import Path

import pytest
from factories import make_jpeg
from promotions import make_champion
from shells import emotion
from sqlalchemy import text

from emotion_core.settings import Settings
from emotion_core.steps import promotion, rescoring, scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.archive import archived_contents, enter_archived, open_rescoring
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion


@pytest.fixture
def night(
    settings: Settings, models: list[ModelVersion], request: pytest.FixtureRequest
) -> Installation:
    """Four images, one of them no image, scored by the champion; the batch has the test's name."""
    settings.inbox_dir.mkdir(parents=True)
    for number in range(3):
        picture = make_jpeg((number, 90, 160))
        # A comment makes bytes of this test's own, where close colours would give the same.
        mark = b"\xff\xfe\x00\x42" + f"{number} {request.node.name}".encode().ljust(64)[:64]
        (settings.inbox_dir / f"{number}.jpg").write_bytes(picture[:2] + mark + picture[2:])
    (settings.inbox_dir / "bad.jpg").write_bytes(b"no picture " + request.node.name.encode())
    (settings.inbox_dir / "_SUCCESS").touch()
    here = Installation(settings)
    scoring.open_batch(here, request.node.name)
    scoring.score(here, request.node.name, "worker 1")
    scoring.close_batch(here, request.node.name)
    return here


def count(database: Database, statement: str, **values: object) -> int:
    with database.transaction("emotion_report") as connection:
        return int(connection.execute(text(statement), values).scalar_one())


def predictions(database: Database, model: ModelVersion, night: Installation) -> int:
    """What a model said of this night's images; other tests' archives lie in the tables too."""
    return count(
        database,
        "SELECT count(*) FROM prediction JOIN inbox_file USING (image_id) "
        "WHERE model_version_id = :m AND source = :s",
        m=model.id,
        s=str(night.settings.inbox_dir),
    )


def current(database: Database) -> list[tuple[object, ...]]:
    with database.transaction("emotion_report") as connection:
        rows = connection.execute(
            text("SELECT * FROM current_prediction ORDER BY image_sha256")
        ).all()
    return [tuple(row) for row in rows]


def test_the_challenger_scores_the_same_images_and_what_is_current_stays(
    night: Installation,
    models: list[ModelVersion],
    database: Database,
    request: pytest.FixtureRequest,
) -> None:
    before = current(database)
    promotion.challenge(night, models[1].name, reason="to be seen", changed_by="test")

    first = rescoring.score_shadow(night, request.node.name, "shadow")
    again = rescoring.score_shadow(night, request.node.name, "shadow")

    assert (first["count_planned"], first["count_scored"], first["count_refused"]) == (3, 3, 0)
    assert (again["count_planned"], again["count_scored"]) == (0, 0)
    assert predictions(database, models[1], night) == 3
    assert current(database) == before and len(before) == 3


def test_without_a_challenger_or_a_batch_the_shadow_has_nothing_to_do(
    night: Installation, models: list[ModelVersion], request: pytest.FixtureRequest
) -> None:
    nobody = rescoring.score_shadow(night, request.node.name, "shadow")
    promotion.challenge(night, models[1].name, reason="to be seen", changed_by="test")
    no_batch = rescoring.score_shadow(night, "a night without a champion", "shadow")

    assert nobody["count_planned"] == no_batch["count_planned"] == 0


def test_the_archive_is_scored_again_and_what_changed_is_a_view(
    night: Installation, models: list[ModelVersion], database: Database
) -> None:
    before = predictions(database, models[0], night)
    (night.settings.inbox_dir / "2.jpg").unlink()
    with database.transaction("emotion_train") as connection:
        make_champion(connection, models[1])

    # Other tests' archives come first; the chunk ends with the first image of this night.
    others = count(database, "SELECT count(DISTINCT image_id) FROM prediction") - 3

    limited = rescoring.rescore(
        night, f"{models[1].name} 1", "archive", most_images=1, chunk=others + 1
    )
    after_the_first = predictions(database, models[1], night)
    rest = rescoring.rescore(night, f"{models[1].name} 2", "archive", images_per_second=1000.0)
    again = rescoring.rescore(night, f"{models[1].name} 3", "archive")

    assert after_the_first == 1 and not limited["is_whole"]
    missing = night_missing(database, f"{models[1].name} 2", night.settings.inbox_dir)
    assert missing == ["2.jpg"]
    assert rest["is_whole"] and again["count_planned"] == 0
    assert predictions(database, models[0], night) == before == 3
    assert predictions(database, models[1], night) == 2
    names = {"b": models[0].name, "a": models[1].name}
    of_this_change = "FROM model_change WHERE model_before = :b AND model_after = :a"
    assert count(database, f"SELECT count(*) {of_this_change} AND NOT is_flip", **names) == 2
    assert count(database, f"SELECT count(*) {of_this_change} AND is_flip", **names) == 0


def night_missing(database: Database, run_key: str, inbox: Path) -> list[str]:
    """Names in this inbox that a rescoring could not find; other tests' archives are gone too."""
    with database.transaction("emotion_report") as connection:
        rows = connection.execute(
            text(
                "SELECT file FROM rescoring_missing_file "
                "WHERE rescoring = :r AND source = :s ORDER BY file"
            ),
            {"r": run_key, "s": str(inbox)},
        )
        return list(rows.scalars())


def test_a_rescoring_that_was_killed_goes_on_with_what_it_had_planned(
    night: Installation, models: list[ModelVersion], database: Database
) -> None:
    run_key = f"{models[1].name} killed"
    # What a kill between planning and scoring leaves in the tables.
    with database.transaction("emotion_score") as connection:
        begun = open_rescoring(connection, run_key=run_key, model_version_id=models[1].id)
        contents = archived_contents(
            connection, model_version_id=models[1].id, after=0, limit=100_000
        )
        enter_archived(
            connection,
            begun,
            last=contents[-1].image_id,
            found=[content.image_id for content in contents[-3:]],
            missing=[content.image_id for content in contents[:-3]],
        )
    assert predictions(database, models[1], night) == 0

    rescoring.rescore(night, run_key, "archive")

    assert predictions(database, models[1], night) == 3


def test_a_changed_file_under_an_old_name_is_not_taken_for_the_old_one(
    night: Installation, models: list[ModelVersion], database: Database
) -> None:
    (night.settings.inbox_dir / "1.jpg").write_bytes(make_jpeg((9, 9, 9), size=64))

    rescoring.rescore(night, f"{models[1].name} changed", "archive", model=models[1].name)

    missing = night_missing(database, f"{models[1].name} changed", night.settings.inbox_dir)
    assert missing == ["1.jpg"]
    assert predictions(database, models[1], night) == 2
    rejected = "SELECT count(*) FROM scoring_item WHERE model_version_id = :m AND state <> 'done'"
    assert count(database, rejected, m=models[1].id) == 0


def test_the_shell_scores_the_archive_again_and_says_what_changed(
    night: Installation, models: list[ModelVersion], database: Database
) -> None:
    with database.transaction("emotion_train") as connection:
        make_champion(connection, models[1])
    given = {
        "EMOTION_DATABASE_URL": night.settings.require_database_url(),
        "EMOTION_HOME": str(night.settings.home),
    }

    nothing = emotion("models", "changed", models[0].name, models[1].name, **given)
    rescored = emotion("rescore", **given)
    changed = emotion("models", "changed", models[0].name, models[1].name, **given)

    assert nothing.returncode == 1 and "no image was scored by both" in nothing.stderr
    assert "the whole archive is done" in rescored.stdout, rescored.stderr
    assert changed.stdout.startswith("0 of 3 images (0.0%)")
