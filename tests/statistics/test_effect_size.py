"""Effect sizes and numbers of images, against statsmodels and against drawing samples."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower, normal_sample_size_one_tail

from emotion_core.statistics.effect_size import POWER, effect_of_accuracy, effect_of_gaps
from emotion_core.statistics.paired_tests import McNemarTable


@pytest.mark.parametrize(
    ("only_first", "only_second"), [(60, 40), (12, 3), (301, 280), (5, 90), (7, 0)]
)
def test_the_images_that_settle_an_accuracy_agree_with_statsmodels(
    only_first: int, only_second: int
) -> None:
    counts = McNemarTable(both=400, only_first=only_first, only_second=only_second, neither=200)
    total = 600 + only_first + only_second
    discordant, gap = (only_first + only_second) / total, (only_first - only_second) / total

    found = effect_of_accuracy(counts)

    theirs = normal_sample_size_one_tail(
        abs(gap),
        POWER,
        0.025,
        std_null=np.sqrt(discordant),
        std_alternative=np.sqrt(discordant - gap**2),
    )
    assert found.images_needed == pytest.approx(theirs, abs=1)
    outcomes = np.repeat([1, -1, 0], [only_first, only_second, 600])
    assert found.size == pytest.approx(outcomes.mean() / outcomes.std())


def test_that_many_images_find_the_difference_four_times_in_five() -> None:
    counts = McNemarTable(both=400, only_first=90, only_second=60, neither=200)
    needed = effect_of_accuracy(counts).images_needed
    rng = np.random.default_rng(1)

    assert needed is not None
    drawn = rng.multinomial(needed, np.array([600, 90, 60]) / 750, size=600)
    found = np.mean([stats.binomtest(int(a), int(a + b)).pvalue < 0.05 for _, a, b in drawn])

    # The exact test is a little stricter than the normal one that the formula is of.
    assert 0.70 < found < 0.86


def test_the_images_for_any_metric_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(1)
    gaps = 0.03 + 0.02 * rng.standard_normal(5000)

    found = effect_of_gaps(0.03, gaps, images=600)

    size = 0.03 / (gaps.std() * np.sqrt(600))
    assert found.size == pytest.approx(size)
    # A pair is one sample of differences: ratio 0 is statsmodels' way to say so.
    theirs = NormalIndPower().solve_power(size, alpha=0.05, power=POWER, ratio=0)
    assert found.images_needed == pytest.approx(theirs, abs=1.01)


def test_no_difference_needs_no_number_of_images() -> None:
    level = effect_of_accuracy(McNemarTable(both=10, only_first=4, only_second=4, neither=2))

    assert (level.size, level.images_needed) == (0.0, None)
    assert effect_of_gaps(0.0, np.zeros(10), 100).images_needed is None
    assert effect_of_gaps(1e-9, np.random.default_rng(1).normal(size=50), 100).images_needed is None
