"""What a source is for: recorded, kept, and asked before anything of it is scored."""

from pathlib import Path

import pytest
from deliveries import Site
from sqlalchemy import text

from emotion_core.errors import ProhibitedUseError
from emotion_core.steps import scoring, sources
from emotion_core.store.sources import SourcePurpose, purposes


def ingest(site: Site) -> dict[str, int]:
    site.deliver(mia=601)
    return scoring.open_batch(site.here, site.name, model=site.model.name)


def record(site: Site, purpose: str, source: Path | str = "", **basis: str) -> SourcePurpose:
    return sources.record_source(
        site.here, str(source or site.settings.inbox), purpose, recorded_by="the office", **basis
    )


@pytest.mark.parametrize("purpose", ["workplace", "education"])
def test_a_prohibited_purpose_is_refused_before_anything_is_ingested(
    site: Site, purpose: str
) -> None:
    record(site, purpose)

    with pytest.raises(ProhibitedUseError, match=rf"recorded for {purpose}.*Article 5\(1\)\(f\)"):
        ingest(site)

    with site.database.transaction("emotion_report") as connection:
        opened = connection.execute(
            text("SELECT count(*) FROM batch WHERE run_key = :key"), {"key": site.name}
        ).scalar_one()
    assert opened == 0


def test_a_link_to_a_prohibited_folder_is_refused_like_the_folder(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "class/photos").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "class")
    record(site, "education", str(tmp_path / "link/"))

    for source in (tmp_path / "class", tmp_path / "link", tmp_path / "link/photos", tmp_path):
        with pytest.raises(ProhibitedUseError):
            sources.require_permitted(site.here, str(source))


@pytest.mark.parametrize("basis", ["medical", "safety"])
def test_a_recorded_basis_lets_it_be_scored(site: Site, basis: str) -> None:
    record(site, "workplace", basis=basis, basis_note="fatigue of drivers, 12/2026")

    assert ingest(site)["count_entered"] == 1


def test_a_basis_that_is_taken_back_prohibits_again_and_both_records_are_kept(site: Site) -> None:
    record(site, "education", basis="medical", basis_note="a study")
    record(site, "education")

    with pytest.raises(ProhibitedUseError):
        ingest(site)

    with site.database.transaction("emotion_report") as connection:
        kept = connection.execute(
            text("SELECT basis FROM source_purpose_change WHERE source = :s ORDER BY id"),
            {"s": site.settings.inbox},
        ).scalars()
        assert list(kept) == ["medical", None]


def test_a_source_that_nobody_recorded_is_scored_and_shown_as_unstated(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:

    counts = ingest(site)

    with site.database.transaction("emotion_report") as connection:
        shown = {found.source: found.purpose for found in purposes(connection)}
    assert counts["count_entered"] == 1
    assert shown[site.settings.inbox] == "unstated"
    assert "no purpose is recorded for" in caplog.text


@pytest.mark.parametrize("where", ["above", "inside"])
def test_neither_a_folder_inside_nor_one_above_is_a_way_around(site: Site, where: str) -> None:
    folder = site.inbox.parent if where == "above" else site.inbox / "staff"
    record(site, "workplace", str(folder))

    with pytest.raises(ProhibitedUseError, match=str(folder)):
        ingest(site)


def test_the_nearest_record_counts(site: Site) -> None:
    record(site, "workplace", str(site.inbox.parent))
    record(site, "research")

    assert ingest(site)["count_entered"] == 1


def test_a_name_that_only_begins_alike_is_another_source(site: Site) -> None:
    record(site, "workplace", f"{site.settings.inbox}-staff")

    assert ingest(site)["count_entered"] == 1


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
    site: Site, purpose: str, basis: dict[str, str]
) -> None:
    with pytest.raises(ProhibitedUseError):
        record(site, purpose, **basis)


def test_the_database_itself_refuses_a_basis_without_what_it_rests_on(site: Site) -> None:
    from sqlalchemy.exc import IntegrityError

    with (
        pytest.raises(IntegrityError),
        site.database.transaction("emotion_erase") as connection,
    ):
        connection.execute(
            text(
                "INSERT INTO source_purpose (source, purpose, basis, recorded_by) "
                "VALUES ('/x', 'workplace', 'medical', 'me')"
            )
        )
