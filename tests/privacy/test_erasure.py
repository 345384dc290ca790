"""Erasing images: nothing is left, nothing comes back, and what cannot be removed is said."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from deliveries import (
    count_predictions,
    deliver,
    make_scorable,
    names_in,
    open_night,
    picture,
    refusals,
    score_night,
    traces,
)
from factories import SUMMARY, make_labels, make_predictions, make_training_run
from sqlalchemy import Connection, text

from emotion_core.errors import DataError, ErasureError, StoreError
from emotion_core.settings import Settings
from emotion_core.steps import privacy, reports, training
from emotion_core.steps.installation import Installation
from emotion_core.store import models, training_runs
from emotion_core.store.database import Database
from emotion_core.store.tombstone_key import tombstone_key

ASKED = {"reason": "asked for by letter", "requested_by": "the office"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def make_validated_run(connection: Connection) -> tuple[pd.DataFrame, training_runs.RunRecord]:
    """A run that was trained on the first eight of sixteen samples and validated on the others."""
    labels = make_labels()
    run = make_training_run(connection, labels=labels)
    training_runs.record_validation_predictions(
        connection, run.id, make_predictions(labels.iloc[8:])
    )
    return labels, run


def test_an_erased_image_leaves_no_trace_and_its_neighbours_stay(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=10, ben=20)
    (settings.inbox_dir / "mia again.jpg").write_bytes(picture(10))
    score_night(database, settings, model, name)

    outcome = privacy.erase(Installation(settings), content=hashes["mia"], **ASKED)

    assert outcome.record is not None and outcome.record.finished_at is not None
    assert (outcome.record.count_contents, outcome.record.count_files) == (1, 2)
    assert outcome.record.count_predictions == 1
    assert names_in(settings.inbox_dir) == ["_SUCCESS", "ben.jpg"]
    assert traces(database, sha256=hashes["mia"], name="mia") == []
    assert count_predictions(database, hashes["ben"]) == 1


def test_the_same_bytes_under_another_name_are_refused_as_erased(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=11, ben=21)
    score_night(database, settings, model, name)
    privacy.erase(Installation(settings), content=hashes["mia"], **ASKED)
    deliver(settings.inbox_dir, returned=11, eve=31)

    score_night(database, settings, model, f"{name} tomorrow")
    score_night(database, settings, model, f"{name} the day after")

    assert refusals(database, f"{name} tomorrow") == {"returned.jpg": "erased"}
    assert refusals(database, f"{name} the day after") == {}
    assert count_predictions(database, hashes["mia"]) == 0


def test_erasing_by_file_takes_everything_with_the_same_content(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir / "in", mia=12, ben=22)
    (settings.inbox_dir / "in" / "copy.jpg").write_bytes(picture(12))
    score_night(database, settings, model, name)

    privacy.erase(Installation(settings), file=str(settings.inbox_dir / "in" / "mia.jpg"), **ASKED)

    assert names_in(settings.inbox_dir / "in") == ["_SUCCESS", "ben.jpg"]
    assert traces(database, sha256=hashes["mia"], name="mia") == []


def test_a_file_that_was_not_taken_in_yet_is_removed_and_one_elsewhere_is_named(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    score_night(database, settings, model, name)
    (settings.inbox_dir / "fresh.jpg").write_bytes(picture(25))
    elsewhere = settings.inbox_dir.parent / "elsewhere.jpg"
    elsewhere.write_bytes(picture(26))

    fresh = privacy.erase(
        Installation(settings), file=str(settings.inbox_dir / "fresh.jpg"), **ASKED
    )
    other = privacy.erase(Installation(settings), file=str(elsewhere), **ASKED)

    assert fresh.by_hand == []
    assert not (settings.inbox_dir / "fresh.jpg").exists()
    assert other.by_hand == [f"{elsewhere} itself is in no source of this system: remove it"]
    assert elsewhere.exists()


def test_a_file_that_could_never_be_read_is_erased_by_its_name(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    deliver(settings.inbox_dir, ben=23)
    (settings.inbox_dir / "mia.jpg").symlink_to("/etc/hostname")
    score_night(database, settings, model, name)
    assert refusals(database, name) == {"mia.jpg": "not_a_regular_file"}

    outcome = privacy.erase(
        Installation(settings), file=str(settings.inbox_dir / "mia.jpg"), **ASKED
    )

    assert outcome.by_hand == []
    assert names_in(settings.inbox_dir) == ["_SUCCESS", "ben.jpg"]
    assert traces(database, sha256="no hash", name="mia.jpg") == []
    assert Path("/etc/hostname").exists()


def test_erasing_by_subject_takes_all_that_a_manifest_said_shows_the_person(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    inbox = settings.inbox_dir
    hashes = {}
    lines = ["path,size,subject"]
    for number, subject in enumerate(["P-7", "P-8", "P-7"]):
        data = picture(130 + number)
        (inbox / f"{number}.jpg").write_bytes(data)
        hashes[number] = hashlib.sha256(data).hexdigest()
        lines.append(f"{number}.jpg,{len(data)},{subject}")
    (inbox / "manifest.csv").write_text("\n".join(lines) + "\n")
    score_night(database, settings, model, name)
    assert traces(database, sha256="P-7", name="P-7") == []

    outcome = privacy.erase(Installation(settings), subject="P-7", **ASKED)

    assert outcome.record is not None and outcome.record.count_contents == 2
    assert [count_predictions(database, hashes[n]) for n in range(3)] == [0, 1, 0]
    assert names_in(inbox) == ["1.jpg", "manifest.csv"]
    assert any("manifest.csv" in told and "take its line out" in told for told in outcome.by_hand)


def test_erasing_what_a_model_was_trained_on_names_the_model_and_the_data_set(
    database: Database, settings: Settings
) -> None:
    with database.transaction("emotion_train") as connection:
        labels, run = make_validated_run(connection)
        model = models.register_model_version(
            connection,
            run_id=run.id,
            network="resnet50",
            card={"weights_sha256": "ab" * 32, "preprocessing_fingerprint": "cd" * 32},
            folder="/runs/none",
        )
    here = Installation(settings)

    trained = privacy.erase(here, content=labels["sha256"][0], **ASKED)
    validated = privacy.erase(here, content=labels["sha256"][15], **ASKED)

    assert trained.record is not None and trained.record.models == (model.name,)
    assert trained.by_hand == [
        f"the data set sixteen colours in /nowhere holds it as sample "
        f"{labels['sample_id'][0]}: remove it there"
    ]
    assert validated.record is not None and validated.record.models == ()
    assert validated.record.count_predictions == 1
    for index in (0, 15):
        assert traces(database, sha256=labels["sha256"][index], name="no name") == []


def test_a_report_that_names_an_erased_image_goes_and_other_reports_stay(
    database: Database, settings: Settings
) -> None:
    with database.transaction("emotion_train") as connection:
        labels, run = make_validated_run(connection)
        training_runs.finish_training_run(connection, run.id, SUMMARY)
    here = Installation(settings)
    reports.compare(here, run.group_key, made_at=datetime(2026, 1, 1, tzinfo=UTC))
    page = Path(reports.compare(here, run.group_key, made_at=datetime(2026, 1, 2, tzinfo=UTC)))
    earlier = next(page.parent.glob("earlier/*/comparison.html"))
    facts = page.with_name("comparison.json").read_text()
    of_other_data = settings.reports_dir / "of other data" / "comparison.html"
    of_other_data.parent.mkdir()
    of_other_data.touch()
    of_other_data.with_name("comparison.json").write_text(
        facts.replace(run.dataset_fingerprint, "0" * 64)
    )
    sample = str(labels["sample_id"][15])
    assert f'"sample_id": "{sample}"' in facts

    outcome = privacy.erase(here, content=labels["sha256"][15], **ASKED)

    assert not page.exists() and not page.with_name("comparison.json").exists()
    assert not earlier.parent.exists()
    assert of_other_data.exists()
    assert sum("named it and was removed" in told for told in outcome.by_hand) == 2
    assert "earlier" not in (settings.reports_dir / "index.html").read_text()
    again = Path(reports.compare(here, run.group_key)).with_name("comparison.json").read_text()
    assert f'"sample_id": "{sample}"' not in again


def test_nothing_is_trained_on_what_was_erased(settings: Settings, tmp_path: Path) -> None:
    from factories_data import write_affectnet

    from emotion_core.training.affectnet import read_affectnet

    folder = write_affectnet(tmp_path / "faces")
    sample = read_affectnet(folder).samples[3]
    here = Installation(settings)
    privacy.erase(here, content=sample.sha256, **ASKED)
    form = {"networks": ["resnet50"], "preset": "quick", "data": str(folder), "weights": "none"}

    with pytest.raises(DataError, match=f"1 images .* sample {sample.sample_id}: take them out"):
        training.prepare(here, "a group", form)


def test_what_is_erased_while_a_model_trains_gets_no_answer_of_that_model(
    database: Database, settings: Settings
) -> None:
    labels = make_labels()
    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, labels=labels)
    privacy.erase(Installation(settings), content=labels["sha256"][15], **ASKED)

    with database.transaction("emotion_train") as connection:
        training_runs.record_validation_predictions(
            connection, run.id, make_predictions(labels.iloc[8:])
        )
        count = training_runs.forget_unlabelled_predictions(connection, run.id)

    assert count == 1


def test_bytes_that_cannot_be_removed_are_said_kept_in_mind_and_removed_later(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=14)
    score_night(database, settings, model, name)
    # The second name makes the file one that is never opened, as on a read-only share.
    os.link(settings.inbox_dir / "mia.jpg", settings.inbox_dir.parent / "elsewhere.jpg")
    (settings.inbox_dir / "mia.jpg").rename(settings.inbox_dir / "kept.jpg")
    (settings.inbox_dir / "mia.jpg").mkdir()
    here = Installation(settings)

    first = privacy.erase(here, content=hashes["mia"], **ASKED)
    (settings.inbox_dir / "mia.jpg").rmdir()
    (settings.inbox_dir / "kept.jpg").rename(settings.inbox_dir / "mia.jpg")
    second = privacy.finish_erasures(here)

    assert first.record is not None
    assert (first.record.finished_at, first.record.count_left) == (None, 1)
    assert "is still there" in first.by_hand[0]
    assert second.by_hand == []
    assert not (settings.inbox_dir / "mia.jpg").exists()
    assert traces(database, sha256=hashes["mia"], name="mia") == []


def test_a_file_that_holds_other_bytes_by_now_is_left_alone(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=15)
    score_night(database, settings, model, name)
    (settings.inbox_dir / "mia.jpg").write_bytes(picture(99))

    outcome = privacy.erase(Installation(settings), content=hashes["mia"], **ASKED)

    assert outcome.record is not None and outcome.record.finished_at is not None
    assert (settings.inbox_dir / "mia.jpg").read_bytes() == picture(99)


def test_content_that_never_came_is_refused_when_it_comes(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir.parent / "outbox", mia=16)

    privacy.erase(Installation(settings), content=hashes["mia"], **ASKED)
    deliver(settings.inbox_dir, mia=16)
    score_night(database, settings, model, name)

    assert refusals(database, name) == {"mia.jpg": "erased"}


def test_the_tombstone_is_not_the_plain_hash_and_another_key_is_refused(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(b"somebody").hexdigest()
    privacy.erase(Installation(settings), content=sha256, **ASKED)
    assert settings.erasures_path is not None and settings.database_url is not None
    other = Settings.from_environment(
        {"EMOTION_HOME": str(tmp_path / "other"), "EMOTION_DATABASE_URL": settings.database_url}
    )

    with pytest.raises(StoreError, match="not the one that this database's tombstones"):
        privacy.require_erasures(Installation(other))

    marks = settings.erasures_path.read_text()
    assert sha256 not in marks
    assert tombstone_key(settings).content(bytes.fromhex(sha256)).hex() in marks
    assert traces(database, sha256=sha256, name="no name") == []
    assert (settings.home / "erasure.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ({"content": "abc"}, "64 hex digits"),
        ({"file": "/nowhere/mia.jpg"}, "nothing is known of"),
        ({"subject": "P-404"}, "no image of that subject"),
        ({"content": "ab" * 32, "subject": "P-7"}, "name one of"),
    ],
)
def test_what_is_not_named_or_not_known_is_a_sentence(
    settings: Settings, named: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ErasureError, match=sentence):
        privacy.erase(Installation(settings), **named, **ASKED)  # type: ignore[arg-type]


def test_no_working_role_but_one_may_take_rows_away(database: Database) -> None:
    from sqlalchemy.exc import ProgrammingError

    for role in ("emotion_train", "emotion_score", "emotion_report"):
        for table in ("prediction", "image", "inbox_file", "scoring_item", "erasure_tombstone"):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                database.transaction(role) as connection,  # type: ignore[arg-type]
            ):
                connection.execute(text(f"DELETE FROM {table}"))


def test_not_even_the_erasing_role_takes_a_tombstone_away(database: Database) -> None:
    from sqlalchemy.exc import ProgrammingError

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.transaction("emotion_erase") as connection,
    ):
        connection.execute(text("DELETE FROM erasure_tombstone"))


def test_taking_in_goes_on_while_nothing_was_erased(
    database: Database, settings: Settings, name: str
) -> None:
    model = make_scorable(database)
    deliver(settings.inbox_dir, ben=17)

    _, intake = open_night(database, settings, model, name)

    assert intake.count_entered == 1
