"""Clips with cuts of which it is known who is in view when, composed by seed from the shared videos and stills.

A clip has five to eight shots: one person, two side by side, one who leaves the picture and comes back, nobody. Every
shot shows another stretch of a person's video (of another video where there are two) in another framing and light.
What nobody can vary so is clothes and place: within one video they stay, as they mostly do within a film.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from mer_batch.media import probe, read_frames
from mer_batch.media.binary import ffmpeg_path
from mer_batch.media.pictures import read_picture

FPS: Final = 10
SIZE: Final = (640, 360)
LONGEST: Final = 20.0
"""Seconds that are taken of a video."""
Pixels: TypeAlias = "NDArray[np.uint8]"
_FACES: Final = "media/faces"


@dataclass(frozen=True)
class Cast:
    """People by their videos or stills, below the folder of data; `alike` are the places of some who look alike."""

    people: tuple[tuple[str, ...], ...]
    stills: tuple[str, ...]
    alike: tuple[tuple[int, int], ...]


CASTS: Final = {
    "tune": Cast(
        people=(
            (f"{_FACES}/vr_man_office.mp4",),
            ("av_clips/mead_eamm/M030_sad_3_001.mp4",),
            (f"{_FACES}/grid_bbaf2n.mpg",),
            (f"{_FACES}/grid_brbk7n.mpg",),
            (f"{_FACES}/grid_lbax4n.mpg",),
            (f"{_FACES}/lp_d18_silent_track.mp4",),
            (f"{_FACES}/lp_d11_child.mp4",),
            ("av_clips/mead_eamm_silent/disgusted.mp4",),
            (f"{_FACES}/chaplin_bw.mp4",),
        ),
        stills=("media/stills/aflw_image04476.jpg", "media/stills/cofw_001766.jpg"),
        alike=((0, 1), (0, 7)),
    ),
    "report": Cast(
        people=(
            (f"{_FACES}/lp_d6_exaggerated_33s.mp4",),
            (f"{_FACES}/pyfeat_WolfgangLanger_Pexels.mp4",),
            (f"{_FACES}/grid_lbbc2a.mpg",),
            (f"{_FACES}/grid_pwij3p.mpg", f"{_FACES}/grid_id2_swwp2s.mpg"),
            (f"{_FACES}/grid_sbia1a.mpg",),
            ("av_clips/ravdess_dmmh/01-01-01-01-01-01-01.mp4",),
            (f"{_FACES}/vr_woman_flag.mp4",),
            (f"{_FACES}/vr_woman_glasses.mp4",),
            (f"{_FACES}/lp_d19_sad_glasses.mp4",),
            (f"{_FACES}/pyfeat_single_face.mp4",),
            ("av_clips/mead_eamm_silent/fear.mp4", "av_clips/mead_eamm_silent/surprised.mp4"),
            ("av_clips/mead_eamm_silent/happy.mp4",),
        ),
        stills=(
            "media/stills/aflw_image22568.jpg",
            "media/stills/cofw_001805.jpg",
            "media/stills/lapa_13609937564_5.jpg",
        ),
        alike=((0, 1), (6, 7), (3, 4)),
    ),
}


@dataclass(frozen=True)
class Appearance:
    """Somebody in view without a break: who, from when to when in seconds, and in which share of the width."""

    who: str
    start: float
    end: float
    left: float = 0.0
    right: float = 1.0


@dataclass
class Clip:
    """A clip that grows shot by shot."""

    pictures: list[Pixels] = field(default_factory=list)
    truth: list[Appearance] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pictures) / FPS


def compose(part: str, data: Path, seed: int) -> Clip:
    """The clip of a seed."""
    cast = CASTS[part]
    rng = np.random.default_rng([seed, list(CASTS).index(part)])
    chosen = [int(place) for place in rng.permutation(len(cast.people))[: rng.integers(2, 5)]]
    if seed % 3 == 0:
        pair = cast.alike[int(rng.integers(len(cast.alike)))]
        chosen = [*pair, *(place for place in chosen if place not in pair)][: max(2, len(chosen))]
    names = [cast.people[place] for place in chosen]
    if rng.random() < 0.3:
        names.append((cast.stills[int(rng.integers(len(cast.stills)))],))
    people = [tuple(data / name for name in own) for own in names]
    clip = Clip()
    for number in range(int(rng.integers(5, 9))):
        _shot(clip, people, number, rng)
    return clip


def _shot(clip: Clip, people: list[tuple[Path, ...]], number: int, rng: np.random.Generator) -> None:
    # Everybody comes once, then whoever the dice say.
    who = people[number] if number < len(people) else people[int(rng.integers(len(people)))]
    count = round(rng.uniform(1.6, 2.6) * FPS)
    kind = str(rng.choice(["one", "two", "leave", "nobody"], p=[0.55, 0.22, 0.15, 0.08]))
    if kind == "nobody" and number >= len(people):
        clip.pictures += [_backdrop(rng)] * count
    elif kind == "two":
        others = [one for one in people if one is not who]
        other = others[int(rng.integers(len(others)))]
        half = (SIZE[0] // 2, SIZE[1])
        sides = [_framed(one, count, half, rng) for one in (who, other)]
        places = ((0.0, 0.5), (0.5, 1.0))
        _add(clip, np.concatenate(sides, axis=2), [(who, *places[0]), (other, *places[1])])
    elif kind == "leave":
        _leave(clip, who, rng)
    else:
        _add(clip, _framed(who, count, SIZE, rng), [(who, 0.0, 1.0)])


def _add(clip: Clip, pictures: Pixels, seen: list[tuple[tuple[Path, ...], float, float]]) -> None:
    start = clip.seconds
    clip.pictures += list(pictures)
    clip.truth += [Appearance(who[0].stem, start, clip.seconds, left, right) for who, left, right in seen]


def _leave(clip: Clip, who: tuple[Path, ...], rng: np.random.Generator) -> None:
    """In view, out to one side, away, and back in the same shot."""
    here, gone, back = (round(seconds * FPS) for seconds in (rng.uniform(1.4, 2.0), rng.uniform(1.5, 3), 1.6))
    move = FPS // 2
    frames = _framed(who, here + gone + back + 2 * move, (400, SIZE[1]), rng)
    place = np.concatenate(
        [np.zeros(here), np.linspace(0, 1, move), np.ones(gone), np.linspace(1, 0, move), np.zeros(back)]
    )
    ground, start = _backdrop(rng), clip.seconds
    for frame, share in zip(frames, place, strict=True):
        picture = np.concatenate([ground, ground, ground], axis=1)
        left = SIZE[0] + 120 + round(float(share) * 560)
        picture[:, left : left + 400] = frame
        clip.pictures.append(picture[:, SIZE[0] : 2 * SIZE[0]])
    ends = [start + here / FPS, start + (here + gone + 2 * move) / FPS]
    clip.truth += [Appearance(who[0].stem, start, ends[0]), Appearance(who[0].stem, ends[1], clip.seconds)]


def _backdrop(rng: np.random.Generator) -> Pixels:
    coarse = rng.integers(30, 200, (6, 10, 3), dtype=np.uint8)
    return np.asarray(Pictures.fromarray(coarse).resize(SIZE, Pictures.Resampling.BICUBIC))


def _framed(who: tuple[Path, ...], count: int, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A stretch of a person's pictures, (count, height, width, 3), in a framing and light of its own."""
    frames = load(who[int(rng.integers(len(who)))])
    first = int(rng.integers(len(frames)))
    steps = (first + np.arange(count)) % max(2 * len(frames) - 1, 1)
    chosen = [frames[min(step, 2 * len(frames) - 2 - step)] if len(frames) > 1 else frames[0] for step in steps]
    zoom, x, y = rng.uniform(1.0, 1.35), rng.uniform(0.4, 0.6), rng.uniform(0.15, 0.4)
    gain, gamma = rng.uniform(0.75, 1.2), rng.uniform(0.8, 1.25)
    tint = rng.uniform(0.94, 1.06, 3)
    scale = (np.arange(256) / 255)[:, None] ** gamma * gain * tint * 255
    levels = scale.clip(0, 255).astype(np.uint8)
    pictures = np.stack([_cut(frame, size, zoom, x, y) for frame in chosen])
    return np.stack([levels[pictures[..., channel], channel] for channel in range(3)], axis=-1)


