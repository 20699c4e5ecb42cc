from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mer_batch.errors import UsageError
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import SpeechDetector
from mer_batch.voice.windows import Tile, WindowCutter, clip_windows
from sounds import Loud, blocks, chord, hiss, loud_is_speech, silence, speech

__all__ = ["loud_is_speech"]
QUIET = 1e-4


def cut(sound: Samples, size: float = 1.0, **options: float) -> tuple[list[Tile], WindowCutter]:
    cutter = WindowCutter(**options)
    tiles = [tile for start, samples in blocks(sound, size) for tile in cutter.feed(start, samples)]
    return [*tiles, *cutter.finish()], cutter


def talk(*stretches: float) -> Samples:
    """Loud and quiet stretches in turn, beginning with a quiet one, in seconds."""
    parts = [hiss(seconds, 0.1 if index % 2 else QUIET) for index, seconds in enumerate(stretches)]
    return np.concatenate(parts)


@pytest.mark.usefixtures("loud_is_speech")
def test_tiles_cover_every_region_once_and_nothing_else() -> None:
    tiles, cutter = cut(talk(1, 7.3, 1, 1.5, 2, 0.4, 1, 3.2, 1))
    assert len(cutter.speech) == 4
    for start, end in cutter.speech:
        inside = [tile for tile in tiles if start <= tile.start < end]
        assert inside[0].start == start
        assert inside[-1].end == end
        assert all(a.end == b.start for a, b in pairwise(inside))
    assert sum(tile.end - tile.start for tile in tiles) == pytest.approx(sum(b - a for a, b in cutter.speech))


@pytest.mark.usefixtures("loud_is_speech")
@pytest.mark.parametrize(("seconds", "left"), [(7.7, 0.0), (7.2, 0.4)])
def test_windows_stay_inside_a_long_region_and_hold_its_samples(seconds: float, left: float) -> None:
    sound = talk(1, seconds, 2)
    tiles, cutter = cut(sound)
    ((start, end),) = cutter.speech
    assert [tile.window is not None for tile in tiles] == [True] * len(tiles)
    windows = [tile.window for tile in tiles if tile.window]
    assert [window.start for window in windows[:-1]] == [start + index for index in range(len(windows) - 1)]
    assert windows[-1].end == pytest.approx(end - left, abs=0.1)
    assert windows[-1].end <= end
    for window in windows:
        assert window.end - window.start == pytest.approx(3)
        first = round(window.start * SAMPLE_RATE)
        np.testing.assert_array_equal(window.samples, sound[first : first + len(window.samples)])
        assert window.speech_share == pytest.approx(1)


@pytest.mark.usefixtures("loud_is_speech")
def test_a_short_region_is_one_window_without_its_neighbours() -> None:
    tiles, cutter = cut(talk(1, 1.5, 0.5, 1.5, 1))
    assert len(tiles) == 2
    for tile, (start, end), (_, other) in zip(tiles, cutter.speech, reversed(cutter.speech), strict=True):
        assert tile.window is not None
        assert start - 0.15 == pytest.approx(tile.window.start)
        assert end + 0.15 == pytest.approx(tile.window.end)
        assert not tile.window.start < other < tile.window.end or other == end
        assert tile.window.speech_share == pytest.approx((end - start) / (end - start + 0.3), abs=0.01)


@pytest.mark.usefixtures("loud_is_speech")
def test_block_sizes_do_not_change_what_is_cut() -> None:
    sound = talk(0.7, 5.2, 0.6, 0.5, 0.8, 12.4, 1.3, 2.0)
    expected, _ = cut(sound, size=100)
    for size in (0.013, 0.5, 30.0):
        tiles, _ = cut(sound, size)
        assert [(tile.start, tile.end, tile.reason) for tile in tiles] == [
            (pytest.approx(tile.start), pytest.approx(tile.end), tile.reason) for tile in expected
        ]
        for tile, other in zip(tiles, expected, strict=True):
            assert (tile.window is None) == (other.window is None)
            if tile.window and other.window:
                np.testing.assert_array_equal(tile.window.samples, other.window.samples)
                assert tile.window.level_db == pytest.approx(other.window.level_db, abs=0.1)


