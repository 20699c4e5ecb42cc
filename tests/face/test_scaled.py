"""Small copies of pictures: what is in them stays where it is, whatever holds their memory."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pictures

from mer_batch.face.scaled import shrunk


@pytest.mark.parametrize("size", [(720, 1280), (36, 64), (101, 37), (8, 8)])
def test_a_small_copy_is_close_to_the_means_of_areas(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    waves = [np.sin(3 * rows / size[0]), np.cos(3 * columns / size[1]), rows * columns / (size[0] * size[1])]
    image = ((np.stack(waves, 2) + 1) * 127).astype(np.uint8)
    wanted = np.asarray(Pictures.fromarray(image).resize((64, 36), Pictures.Resampling.BOX))
    found = shrunk(image, 64, 36)
    assert found.shape == (36, 64, 3)
    assert found.dtype == np.uint8
    if size[0] >= 36 and size[1] >= 64:  # of what is enlarged Pillow repeats pixels
        assert np.abs(found.astype(int) - wanted).max() <= 4


def test_pictures_that_must_not_be_written_to_or_are_parts_of_others_are_taken() -> None:
    image = np.random.default_rng(1).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    before, locked = image.copy(), image.copy()
    locked.flags.writeable = False
    assert np.array_equal(shrunk(image, 32, 18), shrunk(locked, 32, 18))
    part = image[10:80, 20:120]
    assert np.array_equal(shrunk(part, 32, 18), shrunk(part.copy(), 32, 18))
    assert np.array_equal(image, before)
