"""Every page, made of facts in which each text that anybody can choose is one of the given."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from comparison_factory import (
    MADE_AT,
    RECIPE,
    make_failed_run,
    make_run_facts,
    make_validation_images,
)

from emotion_core.comparison.compared_run import DOUBT_COLUMNS, RunFacts
from emotion_core.comparison.comparison import compare
from emotion_core.pages.batch import BatchPage, RefusedFor
from emotion_core.pages.batches import BatchesPage, BatchRow
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.health import DISTANCES, DriftRow, HealthPage
from emotion_core.pages.index import IndexFilter, IndexPage
from emotion_core.pages.models import HEADLINES, ModelsPage
from emotion_core.pages.page import render_page
from emotion_core.store.aliases import AliasChange
from emotion_core.store.batches import BatchSummary, HeldReason, RefusedFile
from emotion_core.store.health import HealthRow
from emotion_core.store.health_history import Alarm, NightDistance, Waiting
from emotion_core.store.model_listing import GateFigure, Headline, ListedModel, RefusedGate
from emotion_core.store.nights import DriftReading, MixShare
from emotion_core.store.reports import ReportRecord
from emotion_core.store.run_facts import ModelCost, ScoringSpeed
from emotion_core.store.throughput import Throughput

NOW = datetime(2026, 11, 23, tzinfo=UTC)
IMAGES = make_validation_images(48)
USUAL = ("resnet50 v3", "efficientnet_b0 v2", "faces.zip", "tonight")


def comparison(texts: Sequence[str]) -> str:
    runs = [_run(texts, 0), _run(texts, 1), make_failed_run(failure=texts[0])]
    with TemporaryDirectory() as folder:
        return render_comparison(compare(runs, MADE_AT), Path(folder)).read_text("utf-8")


def _run(texts: Sequence[str], number: int) -> RunFacts:
    def pick(n: int) -> str:
        return texts[(n + number) % len(texts)]

    facts = make_run_facts(
        pick(0),
        images=IMAGES.assign(sample_id=[f"{n} {pick(n)}" for n in range(len(IMAGES))]),
        run_key=f"{number} {pick(1)}",
        group_key=pick(2),
        preset=pick(3),
        dataset_name=pick(4),
        device=pick(5),
        versions={pick(6): pick(7)},
        git_revision=pick(8),
        weights_origin=pick(9),
        recipe=RECIPE | {pick(10): pick(11)},
        note=pick(12),
        model_name=pick(13),
        aliases=(pick(14),),
    )
    doubt = (pick(15), pick(16), pick(17), 0.1, 0.9, pick(18))
    preprocessing = {"image_size": pick(20), "resize": pick(21), "channel_order": pick(22)}
    return replace(
        facts,
        doubts=pd.DataFrame([doubt], columns=list(DOUBT_COLUMNS)),
        card={"weights_sha256": pick(19), "preprocessing": preprocessing},
        costs=(ModelCost(pick(23), 10**9, 10**8, 8, 50.0, None),),
        speeds=(ScoringSpeed(pick(24), pick(25), 100.0, 1000),),
    )


def index(texts: Sequence[str]) -> str:
    reports = [
        ReportRecord(t, t, t, 2, MADE_AT, t, (t,), (t,), (t,), (t,), is_drawn=True) for t in texts
    ]
    shown = IndexPage(
        reports,
        [_summary(texts[0])],
        report_link=lambda key: "runs/x",
        batch_link=lambda key: "batches/x",
        filter=IndexFilter(words=texts[0][:1]),
    )
    return render_page("index.html", index=shown, root="")


def _summary(text: str) -> BatchSummary:
    return BatchSummary(text, text, text, True, NOW, NOW, 9, 6, 2, 1, 0, count_held=1)


def batch_page(texts: Sequence[str]) -> BatchPage:
    return BatchPage(
        batch=_summary(texts[0]),
        made_at=NOW,
        headline="6 of 9 files scored",
        reasons=(RefusedFor(texts[0], 2, "Half of it.", "Send it again."),),
        refused=tuple(RefusedFile(t, t, "cut", "Half of it.", t, "Again.", t) for t in texts),
        count_more_refused=1,
        held=tuple(HeldReason(t, "manifest_size", "m", t, "a", 1) for t in texts),
        mix=(MixShare("Happy", 8, 1.0, 0.5, 0.1, 0.1),),
        speeds=tuple(Throughput("r", 1, t, t, t, t, 8, 1, 2.0, {}) for t in texts),
        speed="9 images by one worker.",
        drift=tuple(DriftReading(t, t, 0.1, 0.2, "fine", t) for t in texts),
    )


def batch(texts: Sequence[str], **shown: Any) -> str:
    usual = {"root": "../", "idempotency_key": "k"}
    return render_page("batch.html", page=batch_page(texts), **(usual | shown))


def batches(texts: Sequence[str]) -> str:
    rows = tuple(BatchRow(_summary(text), 12.5) for text in texts)
    page = BatchesPage(NOW, "6 of 9 files scored", rows, True)
    return render_page("batches.html", page=page, root="", batch_link=lambda key: "batches/x")


def models(texts: Sequence[str]) -> str:
    listed = [
        ListedModel(
            name=text,
            network=text,
            preset=text,
            group_key=text,
            dataset=text,
            is_drawn=True,
            registered_at=NOW,
            has_report=True,
            aliases=("champion",) if number == 0 else (text,),
            headlines={name: Headline(0.61, 0.57, 0.65, 0.125) for name in HEADLINES[1:]},
        )
        for number, text in enumerate(texts)
    ]
    text = texts[0]
    figures = (GateFigure("images", False, 51, None, None, None, None, "at least 100"),)
    page = ModelsPage(
        NOW,
        text,
        text,
        text,
        tuple(listed),
        (AliasChange(1, "challenger", "override", text, text, text, text, NOW),),
        3,
        (RefusedGate(text, text, text, NOW, figures),),
    )
    return render_page(
        "models.html", page=page, root="", report_link=lambda key: "runs/x", idempotency_key="k"
    )


def health(texts: Sequence[str]) -> str:
    distances = [NightDistance(t, NOW, t, t, "ks_valence", 0.4, 0.1, "alarm", 80) for t in texts]
    page = HealthPage(
        NOW,
        "One limit is crossed",
        NOW,
        3.0,
        tuple(Waiting(t, 3, 2, 1, NOW) for t in texts),
        tuple(HealthRow(t, t, NOW, t, t, "alarm", t, 0.4, 0.1, 9, True) for t in texts),
        tuple(Alarm(NOW, t, t, t, True) for t in texts),
        tuple(DriftRow(one, (one,) * len(DISTANCES)) for one in distances),
    )
    return render_page("health.html", page=page, root="")


def message(texts: Sequence[str]) -> str:
    return render_page("message.html", text=texts[0], title="Not done", root="")


def started(texts: Sequence[str]) -> str:
    page = render_page("started.html", dag_name=texts[0], address="about:blank#run", root="")
    return page.replace("leaves now", "leaves")  # stay on this page


KINDS: dict[str, Callable[[Sequence[str]], str]] = {
    page.__name__: page
    for page in (comparison, index, batch, batches, models, health, message, started)
}
