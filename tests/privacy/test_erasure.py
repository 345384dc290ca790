"""Erasing images: nothing is left, nothing comes back, and what cannot be removed is said."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from deliveries import (
    Site,
    deliver,
    names_in,
    picture,
)
from factories import SUMMARY, make_labels, make_predictions, make_training_run
from sqlalchemy import Connection, text

from emotion_core.errors import DataError, ErasureError, StoreError
from emotion_core.settings import Settings
from emotion_core.steps import erasure, reports, training, training_data
from emotion_core.steps.installation import Installation
from emotion_core.store import models, training_runs
from emotion_core.store.database import Database
from emotion_core.store.tombstone_key import tombstone_key


def make_validated_run(connection: Connection) -> tuple[pd.DataFrame, training_runs.RunRecord]:
    """A run that was trained on the first eight of sixteen samples and validated on the others."""
    labels = make_labels()
    run = make_training_run(connection, labels=labels)
    training_runs.record_validation_predictions(
        connection, run.id, make_predictions(labels.iloc[8:])
    )
    return labels, run


def test_an_erased_image_leaves_no_trace_and_its_neighbours_stay(site: Site) -> None:
    hashes = site.deliver(mia=10, ben=20)
    (site.inbox / "mia again.jpg").write_bytes(picture(10))
    site.score_night()

    outcome = site.erase(content=hashes["mia"])

    assert outcome.record is not None and outcome.record.finished_at is not None
    assert (outcome.record.count_contents, outcome.record.count_files) == (1, 2)
    assert outcome.record.count_predictions == 1
    assert names_in(site.inbox) == ["_SUCCESS", "ben.jpg"]
    assert site.traces(sha256=hashes["mia"], name="mia") == []
    assert site.count_predictions(hashes["ben"]) == 1


def test_the_same_bytes_under_another_name_are_refused_as_erased(site: Site) -> None:
    hashes = site.deliver(mia=11, ben=21)
    site.score_night()
    site.erase(content=hashes["mia"])
    site.deliver(returned=11, eve=31)

    site.score_night("tomorrow")
    site.score_night("the day after")

    assert site.refusals("tomorrow") == {"returned.jpg": "erased"}
    assert site.refusals("the day after") == {}
    assert site.count_predictions(hashes["mia"]) == 0


def test_erasing_by_file_takes_everything_with_the_same_content(site: Site) -> None:
    hashes = deliver(site.inbox / "in", mia=12, ben=22)
    (site.inbox / "in" / "copy.jpg").write_bytes(picture(12))
    site.score_night()

    site.erase(file=str(site.inbox / "in" / "mia.jpg"))

    assert names_in(site.inbox / "in") == ["_SUCCESS", "ben.jpg"]
    assert site.traces(sha256=hashes["mia"], name="mia") == []


def test_a_file_that_was_not_ingested_yet_is_removed_and_one_elsewhere_is_named(site: Site) -> None:
    site.score_night()
    (site.inbox / "fresh.jpg").write_bytes(picture(25))
    elsewhere = site.inbox.parent / "elsewhere.jpg"
    elsewhere.write_bytes(picture(26))

    fresh = site.erase(file=str(site.inbox / "fresh.jpg"))
    other = site.erase(file=str(elsewhere))

    assert fresh.by_hand == []
    assert not (site.inbox / "fresh.jpg").exists()
    assert other.by_hand == [f"{elsewhere} itself is in no source of this system: remove it"]
    assert elsewhere.exists()


def test_a_file_that_could_never_be_read_is_erased_by_its_name(site: Site) -> None:
    site.deliver(ben=23)
    (site.inbox / "mia.jpg").symlink_to("/etc/hostname")
    site.score_night()
    assert site.refusals() == {"mia.jpg": "not_a_regular_file"}

    outcome = site.erase(file=str(site.inbox / "mia.jpg"))

    assert outcome.by_hand == []
    assert names_in(site.inbox) == ["_SUCCESS", "ben.jpg"]
    assert site.traces(sha256="no hash", name="mia.jpg") == []
    assert Path("/etc/hostname").exists()


def test_erasing_by_subject_takes_all_that_a_manifest_said_shows_the_person(site: Site) -> None:
    inbox = site.inbox
    hashes = {}
    lines = ["path,size,subject"]
    for number, subject in enumerate(["P-7", "P-8", "P-7"]):
        data = picture(130 + number)
        (inbox / f"{number}.jpg").write_bytes(data)
        hashes[number] = hashlib.sha256(data).hexdigest()
        lines.append(f"{number}.jpg,{len(data)},{subject}")
    (inbox / "manifest.csv").write_text("\n".join(lines) + "\n")
    site.score_night()
    assert site.traces(sha256="P-7", name="P-7") == []

    outcome = site.erase(subject="P-7")

    assert outcome.record is not None and outcome.record.count_contents == 2
    assert [site.count_predictions(hashes[n]) for n in range(3)] == [0, 1, 0]
    assert names_in(inbox) == ["1.jpg", "manifest.csv"]
    assert any("manifest.csv" in told and "take its line out" in told for told in outcome.by_hand)


def test_erasing_what_a_model_was_trained_on_names_the_model_and_the_data_set(site: Site) -> None:
    with site.database.transaction("emotion_train") as connection:
        labels, run = make_validated_run(connection)
        model = models.register_model_version(
            connection,
            run_id=run.id,
            network="resnet50",
            card={"weights_sha256": "ab" * 32, "preprocessing_fingerprint": "cd" * 32},
            folder="/runs/none",
        )

    trained = site.erase(content=labels["sha256"][0])
    validated = site.erase(content=labels["sha256"][15])

    assert trained.record is not None and trained.record.models == (model.name,)
    assert trained.by_hand == [
        f"the data set sixteen colours in /nowhere holds it as sample "
        f"{labels['sample_id'][0]}: remove it there"
    ]
    assert validated.record is not None and validated.record.models == ()
    assert validated.record.count_predictions == 1
    for index in (0, 15):
        assert site.traces(sha256=labels["sha256"][index], name="no name") == []


def test_a_report_that_names_an_erased_image_goes_and_other_reports_stay(site: Site) -> None:
    with site.database.transaction("emotion_train") as connection:
        labels, run = make_validated_run(connection)
        training_runs.finish_training_run(connection, run.id, SUMMARY)
    reports.compare(site.here, run.group_key, made_at=datetime(2026, 1, 1, tzinfo=UTC))
    page = Path(reports.compare(site.here, run.group_key, made_at=datetime(2026, 1, 2, tzinfo=UTC)))
    earlier = next(page.parent.glob("earlier/*/comparison.html"))
    facts = page.with_name("comparison.json").read_text()
    of_other_data = site.settings.reports_dir / "of other data" / "comparison.html"
    of_other_data.parent.mkdir()
    of_other_data.touch()
    of_other_data.with_name("comparison.json").write_text(
        facts.replace(run.dataset_fingerprint, "0" * 64)
    )
    sample = str(labels["sample_id"][15])
    assert f'"sample_id": "{sample}"' in facts

    outcome = site.erase(content=labels["sha256"][15])

    assert not page.exists() and not page.with_name("comparison.json").exists()
    assert not earlier.parent.exists()
    assert of_other_data.exists()
    assert sum("named it and was removed" in told for told in outcome.by_hand) == 2
    assert "earlier" not in (site.settings.reports_dir / "index.html").read_text()
    again = Path(reports.compare(site.here, run.group_key)).with_name("comparison.json").read_text()
    assert f'"sample_id": "{sample}"' not in again


def test_nothing_is_trained_on_what_was_erased(site: Site, tmp_path: Path) -> None:
    from factories_data import write_affectnet

    from emotion_core.training.affectnet import read_affectnet

    folder = write_affectnet(tmp_path / "faces")
    sample = read_affectnet(folder).samples[3]
    site.erase(content=sample.sha256)
    form = {"networks": ["resnet50"], "preset": "quick", "data": str(folder), "weights": "none"}

    with pytest.raises(DataError, match=f"1 images .* sample {sample.sample_id}: take them out"):
        training_data.prepare(site.here, "a group", form)


def test_an_erasure_removes_decoded_images_and_keeps_a_training_from_its_own(
    site: Site, tmp_path: Path
) -> None:
    from factories_data import write_affectnet

    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.decoded import decoded_folder

    folder = write_affectnet(tmp_path / "faces", first=700)
    form = {"networks": ["resnet50"], "preset": "quick", "data": str(folder), "weights": "none"}
    training_data.prepare(site.here, "decoded", form)
    was_there = decoded_folder(site.settings.runs_dir, "decoded").is_dir()

    site.erase(content=read_affectnet(folder).samples[3].sha256)

    assert was_there
    assert not decoded_folder(site.settings.runs_dir, "decoded").exists()
    with pytest.raises(DataError, match="1 images that were erased here"):
        training.train(site.here, "decoded", 0, form)


def test_decoded_images_that_cannot_be_removed_are_named(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factories_data import write_affectnet

    from emotion_core.training import decoded
    from emotion_core.training.affectnet import read_affectnet

    folder = write_affectnet(tmp_path / "faces", first=800)
    form = {"networks": ["resnet50"], "preset": "quick", "data": str(folder), "weights": "none"}
    training_data.prepare(site.here, "stuck", form)
    monkeypatch.setattr(decoded.shutil, "rmtree", lambda *_, **__: None)

    outcome = site.erase(content=read_affectnet(folder).samples[3].sha256)

    left = decoded.decoded_folder(site.settings.runs_dir, "stuck")
    assert any(str(left) in sentence for sentence in outcome.by_hand)


def test_what_is_erased_while_a_model_trains_gets_no_answer_of_that_model(site: Site) -> None:
    labels = make_labels()
    with site.database.transaction("emotion_train") as connection:
        run = make_training_run(connection, labels=labels)
    site.erase(content=labels["sha256"][15])

    with site.database.transaction("emotion_train") as connection:
        training_runs.record_validation_predictions(
            connection, run.id, make_predictions(labels.iloc[8:])
        )
        count = training_runs.forget_unlabelled_predictions(connection, run.id)

    assert count == 1


def test_bytes_that_cannot_be_removed_are_said_kept_in_mind_and_removed_later(site: Site) -> None:
    hashes = site.deliver(mia=14)
    site.score_night()
    # The second name makes the file one that is never opened, as on a read-only share.
    os.link(site.inbox / "mia.jpg", site.inbox.parent / "elsewhere.jpg")
    (site.inbox / "mia.jpg").rename(site.inbox / "kept.jpg")
    (site.inbox / "mia.jpg").mkdir()

    first = site.erase(content=hashes["mia"])
    (site.inbox / "mia.jpg").rmdir()
    (site.inbox / "kept.jpg").rename(site.inbox / "mia.jpg")
    second = erasure.finish_erasures(site.here)

    assert first.record is not None
    assert (first.record.finished_at, first.record.count_left) == (None, 1)
    assert "is still there" in first.by_hand[0]
    assert second.by_hand == []
    assert not (site.inbox / "mia.jpg").exists()
    assert site.traces(sha256=hashes["mia"], name="mia") == []


def test_a_file_that_holds_other_bytes_by_now_is_left_alone(site: Site) -> None:
    hashes = site.deliver(mia=15)
    site.score_night()
    (site.inbox / "mia.jpg").write_bytes(picture(99))

    outcome = site.erase(content=hashes["mia"])

    assert outcome.record is not None and outcome.record.finished_at is not None
    assert (site.inbox / "mia.jpg").read_bytes() == picture(99)


def test_content_that_never_came_is_refused_when_it_comes(site: Site) -> None:
    hashes = deliver(site.inbox.parent / "outbox", mia=16)

    site.erase(content=hashes["mia"])
    site.deliver(mia=16)
    site.score_night()

    assert site.refusals() == {"mia.jpg": "erased"}


def test_the_tombstone_is_not_the_plain_hash_and_another_key_is_refused(
    site: Site, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(b"somebody").hexdigest()
    site.erase(content=sha256)
    assert site.settings.database_url is not None
    other = Settings.from_environment(
        {
            "EMOTION_HOME": str(tmp_path / "other"),
            "EMOTION_DATABASE_URL": site.settings.database_url,
        }
    )

    with pytest.raises(StoreError, match="not the one that this database's tombstones"):
        erasure.require_erasures(Installation(other))

    marks = site.settings.erasures_path.read_text()
    assert sha256 not in marks
    assert tombstone_key(site.settings).content(bytes.fromhex(sha256)).hex() in marks
    assert site.traces(sha256=sha256, name="no name") == []
    assert (site.settings.home / "erasure.key").stat().st_mode & 0o077 == 0


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
    site: Site, named: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ErasureError, match=sentence):
        site.erase(**named)  # type: ignore[arg-type]


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


def test_taking_in_goes_on_while_nothing_was_erased(site: Site) -> None:
    site.deliver(ben=17)

    _, intake = site.open_night()

    assert intake.count_entered == 1
