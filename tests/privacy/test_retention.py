"""Keeping no longer than may be: by class, in steps, with a proof, and never what is held."""

import hashlib
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState
from deliveries import (
    Site,
    names_in,
    picture,
)
from own_database import Own
from sqlalchemy import text

from emotion_core.errors import ErasureError
from emotion_core.store.database import Database
from emotion_core.store.holds import holds, lift_hold, place_hold
from emotion_core.store.retention import CLASSES, retention_runs, set_policy
from emotion_core.store.tombstone_key import tombstone_key

DAGS = Path(__file__).parents[2] / "dags"
WHY = {"reason": "case 7", "placed_by": "counsel"}


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


def test_nothing_goes_while_no_days_are_set(site: Site) -> None:
    hashes = site.deliver(mia=501)
    site.score_night()
    site.age(4_000)

    for class_ in CLASSES:
        assert site.retain(class_)["count_removed"] == 0

    assert site.count_predictions(hashes["mia"]) == 1
    assert (site.inbox / "mia.jpg").exists()


def test_old_predictions_go_in_steps_and_young_ones_stay_with_a_proof(site: Site) -> None:
    hashes = site.deliver(**{f"old {n}": 510 + n for n in range(7)})
    site.score_night()
    site.age(31)
    hashes |= site.deliver(young=520)
    site.score_night("2")
    site.keep_for("predictions", 30)

    counts = site.retain("predictions", rows_a_step=3)

    left = {face for face in hashes if site.count_predictions(hashes[face])}
    with site.database.transaction("emotion_report") as connection:
        proof = retention_runs(connection, site.name)[0]
    assert left == {"young"}
    assert counts == {"count_removed": 7, "count_held": 0, "count_failed": 0}
    assert (proof.class_, proof.count_removed, proof.finished_at is not None) == (
        "predictions",
        7,
        True,
    )


def test_what_lost_its_prediction_is_not_scored_again_when_it_comes_again(site: Site) -> None:
    hashes = site.deliver(mia=530)
    site.score_night()
    site.age(31)
    site.keep_for("predictions", 30)
    site.retain("predictions")
    site.deliver(again=530)

    site.score_night("2")

    assert site.count_predictions(hashes["mia"]) == 0


def test_old_images_lose_their_bytes_and_a_manifest_that_is_met_no_more_goes_with_them(
    site: Site,
) -> None:
    folder = site.inbox / "monday"
    folder.mkdir()
    for number in (540, 541):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    (folder / "manifest.csv").write_text(
        "path,size\n" + "".join(f"{number}.jpg,{len(picture(number))}\n" for number in (540, 541))
    )
    (site.inbox / "letter.jpg").write_text("Dear sir")
    (site.inbox / "_SUCCESS").touch()
    site.score_night()
    site.age(31)
    (site.inbox / "letter.jpg").unlink()
    site.deliver(young=542)
    site.score_night("2")
    site.keep_for("images", 30)

    counts = site.retain("images", rows_a_step=2)
    again = site.retain("images", "again")

    assert counts["count_removed"] == 3
    assert again["count_removed"] == 0
    assert names_in(folder) == []
    assert names_in(site.inbox) == ["_SUCCESS", "monday", "young.jpg"]


def test_an_image_that_still_waits_for_a_worker_keeps_its_bytes(site: Site) -> None:
    site.deliver(mia=545)
    site.open_night()
    site.age(31)
    site.keep_for("images", 30)

    counts = site.retain("images")

    assert counts["count_removed"] == 0
    assert (site.inbox / "mia.jpg").exists()


def test_old_refusals_go_and_their_files_are_not_looked_at_again(site: Site) -> None:
    (site.inbox / "letter.jpg").write_text("Dear madam")
    (site.inbox / "link.jpg").symlink_to("/etc/hostname")
    (site.inbox / "_SUCCESS").touch()
    site.score_night()
    assert len(site.refusals()) == 2
    site.age(31)
    site.keep_for("refusals", 30)

    counts = site.retain("refusals", rows_a_step=1)
    site.score_night("2")

    assert counts["count_removed"] == 2
    assert site.refusals() == site.refusals("2") == {}


