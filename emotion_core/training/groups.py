"""Which samples belong together, by person or another group: no group is split.

``groups.csv`` beside ``images``, with the columns ``id`` and ``group``; or a folder per person in
``images`` and in ``annotations``.
"""

import csv
import io
from collections.abc import Mapping
from typing import Final

from emotion_core.errors import DataError
from emotion_core.training.source_files import FileRefused, SourceFiles

GROUPS_FILE: Final = "groups.csv"
_MAX_BYTES: Final = 200_000_000


def groups_file(files: SourceFiles, name: str) -> Mapping[str, str]:
    """Id to group, as a ``groups.csv`` says.

    Args:
        files: Of the source.
        name: Path of the file inside the source.

    Raises:
        DataError: It cannot be read, lacks a column, or gives an id two groups; names the line.
    """
    try:
        text = files.read(name, _MAX_BYTES).decode("utf-8-sig")
    except (FileRefused, UnicodeDecodeError) as error:
        why = error.detail if isinstance(error, FileRefused) else "it is not UTF-8"
        raise DataError(f"{name} cannot be read: {why}") from None
    lines = csv.DictReader(io.StringIO(text, newline=""))
    if not {"id", "group"} <= set(lines.fieldnames or ()):
        raise DataError(f"{name} lacks a column: its first line must name id and group")
    groups: dict[str, str] = {}
    for line in lines:
        sample, group = (line["id"] or "").strip(), (line["group"] or "").strip()
        if not sample or not group:
            raise DataError(f"{name}, line {lines.line_num}: id or group is empty")
        if groups.setdefault(sample, group) != group:
            raise DataError(f"{name}, line {lines.line_num}: {sample} has another group above")
    return groups
