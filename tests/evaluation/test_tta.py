"""Views of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.errors import UsageError
from mer_batch.evaluation.tta import VIEWS, views_for, views_name


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "count"), [("five", 5), ("ten", 10), ("r1", 5)])
def test_first_view_is_the_picture_itself(name: str, count: int, picture: np.ndarray) -> None:
    views = VIEWS[name]([picture, picture[:20]])
    assert len(views) == count
    assert np.array_equal(views[0][0], picture)
    assert all(len(view) == 2 and view[0].dtype == np.uint8 for view in views)
    assert len({view[0].tobytes() for view in views}) == count


def test_ten_holds_the_mirror_images_of_five(picture: np.ndarray) -> None:
    five, ten = VIEWS["five"]([picture]), VIEWS["ten"]([picture])
    for view, mirrored in zip(five, ten[5:], strict=True):
        assert np.array_equal(view[0][:, ::-1], mirrored[0])


def test_drawn_views_do_not_depend_on_the_batch(picture: np.ndarray) -> None:
    alone, together = VIEWS["r1"]([picture]), VIEWS["r1"]([picture[::-1], picture])
    assert all(np.array_equal(one[0], two[1]) for one, two in zip(alone, together, strict=True))


def test_drawn_views_keep_an_even_picture_even() -> None:
    """Turning must not bring black corners in; only the light may change."""
    for view in VIEWS["r1"]([np.full((48, 48), 100, np.uint8)]):
        assert view[0].shape == (48, 48)
        assert np.ptp(view[0]) == 0
        assert 75 <= view[0][0, 0] <= 125


def test_names() -> None:
    assert views_name("face", False) == ""
    assert views_name("voice", False) == ""
    assert views_name("face", True) == "five"
    assert views_for("face", False) is None
    with pytest.raises(UsageError, match="unknown views 'six'"):
        views_name("face", "six")
    with pytest.raises(UsageError, match="no views for text"):
        views_name("text", True)
