"""A comparison read from real tables."""

from pathlib import Path

import pytest
from comparison_factory import MADE_AT, make_predictions, train_two
from comparison_factory import make_validation_images as make_images

from emotion_core.comparison.comparison import compare, read_comparison
from emotion_core.errors import ReportError
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.paired_tests import estimates
from emotion_core.statistics.predictions import Evaluation
from emotion_core.store.database import Database


def test_the_tables_hold_all_that_a_page_needs(database: Database, tmp_path: Path) -> None:
    train_two(database, "read-1")

    with database.transaction("emotion_report") as connection:
        comparison = read_comparison(connection, "read-1", MADE_AT)
        again = read_comparison(connection, "read-1", MADE_AT)

    assert [run.label for run in comparison.runs] == ["EfficientNet-B0", "ResNet50", "swin_t"]
    assert [run.state for run in comparison.runs] == ["succeeded", "succeeded", "failed"]
    assert comparison.verdicts[0].winner == 1
    assert comparison.not_paired is None
    assert set(comparison.runs[0].references) == {"chance", "constant"}
    assert comparison.runs[0].curves["validation", "loss"][0][0] == 1
    first = render_comparison(comparison, tmp_path / "first").read_bytes()
    assert render_comparison(again, tmp_path / "again").read_bytes() == first


def test_the_tables_and_the_run_directory_give_the_same_intervals(database: Database) -> None:
    train_two(database, "read-2")
    with database.transaction("emotion_report") as connection:
        comparison = read_comparison(connection, "read-2", MADE_AT)
    written = make_predictions(make_images(192)[96:].reset_index(drop=True), skill=1.5)

    stored = estimates(Jackknife(Evaluation.from_frame(written)))

    run = comparison.runs[1]
    assert dict(run.scores) == stored
    # The tables keep float32 predictions.
    assert run.resampled is not None
    assert run.resampled.scores == pytest.approx(
        {name: one.value for name, one in stored.items()}, abs=1e-6
    )


def test_a_group_without_runs_is_refused_by_name(database: Database) -> None:
    with (
        database.transaction("emotion_report") as connection,
        pytest.raises(ReportError, match="'nobody'"),
    ):
        read_comparison(connection, "nobody", MADE_AT)


def test_comparing_needs_no_connection() -> None:
    with pytest.raises(ReportError, match="1 to 8"):
        compare([], MADE_AT)
