"""Exported predictions: what the tables hold, harmless in a spreadsheet, whole or not there."""

import csv
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from factories import make_arrivals, make_model, score_files
from shells import emotion
from sqlalchemy import event, text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.errors import StorageError, StoreError
from emotion_core.store.database import Database
from emotion_core.store.export import Format, export_predictions

PROBABILITIES = np.full((7, 8), 0.07, dtype=np.float32)
PROBABILITIES[np.arange(7), np.arange(7)] = 0.51
AFFECT = np.linspace(-0.75, 0.75, 14, dtype=np.float32).reshape(7, 2)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def score_seven(database: Database, key: str, network: str) -> str:
    """The name of a model that has scored seven images, of expressions 0 to 6."""
    with database.transaction("emotion_train") as connection:
        made = make_model(connection, network=network)
    score_files(database, key, made.id, make_arrivals(7, key), (PROBABILITIES, AFFECT))
    return made.name


@pytest.fixture
def model(database: Database, request: pytest.FixtureRequest) -> str:
    return score_seven(database, request.node.name, "resnet50")


def test_parquet_holds_every_prediction_of_the_model_in_its_types(
    database: Database, model: str, tmp_path: Path
) -> None:
    out = tmp_path / "all.parquet"

    with database.transaction("emotion_report") as connection:
        count = export_predictions(connection, out, "parquet", since=LONG_AGO, model=model, chunk=3)

    table = pq.read_table(out)
    rows = sorted(table.to_pylist(), key=lambda row: row["valence"])
    assert count == table.num_rows == len(set(table["image_sha256"].to_pylist())) == 7
    assert pq.ParquetFile(out).num_row_groups == 3
    assert {row["model"] for row in rows} == {model}
    assert [row["expression"] for row in rows[:3]] == ["Neutral", "Happy", "Sad"]
    assert [[row[name] for name in PROBABILITY_COLUMNS] for row in rows] == PROBABILITIES.tolist()
    assert [[row["valence"], row["arousal"]] for row in rows] == AFFECT.tolist()
    assert str(table.schema.field("scored_at").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("confidence").type) == "float"


def test_csv_says_the_same_as_parquet(database: Database, model: str, tmp_path: Path) -> None:
    with database.transaction("emotion_report") as connection:
        for kind in ("csv", "parquet"):
            export_predictions(
                connection, tmp_path / kind, kind, since=LONG_AGO, model=model, chunk=2
            )

    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "parquet")
    assert list(written[0]) == table.column_names
    for line, row in zip(written, table.to_pylist(), strict=True):
        assert line["image_sha256"] == row["image_sha256"]
        assert np.float32(line["valence"]) == np.float32(row["valence"])
        assert datetime.fromisoformat(line["scored_at"]) == row["scored_at"]
        assert line["scored_at"].endswith("+00:00")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_is_no_formula_for_a_spreadsheet_and_a_number_stays_one(
    database: Database, tmp_path: Path, start: str, request: pytest.FixtureRequest
) -> None:
    model = score_seven(database, request.node.name, f"{start}HYPERLINK(1)")
    out = tmp_path / "all.csv"

    with database.transaction("emotion_report") as connection:
        export_predictions(connection, out, "csv", since=LONG_AGO, model=model)

    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert model.startswith(start)
    assert {row["model"] for row in rows} == {f"'{model}"}
    assert min(float(row["valence"]) for row in rows) == -0.75


def test_only_what_was_scored_in_the_time_is_exported(
    database: Database, model: str, tmp_path: Path
) -> None:
    out = tmp_path / "some.csv"
    with database.transaction("emotion_report") as connection:
        moment = connection.execute(
            text(
                "SELECT min(scored_at) FROM prediction JOIN model_version "
                "ON model_version.id = model_version_id WHERE name = :model"
            ),
            {"model": model},
        ).scalar_one()
        second = timedelta(seconds=1)
        spans = {
            "from it on": (moment, None),
            "up to and without it": (moment - second, moment),
            "around it": (moment - second, moment + second),
            "after it": (moment + second, None),
        }

        counts = {
            said: export_predictions(connection, out, "csv", since=since, until=until, model=model)
            for said, (since, until) in spans.items()
        }

    assert counts == {
        "from it on": 7,
        "up to and without it": 0,
        "around it": 7,
        "after it": 0,
    }
    assert out.read_text().splitlines()[0].startswith("image_sha256,model,expression,confidence,")
    assert len(out.read_text().splitlines()) == 1


def test_rows_come_through_a_cursor_of_the_server(
    database: Database, model: str, tmp_path: Path
) -> None:
    named = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection, cursor, statement, *_rest):  # type: ignore[no-untyped-def]
        if "prediction.p_contempt" in statement:
            named.append(bool(cursor.name))

    with database.transaction("emotion_report") as connection:
        export_predictions(connection, tmp_path / "x", "csv", since=LONG_AGO, model=model)

    assert named == [True]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_leaves_the_older_file_and_nothing_half(
    database: Database, model: str, tmp_path: Path, kind: Format
) -> None:
    out = tmp_path / f"all.{kind}"
    out.write_text("the older one")
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    with database.transaction("emotion_report") as connection:
        # No file can grow beyond so many bytes, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
        try:
            with pytest.raises(StorageError, match=rf"{out} cannot be written \("):
                export_predictions(connection, out, kind, since=LONG_AGO, model=model)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_text() == "the older one"


def test_a_folder_that_is_not_there_is_a_sentence(
    database: Database, model: str, tmp_path: Path
) -> None:
    with (
        database.transaction("emotion_report") as connection,
        pytest.raises(StorageError, match="cannot be written"),
    ):
        export_predictions(connection, tmp_path / "no" / "x", "csv", since=LONG_AGO, model=model)


def test_an_end_before_the_beginning_and_an_unknown_model_are_sentences(
    database: Database, tmp_path: Path
) -> None:
    with database.transaction("emotion_report") as connection:
        with pytest.raises(StoreError, match="the end 2020-01-01 is not after"):
            export_predictions(
                connection, tmp_path / "x", "csv", since=LONG_AGO, until=LONG_AGO, model="m"
            )
        with pytest.raises(StoreError, match="there is no model 'm'"):
            export_predictions(connection, tmp_path / "x", "csv", since=LONG_AGO, model="m")
    assert list(tmp_path.iterdir()) == []


def test_the_command_exports_and_says_how_many(
    urls: dict[str, str], model: str, tmp_path: Path
) -> None:
    out = tmp_path / "all.parquet"

    result = emotion(
        *("export", "--since", "2020-01-01", "--model", model, "--to", "parquet"),
        *("--out", str(out)),
        EMOTION_DATABASE_URL=urls["emotion_app"],
    )

    assert result.returncode == 0, result.stderr
    assert " ".join(result.stdout.split()) == f"7 predictions are in {out}"
    assert pq.read_table(out).num_rows == 7
