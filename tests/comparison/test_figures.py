"""Every figure shows its SQL: run as it stands on the page, it gives the figure."""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from comparison_factory import MADE_AT, train_two
from sqlalchemy import Connection, text

from emotion_core.comparison.comparison import Comparison, read_comparison
from emotion_core.emotions import EXPRESSIONS
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.settings import SQL_DIR
from emotion_core.statistics.metrics import METRICS
from emotion_core.store.database import Database
from emotion_core.store.figures import FIGURES

# Ids of samples may be file names, which name people: the analyst has no right to these tables.
OPERATORS_ONLY = {"failures", "misses", "disagreements", "doubtful_labels"}


@pytest.fixture(scope="module")
def opened(urls: dict[str, str]) -> Iterator[dict[str, Database]]:
    made = {name: Database(url) for name, url in urls.items()}
    yield made
    for database in made.values():
        database.close()


@pytest.fixture(scope="module")
def comparison(opened: dict[str, Database]) -> Comparison:
    database = opened["emotion_app"]
    train_two(database, "figures-1")
    with database.transaction("emotion_train") as connection:
        connection.execute(
            text(
                "INSERT INTO doubtful_label SELECT label.dataset_id, 'folds', label.sample_id, "
                "label.expression_id, (label.expression_id + 1) % 8, 0.1, 0.8 "
                "FROM label JOIN split USING (dataset_id) "
                "JOIN training_run ON training_run.split_id = split.id "
                "WHERE training_run.group_key = 'figures-1' LIMIT 1"
            )
        )
    with database.transaction("emotion_report") as connection:
        return read_comparison(connection, "figures-1", MADE_AT)


@pytest.fixture(scope="module")
def tables(
    comparison: Comparison, opened: dict[str, Database], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, pd.DataFrame]:
    """What each statement on the page answers, asked by the least of those who may."""
    page = render_comparison(comparison, tmp_path_factory.mktemp("figures")).read_text("utf-8")
    shown = dict(re.findall(r'data-figure="(\w+)"><code>(.*?)</code>', page, flags=re.DOTALL))
    found = {}
    for name, statement in shown.items():
        sql = html.unescape(statement)
        if name in OPERATORS_ONLY:
            with opened["emotion_app"].transaction("emotion_report") as connection:
                found[name] = answer(connection, sql)
        else:
            with opened["emotion_analyst"].connect() as connection:
                found[name] = answer(connection, sql)
    return found


def answer(connection: Connection, sql: str) -> pd.DataFrame:
    # As psql sends it: a per cent sign in a comment is no parameter.
    asked = connection.execution_options(no_parameters=True)
    return pd.DataFrame(asked.exec_driver_sql(sql).mappings().all())


def of_run(table: pd.DataFrame, run_id: int, **values: Any) -> list[Mapping[str, Any]]:
    """The rows of one run as mappings, with decimals as floats."""
    rows = table[table["run_id"] == run_id]
    for name, value in values.items():
        rows = rows[rows[name] == value]
    return rows.to_dict("records")


def test_every_figure_has_a_file_and_stands_on_the_page(tables: dict[str, pd.DataFrame]) -> None:
    assert set(tables) == set(FIGURES) == {path.stem for path in (SQL_DIR / "figures").iterdir()}


def test_the_scores_follow_from_their_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        (expression,) = of_run(tables["expression_scores"], run.record.id)
        for name in ("accuracy", "macro_f1", "mean_average_precision", "cohen_kappa"):
            assert run.scores[name].value == pytest.approx(float(expression[name]), abs=1e-6)
        for facts in run.affect:
            (row,) = of_run(tables["affect_scores"], run.record.id, dimension=facts.dimension)
            for name in ("rmse", "pearson", "ccc", "sagr"):
                estimate = run.scores[f"{name}_{facts.dimension}"]
                assert estimate.value == pytest.approx(float(row[name]), abs=1e-6)
            for name in ("bias_correction", "scale", "shift", "bias", "limit_low", "limit_high"):
                assert getattr(facts, name) == pytest.approx(row[name], abs=1e-6)


