"""Following people: numbers are kept while visible, end at cuts, and never join two people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from face.fakes import SquareDetector
from mer_batch.face.detect import Detection
from mer_batch.face.track import Tracker, _assigned
from mer_batch.types import Box, Frame, Image

Places = Sequence[tuple[int, int]]
SHIRTS = ((40, 40, 200), (40, 160, 160), (200, 160, 230), (90, 90, 90))


def _picture(people: Sequence[tuple[int, tuple[int, int]] | None], weak: int = 0) -> Image:
    """Red 20 x 24 faces over coloured shirts; people[i] = (shirt, (x, y))."""
    picture = np.full((120, 240, 3), 70, np.uint8)
    for person in people:
        if person is None:
            continue
        shirt, (x, y) = person
        picture[y + 26 : y + 66, max(0, x - 14) : x + 34] = SHIRTS[shirt]
        picture[y : y + 24, max(0, x) : x + 20] = (255, weak, 0)
    return picture


def _follow(
    pictures: Sequence[Image],
    cuts: Sequence[int] = (),
    fps: float = 5,
    batch: int = 7,
) -> tuple[list[dict[int, Box]], SquareDetector]:
    """For each frame the boxes by person."""
    detector = SquareDetector()
    tracker = Tracker(detector)
    frames = [Frame(i / fps, picture) for i, picture in enumerate(pictures)]
    seen = []
    for start in range(0, len(frames), batch):
        part = frames[start : start + batch]
        seen += tracker.follow(part, [start + i in cuts for i in range(len(part))])
    tracker.end()
    return [
        {tracker.person[s.trail]: s.face.box for s in frame if s.trail in tracker.person} for frame in seen
    ], detector


def _people(frames: Sequence[dict[int, Box]]) -> list[list[int]]:
    return [sorted(frame) for frame in frames]


def test_one_person_keeps_the_number_while_moving() -> None:
    seen, _ = _follow([_picture([(0, (10 + 4 * i, 30))]) for i in range(40)])
    assert _people(seen) == [[1]] * 40
    assert seen[39][1][0] == pytest.approx((10 + 4 * 39) / 240, abs=0.01)


def test_two_people_who_stay_apart() -> None:
    seen, _ = _follow([_picture([(0, (20 + i, 30)), (1, (200 - i, 40))]) for i in range(30)])
    assert _people(seen) == [[1, 2]] * 30
    left = [frame[1][0] for frame in seen]
    assert left == sorted(left) or left == sorted(left, reverse=True)


def test_the_number_does_not_depend_on_the_batch() -> None:
    pictures = [_picture([(0, (20 + 2 * i, 30)), (1, (180, 40)) if i > 6 else None]) for i in range(25)]
    assert _follow(pictures, batch=1)[0] == _follow(pictures, batch=16)[0]


def test_a_short_loss_keeps_the_number_and_leaves_a_gap() -> None:
    seen, _ = _follow([_picture([None if 10 <= i < 14 else (0, (60, 30))]) for i in range(25)])
    assert _people(seen) == [[1]] * 10 + [[]] * 4 + [[1]] * 11


def test_a_return_within_the_shot_with_the_same_look_keeps_the_number() -> None:
    seen, _ = _follow([_picture([None if 10 <= i < 25 else (0, (60, 30))]) for i in range(45)])
    assert _people(seen)[:25] == [[1]] * 10 + [[]] * 15
    assert _people(seen)[30:] == [[1]] * 15


def test_somebody_else_in_the_same_place_is_a_new_person() -> None:
    pictures = [_picture([(0 if i < 10 else 2, (60, 30))] if not 10 <= i < 18 else []) for i in range(35)]
    assert _people(_follow(pictures)[0])[-10:] == [[2]] * 10


def test_a_long_absence_is_not_bridged() -> None:
    seen, _ = _follow([_picture([None if 10 <= i < 130 else (0, (60, 30))]) for i in range(150)])
    assert _people(seen)[-10:] == [[2]] * 10


def test_trails_end_at_cuts_even_in_the_same_place() -> None:
    seen, _ = _follow([_picture([(0, (60, 30))]) for _ in range(30)], cuts=[12])
    assert _people(seen) == [[1]] * 12 + [[2]] * 18


def test_newcomers_are_found_within_the_search_interval() -> None:
    seen, _ = _follow([_picture([(0, (20, 30)), (1, (180, 40)) if i >= 11 else None]) for i in range(30)])
    assert [1, 2] in _people(seen)[11:17]
    assert _people(seen)[:11] == [[1]] * 11


def test_a_single_false_detection_is_nobody() -> None:
    assert _people(_follow([_picture([(0, (60, 30))] if i == 5 else []) for i in range(20)])[0]) == [[]] * 20


def test_weak_detections_are_nobody_however_long_they_last() -> None:
    assert _people(_follow([_picture([(0, (60, 30))], weak=30)] * 30)[0]) == [[]] * 30


def test_a_film_of_one_picture_has_its_person() -> None:
    assert _people(_follow([_picture([(0, (60, 30))])])[0]) == [[1]]
    assert _people(_follow([_picture([(0, (60, 30))], weak=30)])[0]) == [[]]


def test_no_frames() -> None:
    assert _follow([])[0] == []


def test_the_whole_picture_is_searched_seldom() -> None:
    class Refining(SquareDetector):
        def refine(self, image: Image, boxes: Sequence[Box]) -> list[Detection | None]:
            before = self.searched
            try:
                return super().refine(image, boxes)
            finally:
                self.searched = before

    detector = Refining()
    tracker = Tracker(detector)
    frames = [Frame(i / 25, _picture([(0, (60, 30))])) for i in range(100)]
    tracker.follow(frames, [False] * 100)
    assert 4 <= detector.searched <= 5


@pytest.fixture
def real_people(scene: list[Frame]) -> Callable[[], list[list[int]]]:
    from mer_batch.face.cuts import CutFinder
    from mer_batch.face.detect import CascadeDetector

    def run() -> list[list[int]]:
        tracker, finder = Tracker(CascadeDetector("cpu")), CutFinder()
        seen = tracker.follow(scene, [finder.begins_shot(frame.image) for frame in scene])
        tracker.end()
        return [sorted(tracker.person[s.trail] for s in frame if s.trail in tracker.person) for frame in seen]

    return run


def test_the_portrait_walks_out_returns_and_is_cut(
    scene: list[Frame], real_people: Callable[[], list[list[int]]]
) -> None:
    by_time = {round(frame.time, 1): people for frame, people in zip(scene, real_people(), strict=True)}
    for time in np.arange(0, 2.9, 0.2).round(1):
        assert by_time[time] == [1], time
    for time in np.arange(4.0, 6.0, 0.2).round(1):
        assert by_time[time] == [], time
    for time in np.arange(7.6, 8.9, 0.2).round(1):
        assert by_time[time] == [1], time
    for time in np.arange(9.0, 11.9, 0.2).round(1):
        assert by_time[time] == [], time
    for time in np.arange(12.0, 13.9, 0.2).round(1):
        assert by_time[time] == [2], time


class Glancing(SquareDetector):
    """Sees at a glance only what is 30 pixels high, and says which pictures it searched for all."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        self.done += ["all"] * len(images)
        return super().detect(images)

    def glance(self, images: Sequence[Image]) -> list[list[Detection]]:
        self.done += ["large"] * len(images)
        found = super().detect(images)
        return [
            [face for face in faces if (face.box[3] - face.box[1]) * len(image) >= 30]
            for image, faces in zip(images, found, strict=True)
        ]

    def refine(self, image: Image, boxes: Sequence[Box]) -> list[Detection | None]:
        done, self.done = self.done, []
        found = super().refine(image, boxes)
        self.done = done
        return found


