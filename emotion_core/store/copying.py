"""Bulk rows through PostgreSQL's COPY, in its binary format where every column has a fixed width.

Format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
# What each numpy type is called in PostgreSQL's network byte order.
_BIG_ENDIAN = {"i2": ">i2", "i4": ">i4", "i8": ">i8", "f4": ">f4", "f8": ">f8"}


def make_temporary_table(connection: Connection, name: str, columns: str) -> None:
    """An empty table for this transaction alone, where COPY lands before rows are checked.

    Args:
        connection: Inside a transaction; the table ends with it.
        name: Trusted, never from outside.
        columns: Names and types as in CREATE TABLE.
    """
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    connection.execute(text(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP"))


def copy_columns(
    connection: Connection, table: str, columns: dict[str, NDArray[np.generic]]
) -> None:
    """Append rows of numbers to ``table``; floats keep every bit.

    Args:
        connection: Inside a transaction.
        table: Trusted name, never from outside.
        columns: Name to array [N]; int16, int32, int64, float32 or float64, matching the
            table's smallint, integer, bigint, real and double precision exactly.
    """
    count = len(next(iter(columns.values())))
    fields: list[tuple[str, str]] = [("field_count", ">i2")]
    for name, values in columns.items():
        fields += [(f"{name}.width", ">i4"), (name, _BIG_ENDIAN[values.dtype.str[1:]])]
    rows = np.zeros(count, dtype=np.dtype(fields))
    rows["field_count"] = len(columns)
    for name, values in columns.items():
        rows[f"{name}.width"] = values.dtype.itemsize
        rows[name] = values
    _copy(connection, table, list(columns), "binary", _HEADER + rows.tobytes() + _TRAILER)


def copy_frame(connection: Connection, table: str, frame: pd.DataFrame) -> None:
    """Append a frame that also holds text; its column names are the table's.

    Missing values become NULL, empty strings stay empty. Floats are written with the nine digits
    that float32 needs; bytes must come as PostgreSQL's hex text, ``\\x00ff``.
    """
    lines = frame.to_csv(index=False, header=False, float_format="%.9g", na_rep="")
    _copy(connection, table, list(frame.columns), "csv", lines.encode())


def _copy(
    connection: Connection, table: str, columns: Sequence[str], options: str, payload: bytes
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    driver = connection.connection.cursor()
    try:
        driver.copy_expert(
            f"COPY {table} ({names}) FROM STDIN (FORMAT {options})", io.BytesIO(payload)
        )
    finally:
        driver.close()