@pytest.mark.parametrize("kind", ["content", "subject", "source"])
def test_what_is_held_is_kept_and_counted_until_the_hold_is_lifted(site: Site, kind: str) -> None:
    number = {"content": 550, "subject": 551, "source": 552}[kind]
    (site.inbox / "mia.jpg").write_bytes(picture(number))
    (site.inbox / "manifest.csv").write_text(
        f"path,size,subject\nmia.jpg,{len(picture(number))},P-9\n"
    )
    site.score_night()
    site.age(31)
    sha256 = hashlib.sha256(picture(number)).hexdigest()
    what = {
        "content": {"content": bytes.fromhex(sha256)},
        "subject": {"subject_hmac": tombstone_key(site.settings).subject("P-9")},
        "source": {"source": site.settings.inbox},
    }[kind]
    with site.database.transaction("emotion_erase") as connection:
        hold = place_hold(connection, kind=kind, **what, **WHY)  # type: ignore[arg-type]
    site.keep_for("predictions", 30)
    site.keep_for("images", 30)

    held = [site.retain(class_) for class_ in ("predictions", "images")]
    outcome = site.erase(content=sha256)
    is_kept = (site.inbox / "mia.jpg").exists() and site.count_predictions(sha256)
    with site.database.transaction("emotion_erase") as connection:
        lift_hold(connection, hold, "counsel")
    freed = [site.retain(class_, "2") for class_ in ("predictions", "images")]

    assert is_kept
    assert all((c["count_removed"], c["count_held"]) == (0, 1) for c in held)
    assert outcome.held == [f"an image is kept by legal hold {hold}"]
    assert outcome.record is not None
    assert (outcome.record.count_contents, outcome.record.count_held) == (0, 1)
    assert all((c["count_removed"], c["count_held"]) == (1, 0) for c in freed)


def test_a_held_data_set_keeps_its_images_from_erasure(site: Site) -> None:
    from factories import make_labels, make_training_run

    labels = make_labels()
    with site.database.transaction("emotion_train") as connection:
        make_training_run(connection, labels=labels)
    with site.database.transaction("emotion_erase") as connection:
        hold = place_hold(connection, kind="dataset", dataset="sixteen colours", **WHY)

    outcome = site.erase(content=labels["sha256"][0])

    assert outcome.held == [f"an image is kept by legal hold {hold}"]


def test_a_run_that_was_cut_short_goes_on_with_its_cutoff_and_its_count(site: Site) -> None:
    from emotion_core.store.retention import forget_rows, open_run

    site.deliver(**{f"old {n}": 560 + n for n in range(5)})
    site.score_night()
    site.age(31)
    site.keep_for("predictions", 30)
    with site.database.transaction("emotion_erase") as connection:
        run = open_run(connection, site.name, "predictions")
        assert run is not None
        forget_rows(connection, run[0], "predictions", run[1], 2)

    counts = site.retain("predictions")

    with site.database.transaction("emotion_report") as connection:
        proofs = retention_runs(connection, site.name)
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
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.utils.db import initdb

    initdb()
    site.set_environment(monkeypatch)
    hashes = site.deliver(mia=570)
    site.score_night()
    site.age(400)
    for class_ in CLASSES:
        site.keep_for(class_, 365)

    result = DagBag(dag_folder=str(DAGS / "apply_retention.py")).dags["apply_retention"].test()

    with site.database.transaction("emotion_report") as connection:
        proofs = retention_runs(connection, result.run_id)
        unfinished = connection.execute(
            text("SELECT count(*) FROM retention_run WHERE finished_at IS NULL")
        ).scalar_one()
    assert result.state == DagRunState.SUCCESS
    assert {proof.class_ for proof in proofs} == set(CLASSES)
    assert unfinished == 0
    assert site.count_predictions(hashes["mia"]) == 0
    assert not (site.inbox / "mia.jpg").exists()
