"""Too many refusals fail a run loudly, after all that is good has been published."""

import logging
from datetime import UTC, datetime

import pytest

from emotion_core.errors import ScoringError
from emotion_core.scoring.outcome import LOGGED, check_refused_share, report_refusals
from emotion_core.store.batches import BatchSummary, RefusedFile


def summary(found: int, rejected: int, quarantined: int = 0) -> BatchSummary:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    done = found - rejected - quarantined
    return BatchSummary(
        "tonight", "/in", "m", True, now, now, found, done, rejected, quarantined, 0
    )


def refused(**counts: int) -> list[RefusedFile]:
    return [
        RefusedFile("/in", f"{n}.jpg", code, "Meaning.", "detail", "Advice.")
        for code, count in counts.items()
        for n in range(count)
    ]


def test_the_sentence_names_counts_share_and_reasons() -> None:
    files = refused(truncated=20, not_an_image=9, decode_error=1)

    with pytest.raises(ScoringError) as error:
        check_refused_share(summary(100, 30), files, limit=0.2, minimum=10)

    assert "70 files are published" in str(error.value)
    assert "30 of 100 were refused (30%; the limit is 20%)" in str(error.value)
    assert "mostly truncated (20), not_an_image (9), decode_error (1)" in str(error.value)


@pytest.mark.parametrize(
    ("found", "rejected", "limit", "minimum"),
    [
        (100, 20, 0.2, 10),  # exactly the limit
        (10, 9, 0.2, 10),  # too few to mean anything
        (0, 0, 0.0, 1),  # an empty night
        (100, 100, 1.0, 1),  # a limit of 1 never fails
    ],
)
def test_what_stays_within_the_limit_passes(
    found: int, rejected: int, limit: float, minimum: int
) -> None:
    check_refused_share(summary(found, rejected), [], limit, minimum)


def test_what_was_set_aside_counts_as_refused() -> None:
    with pytest.raises(ScoringError, match="5 of 100 were refused and 20 set aside"):
        check_refused_share(summary(100, 5, 20), [], limit=0.2, minimum=10)


def test_a_long_list_of_refusals_is_cut_in_the_log_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        report_refusals(refused(truncated=LOGGED + 30))

    assert len(caplog.records) == LOGGED + 1
    assert f"{LOGGED + 30} refused in all: truncated ({LOGGED + 30})" in caplog.text
