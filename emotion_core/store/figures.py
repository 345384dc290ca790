"""The SQL behind each chart and table of a report, ready to paste: shown there, run by tests."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from emotion_core.settings import SQL_DIR

FIGURES: Final = tuple(sorted(path.stem for path in (SQL_DIR / "figures").glob("*.sql")))
"""Names of the files in ``sql/figures``."""


def figure_sql(name: str, run_ids: Sequence[int]) -> str:
    """The statement behind a chart or table, for these runs.

    Args:
        name: One of :data:`FIGURES`.
        run_ids: Whole numbers, which is why they may stand in the text.
    """
    return _template(name).replace(":runs", ", ".join(str(int(run_id)) for run_id in run_ids))


@cache
def _template(name: str) -> str:
    return (SQL_DIR / "figures" / f"{name}.sql").read_text(encoding="utf-8").strip()
