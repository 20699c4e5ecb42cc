"""Clips of which it is known who speaks when, composed from real faces and voices of the shared data.

Two pictures stand side by side. Whoever has the word is shown saying it, with their own sound; the other is
shown silent. Silent pictures are real but not always lived: talkers of GRID are silent for under a second
after their sentence, and those frames run back and forth; "listeners" are clips of people who do not speak
while they smile, frown or turn. Speech from off screen is a third voice over two silent pictures.
When somebody speaks is what silero-vad finds in their own, clean recording.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from mer_batch.media import probe, read_audio, read_frames
from mer_batch.media.binary import ffmpeg_path
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import SpeechDetector

FPS: Final = 25
SIZE: Final = (360, 288)
"""Width and height of one picture: those of GRID."""
LEVEL: Final = 0.05
"""Root mean square of every voice where it speaks."""
OFF: Final = "off screen"
LEFT: Final = "left"
RIGHT: Final = "right"
Pixels: TypeAlias = "NDArray[np.uint8]"
Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Source:
    """A clip: frames (n, h, w, 3) at `FPS`, its sound, and where it speaks."""

    frames: Pixels
    sound: Samples
    speech: tuple[Span, ...]

    @property
    def first(self) -> float:
        """When the speech begins."""
        return self.speech[0][0]

    @property
    def last(self) -> float:
        """When the speech ends."""
        return self.speech[-1][1]


@dataclass(frozen=True)
class Clip:
    """A composed file, and the truth: (start, end, who) with who in LEFT, RIGHT, OFF."""

    path: Path
    name: str
    truth: tuple[tuple[float, float, str], ...]


def hear(path: Path) -> tuple[Samples, tuple[Span, ...]]:
    """The sound of a file at an even level from time 0, and the regions of speech in it."""
    parts = list(read_audio(probe(path)))
    sound = np.zeros(round((parts[-1][0]) * SAMPLE_RATE) + len(parts[-1][1]), np.float32)
    for start, samples in parts:
        first = round(start * SAMPLE_RATE)
        sound[first : first + len(samples)] = samples
    detector = SpeechDetector()
    detector.feed(sound)
    detector.finish()
    spans = tuple(detector.regions.closed)
    spoken = [sound[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)] for a, b in spans]
    level = float(np.sqrt(np.square(np.concatenate(spoken)).mean())) if spoken else 1.0
    return sound * np.float32(LEVEL / level), spans


@lru_cache(maxsize=32)
def load(path: Path) -> Source:
    """A clip as a source, its pictures cut to `SIZE` around their middle."""
    media = probe(path)
    times, pictures = [], []
    for frame in read_frames(media, fps=FPS):
        times.append(frame.time)
        pictures.append(_fitted(frame.image))
    even = np.arange(0, times[-1] + 0.5 / FPS, 1 / FPS)
    nearest = [int(np.argmin(np.abs(np.array(times) - time))) for time in even]
    sound, speech = hear(path) if media.audio else (np.zeros(0, np.float32), ())
    return Source(np.stack([pictures[i] for i in nearest]), sound, speech)


def _fitted(image: Pixels) -> Pixels:
    picture = Pictures.fromarray(image)
    scale = max(SIZE[0] / picture.width, SIZE[1] / picture.height)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Pictures.Resampling.BOX)
    # Heads are in the upper part of tall pictures.
    left, top = (picture.width - SIZE[0]) // 2, (picture.height - SIZE[1]) // 4
    return np.asarray(picture.crop((left, top, left + SIZE[0], top + SIZE[1])))


class Stage:
    """Two pictures and a sound that grow event by event."""

    def __init__(self, left: Source, right: Source | None, rng: np.random.Generator) -> None:
        self._sources = {LEFT: left} | ({RIGHT: right} if right else {})
        self._rng = rng
        self._pictures: dict[str, list[Pixels]] = {side: [] for side in self._sources}
        self._sound: list[Samples] = []
        idle = {side: _Idle(source, rng) for side, source in self._sources.items()}
        self._idle = {side: frames for side, frames in idle.items() if frames}
        self._seconds = 0.0
        self.truth: list[tuple[float, float, str]] = []

    def can_rest(self, side: str) -> bool:
        """Whether a side has silent frames to be shown while somebody else speaks."""
        return side in self._idle

    def silence(self, seconds: float) -> None:
        """Both are silent."""
        self._add(round(seconds * FPS), {}, np.zeros(0, np.float32))

    def say(self, side: str, before: float = 0.3, after: float = 0.3) -> None:
        """One side speaks its sentence, with up to `before` and `after` seconds of what surrounds it."""
        source = self._sources[side]
        first = max(0, round((source.first - before) * FPS))
        last = min(len(source.frames), round((source.last + after) * FPS))
        shift = self._seconds - first / FPS
        self.truth += [(start + shift, end + shift, side) for start, end in source.speech]
        sound = source.sound[first * SAMPLE_RATE // FPS : last * SAMPLE_RATE // FPS]
        if side in self._idle:
            self._idle[side].after(last)
        self._add(last - first, {side: source.frames[first:last]}, sound)

    def off_screen(self, sound: Samples, speech: tuple[Span, ...]) -> None:
        """A third voice speaks while both are silent."""
        self.truth += [(start + self._seconds, end + self._seconds, OFF) for start, end in speech]
        self._add(-(-len(sound) * FPS // SAMPLE_RATE), {}, sound)

    def _add(self, count: int, shown: dict[str, Pixels], sound: Samples) -> None:
        for side, pictures in self._pictures.items():
            pictures.extend(shown[side] if side in shown else self._idle[side].take(count))
        whole = np.zeros(count * SAMPLE_RATE // FPS, np.float32)
        whole[: len(sound)] = sound[: len(whole)]
        self._sound.append(whole)
        self._seconds += count / FPS

    def write(self, path: Path) -> Clip:
        """Encode as H.264 and AAC. Sound gets a faint hiss, as every recording has."""
        sound = np.concatenate(self._sound)
        sound = sound + self._rng.normal(0, 3e-4, len(sound)).astype(np.float32)
        sides = [np.stack(self._pictures[side]) for side in self._pictures]
        _encode(np.concatenate(sides, axis=2), sound, path)
        return Clip(path, path.stem, tuple(self.truth))


class _Idle:
    """Silent frames of a source, back and forth without a jump."""

    def __init__(self, source: Source, rng: np.random.Generator) -> None:
        self._frames = source.frames
        # Lips still move for a moment after the sound; a listener has no speech at all.
        self._first = round((source.last + 0.2) * FPS) if source.speech else 0
        self._length = max(len(self._frames) - self._first, 0)
        self._phase = int(rng.integers(2 * self._length + 1))

    def __bool__(self) -> bool:
        return self._length >= FPS // 3

    def after(self, frame: int) -> None:
        """Go on where the sentence ended, at `frame`."""
        self._phase = max(frame - self._first, 0)

    def take(self, count: int) -> list[Pixels]:
        """The next `count` frames."""
        places = (self._phase + np.arange(count)) % (2 * self._length)
        self._phase = int((self._phase + count) % (2 * self._length))
        return [self._frames[self._first + min(place, 2 * self._length - 1 - place)] for place in places]


def _encode(pictures: Pixels, sound: Samples, path: Path) -> None:
    raw = path.with_suffix(".f32")
    raw.write_bytes(sound.tobytes())
    height, width = pictures.shape[1:3]
    video = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "pipe:0"]
    audio = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", str(raw)]
    coding = ["-c:v", "libx264", "-crf", "23", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"]
    command = [ffmpeg_path(), "-v", "error", "-y", *video, *audio, *coding, str(path)]
    subprocess.run(command, input=pictures.tobytes(), check=True)
    raw.unlink()