def _glanced(pictures: Sequence[Image], fps: float = 5, batch: int = 7) -> tuple[list[int], list[str]]:
    """How many faces are seen in each frame, and which searches there were."""
    detector = Glancing()
    tracker = Tracker(detector)
    frames = [Frame(i / fps, picture) for i, picture in enumerate(pictures)]
    seen = []
    for start in range(0, len(frames), batch):
        part = frames[start : start + batch]
        seen += tracker.follow(part, [False] * len(part))
    return [len(faces) for faces in seen], detector.done


def _large(places: Places, side: int = 40) -> Image:
    """Faces of 40 x 40 pixels."""
    picture = np.full((120, 240, 3), 70, np.uint8)
    for x, y in places:
        picture[y : y + side, x : x + side] = (255, 0, 0)
    return picture


def test_small_faces_are_searched_every_third_second() -> None:
    pictures = [_large([(20, 30)]) for _ in range(35)]
    for picture in pictures[6:]:
        picture[60:84, 200:220] = (255, 0, 0)
    seen, done = _glanced(pictures)
    assert seen == [1] * 15 + [2] * 20
    assert sorted(done) == ["all"] * 3 + ["large"] * 4


def test_large_newcomers_are_found_within_a_second() -> None:
    seen, _ = _glanced([_large([(20, 30), (150, 40)][: 1 + (i >= 6)]) for i in range(20)])
    assert seen == [1] * 10 + [2] * 10


def test_while_nobody_is_in_view_small_faces_are_searched_every_second() -> None:
    for first in range(1, 14):
        seen, _ = _glanced([_picture([(0, (60, 30))] if i >= first else []) for i in range(25)])
        assert seen.index(1) - first < 5
        assert seen[-1] == 1


@pytest.mark.parametrize(("side", "search"), [(40, "large"), (16, "all")])
def test_who_was_lost_is_searched_at_the_size_that_is_needed(side: int, search: str) -> None:
    picture = _large([(60, 30)], side)
    seen, done = _glanced([picture, picture, picture, _large([]), picture])
    assert seen == [1, 1, 1, 0, 1]
    assert done == ["all", search, search]


@pytest.mark.parametrize(
    "shape", [(0, 0), (0, 3), (2, 0), (1, 1), (2, 2), (1, 4), (4, 3), (4, 4), (5, 2), (2, 6), (6, 6)]
)
def test_pairs_are_those_that_cost_least_together(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        costs = np.where(rng.random(shape) < 0.4, 10.0, rng.random(shape))
        pairs = _assigned(costs)
        rows, columns = linear_sum_assignment(costs)
        assert len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs}) == min(shape)
        assert sum(costs[pair] for pair in pairs) == pytest.approx(costs[rows, columns].sum())


@pytest.mark.parametrize("fps", [0.2, 0.4, 1.0, 2.0])
def test_pictures_seldom_seen_are_searched_for_all_as_seldom_as_that(fps: float) -> None:
    pictures = [_large([(20, 30)]) for _ in range(round(12 * fps) + 1)]
    _, done = _glanced(pictures, fps)
    assert done.count("all") == min(len(pictures), 5)
