"""A film followed in pieces gives what the whole film gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from face.fakes import BrightnessReader, GreenEmbedder, SquareDetector
from mer_batch.face.identity import Embedder
from mer_batch.face.joints import JointError, join
from mer_batch.face.log import FaceLog
from mer_batch.face.mouth import MouthWatcher
from mer_batch.face.read import FaceReadings, Range, readings, watch_faces
from mer_batch.face.recognise import recognise
from mer_batch.types import Frame, Image

FPS = 5
OVERLAP = 3.0


def picture(people: Sequence[tuple[int, int, int]], shade: int = 70) -> Image:
    """(left, top, green): red faces of 32 x 32 pixels on a grey ground."""
    image = np.full((120, 240, 3), shade, np.uint8)
    for x, y, green in people:
        image[y : y + 32, x : x + 32] = (255, green, 0)
    return image


def film(cuts: Sequence[float] = (), fps: int = FPS) -> list[Frame]:
    """24 s: one walks, a second comes at 7 s, is hidden around 12 s and away from 15 to 18 s."""
    frames = []
    for number in range(24 * fps):
        time = number / fps
        people = [(20 + 2 * int(time), 30 + int(time), 0)]
        if time >= 7 and not 11.8 <= time < 12.3 and not 15 <= time < 18:
            people.append((150 + int(time), 60, 2))
        frames.append(Frame(time, picture(people, 70 + 60 * (sum(time >= cut for cut in cuts) % 2))))
    return frames


def piece(frames: Sequence[Frame], start: float, end: float | None, embedder: Embedder | None, mouths: bool) -> FaceLog:
    seen = [f for f in frames if f.time >= start - OVERLAP - 1e-6 and (end is None or f.time < end - 1e-6)]
    watcher = MouthWatcher(FPS) if mouths else None
    return watch_faces(
        seen,
        BrightnessReader(),
        detector=SquareDetector(),
        embedder=embedder,
        watcher=watcher,
        piece=Range(start - 1e-6, end, OVERLAP + 1e-6),
    )


def pieces(
    frames: Sequence[Frame], joints: Sequence[float], embedder: Embedder | None, mouths: bool = False
) -> list[FaceLog]:
    ends = [*joints, None]
    return [piece(frames, start, end, embedder, mouths) for start, end in zip([0.0, *joints], ends, strict=True)]


def whole(frames: Sequence[Frame], embedder: Embedder | None, mouths: bool = False) -> FaceReadings:
    watcher = MouthWatcher(FPS) if mouths else None
    log = watch_faces(frames, BrightnessReader(), detector=SquareDetector(), embedder=embedder, watcher=watcher)
    return readings(*recognise(log, embedder), embedder is not None)


@pytest.mark.parametrize("joints", [[6.0, 12.0, 18.0], [7.2, 11.8, 15.2, 19.0]], ids=["even", "odd"])
@pytest.mark.parametrize(
    ("embedder", "cuts"),
    [(None, ()), (GreenEmbedder(), (5.0, 9.6, 12.0, 16.4))],
    ids=["one shot, by looks", "cuts, by embeddings"],
)
def test_people_shots_and_readings_are_those_of_the_whole(
    joints: list[float], embedder: Embedder | None, cuts: tuple[float, ...]
) -> None:
    frames = film(cuts)
    joined = join(pieces(frames, joints, embedder))
    expected, found = whole(frames, embedder), readings(*recognise(joined, embedder), embedder is not None)
    assert len(expected.people) >= 2
    assert found.people == expected.people
    assert (found.shots, found.gaps, found.notices) == (expected.shots, expected.gaps, expected.notices)
    assert sorted(map(repr, found.observations)) == sorted(map(repr, expected.observations))
    assert found.still == expected.still


def test_who_was_away_across_a_joint_is_still_the_same() -> None:
    joined = join(pieces(film(), [16.6], None))
    found = readings(*recognise(joined), matched=False)
    assert [len(person.spans) for person in found.people] == [1, 3]


def test_mouths_go_on_across_a_joint() -> None:
    frames = film(fps=10)
    joined = join(pieces(frames, [8.0, 16.0], None, True))
    expected, found = whole(frames, None, mouths=True), readings(*recognise(joined), False)
    assert expected.mouths.keys() == found.mouths.keys() != set()
    for name, track in expected.mouths.items():
        np.testing.assert_allclose(found.mouths[name].times, track.times)
        np.testing.assert_allclose(found.mouths[name].speeds, track.speeds, atol=1e-6)


def test_other_pictures_in_the_overlap_are_no_joint() -> None:
    first, second = pieces(film(), [12.0], None)
    frame = max(frame for frame in second.prints if frame < second.warm)
    with pytest.raises(JointError, match="not the same"):
        join([first, replace(second, prints={**second.prints, frame: 0})])
    with pytest.raises(JointError, match="not the same"):
        join([first, replace(second, times=tuple(time + 0.02 for time in second.times))])


def test_damage_and_what_is_said_of_pictures_is_no_joint() -> None:
    first, second = pieces(film(), [12.0], None)
    with pytest.raises(JointError, match="damaged"):
        join([first, replace(second, damage={70: 0.5})])
    with pytest.raises(JointError, match="the picture changes"):
        join([replace(first, said=("the picture changes",)), second])