def test_the_yardsticks_are_those_of_the_table(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        for kind, line in run.references.items():
            stored = {
                row["metric"]: row["value"]
                for row in of_run(tables["intervals"], run.record.id, kind=kind)
            }
            assert set(stored) == set(METRICS)
            assert dict(line) == pytest.approx(stored)


def test_the_agreement_that_mcnemars_test_rests_on_follows_from_its_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    table = tables["agreement"]
    for pair in comparison.pairs:
        first, second = (comparison.runs[n].record.id for n in (pair.first, pair.second))
        (row,) = table[(table["first"] == first) & (table["second"] == second)].to_dict("records")
        for name in ("both", "only_first", "only_second", "neither"):
            assert getattr(pair.agreement, name) == row[name]


def test_the_curves_follow_from_their_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        for (part, metric), curve in run.curves.items():
            if metric == "selection_score":  # made of three curves that are there
                continue
            rows = of_run(tables["curves"], run.record.id, part=part, metric=metric)
            assert curve == tuple((row["epoch"], row["value"]) for row in rows)
            assert [row["epoch"] for row in rows if row["is_kept"]] == [run.record.kept_epoch]


def test_the_confusion_matrices_and_their_difference_follow_from_their_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        assert run.evaluation is not None
        counted = np.zeros((8, 8), dtype=int)
        for row in of_run(tables["confusion"], run.record.id):
            counted[EXPRESSIONS.index(row["labelled"]), EXPRESSIONS.index(row["called"])] = row[
                "images"
            ]
        np.testing.assert_array_equal(counted, run.evaluation.confusion)
    table, pair = tables["confusion_difference"], comparison.pairs[0]
    first = comparison.runs[pair.first].record.id
    cells = np.zeros((8, 8))
    for row in table[table["first"] == first].to_dict("records"):
        cells[EXPRESSIONS.index(row["labelled"]), EXPRESSIONS.index(row["called"])] = row[
            "difference"
        ]
    np.testing.assert_allclose(cells, comparison.confusion_differences[0].cells, atol=1e-9)


def test_every_expressions_figures_and_curve_follow_from_their_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        for score in run.classes:
            (row,) = of_run(tables["classes"], run.record.id, expression=score.expression)
            assert score.count == row["images"]
            for name in ("precision", "recall", "f1", "average_precision"):
                assert getattr(score, name).value == pytest.approx(float(row[name]), abs=1e-6)
            points = of_run(tables["precision_recall"], run.record.id, expression=score.expression)
            told = {(round(p["recall"], 6), round(p["precision"], 6)) for p in points}
            assert {(round(r, 6), round(p, 6)) for r, p in score.curve} <= told


def test_the_plane_of_valence_and_arousal_follows_from_its_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        evaluation = run.evaluation
        assert evaluation is not None
        for row in of_run(tables["circumplex"], run.record.id):
            chosen = evaluation.truth == EXPRESSIONS.index(row["labelled"])
            means = (*evaluation.truth_va[chosen].mean(0), *evaluation.va[chosen].mean(0))
            told = [row[n] for n in ("valence", "arousal", "said_valence", "said_arousal")]
            assert list(means) == pytest.approx(told)
        squares = of_run(tables["density"], run.record.id, whose="answer")
        assert sum(row["images"] for row in squares) == len(evaluation)
        counts = {(row["square_valence"], row["square_arousal"]): row["images"] for row in squares}
        places = np.clip(((evaluation.va + 1) * 10).astype(int), 0, 19)
        assert counts == {
            (int(v), int(a)): int(n)
            for (v, a), n in zip(*np.unique(places, axis=0, return_counts=True), strict=True)
        }
        for facts in run.affect:
            bins = of_run(tables["residuals"], run.record.id, dimension=facts.dimension)
            assert {row["bin"]: row["images"] for row in bins} == {
                n: count for n, count in enumerate(facts.residuals) if count
            }
        for region in run.regions:
            (row,) = of_run(tables["regions"], run.record.id, region=region.name)
            assert region.count == row["images"]
            for name in ("rmse_valence", "rmse_arousal", "bias_valence", "bias_arousal"):
                assert getattr(region, name) == pytest.approx(row[name], abs=1e-6)


def test_reliability_and_risk_follow_from_their_sql(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        assert run.confidence is not None
        rows = of_run(tables["reliability"], run.record.id)
        assert [b.count for b in run.confidence.bins] == [row["images"] for row in rows]
        for found, row in zip(run.confidence.bins, rows, strict=True):
            assert found.confidence == pytest.approx(row["confidence"], abs=1e-6)
            assert found.accuracy == pytest.approx(row["accuracy"])
        assert run.confidence.ece == pytest.approx(float(rows[0]["ece"]), abs=1e-6)
        told = {
            (round(row["kept"], 9), round(row["wrong"], 9))
            for row in of_run(tables["risk_coverage"], run.record.id)
        }
        assert {(round(k, 9), round(w, 9)) for k, w in run.confidence.risk_coverage} <= told


def test_single_images_follow_from_their_sql_in_the_same_order(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        rows = of_run(tables["failures"], run.record.id)
        assert [(f.sample_id, f.truth, f.predicted) for f in run.failures] == [
            (row["sample_id"], row["labelled"], row["called"]) for row in rows
        ]
        far = of_run(tables["misses"], run.record.id)
        assert [miss.sample_id for miss in run.misses] == [row["sample_id"] for row in far]
        assert [m.distance for m in run.misses] == pytest.approx([row["distance"] for row in far])
    told = tables["disagreements"].drop_duplicates("sample_id")
    assert [d.sample_id for d in comparison.disagreements] == list(told["sample_id"])
    assert comparison.likely_label_errors[0].sample_id == tables["doubtful_labels"]["sample_id"][0]


def test_the_cost_is_that_of_the_table(
    comparison: Comparison, tables: dict[str, pd.DataFrame]
) -> None:
    for run in comparison.compared:
        (row,) = of_run(tables["cost"], run.record.id)
        assert row["parameters"] == run.cost.parameters
        assert row["training_seconds"] == pytest.approx(run.cost.training_seconds)