def _cut(frame: Pixels, size: tuple[int, int], zoom: float, x: float, y: float) -> Pixels:
    picture = Pictures.fromarray(frame)
    scale = min(picture.width / size[0], picture.height / size[1]) / zoom
    wide, tall = size[0] * scale, size[1] * scale
    left, top = (picture.width - wide) * x, (picture.height - tall) * y
    return np.asarray(picture.resize(size, Pictures.Resampling.BILINEAR, box=(left, top, left + wide, top + tall)))


@lru_cache(maxsize=24)
def load(path: Path) -> list[Pixels]:
    """The pictures of a video, `FPS` a second; of a still one."""
    if path.suffix in (".jpg", ".png"):
        return [_wide(read_picture(path).rgb())]
    pictures = []
    for frame in read_frames(probe(path), fps=FPS):
        if frame.time > LONGEST:
            break
        picture = Pictures.fromarray(frame.image)
        if picture.height > 720:
            picture = picture.resize((picture.width * 720 // picture.height, 720), Pictures.Resampling.BOX)
        pictures.append(_wide(np.asarray(picture)))
    return pictures


def _wide(picture: Pixels) -> Pixels:
    """A picture with plain ground beside it, where it is not as wide as a film's."""
    height, width = picture.shape[:2]
    room = max(round(height * SIZE[0] / SIZE[1]) - width, 0)
    if room < width // 6:
        return picture
    ground = np.full((height, room, 3), picture[:, [0, -1]].mean((0, 1)).astype(np.uint8))
    return np.concatenate([ground[:, : room // 2], picture, ground[:, room // 2 :]], axis=1)


def write(clip: Clip, path: Path) -> None:
    """Encode as H.264."""
    video = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}", "-r", str(FPS), "-i", "pipe:0"]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p", "-threads", "1"]
    command = [ffmpeg_path(), "-v", "error", "-y", *video, *coding, str(path)]
    subprocess.run(command, input=np.stack(clip.pictures).tobytes(), check=True)
