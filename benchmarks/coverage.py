"""Do intervals cover, and do tests and names err as seldom as they say? Simulations with a known truth.

    python benchmarks/coverage.py

The tests hold the same with fewer draws; these are 2,000 each (calibration error and names: 500 recordings).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from scipy.special import expit

import record
from mer_batch.scores.ece import calibration_error
from mer_batch.scores.groups import effect

DRAWS = 2000
PERSON = 1.0
"""Standard deviation between people in log odds: at 70 % right two thirds of people lie between 46 and 86 %."""


def people() -> list[dict[str, Any]]:
    """Ten people, 30 clips each or 10 to 100: intervals over new people, and tests of two readers that are alike."""
    import test_groups

    rows = []
    for name, sizes in test_groups.SIZES.items():
        for level in (0.7, 2.0):
            rng = np.random.default_rng(1)
            hits = test_groups.right(rng, sizes, level, PERSON)
            truth = float(expit(level + rng.normal(0, PERSON, 1_000_000)).mean())
            total = sizes.sum()
            found = [effect(row.sum() / total, (row.sum() - row) / (total - sizes), sizes) for row in hits]
            spans = [one.share() for one in found if one is not None]
            weights = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=1000)
            drawn = [np.percentile((weights @ row) / (weights @ sizes), [2.5, 97.5]) for row in hits[:500]]
            # Two readers that are right as often on average, and for each person differently.
            shared = rng.normal(0, 0.7, hits.shape)
            one, other = (rng.binomial(sizes, expit(level + shared + rng.normal(0, 0.7, hits.shape))) for _ in "ab")
            tests = [effect(row.sum() / total, (row.sum() - row) / (total - sizes), sizes) for row in other - one]
            rows.append(
                {
                    "people": len(sizes), "clips each": name, "right on average": round(truth, 3),
                    "covered": np.mean([span.low <= truth <= span.high for span in spans]),  # type: ignore[operator]
                    "covered by percentiles of people, as before": np.mean([a <= truth <= b for a, b in drawn]),
                    "tests that find a difference where there is none": np.mean([t.p < 0.05 for t in tests if t]),
                }
            )  # fmt: skip
    return rows


def steps() -> list[dict[str, Any]]:
    """Shares of five minutes, for expressions that last and rare ones, at three lengths of steps."""
    import test_steps

    return [
        {
            "share": share, "lasting s": lasting, "step s": step,
            "covered": test_steps.covered(share, lasting, step, 300.0, DRAWS) / DRAWS,
        }
        for share, lasting in ((0.5, 4.0), (0.9, 10.0), (0.1, 2.0))
        for step in (0.1, 0.5, 2.0)
    ]  # fmt: skip


def names() -> list[dict[str, Any]]:
    """Two emotions equally likely: how often one of them is named."""
    import test_noise

    rows = []
    for correlation in (0.0, 0.5, 0.8, 0.9):
        for step, lanes, seconds in ((0.1, 60, 60.0), (0.5, 100, 60.0), (2.0, 100, 60.0), (0.5, 500, 6.0)):
            found = test_noise.named_at_a_tie(correlation, 1.0, step, lanes, seconds)
            told = {"correlation of neighbours": correlation, "step s": step, "length s": seconds}
            rows.append({**told, "decisions": len(found), "named at a tie": float(np.mean(found))})
    return rows


def calibration() -> list[dict[str, Any]]:
    """The binned calibration error, debiased, and its interval."""
    import test_ece

    rows = []
    for n, sharp in ((200, 1.0), (760, 1.0), (760, 0.8), (760, 0.5), (3600, 1.0), (3600, 0.8)):
        rng = np.random.default_rng(0)
        truth = test_ece.drawn(400_000, sharp, rng)[2]
        found = [calibration_error(*test_ece.drawn(n, sharp, rng)[:2], draws=400, seed=number) for number in range(500)]
        rows.append(
            {
                "n": n, "true error": truth, "covered": np.mean([one.low <= truth <= one.high for one in found]),
                "median of the binned error": np.median([one.value for one in found]),
                "median of the debiased one": np.median([one.debiased for one in found]),
            }
        )  # fmt: skip
    return rows


def main() -> None:
    sys.path += [str(record.ROOT / "tests" / room) for room in ("scores", "fusion")]
    parts = {"people": people, "steps": steps, "names": names, "calibration error": calibration}
    results: dict[str, Any] = {"draws": DRAWS, "seeds": 0}
    for name, part in parts.items():
        results[name] = [{key: _short(value) for key, value in row.items()} for row in part()]
        print(name, *results[name], sep="\n", flush=True)
    record.write("coverage", results)


def _short(value: Any) -> Any:
    return round(float(value), 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
