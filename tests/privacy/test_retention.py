"""Keeping no longer than may be: by class, in steps, with a proof, and never what is held."""

import hashlib
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState
from deliveries import (
    count_predictions,
    deliver,
    make_scorable,
    names_in,
    open_night,
    picture,
    refusals,
    score_night,
)
from own_database import Own
from sqlalchemy import text

from emotion_core.errors import ErasureError
from emotion_core.settings import Settings
from emotion_core.steps import privacy, retention
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database
from emotion_core.store.holds import holds, lift_hold, place_hold
from emotion_core.store.retention import CLASSES, retention_runs, set_policy
from emotion_core.store.tombstone_key import tombstone_key

DAGS = Path(__file__).parents[2] / "dags"
WHY = {"reason": "case 7", "placed_by": "counsel"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


@pytest.fixture(autouse=True)
def everything_is_young_and_kept_at_first(database: Database, own: Own) -> None:
    own.admin(
        "UPDATE prediction SET scored_at = now(); UPDATE inbox_file SET found_at = now();"
        "UPDATE rejection SET rejected_at = now()"
    )
    with database.transaction("emotion_erase") as connection:
        for class_ in CLASSES:
            set_policy(connection, class_, None, "test")
        for hold in holds(connection):
            if hold.lifted_at is None:
                lift_hold(connection, hold.id, "test")


def keep_for(database: Database, class_: str, days: int) -> None:
    with database.transaction("emotion_erase") as connection:
        set_policy(connection, class_, days, "the office")


def age(own: Own, source: str, days: int) -> None:
    """Let everything of a source have happened so many days earlier."""
    ago = f"- interval '{days} days'"
    of_source = f"SELECT image_id FROM inbox_file WHERE source = '{source}'"
    own.admin(
        f"UPDATE prediction SET scored_at = scored_at {ago} WHERE image_id IN ({of_source});"
        f"UPDATE inbox_file SET found_at = found_at {ago} WHERE source = '{source}';"
        f"UPDATE rejection SET rejected_at = rejected_at {ago} "
        f"FROM inbox_file WHERE inbox_file.id = inbox_file_id AND source = '{source}';"
        f"UPDATE rejection SET rejected_at = rejected_at {ago} FROM scoring_item "
        f"WHERE scoring_item.id = scoring_item_id AND scoring_item.image_id IN ({of_source})"
    )


def test_nothing_goes_while_no_days_are_set(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=501)
    score_night(database, settings, model, name)
    age(own, settings.inbox, 4_000)

    for class_ in CLASSES:
        assert retention.apply_retention(Installation(settings), name, class_)["count_removed"] == 0

    assert count_predictions(database, hashes["mia"]) == 1
    assert (settings.inbox_dir / "mia.jpg").exists()


def test_old_predictions_go_in_steps_and_young_ones_stay_with_a_proof(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, **{f"old {n}": 510 + n for n in range(7)})
    score_night(database, settings, model, name)
    age(own, settings.inbox, 31)
    hashes |= deliver(settings.inbox_dir, young=520)
    score_night(database, settings, model, f"{name} 2")
    keep_for(database, "predictions", 30)

    counts = retention.apply_retention(Installation(settings), name, "predictions", rows_a_step=3)

    left = {face for face in hashes if count_predictions(database, hashes[face])}
    with database.transaction("emotion_report") as connection:
        proof = retention_runs(connection, name)[0]
    assert left == {"young"}
    assert counts == {"count_removed": 7, "count_held": 0, "count_failed": 0}
    assert (proof.class_, proof.count_removed, proof.finished_at is not None) == (
        "predictions",
        7,
        True,
    )


def test_what_lost_its_prediction_is_not_scored_again_when_it_comes_again(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=530)
    score_night(database, settings, model, name)
    age(own, settings.inbox, 31)
    keep_for(database, "predictions", 30)
    retention.apply_retention(Installation(settings), name, "predictions")
    deliver(settings.inbox_dir, again=530)

    score_night(database, settings, model, f"{name} 2")

    assert count_predictions(database, hashes["mia"]) == 0


def test_old_images_lose_their_bytes_and_a_manifest_that_is_met_no_more_goes_with_them(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    model = make_scorable(database)
    folder = settings.inbox_dir / "monday"
    folder.mkdir()
    for number in (540, 541):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    (folder / "manifest.csv").write_text(
        "path,size\n" + "".join(f"{number}.jpg,{len(picture(number))}\n" for number in (540, 541))
    )
    (settings.inbox_dir / "letter.jpg").write_text("Dear sir")
    (settings.inbox_dir / "_SUCCESS").touch()
    score_night(database, settings, model, name)
    age(own, settings.inbox, 31)
    (settings.inbox_dir / "letter.jpg").unlink()
    deliver(settings.inbox_dir, young=542)
    score_night(database, settings, model, f"{name} 2")
    keep_for(database, "images", 30)

    counts = retention.apply_retention(Installation(settings), name, "images", rows_a_step=2)
    again = retention.apply_retention(Installation(settings), f"{name} again", "images")

    assert counts["count_removed"] == 3
    assert again["count_removed"] == 0
    assert names_in(folder) == []
    assert names_in(settings.inbox_dir) == ["_SUCCESS", "monday", "young.jpg"]


def test_an_image_that_still_waits_for_a_worker_keeps_its_bytes(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    model = make_scorable(database)
    deliver(settings.inbox_dir, mia=545)
    open_night(database, settings, model, name)
    age(own, settings.inbox, 31)
    keep_for(database, "images", 30)

    counts = retention.apply_retention(Installation(settings), name, "images")

    assert counts["count_removed"] == 0
    assert (settings.inbox_dir / "mia.jpg").exists()


def test_old_refusals_go_and_their_files_are_not_looked_at_again(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    model = make_scorable(database)
    (settings.inbox_dir / "letter.jpg").write_text("Dear madam")
    (settings.inbox_dir / "link.jpg").symlink_to("/etc/hostname")
    (settings.inbox_dir / "_SUCCESS").touch()
    score_night(database, settings, model, name)
    assert len(refusals(database, name)) == 2
    age(own, settings.inbox, 31)
    keep_for(database, "refusals", 30)

    counts = retention.apply_retention(Installation(settings), name, "refusals", rows_a_step=1)
    score_night(database, settings, model, f"{name} 2")

    assert counts["count_removed"] == 2
    assert refusals(database, name) == refusals(database, f"{name} 2") == {}


@pytest.mark.parametrize("kind", ["content", "subject", "source"])
def test_what_is_held_is_kept_and_counted_until_the_hold_is_lifted(
    database: Database, settings: Settings, own: Own, name: str, kind: str
) -> None:
    model = make_scorable(database)
    number = {"content": 550, "subject": 551, "source": 552}[kind]
    (settings.inbox_dir / "mia.jpg").write_bytes(picture(number))
    (settings.inbox_dir / "manifest.csv").write_text(
        f"path,size,subject\nmia.jpg,{len(picture(number))},P-9\n"
    )
    score_night(database, settings, model, name)
    age(own, settings.inbox, 31)
    sha256 = hashlib.sha256(picture(number)).hexdigest()
    what = {
        "content": {"content": bytes.fromhex(sha256)},
        "subject": {"subject_hmac": tombstone_key(settings).subject("P-9")},
        "source": {"source": settings.inbox},
    }[kind]
    with database.transaction("emotion_erase") as connection:
        hold = place_hold(connection, kind=kind, **what, **WHY)  # type: ignore[arg-type]
    keep_for(database, "predictions", 30)
    keep_for(database, "images", 30)
    here = Installation(settings)

    held = [retention.apply_retention(here, name, class_) for class_ in ("predictions", "images")]
    outcome = privacy.erase(here, content=sha256, reason="asked for", requested_by="the office")
    is_kept = (settings.inbox_dir / "mia.jpg").exists() and count_predictions(database, sha256)
    with database.transaction("emotion_erase") as connection:
        lift_hold(connection, hold, "counsel")
    freed = [
        retention.apply_retention(here, f"{name} 2", class_) for class_ in ("predictions", "images")
    ]

    assert is_kept
    assert all((c["count_removed"], c["count_held"]) == (0, 1) for c in held)
    assert outcome.held == [f"an image is kept by legal hold {hold}"]
    assert outcome.record is not None
    assert (outcome.record.count_contents, outcome.record.count_held) == (0, 1)
    assert all((c["count_removed"], c["count_held"]) == (1, 0) for c in freed)


def test_a_held_data_set_keeps_its_images_from_erasure(
    database: Database, settings: Settings
) -> None:
    from factories import make_labels, make_training_run

    labels = make_labels()
    with database.transaction("emotion_train") as connection:
        make_training_run(connection, labels=labels)
    with database.transaction("emotion_erase") as connection:
        hold = place_hold(connection, kind="dataset", dataset="sixteen colours", **WHY)

    outcome = privacy.erase(
        Installation(settings),
        content=labels["sha256"][0],
        reason="asked for",
        requested_by="the office",
    )

    assert outcome.held == [f"an image is kept by legal hold {hold}"]


def test_a_run_that_was_cut_short_goes_on_with_its_cutoff_and_its_count(
    database: Database, settings: Settings, own: Own, name: str
) -> None:
    from emotion_core.store.retention import forget_rows, open_run

    model = make_scorable(database)
    deliver(settings.inbox_dir, **{f"old {n}": 560 + n for n in range(5)})
    score_night(database, settings, model, name)
    age(own, settings.inbox, 31)
    keep_for(database, "predictions", 30)
    with database.transaction("emotion_erase") as connection:
        run = open_run(connection, name, "predictions")
        assert run is not None
        forget_rows(connection, run[0], "predictions", run[1], 2)

    counts = retention.apply_retention(Installation(settings), name, "predictions")

    with database.transaction("emotion_report") as connection:
        proofs = retention_runs(connection, name)
    assert counts["count_removed"] == 5
    assert [proof.cutoff for proof in proofs] == [run[1]]


@pytest.mark.parametrize(("class_", "days"), [("faces", 3), ("images", 0), ("images", 40_000)])
def test_an_impossible_policy_is_refused(database: Database, class_: str, days: int) -> None:
    with (
        pytest.raises(ErasureError),
        database.transaction("emotion_erase") as connection,
    ):
        set_policy(connection, class_, days, "me")


def test_the_dag_runs_every_class_and_leaves_its_proofs(
    database: Database, settings: Settings, own: Own, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.utils.db import initdb

    initdb()
    assert settings.database_url
    for variable, value in {
        "EMOTION_HOME": str(settings.home),
        "EMOTION_INBOX_DIR": settings.inbox,
        "EMOTION_ERASURES_FILE": str(settings.erasures_path),
        "EMOTION_DATABASE_URL": settings.database_url,
    }.items():
        monkeypatch.setenv(variable, value)
    model = make_scorable(database)
    hashes = deliver(settings.inbox_dir, mia=570)
    score_night(database, settings, model, name)
    age(own, settings.inbox, 400)
    for class_ in CLASSES:
        keep_for(database, class_, 365)

    result = DagBag(dag_folder=str(DAGS / "keep_and_erase.py")).dags["keep_and_erase"].test()

    with database.transaction("emotion_report") as connection:
        proofs = retention_runs(connection, result.run_id)
        unfinished = connection.execute(
            text("SELECT count(*) FROM retention_run WHERE finished_at IS NULL")
        ).scalar_one()
    assert result.state == DagRunState.SUCCESS
    assert {proof.class_ for proof in proofs} == set(CLASSES)
    assert unfinished == 0
    assert count_predictions(database, hashes["mia"]) == 0
    assert not (settings.inbox_dir / "mia.jpg").exists()
