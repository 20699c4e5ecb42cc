"""Mouths whose motion is drawn, in faces that move too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image as Pictures
from scipy.ndimage import gaussian_filter, shift

from face.fakes import BrightnessReader, SquareDetector, five_points, read_faces
from mer_batch.face.detect import Detection
from mer_batch.face.flow import square
from mer_batch.face.mouth import WINDOW, Look, MouthTrack, MouthWatcher, motion
from mer_batch.face.track import Sighting
from mer_batch.types import Frame, Image

FACE = 100  # pixels
ROOM = np.random.default_rng(0).uniform(0, 255, (160, 220))
SKIN = gaussian_filter(np.random.default_rng(1).uniform(0, 255, (FACE, FACE)), 2)
SKIN = (SKIN - SKIN.mean()) / SKIN.std() * 30 + 130


def _face(open_: float) -> np.ndarray:
    """A face of 100 x 100 whose mouth is open by a share of its width."""
    face = SKIN.copy()
    rows, columns = np.mgrid[0:FACE, 0:FACE]
    height = 2 + 18 * open_
    face[((columns - 50) / 18) ** 2 + ((rows - 77) / height) ** 2 < 1] = 40
    return face


def _picture(x: float, opened: float, light: float = 1.0, size: float = 1.0) -> Image:
    """A face at column x, to a fraction of a pixel."""
    picture = gaussian_filter(ROOM, 3)
    face = shift(_face(opened), (0, x % 1), order=1, mode="nearest")
    picture[30 : 30 + FACE, int(x) : int(x) + FACE] = face
    grey = np.clip(picture * light, 0, 255).astype(np.uint8)[:: round(1 / size), :: round(1 / size)]
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))


def _sighting(x: float, trail: int = 7) -> Sighting:
    box = (x / 220, 30 / 160, (x + FACE) / 220, 130 / 160)
    return Sighting(trail, Detection(box, five_points(box), 1.0))


def _watched(
    place: Callable[[float], float],
    opening: Callable[[float], float],
    *,
    fps: float = 5.0,
    seconds: float = 3.0,
    light: Callable[[float], float] = lambda time: 1.0,
    size: float = 1.0,
) -> MouthTrack | None:
    """What a watcher says of a face at `place` that opens its mouth by `opening`, both over time."""
    watcher = MouthWatcher(fps)
    times = np.arange(0, seconds, 1 / watcher.rate)
    frames = [Frame(float(t), _picture(place(t), opening(t), light(t), size)) for t in times]
    for frame in watcher.sample(frames):
        watcher.see([frame], [[_sighting(place(frame.time))]])
    return watcher.tracks({7: "Person 1"}).get("Person 1")


def talk(time: float) -> float:
    return 0.5 + 0.5 * float(np.sin(2 * np.pi * 4 * time))


def _to_and_fro(track: MouthTrack) -> float:
    return float(np.median(track.speeds - track.drifts))


def test_a_talking_mouth_moves_and_a_resting_one_does_not_however_the_head_moves() -> None:
    def sways(time: float) -> float:
        return 60 + 15 * float(np.sin(2 * time))

    def dims(time: float) -> float:
        return 1 - 0.1 * time

    still = _watched(lambda t: 60.0, lambda t: 0.3)
    head = _watched(sways, lambda t: 0.3, light=dims)
    talks = _watched(sways, talk, light=dims)
    assert still is not None
    assert head is not None
    assert talks is not None
    assert still.speeds.max() < 0.005
    assert np.median(head.speeds) < 0.03
    assert np.median(talks.speeds) > 5 * np.median(head.speeds)
    assert np.median(talks.speeds) > 5 * np.median(talks.rests)
    assert _to_and_fro(talks) > 5 * _to_and_fro(head)


def test_a_mouth_that_opens_once_goes_one_way() -> None:
    yawns = _watched(lambda t: 60.0, lambda t: t / 3)
    talks = _watched(lambda t: 60.0, talk)
    assert yawns is not None
    assert talks is not None
    assert np.median(yawns.speeds) > 0.02, "it moves"
    assert np.median(yawns.drifts / yawns.speeds) > 0.75
    assert np.median(talks.drifts / talks.speeds) < 0.5


def test_speech_is_seen_while_it_lasts() -> None:
    track = _watched(lambda t: 60.0, lambda t: talk(t) if 1 <= t < 2 else 0.3)
    assert track is not None
    during = (track.times > 1 + WINDOW / 2) & (track.times < 2 - WINDOW / 2)
    outside = (track.times < 0.9 - WINDOW / 2) | (track.times > 2.1 + WINDOW / 2)
    assert track.speeds[during].min() > 10 * track.speeds[outside].max()


def test_between_sampled_frames_mouths_are_measured_ten_times_a_second() -> None:
    track = _watched(lambda t: 60.0, talk, seconds=2.0)
    assert track is not None
    assert np.diff(track.times) == pytest.approx(0.1)
    # Sightings reach from 0 to 1.8 s, and every reading takes 0.4 s.
    assert (track.times[0], track.times[-1]) == (pytest.approx(0.2), pytest.approx(1.6))


def test_pictures_close_together_are_thinned_out() -> None:
    often = _watched(lambda t: 60.0, talk, fps=50.0)
    usual = _watched(lambda t: 60.0, talk)
    assert often is not None
    assert usual is not None
    assert np.diff(often.times).min() > 0.049
    assert np.median(often.speeds) == pytest.approx(np.median(usual.speeds), rel=0.5)


@pytest.mark.parametrize(("fps", "rate"), [(5.0, 10.0), (1.0, 10.0), (4.0, 12.0), (12.5, 12.5), (25.0, 25.0)])
def test_the_rate_is_a_multiple_of_the_sampling(fps: float, rate: float) -> None:
    assert MouthWatcher(fps).rate == rate


def test_sampling_takes_the_first_frame_of_every_step() -> None:
    watcher = MouthWatcher(5.0, start=1.0)
    times = [1.0, 1.1, 1.199, 1.3, 1.55, 1.61, 1.7, 2.2]
    frames = [Frame(time, _picture(60, 0)) for time in times]
    assert [frame.time for frame in watcher.sample(frames)] == [1.0, 1.199, 1.55, 1.61, 2.2]


def test_faces_too_small_or_seen_too_seldom_are_left_out() -> None:
    assert _watched(lambda t: 60.0, talk, size=0.2) is None
    assert _watched(lambda t: 60.0, talk, fps=1.0) is None


def test_trails_that_are_nobody_are_left_out() -> None:
    watcher = MouthWatcher(5.0)
    for frame in watcher.sample([Frame(i / 10, _picture(60, i % 2)) for i in range(10)]):
        watcher.see([frame], [[_sighting(60.0, trail=1), _sighting(60.0, trail=2)]])
    assert set(watcher.tracks({2: "Person 1"})) == {"Person 1"}


def test_one_trail_does_not_reach_across_a_break() -> None:
    watcher = MouthWatcher(5.0)
    frames = [Frame(i / 10, _picture(60, i % 2)) for i in range(23)]
    for number, frame in enumerate(watcher.sample(frames)):
        watcher.see([frame], [[_sighting(60.0)] if number != 6 else []])
    # The face is not seen at 1.2 s: nothing is known from 1.0 to 1.4 s.
    times = watcher.tracks({7: "A"})["A"].times
    assert times == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.6, 1.7, 1.8, 1.9, 2.0])


@pytest.mark.parametrize("contrast", [15, 45])
def test_motion_is_a_length_whatever_the_contrast(contrast: float) -> None:
    """Half a pixel down, seen where the texture slopes that way: 0.5 / sqrt(2) of its slopes' length."""
    points = np.array(five_points((0.1, 0.1, 0.9, 0.9)))
    texture = gaussian_filter(np.random.default_rng(2).uniform(-1, 1, (48, 48)), 2)
    before = 128 + contrast * texture / texture.std()
    after = before.copy()
    after[30:, 8:40] = shift(before, (0.5, 0), order=3)[30:, 8:40]
    looks = [Look(0.0, crop.astype(np.float32), points) for crop in (before, after)]
    speed, rest = motion(looks[0], looks[1])
    assert speed * 48 == pytest.approx(0.5 / np.sqrt(2), rel=0.3)
    assert rest * 48 < 0.05


