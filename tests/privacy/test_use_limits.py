"""What a source is for: recorded, kept, and asked before anything of it is scored."""

from pathlib import Path

import pytest
from deliveries import deliver, make_scorable
from sqlalchemy import text

from emotion_core.errors import ProhibitedUseError
from emotion_core.settings import Settings
from emotion_core.steps import privacy, scoring
from emotion_core.steps.installation import Installation
from emotion_core.store import sources
from emotion_core.store.database import Database


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def take_in(
    here: Installation, settings: Settings, database: Database, name: str
) -> dict[str, int]:
    model = make_scorable(database)
    deliver(settings.inbox_dir, mia=601)
    return scoring.open_batch(here, name, model=model.name)


def record(
    here: Installation, settings: Settings, purpose: str, **basis: str
) -> sources.SourcePurpose:
    return privacy.record_source(here, settings.inbox, purpose, recorded_by="the office", **basis)


@pytest.mark.parametrize("purpose", ["workplace", "education"])
def test_a_prohibited_purpose_is_refused_before_anything_is_taken_in(
    database: Database, settings: Settings, name: str, purpose: str
) -> None:
    here = Installation(settings)
    record(here, settings, purpose)

    with pytest.raises(ProhibitedUseError, match=rf"recorded for {purpose}.*Article 5\(1\)\(f\)"):
        take_in(here, settings, database, name)

    with database.transaction("emotion_report") as connection:
        opened = connection.execute(
            text("SELECT count(*) FROM batch WHERE run_key = :key"), {"key": name}
        ).scalar_one()
    assert opened == 0


def test_a_link_to_a_prohibited_folder_is_refused_like_the_folder(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    here = Installation(settings)
    (tmp_path / "class/photos").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "class")
    privacy.record_source(here, str(tmp_path / "link/"), "education", recorded_by="the office")

    for source in (tmp_path / "class", tmp_path / "link", tmp_path / "link/photos", tmp_path):
        with pytest.raises(ProhibitedUseError):
            privacy.require_permitted(here, str(source))


@pytest.mark.parametrize("basis", ["medical", "safety"])
def test_a_recorded_basis_lets_it_be_scored(
    database: Database, settings: Settings, name: str, basis: str
) -> None:
    here = Installation(settings)
    record(here, settings, "workplace", basis=basis, basis_note="fatigue of drivers, 12/2026")

    assert take_in(here, settings, database, name)["count_entered"] == 1


def test_a_basis_that_is_taken_back_prohibits_again_and_both_records_are_kept(
    database: Database, settings: Settings, name: str
) -> None:
    here = Installation(settings)
    record(here, settings, "education", basis="medical", basis_note="a study")
    record(here, settings, "education")

    with pytest.raises(ProhibitedUseError):
        take_in(here, settings, database, name)

    with database.transaction("emotion_report") as connection:
        kept = connection.execute(
            text("SELECT basis FROM source_purpose_change WHERE source = :s ORDER BY id"),
            {"s": settings.inbox},
        ).scalars()
        assert list(kept) == ["medical", None]


def test_a_source_that_nobody_recorded_is_scored_and_shown_as_unstated(
    database: Database, settings: Settings, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    here = Installation(settings)

    counts = take_in(here, settings, database, name)

    with database.transaction("emotion_report") as connection:
        shown = {found.source: found.purpose for found in sources.purposes(connection)}
    assert counts["count_entered"] == 1
    assert shown[settings.inbox] == "unstated"
    assert "nobody recorded what" in caplog.text


@pytest.mark.parametrize("where", ["above", "inside"])
def test_neither_a_folder_inside_nor_one_above_is_a_way_around(
    database: Database, settings: Settings, name: str, where: str
) -> None:
    here = Installation(settings)
    folder = settings.inbox_dir.parent if where == "above" else settings.inbox_dir / "staff"
    privacy.record_source(here, str(folder), "workplace", recorded_by="the office")

    with pytest.raises(ProhibitedUseError, match=str(folder)):
        take_in(here, settings, database, name)


def test_the_nearest_record_counts(database: Database, settings: Settings, name: str) -> None:
    here = Installation(settings)
    privacy.record_source(
        here, str(settings.inbox_dir.parent), "workplace", recorded_by="the office"
    )
    record(here, settings, "research")

    assert take_in(here, settings, database, name)["count_entered"] == 1


def test_a_name_that_only_begins_alike_is_another_source(
    database: Database, settings: Settings, name: str
) -> None:
    here = Installation(settings)
    privacy.record_source(here, f"{settings.inbox}-staff", "workplace", recorded_by="the office")

    assert take_in(here, settings, database, name)["count_entered"] == 1


@pytest.mark.parametrize(
    ("purpose", "basis"),
    [
        ("fun", {}),
        ("workplace", {"basis": "profit", "basis_note": "we want to"}),
        ("workplace", {"basis": "medical"}),
        ("workplace", {"basis": "medical", "basis_note": "  "}),
        ("workplace", {"basis_note": "a note alone"}),
    ],
)
def test_an_impossible_record_is_a_sentence(
    settings: Settings, purpose: str, basis: dict[str, str]
) -> None:
    with pytest.raises(ProhibitedUseError):
        record(Installation(settings), settings, purpose, **basis)


def test_the_database_itself_refuses_a_basis_without_what_it_rests_on(database: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    with (
        pytest.raises(IntegrityError),
        database.transaction("emotion_erase") as connection,
    ):
        connection.execute(
            text(
                "INSERT INTO source_purpose (source, purpose, basis, recorded_by) "
                "VALUES ('/x', 'workplace', 'medical', 'me')"
            )
        )
