"""Predictions as a file for other programs: Parquet or CSV, as large as it may be."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from emotion_core.emotions import DIMENSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import StoreError
from emotion_core.files import replacing
from emotion_core.store.models import chosen_model
from emotion_core.store.queries import query

Format = Literal["parquet", "csv"]

CHUNK = 20_000
"""Rows held at a time, and rows of a Parquet row group: some ten megabytes."""

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("image_sha256", "model", "expression")),
        *((name, pa.float32()) for name in ("confidence", *DIMENSIONS, *PROBABILITY_COLUMNS)),
        ("scored_at", pa.timestamp("us", tz="UTC")),
    ]
)
# A spreadsheet runs a cell that begins so as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Chunks = Iterator[Sequence[Sequence[Any]]]


def export_predictions(
    connection: Connection,
    path: Path,
    kind: Format,
    *,
    since: datetime,
    until: datetime | None = None,
    model: str | None = None,
    chunk: int = CHUNK,
) -> int:
    """Write one row per image that a model scored in a time; returns how many.

    The rows come through a cursor of the server, ``chunk`` at a time, all as they were when the
    first was read. The file is complete or absent; one that lies there stays until then.

    Args:
        since: First moment of scoring that counts, with its time zone.
        until: First moment that no longer does; None for no end.
        model: Its name; None for the champion.

    Raises:
        StoreError: No such model, or ``until`` is not after ``since``.
        NoChampionError: No model is named and none was promoted yet.
        StorageError: The file cannot be written.
    """
    if until is not None and until <= since:
        raise StoreError(
            f"the end {until:%Y-%m-%d} is not after the beginning {since:%Y-%m-%d}; "
            "give a later end, or none"
        )
    chosen = chosen_model(connection, model)
    rows = connection.execute(
        query("export_predictions"),
        {"model_version_id": chosen.id, "since": since, "until": until},
        execution_options={"yield_per": chunk},
    )
    write = _write_parquet if kind == "parquet" else _write_csv
    with rows, replacing(path) as temporary:
        # Without the size it would hand over all of them as one part, server's cursor or not.
        return write(temporary, rows.partitions(chunk))


def _write_parquet(path: Path, chunks: Chunks) -> int:
    count = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for rows in chunks:
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))
            count += len(rows)
    return count


def _write_csv(path: Path, chunks: Chunks) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        # Its lines end in CR LF (RFC 4180): the module quotes a cell only for what ends its lines.
        writer = csv.writer(file)
        writer.writerow(_SCHEMA.names)
        for rows in chunks:
            writer.writerows([_csv_cell(value) for value in row] for row in rows)
            count += len(rows)
    return count


def _csv_cell(value: object) -> object:
    """Text that no spreadsheet takes for a formula; a number, negative or not, as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
