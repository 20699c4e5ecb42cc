"""Peaks are those of scipy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks as by_scipy

from mer_batch.timeline.peaks import find_peaks

# Few levels, so that runs of equal values and ties abound; all are exact in binary.
LEVELS = st.lists(st.integers(0, 8).map(lambda level: level / 8), min_size=1, max_size=60)


@settings(max_examples=300, deadline=None)
@given(LEVELS, st.sampled_from([0.0, 0.25, 0.5]), st.sampled_from([0.0, 0.125, 0.375]))
def test_the_same_peaks_as_scipy(levels: list[float], height: float, prominence: float) -> None:
    curve = np.array(levels)
    places, found = by_scipy(curve, height=height, prominence=prominence)
    assert find_peaks(curve, height, prominence) == list(zip(places, found["prominences"], strict=True))


def test_a_long_noisy_curve() -> None:
    curve = np.random.default_rng(0).random(5000)
    places, found = by_scipy(curve, height=0.4, prominence=0.15)
    assert find_peaks(curve, 0.4, 0.15) == list(zip(places, found["prominences"], strict=True))
    assert len(places) > 1000