def test_watching_mouths_changes_nothing_else() -> None:
    pictures = []
    for index in range(60):
        picture = np.full((120, 240, 3), 70, np.uint8)
        picture[:, :80] = np.random.default_rng(0).integers(0, 200, (120, 80, 1))
        if not 30 <= index < 45:
            picture[30:80, 100 + index : 150 + index] = (255, 0, 0)
            picture[30:80:4, 100 + index : 150 + index] = (255, 0, 50)
        pictures.append(picture)
    fine = [Frame(i / 10, picture) for i, picture in enumerate(pictures)]
    watcher = MouthWatcher(5.0)
    readings = read_faces(fine, BrightnessReader(), detector=SquareDetector(), batch=4, watcher=watcher)
    plain = read_faces(fine[::2], BrightnessReader(), detector=SquareDetector(), batch=4)
    assert readings.observations == plain.observations
    assert readings.gaps == plain.gaps
    assert readings.people == plain.people
    assert plain.mouths == {}
    (name,) = readings.mouths
    assert name == "Person 1"
    assert len(readings.mouths[name].times) >= 30


@pytest.mark.parametrize("middle", [(60.0, 40.0), (3.3, 70.0), (118.0, -4.5), (-90.0, 45.0), (60.0, 300.0)])
def test_a_crop_of_a_picture_in_colour_equals_one_of_the_grey_picture(middle: tuple[float, float]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    grey = np.asarray(Pictures.fromarray(picture).convert("L"))
    crop = square(picture, np.array(middle), 30.5, 48)
    assert np.array_equal(crop, square(grey, np.array(middle), 30.5, 48))
    assert bool(crop.any()) == (-30.5 < middle[0] < 150.5 and -30.5 < middle[1] < 120.5)


@pytest.mark.parametrize(("fps", "dimensions"), [(5.0, 3), (1.0, 2)])
def test_pictures_are_held_grey_where_many_are_held(fps: float, dimensions: int) -> None:
    watcher = MouthWatcher(fps)
    frames = [Frame(i / watcher.rate, _picture(100, 0.0)) for i in range(4)]
    assert list(watcher.sample(frames))
    assert {held.image.ndim for held in watcher._held} == {dimensions}
