"""The hysteresis alone, on probabilities with known truth."""

from __future__ import annotations

import pytest

from mer_batch.voice.activity import SpeechRegions

STEP = 0.05


def run(*stretches: tuple[float, float], end: bool = True) -> SpeechRegions:
    """Regions after stretches of (seconds, probability)."""
    regions = SpeechRegions(pad=0.0)
    time = 0.0
    for seconds, probability in stretches:
        for _ in range(round(seconds / STEP)):
            regions.add(time, time + STEP, probability)
            time += STEP
    if end:
        regions.cut(time)
    return regions


def test_speech_between_silences_is_one_region() -> None:
    assert run((1, 0.1), (2, 0.9), (1, 0.1)).closed == [pytest.approx((1, 3))]


def test_a_short_pause_does_not_split_and_a_long_one_does() -> None:
    assert run((1, 0.9), (0.2, 0.1), (1, 0.9), (1, 0)).closed == [pytest.approx((0, 2.2))]
    split = run((1, 0.9), (0.5, 0.1), (1, 0.9), (1, 0)).closed
    assert split == [pytest.approx((0, 1)), pytest.approx((1.5, 2.5))]


def test_a_click_is_not_speech() -> None:
    assert run((1, 0.1), (0.2, 0.9), (1, 0.1)).closed == []


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    assert run((1, 0.4)).closed == []
    assert run((1, 0.9), (1, 0.4), (1, 0.1)).closed == [pytest.approx((0, 2))]


def test_speech_at_the_end_of_the_sound_is_closed_there() -> None:
    assert run((1, 0.1), (1, 0.9)).closed == [pytest.approx((1, 2))]


def test_padding_never_overlaps_nor_leaves_the_sound() -> None:
    regions = SpeechRegions(pad=0.15)
    for index in range(60):
        time = index * STEP
        regions.add(time, time + STEP, 0.0 if 1.0 <= time < 1.32 else 0.9)
    regions.cut(3.0)
    (first, second) = regions.closed
    assert first[0] == 0
    assert first[1] <= second[0]
    assert second[1] == 3.0


def test_settled_never_takes_back_what_it_said() -> None:
    """What is speech before `settled` is speech in the end, and nothing else is."""
    stretches = [(0.4, 0.1), (0.2, 0.9), (0.4, 0.1), (1, 0.9), (0.25, 0.1), (1, 0.9), (1, 0.1), (0.6, 0.9)]
    regions, time, said = SpeechRegions(), 0.0, []
    for seconds, probability in stretches:
        for _ in range(round(seconds / STEP)):
            regions.add(time, time + STEP, probability)
            time += STEP
            spans = regions.closed + ([regions.open] if regions.open else [])
            said.append((regions.settled, [any(a <= t < b for a, b in spans) for t in grid(regions.settled)]))
    regions.cut(time)
    for settled, flags in said:
        assert flags == [any(a <= t < b for a, b in regions.closed) for t in grid(settled)]
    assert [settled for settled, _ in said] == sorted(settled for settled, _ in said)


def grid(end: float) -> list[float]:
    return [index * 0.01 + 0.005 for index in range(int(end * 100 - 1e-6))]


@pytest.mark.parametrize("wrong", [{"enter": 0.3, "leave": 0.5}, {"pad": 0.5}])
def test_thresholds_that_contradict_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got"):
        SpeechRegions(**wrong)
