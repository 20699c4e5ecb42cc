"""McNemar's test against statsmodels and published examples; its power against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as theirs

from mer_batch.scores.statistics.mcnemar import detectable, mcnemar, normal_power, p_of, p_values, power


def of_counts(both: int, first: int, second: int, neither: int) -> object:
    ours = np.repeat([True, True, False, False], [both, first, second, neither])
    other = np.repeat([True, False, True, False], [both, first, second, neither])
    return mcnemar(ours, other)


def test_small_published_example() -> None:
    # Bentur et al. (2009), airway hyper-responsiveness, in Fagerland et al. (2013), table 1 and 5.
    found = of_counts(1, 1, 7, 12)
    assert (found.n, found.discordant, found.form) == (21, 8, "exact")
    assert found.exact == pytest.approx(0.0703, abs=5e-5)
    assert found.mid == pytest.approx(0.0391, abs=5e-5)
    assert found.p == found.exact


def test_large_published_example() -> None:
    # Agresti (2002), Categorical Data Analysis, table 10.1: approval of a prime minister, chi-square 17.36.
    counts = (794, 150, 86, 570)
    found = of_counts(*counts)
    square = np.reshape(counts, (2, 2))
    assert theirs(square, exact=False, correction=False).statistic == pytest.approx(17.36, abs=0.005)
    assert found.exact == pytest.approx(theirs(square, exact=True).pvalue)
    assert (found.form, found.p) == ("mid-p", found.mid)
    assert found.mid == pytest.approx(theirs(square, exact=False, correction=False).pvalue, rel=0.15)


def test_every_small_table_agrees_with_statsmodels() -> None:
    for first in range(8):
        for second in range(8):
            exact, mid = p_values(np.array(first), np.array(second))
            assert exact == pytest.approx(theirs([[3, first], [second, 2]], exact=True).pvalue)
            assert mid <= exact
    assert p_values(np.array(0), np.array(0)) == (1, 1), "two equal readers"


def simulated(n: int, discordance: float, gain: float, draws: int = 20_000) -> float:
    shares = [(discordance + gain) / 2, (discordance - gain) / 2, 1 - discordance]
    counts = np.random.default_rng(0).multinomial(n, shares, size=draws)
    return float((p_of(counts[:, 0], counts[:, 1]) <= 0.05).mean())


@pytest.mark.parametrize(("n", "discordance"), [(3589, 0.25), (400, 0.1), (120, 0.08), (60, 0.4)])
def test_the_smallest_gain_is_found_four_times_in_five(n: int, discordance: float) -> None:
    found = detectable(n, discordance)
    assert found.gain is not None
    assert simulated(n, max(discordance, found.gain), found.gain) == pytest.approx(0.8, abs=0.012)
    assert simulated(n, max(discordance, 0.7 * found.gain), 0.7 * found.gain) < 0.7


def test_large_sets_agree_with_the_normal_formula() -> None:
    found = detectable(3589, 0.25)
    assert found.gain == pytest.approx(found.normal, rel=0.02)
    needed = (1.959964 * 0.25**0.5 + 0.841621 * (0.25 - found.normal**2) ** 0.5) ** 2 / found.normal**2
    assert needed == pytest.approx(3589, rel=1e-3)
    assert normal_power(3589, 0.25, found.normal) == pytest.approx(0.8, abs=1e-4)


def test_level_is_kept_and_few_items_find_nothing() -> None:
    assert 0.03 < power(500, 0.2, 1e-9) <= 0.05
    assert power(500, 0.2, 1e-9) == pytest.approx(simulated(500, 0.2, 0), abs=0.005)
    assert detectable(4, 0.25).gain is None
    assert detectable(7000, 0.0).gain == pytest.approx(0.0012, abs=0.0003), "even where no run differs yet"
