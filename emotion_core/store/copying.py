"""Bulk rows through PostgreSQL's COPY, in its binary format where every column has a fixed width.

Format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

import io
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import psycopg2
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "?"})
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


def copy_temporary(connection: Connection, name: str, columns: str, frame: pd.DataFrame) -> None:
    """A frame as a temporary table; see :func:`make_temporary_table` and :func:`copy_frame`."""
    make_temporary_table(connection, name, columns)
    copy_frame(connection, name, frame)


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


def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Append rows of whole numbers, text and bytes; None becomes NULL.

    A zero byte, which PostgreSQL's text cannot hold, becomes a question mark.

    Args:
        connection: Inside a transaction.
        table: Trusted name, never from outside.
        columns: Trusted names, in the order of each row's values; without any the table's own.
        rows: Values of type int, str, bytes or None.
    """
    payload = "\n".join(["\t".join(map(_field, row)) for row in rows])
    if payload:
        _copy(connection, table, columns, "text", payload.encode("utf-8", "replace"))


def array_text(values: Iterable[int | bytes]) -> str:
    """PostgreSQL's text form of an array of numbers or bytes, to be bound and cast to its type.

    A tenth of what the driver takes to write each value as an expression of its own.
    """
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: int | bytes) -> str:
    return f'"\\\\x{value.hex()}"' if isinstance(value, bytes) else str(value)


def _field(value: object) -> str:
    # A million files bring six million values: the plainest test is the fastest.
    if isinstance(value, bytes):
        # The backslash of the hex form is itself doubled in COPY's text.
        return "\\\\x" + value.hex()
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return str(value)


def _copy(
    connection: Connection, table: str, columns: Sequence[str], options: str, payload: bytes
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    listed = f"({names})" if names else ""
    statement = f"COPY {table} {listed} FROM STDIN (FORMAT {options})"
    driver = connection.connection.cursor()
    try:
        driver.copy_expert(statement, io.BytesIO(payload))
    except psycopg2.Error as error:  # as every other statement's errors come
        raise DBAPIError.instance(statement, None, error, psycopg2.Error) from error
    finally:
        driver.close()
