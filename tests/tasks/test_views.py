"""Views of pictures and of sound."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.errors import UsageError
from mer_batch.tasks.views import VIEWS, views_for, views_name
from mer_batch.types import SAMPLE_RATE, AudioWindow


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "count"), [("five", 5), ("ten", 10), ("r1", 5)])
def test_first_view_is_the_picture_itself(name: str, count: int, picture: np.ndarray) -> None:
    views = VIEWS["face"][name]([picture, picture[:20]])
    assert len(views) == count
    assert np.array_equal(views[0][0], picture)
    assert all(len(view) == 2 and view[0].dtype == np.uint8 for view in views)
    assert len({view[0].tobytes() for view in views}) == count


def test_ten_holds_the_mirror_images_of_five(picture: np.ndarray) -> None:
    five, ten = VIEWS["face"]["five"]([picture]), VIEWS["face"]["ten"]([picture])
    for view, mirrored in zip(five, ten[5:], strict=True):
        assert np.array_equal(view[0][:, ::-1], mirrored[0])


def test_drawn_views_do_not_depend_on_the_batch(picture: np.ndarray) -> None:
    alone, together = VIEWS["face"]["r1"]([picture]), VIEWS["face"]["r1"]([picture[::-1], picture])
    assert all(np.array_equal(one[0], two[1]) for one, two in zip(alone, together, strict=True))


def test_drawn_views_keep_an_even_picture_even() -> None:
    """Turning must not bring black corners in; only the light may change."""
    for view in VIEWS["face"]["r1"]([np.full((48, 48), 100, np.uint8)]):
        assert view[0].shape == (48, 48)
        assert np.ptp(view[0]) == 0
        assert 75 <= view[0][0, 0] <= 125


def test_shifts_move_the_sound_and_nothing_else() -> None:
    ramp = np.arange(1, 3 * SAMPLE_RATE + 1, dtype=np.float32)
    window = AudioWindow(5.0, 8.0, ramp, 0.9, -20.0, 12.0)
    views = VIEWS["voice"]["shifts"]([window, window])
    assert views[0][0] is window
    assert [len(view) for view in views] == [2] * 5
    for (moved, _), samples in zip(views[1:], (800, -800, 1600, -1600), strict=True):
        assert (moved.start, moved.end, moved.snr_db, len(moved.samples)) == (5.0, 8.0, 12.0, len(ramp))
        assert (moved.samples == 0).sum() == abs(samples), "silence stands where nothing is left"
        place = SAMPLE_RATE + samples
        assert moved.samples[place] == ramp[SAMPLE_RATE]


def test_shifts_keep_most_of_a_short_sound() -> None:
    short, empty = (AudioWindow(0.0, n / SAMPLE_RATE, np.ones(n, np.float32), 1.0, -20.0, None) for n in (1600, 0))
    views = VIEWS["voice"]["shifts"]([short, empty])
    assert [int(view[0].samples.sum()) for view in views] == [1600, 1400, 1400, 1400, 1400]
    assert [len(view[1].samples) for view in views] == [0] * 5


def test_names() -> None:
    assert views_name("face", False) == ""
    assert views_name("voice", False) == ""
    assert views_name("face", True) == "five"
    assert views_name("voice", True) == views_name("voice", "shifts") == "shifts"
    assert views_for("face", False) is views_for("voice", False) is None
    with pytest.raises(UsageError, match="unknown face views 'six'"):
        views_name("face", "six")
    with pytest.raises(UsageError, match="unknown voice views 'five'"):
        views_name("voice", "five")
    with pytest.raises(UsageError, match="no views for text"):
        views_name("text", True)
