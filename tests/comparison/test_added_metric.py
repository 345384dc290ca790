"""Adding a metric is one entry: tables, views, report and its SQL follow."""

from pathlib import Path

import numpy as np
import pytest
from comparison_factory import MADE_AT, train_two
from sqlalchemy import text

from emotion_core.comparison.comparison import read_comparison
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.statistics.metrics import METRICS, Metric
from emotion_core.store import models
from emotion_core.store.database import Database

MAE = Metric(
    "mae_valence",
    "MAE",
    "affect",
    formula=lambda of: of.mean(np.abs(of.truth_va[:, 0] - of.va[:, 0])),
    chance=lambda _, va: float(np.abs(va[:, :1] - va[:, 0]).mean()),
    source="mean absolute error",
    dimension="valence",
    higher_is_better=False,
    bounds=(0.0, 2.0),
    is_headline=True,
)


def test_one_entry_reaches_tables_views_report_and_sql(
    monkeypatch: pytest.MonkeyPatch, database: Database, urls: dict[str, str], tmp_path: Path
) -> None:
    monkeypatch.setitem(METRICS, MAE.name, MAE)
    train_two(database, "added-metric")
    with database.transaction("emotion_report") as connection:
        comparison = read_comparison(connection, "added-metric", MADE_AT)
    run = comparison.runs[1]
    with database.transaction("emotion_train") as connection:
        model = models.register_model_version(
            connection,
            run_id=run.record.id,
            network="resnet50",
            card={"weights_sha256": "ab" * 32, "preprocessing_fingerprint": "cd" * 32},
            folder="/runs/none",
        )
    page = render_comparison(comparison, tmp_path).read_text(encoding="utf-8")
    analyst = Database(urls["emotion_analyst"])
    with analyst.connect() as connection:
        shown = connection.execute(text(comparison.figures["intervals"])).mappings().all()
        leader = connection.execute(
            text("SELECT * FROM model_leaderboard WHERE model = :model AND metric = :metric"),
            {"model": model.name, "metric": MAE.name},
        ).one()
    analyst.close()

    rows = {
        row["kind"]: row
        for row in shown
        if (row["run_id"], row["metric"]) == (run.record.id, MAE.name)
    }
    score = run.scores[MAE.name]
    assert set(rows) == {"network", "chance", "constant"}
    assert score.value < rows["constant"]["value"] < rows["chance"]["value"]
    assert (score.value, score.low, score.high) == tuple(
        rows["network"][name] for name in ("value", "low", "high")
    )
    assert (leader.value, leader.low, leader.high) == (score.value, score.low, score.high)
    assert leader.chance == rows["chance"]["value"]
    # Both networks of the factory predict the same valence.
    assert comparison.pairs[0].finding(MAE.name).p == 1.0
    assert "MAE of valence" in page and 'id="curve-mae_valence' in page
    assert f">{score.value:.3f}<".replace(">0.", ">.") in page
