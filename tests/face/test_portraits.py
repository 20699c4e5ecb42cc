"""Portraits: a few, good and spread in time, and the same whatever a film is divided into."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from face.fakes import GreenEmbedder, five_points
from mer_batch.face.detect import Detection
from mer_batch.face.portraits import MOST, Portrait, PortraitKeeper, best, embedded
from mer_batch.face.track import Sighting
from mer_batch.types import FaceQuality, Frame

BOX = (0.3, 0.3, 0.6, 0.6)


def sighting(trail: int = 0) -> Sighting:
    return Sighting(trail, Detection(BOX, five_points(BOX), 1.0))


def quality(score: float, size: float = 100.0) -> FaceQuality:
    return FaceQuality(size, 100.0, 0.0, 0.0, 0.0, score)


def frame(time: float, green: int = 0, damage: float = 0.0) -> Frame:
    picture = np.full((120, 120, 3), (255, green, 0), np.uint8)
    return Frame(time, picture, damage)


SCORES = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=60)


@settings(deadline=None)
@given(SCORES, st.integers(0, 60))
def test_two_pieces_keep_what_the_whole_keeps(scores: list[float], cut: int) -> None:
    every = [Portrait(number / 5, score, b"x") for number, score in enumerate(scores)]
    assert best((*best(every[:cut]), *best(every[cut:]))) == best(every)


def test_they_are_few_good_and_spread() -> None:
    even = best(Portrait(number / 5, 0.9, b"") for number in range(300))
    assert len(even) == MOST
    assert max(one.time for one in even) - min(one.time for one in even) > 30
    mixed = best(Portrait(float(number), 0.9 if number in (3, 4, 40, 41, 42) else 0.3, b"") for number in range(60))
    assert [one.time for one in mixed] == [3, 4, 40, 41, 42]


def test_what_is_known_comes_from_the_good_ones() -> None:
    keeper = PortraitKeeper(GreenEmbedder())
    keeper.see(frame(0.0, 20), [(sighting(), quality(1.0))])
    keeper.see(frame(1.0, 60), [(sighting(), quality(0.2))])
    keeper.see(frame(2.0, 200), [(sighting(), quality(0.01))])
    keeper.see(frame(3.0, 200, damage=0.1), [(sighting(), quality(1.0))])
    assert [one.time for one in keeper.portraits[0]] == [0.0, 1.0]
    mean, pictures = embedded(keeper.portraits, [0, 7], GreenEmbedder())[0].known
    assert 1.3 < pictures < 1.5
    assert 13 < mean[0] < 18


def test_a_small_face_is_worth_less() -> None:
    keeper = PortraitKeeper(GreenEmbedder())
    keeper.see(frame(0.0), [(sighting(), quality(0.4, size=25)), (sighting(1), quality(0.4, size=200))])
    assert keeper.portraits[0][0].score < keeper.portraits[1][0].score
