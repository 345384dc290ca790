"""Numbers and foreign text as they stand on a page."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from emotion_core.comparison import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4125, ".412"), (-0.0321, "−.032"), (1.0, "1.000"), (0.0, ".000"), (-0.0001, ".000")],
)
def test_scores_have_no_leading_zero_and_a_true_minus(value: float, text: str) -> None:
    assert formatting.score(value) == text


def test_what_is_not_known_is_a_dash() -> None:
    assert formatting.score(None) == formatting.score(float("nan")) == "–"
    assert formatting.interval(None, 0.1) == "–"
    assert formatting.duration(None) == formatting.moment(None) == "–"


def test_an_interval_has_no_dash_beside_a_minus() -> None:
    assert formatting.interval(0.372, 0.452) == ".372–.452"
    assert formatting.interval(-0.03, 0.05) == "−.030 to .050"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "p < .001"),
        (0.0004, "p < .001"),
        (0.0321, "p = .032"),
        (0.45, "p = .45"),
        (1.0, "p > .99"),
        (0.0496, "p = .0496"),
        (0.04999, "p = .04999"),
        (0.05, "p = .050"),
        (0.0500001, "p = .0500001"),
        (0.0504, "p = .0504"),
        (0.0506, "p = .051"),
    ],
)
def test_p_is_never_zero_nor_one_and_shows_its_side_of_the_limit(p: float, text: str) -> None:
    assert formatting.p_value(p).replace(formatting.NO_BREAK_SPACE, " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.24, "4.2 s"),
        (43.4, "43 s"),
        (59.7, "1 min 0 s"),
        (725, "12 min 5 s"),
        (4320, "1 h 12 min"),
    ],
)
def test_durations_are_told_in_two_units(seconds: float, text: str) -> None:
    assert formatting.duration(seconds).replace(formatting.NARROW_SPACE, " ") == text


def test_times_are_told_in_utc() -> None:
    there = timezone(timedelta(hours=2))

    assert (
        formatting.moment(datetime(2026, 5, 1, 1, 30, tzinfo=there)) == "30 April 2026, 23:30 UTC"
    )
    assert formatting.moment(datetime(2026, 5, 1, 1, 30, tzinfo=UTC)) == "1 May 2026, 01:30 UTC"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-4, "0.0001"), (1e-8, "1e−8"), (-0.5, "−0.5"), (224, "224"), (True, "yes"), (None, "–")],
)
def test_settings_are_written_as_people_write_them(value: object, text: str) -> None:
    assert formatting.setting(value) == text


def test_lists_are_told_as_in_a_sentence() -> None:
    assert formatting.listing([]) == ""
    assert formatting.listing(["A"]) == "A"
    assert formatting.listing(["A", "B", "C"]) == "A, B and C"


def test_hidden_characters_become_visible() -> None:
    assert formatting.visible("a\u202eb\u200bc\x00d\ud800") == "a\\u202eb\\u200bc\\u0000d\\ud800"
    assert formatting.visible("naïve שלום 笑\n") == "naïve שלום 笑\n"


def test_long_text_is_cut_and_says_so() -> None:
    shown = formatting.visible("x" * 10_000, 100)

    assert shown == "x" * 100 + " … (10,000 characters)"