@pytest.mark.usefixtures("loud_is_speech")
def test_windows_come_as_soon_as_they_are_certain() -> None:
    cutter = WindowCutter()
    sound = talk(0.5, 20)
    seen = [(start + 1, tile.end) for start, block in blocks(sound) for tile in cutter.feed(start, block)]
    assert seen[0][0] <= 6
    assert max(now - end for now, end in seen) <= 4


@pytest.mark.usefixtures("loud_is_speech")
def test_level_and_distance_from_the_background_are_measured() -> None:
    tiles, _ = cut(np.concatenate([hiss(2, 0.003), hiss(4, 0.1), hiss(2, 0.003)]))
    window = tiles[0].window
    assert window is not None
    assert window.level_db == pytest.approx(-20, abs=1)
    assert window.snr_db == pytest.approx(30.5, abs=1)
    tiles, _ = cut(hiss(4, 0.1))
    assert tiles[0].window is not None
    assert tiles[0].window.snr_db is None, "without background nothing is known of it"


@pytest.mark.usefixtures("loud_is_speech")
def test_too_short_and_too_quiet_speech_is_not_read_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles, _ = cut(talk(1, 0.4, 1))
    assert [(tile.window, tile.reason) for tile in tiles] == [(None, "too little speech")]
    monkeypatch.setattr("mer_batch.voice.windows.TOO_QUIET", -10.0)
    tiles, _ = cut(talk(1, 2, 1))
    assert [(tile.window, tile.reason) for tile in tiles] == [(None, "too quiet")]


@pytest.mark.usefixtures("loud_is_speech")
def test_nothing_reaches_across_a_hole_in_the_sound() -> None:
    cutter = WindowCutter()
    tiles = [*cutter.feed(2.0, hiss(2, 0.1)), *cutter.feed(60.0, hiss(2, 0.1)), *cutter.finish()]
    assert [(tile.start, tile.end) for tile in tiles] == [pytest.approx((2, 4)), pytest.approx((60, 62))]
    assert all(tile.window and len(tile.window.samples) == 2 * SAMPLE_RATE for tile in tiles)


def test_a_hop_that_leaves_holes_is_refused() -> None:
    for hop in (0.0, 4.0):
        with pytest.raises(UsageError, match="hop"):
            WindowCutter(hop=hop)


@pytest.mark.parametrize("make", [silence, hiss, chord])
def test_what_is_not_speech_gives_no_window(make: object) -> None:
    tiles, cutter = cut(make(6))  # type: ignore[operator]
    assert tiles == []
    assert cutter.speech == []


def test_spoken_words_are_found_where_they_are(tmp_path: Path) -> None:
    words = speech(tmp_path)
    sound = (
        np.concatenate([silence(1.5), words, silence(2)])
        + hiss(len(words) / SAMPLE_RATE + 3.5, 1e-3)[: len(words) + 56000]
    )
    _, cutter = cut(sound)
    assert cutter.speech[0][0] == pytest.approx(1.5, abs=0.2)
    assert cutter.speech[-1][1] == pytest.approx(1.5 + len(words) / SAMPLE_RATE, abs=0.3)


def test_the_detector_starts_afresh_and_leaves_the_threads_alone(tmp_path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    words = speech(tmp_path)
    first, second = SpeechDetector(), SpeechDetector()
    assert torch.get_num_threads() == before
    first.feed(np.concatenate([hiss(2), words]))
    first.restart(100.0)
    first.feed(words)
    first.finish()
    second.feed(words)
    second.finish()
    again = [(start - 100, end - 100) for start, end in first.regions.closed if start >= 100]
    assert again == [pytest.approx(span, abs=1e-6) for span in second.regions.closed]


def test_a_labelled_clip_always_has_a_window() -> None:
    (window,) = clip_windows(hiss(1.2))
    assert (window.start, window.end, len(window.samples)) == (0, pytest.approx(1.2), 19200)
    assert clip_windows(silence(0)) == []


def test_toy_detector_matches_the_real_interface() -> None:
    """The toy of these tests must not drift from what it stands for."""
    assert vars(Loud()).keys() == vars(SpeechDetector()).keys()
