"""Who is a picture: faces that never move beside their surroundings, whatever the camera does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures
from typer.testing import CliRunner

import clips
from face.fakes import five_points
from mer_batch.cli import app
from mer_batch.face.cuts import CutFinder
from mer_batch.face.detect import Detection
from mer_batch.face.liveness import STILL, Count, LivenessWatcher, notices
from mer_batch.face.track import Sighting
from mer_batch.timeline import io
from mer_batch.types import Box, Frame, Image

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "interview.mp4"
NAMES = {0: "Person 1", 1: "Person 2"}


def moved_head(portrait: Image, pixels: float) -> Image:
    """The portrait with its face, `pixels` of 256, to the right in front of everything else."""
    rows, columns = np.mgrid[0:256, 0:256]
    mask = np.exp(-(((columns - 128) / 60.0) ** 4) - ((rows - 105) / 75.0) ** 4)[..., None]
    shifted = Pictures.fromarray(portrait).transform((256, 256), Pictures.Transform.AFFINE, (1, 0, -pixels, 0, 1, 0), 2)
    return np.asarray(mask * np.asarray(shifted) + (1 - mask) * portrait).astype(np.uint8)


def scene(portrait: Image, time: float) -> Image:
    """A face that sways, and a portrait of it on the wall, 1200 x 660: finer than the camera that looks at it."""
    picture = np.full((660, 1200, 3), 150, np.uint8)
    picture[:, ::120] = 90
    living = moved_head(portrait, 3.4 * np.sin(2 * np.pi * time / 1.7))
    for x, image in ((90, living), (660, portrait)):
        large = Pictures.fromarray(image).resize((450, 450), Pictures.Resampling.BICUBIC)
        picture[120:570, x : x + 450] = np.asarray(large)
    return picture


def filmed(picture: Image, dx: float, dy: float, zoom: float) -> tuple[Image, tuple[Box, ...]]:
    """What a camera sees (510 x 285) that looks `dx`, `dy` pixels aside and `zoom` times as near, with both faces."""
    wide, tall, left, top = 1020 / zoom, 570 / zoom, 90 + dx, 45 + dy
    seen = Pictures.fromarray(picture).resize(
        (510, 285), Pictures.Resampling.BICUBIC, box=(left, top, left + wide, top + tall)
    )
    faces = [
        ((x + 144 - left) / wide, (230 - top) / tall, (x + 306 - left) / wide, (410 - top) / tall) for x in (90, 660)
    ]
    return np.asarray(seen), tuple(faces)


def film(portrait: Image, kind: str, seconds: float = 8.0) -> Iterator[tuple[Frame, list[Sighting]]]:
    rng = np.random.default_rng(3)
    for number in range(round(5 * seconds)):
        time = number / 5
        dx, dy = (42 * np.sin(2 * time), 27 * np.sin(3.1 * time)) if kind == "shaking" else (0.0, 0.0)
        zoom = 1 + 0.02 * time if kind == "zooming" else 1.0
        image, boxes = filmed(scene(portrait, time), dx, dy, zoom)
        grain = (3.0 if kind == "noisy" else 0.0) * rng.standard_normal(image.shape)
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
        jitter = rng.normal(0, 0.002, (2, 4))
        faces = [tuple(float(v) for v in np.array(box) + off) for box, off in zip(boxes, jitter, strict=True)]
        yield (
            Frame(time, image),
            [
                Sighting(trail, Detection(box, five_points(box), 0.999))  # type: ignore[arg-type]
                for trail, box in enumerate(faces)
            ],
        )


def see(watcher: LivenessWatcher, frame: Frame, seen: list[Sighting]) -> None:
    finder = CutFinder()
    finder.begins_shot(frame.image)
    watcher.see(frame, seen, finder.small)


def watched(portrait: Image, kind: str, seconds: float = 8.0) -> LivenessWatcher:
    watcher = LivenessWatcher()
    for frame, seen in film(portrait, kind, seconds):
        see(watcher, frame, seen)
    return watcher


@pytest.mark.parametrize("kind", ["at rest", "noisy", "shaking", "zooming"])
def test_a_portrait_beside_somebody_who_moves_is_a_picture(portrait: Image, kind: str) -> None:
    watcher = watched(portrait, kind)
    assert watcher.still(NAMES) == ("Person 2",)
    assert not watcher.unchanging


def test_who_sits_still_for_two_seconds_is_not_judged(portrait: Image) -> None:
    assert watched(portrait, "at rest", 2.4).still(NAMES) == ()


@pytest.mark.parametrize(("every", "enough"), [(1, 20), (2, 20), (3, 40), (4, 40), (5, None)])
def test_who_moves_often_is_soon_not_watched_any_more(every: int, enough: int | None) -> None:
    count = Count()
    while not count.lives and count.pairs < 200:
        count.add(count.pairs % every == 0, count.pairs * 0.4)
    assert count.pairs == (enough or 200)


def test_one_person_is_judged_over_all_trails(portrait: Image) -> None:
    """A person who was lost and found again moves if one of the faces does."""
    assert watched(portrait, "at rest").still({0: "Person 1", 1: "Person 1"}) == ()


def test_a_video_of_one_picture_says_so(portrait: Image) -> None:
    watcher = LivenessWatcher()
    first = scene(portrait, 0)[::2, ::2]
    for number, (frame, seen) in enumerate(film(portrait, "at rest", 6)):
        pulse = np.clip(first.astype(np.int16) + (number == 12), 0, 255).astype(np.uint8)  # the coder begins anew
        see(watcher, Frame(frame.time, pulse), seen)
    assert watcher.unchanging
    assert watcher.still(NAMES) == ("Person 1", "Person 2")
    assert notices(("Anna",), True) == ["the picture never changes: a still, and Anna perhaps a photo"]
    assert notices((), True) == ["the picture never changes: a still"]


def test_a_face_too_small_or_at_the_edge_is_not_judged(portrait: Image) -> None:
    watcher = LivenessWatcher()
    for frame, _ in film(portrait, "at rest"):
        boxes = ((0.5, 0.5, 0.52, 0.53), (-0.35, -0.3, 0.02, 0.02))
        seen = [Sighting(trail, Detection(box, five_points(box), 0.999)) for trail, box in enumerate(boxes)]
        see(watcher, frame, seen)
    assert watcher.still(NAMES) == ()


def test_the_whole_way_says_who_never_moves(tmp_path: Path) -> None:
    """The example's first seconds, and beside them a still from it: said, marked, and not dropped."""
    beside = (
        "[0:v]trim=0:6,setpts=PTS-STARTPTS,split[a][b];[a]crop=360:360:140:0[live];"
        "[b]trim=0:0.04,loop=-1:1,setpts=N/25/TB,crop=360:360:140:0,pad=400:360:20:0:brown[wall];"
        "[live][wall]hstack=shortest=1,noise=alls=4:allf=t"
    )
    clip = clips.make(
        tmp_path / "wall.mp4", "-i", str(EXAMPLE), "-filter_complex", beside, "-an", *clips.X264[:4], "-crf", "23"
    )
    result = CliRunner().invoke(app, ["analyze", str(clip), "--modalities", "face", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    found = io.from_json((tmp_path / "wall.mp4.timeline.json").read_text())
    places = {
        person.name: np.median(
            [o.evidence.box[0] for o in found.observations if o.person == person.name and o.evidence.box]
        )
        for person in found.people
    }
    assert len(places) == 2
    hanging = max(places, key=lambda name: places[name])
    assert [line for line in found.notices if "never moves" in line] == [
        f"{hanging} never moves: perhaps a picture on a wall"
    ]
    assert f"mer: {hanging} never moves" in result.output
    assert {STILL in o.flags for o in found.observations if o.person == hanging} == {True}
    assert {STILL in o.flags for o in found.observations if o.person != hanging} == {False}
    assert {segment.person for segment in found.segments} == set(places)
