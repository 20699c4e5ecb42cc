"""Two readers on the same items: McNemar's test, and the smallest gain that it would find."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.scores.metrics import Ints
from mer_batch.scores.statistics.intervals import ALPHA
from mer_batch.scores.statistics.resampling import Floats

FEW: Final = 25
"""Discordant items below which the exact test is taken, which never errs too often; from here on mid-p."""
POWER: Final = 0.8


@dataclass(frozen=True)
class McNemar:
    """Items by who reads them right, and the p of both readers being right equally often.

    `p` is the exact (binomial) one for few discordant items, else the mid-p, which stays close to its level
    (Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91).
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    exact: float
    mid: float

    @property
    def n(self) -> int:
        """All items."""
        return self.both_right + self.both_wrong + self.discordant

    @property
    def discordant(self) -> int:
        """Items that only one reader has right."""
        return self.only_first + self.only_second

    @property
    def form(self) -> str:
        """Which p is taken: exact or mid-p."""
        return "exact" if self.discordant < FEW else "mid-p"

    @property
    def p(self) -> float:
        """Two-sided."""
        return self.exact if self.discordant < FEW else self.mid

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"p": self.p, "form": self.form}


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's (1947) test of two readers, right or wrong (n,) on the same items."""
    ours, theirs = int((first & ~second).sum()), int((second & ~first).sum())
    exact, mid = p_values(np.array(ours), np.array(theirs))
    return McNemar(int((first & second).sum()), ours, theirs, int((~first & ~second).sum()), float(exact), float(mid))


def p_values(only_first: Ints, only_second: Ints) -> tuple[Floats, Floats]:
    """Two-sided exact and mid-p values of discordant counts of any shape."""
    from scipy.stats import binom

    fewer, both = np.minimum(only_first, only_second), only_first + only_second
    tail = 2 * binom.cdf(fewer, both, 0.5)
    return np.minimum(tail, 1.0), np.minimum(tail - binom.pmf(fewer, both, 0.5), 1.0)


def p_of(only_first: Ints, only_second: Ints) -> Floats:
    """The p that `McNemar.p` takes, for counts of any shape."""
    exact, mid = p_values(only_first, only_second)
    return np.where(only_first + only_second < FEW, exact, mid)


@dataclass(frozen=True)
class Detectable:
    """The smallest gain in accuracy that McNemar's test finds on n items with probability `power` at level `alpha`.

    `discordance` is the share of items that only one of two such readers has right. `normal` is the same gain by
    the normal approximation. Both are None where not even a gain on every such item would be found.
    """

    n: int
    discordance: float
    gain: float | None
    normal: float | None
    power: float = POWER
    alpha: float = ALPHA

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def detectable(n: int, discordance: float) -> Detectable:
    """Solve the power of the test for the gain; a gain above `discordance` is taken to be all of it."""
    return Detectable(
        n, discordance, _solve(lambda gain: power(n, discordance, gain)),
        _solve(lambda gain: normal_power(n, discordance, gain)),
    )  # fmt: skip


def power(n: int, discordance: float, gain: float) -> float:
    """Exact power of the test that `McNemar.p` is, over all counts of discordant items.

    Shares of items that only one reader has right are (discordance +- gain) / 2; a discordance below `gain` is
    taken as `gain`.
    """
    from scipy.stats import binom

    share = max(discordance, gain)
    low, high = (int(binom.ppf(q, n, share)) for q in (1e-9, 1 - 1e-9))
    counts = np.arange(low, high + 1)
    limit = _limits(counts)
    lead = (share + gain) / (2 * share)
    found = binom.cdf(limit, counts, lead) + binom.sf(counts - limit - 1, counts, lead)
    return float((binom.pmf(counts, n, share) * np.where(limit >= 0, found, 0)).sum())


def _limits(counts: Ints) -> Ints:
    """The largest smaller count that is significant among each count of discordant items, -1 for none."""
    from scipy.stats import binom

    near = binom.ppf(ALPHA / 2, counts, 0.5).astype(np.int64)
    tried = near[:, None] + np.array([-2, -1, 0, 1])
    fits = (tried >= 0) & (2 * tried < counts[:, None])
    p = p_of(np.where(fits, tried, 0), counts[:, None] - np.where(fits, tried, 0))
    result: Ints = np.where(fits & (p <= ALPHA), tried, -1).max(axis=1)
    return result


def normal_power(n: int, discordance: float, gain: float) -> float:
    """Power by the normal approximation (Connor 1987, Biometrics 43, 207-211)."""
    from scipy.stats import norm

    share = max(discordance, gain)
    return float(
        norm.cdf((gain * np.sqrt(n) - norm.ppf(1 - ALPHA / 2) * np.sqrt(share)) / np.sqrt(share - gain**2 + 1e-12))
    )


def _solve(power_of: Any) -> float | None:
    from scipy.optimize import brentq

    lowest, highest = 1e-6, 1 - 1e-6
    if power_of(highest) < POWER:
        return None
    return float(brentq(lambda gain: power_of(gain) - POWER, lowest, highest, xtol=1e-6))
