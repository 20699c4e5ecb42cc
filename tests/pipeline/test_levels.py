"""Handovers that mouths show too early are put where the sound has its pause."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.pipeline.levels import Levels
from mer_batch.types import SAMPLE_RATE
from sounds import hiss, silence


def levels(*parts: np.ndarray, block: float = 0.33) -> Levels:
    sound = np.concatenate(parts).astype(np.float32)
    size = round(block * SAMPLE_RATE)
    found = Levels()
    for at in range(0, len(sound), size):
        found.feed(at / SAMPLE_RATE, sound[at : at + size])
    return found


@pytest.mark.parametrize("block", [0.1, 0.33, 60.0])
def test_a_handover_is_at_the_pause_that_follows_the_mouth(block: float) -> None:
    heard = levels(hiss(2), silence(0.12), hiss(2), silence(0.12), hiss(2), block=block)
    assert heard.settled((1.8, 4.0)) == pytest.approx((2.06, 4.18), abs=0.03)


def test_without_a_pause_it_stays_where_the_mouth_showed_it() -> None:
    assert levels(hiss(4)).settled((1.8,)) == (1.8,)
    assert levels(hiss(2), silence(0.12), hiss(2)).settled((1.2, 2.6)) == (1.2, 2.6)  # too far
    assert Levels().settled((1.0,)) == (1.0,)
    assert levels(hiss(1)).settled((5.0,)) == (5.0,)  # the sound has ended


def test_one_pause_is_not_two_handovers() -> None:
    found = levels(hiss(2), silence(0.12), hiss(2)).settled((1.7, 1.9))
    assert found == (1.7, pytest.approx(2.06, abs=0.03))
