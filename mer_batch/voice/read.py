"""Sound in, readings out: who speaks is not known here, only when and how it sounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.types import SAMPLE_RATE, AudioWindow, Gap, Observation, Samples
from mer_batch.voice.activity import Span, SpeechDetector, SpeechModel
from mer_batch.voice.quality import assess
from mer_batch.voice.windows import HOLE, Tile, WindowCutter, level_db

BATCH: Final = 16
"""Windows read at once; 3 MB of sound."""
LOUDNESS_STEP: Final = 0.5
"""Seconds per point of the loudness curve."""


class Listener(Protocol):
    """Somebody else who hears the same sound, so that it is decoded and searched for speech once."""

    def feed(self, start: float, samples: Samples) -> None:
        """Take the next block (n,) of 16 kHz mono sound, which starts at `start` seconds."""

    def follow(self, closed: Sequence[Span], growing: Span | None, settled: float) -> None:
        """Learn where speech is: the regions that have ended, the one that goes on, and until when that is certain."""


@dataclass(frozen=True, slots=True)
class VoiceReadings:
    """All that the sound of a file says.

    An observation's span is the part of the speech that its window stands for (its tile, see
    `mer_batch.voice.windows`), so that any time has one reading at most and none lies outside speech;
    `gaps` hold all other times up to the end of the sound; `loudness` is (time, dBFS) twice a second.
    `windows` are the spans of the sound behind the observations, one each.
    `failure` is what the reader of emotions raised: then nothing is read, but speech and loudness are whole.
    """

    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    speech: tuple[Span, ...]
    loudness: tuple[tuple[float, float], ...]
    failure: Exception | None = None
    windows: tuple[Span, ...] = ()


def read_voice(
    blocks: Iterable[tuple[float, Samples]],
    classifier: Classifier[AudioWindow] | None,
    *,
    window: float = 3.0,
    hop: float = 1.0,
    start: float = 0.0,
    breaks: Iterable[float] = (),
    speech: SpeechModel | None = None,
    on_progress: Callable[[float], None] | None = None,
    listener: Listener | None = None,
) -> VoiceReadings:
    """Read the emotion of the speech in `blocks` of (start in seconds, 16 kHz mono samples (n,)).

    `window` and `hop` in seconds; `start` is where the wanted range begins; no window reaches across
    `breaks` (sorted times at which the speaker changes); `speech` replaces the network that hears where it is;
    `on_progress` is told the time reached; a `listener` hears the same blocks. Blocks come in time order; a hole
    between them is a gap. Memory does not grow with the length of the sound. Without a `classifier`, and from the
    moment on at which it fails, the sound is still heard: speech and loudness do not depend on emotions. Raises
    `UsageError` for a wrong hop.
    """
    detector = None if speech is None else SpeechDetector(speech, breaks)
    cutter = WindowCutter(window=window, hop=hop, breaks=breaks, detector=detector)
    loudness = _Loudness()
    emotions = _Emotions(classifier)
    sound: list[Span] = []
    for time, samples in blocks:
        emotions.take(cutter.feed(time, samples), BATCH)
        if listener is not None:
            listener.feed(time, samples)
            listener.follow(cutter.speech, cutter.growing, cutter.settled)
        loudness.add(time, samples)
        _extend(sound, time, time + len(samples) / SAMPLE_RATE)
        if on_progress is not None:
            on_progress(cutter.end)
    emotions.take(cutter.finish(), 0)
    if listener is not None:
        listener.follow(cutter.speech, None, cutter.settled)
    heard = (tuple(cutter.speech), tuple(loudness.finish()))
    if emotions.classifier is None:
        return VoiceReadings((), (), *heard, emotions.failure)
    gaps = tuple(_gaps(emotions.observations, emotions.skipped, sound, start))
    return VoiceReadings(tuple(emotions.observations), gaps, *heard, windows=tuple(emotions.windows))


class _Emotions:
    """The readings of tiles as they come, `BATCH` at a time; after a failure tiles pass by unread."""

    def __init__(self, classifier: Classifier[AudioWindow] | None) -> None:
        self.classifier = classifier
        self.failure: Exception | None = None
        self.observations: list[Observation] = []
        self.windows: list[Span] = []
        self.skipped: list[Tile] = []
        self._waiting: list[Tile] = []

    def take(self, tiles: Iterable[Tile], least: int) -> None:
        """Read once `least` tiles wait, or whatever waits for a `least` of 0."""
        for tile in tiles:
            (self.skipped if tile.window is None else self._waiting).append(tile)
        while self._waiting and len(self._waiting) >= least:
            self._read(self._waiting[:BATCH])
            del self._waiting[:BATCH]

    def _read(self, tiles: list[Tile]) -> None:
        if self.classifier is None:
            return
        try:
            self.observations.extend(_observe(tiles, self.classifier))
            self.windows += [(tile.window.start, tile.window.end) for tile in tiles if tile.window is not None]
        except Exception as error:  # whatever a model raises, where people speak stays known
            self.classifier, self.failure = None, error


def _extend(spans: list[Span], start: float, end: float) -> None:
    if spans and start - spans[-1][1] <= HOLE:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))


def _observe(tiles: list[Tile], classifier: Classifier[AudioWindow]) -> Iterator[Observation]:
    windows = [tile.window for tile in tiles if tile.window is not None]
    for tile, window, row in zip(tiles, windows, classifier.predict(windows), strict=True):
        quality = assess(window)
        values = tuple(float(value) for value in row)
        yield Observation("voice", tile.start, tile.end, None, values, quality.score, quality.flags)


def _gaps(observations: list[Observation], skipped: list[Tile], sound: list[Span], begin: float) -> Iterator[Gap]:
    """What the observations leave open from `begin` to the end of the sound, with the reason."""
    known = [(tile.start, tile.end, tile.reason) for tile in skipped]
    known += [(observation.start, observation.end, "") for observation in observations]
    known += [(before, after, "no sound") for before, after in _holes(sound, begin)]
    reached = begin
    for start, end, reason in sorted(known):
        if start > reached:
            yield Gap("voice", reached, start, "no speech")
        if reason:
            yield Gap("voice", start, end, reason)
        reached = max(reached, end)
    if sound and sound[-1][1] > reached:
        yield Gap("voice", reached, sound[-1][1], "no speech")


def _holes(sound: list[Span], reached: float) -> Iterator[Span]:
    for start, end in sound:
        if start - reached > HOLE:
            yield reached, start
        reached = end


class _Loudness:
    """The level of the sound, twice a second, as blocks of any length arrive."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._energy, self._count, self._start = 0.0, 0, 0.0

    def add(self, start: float, samples: Samples) -> None:
        step = round(LOUDNESS_STEP * SAMPLE_RATE)
        if self._count and abs(start - self._start - self._count / SAMPLE_RATE) > HOLE:
            self._emit()
        while len(samples):
            if not self._count:
                self._start = start
            part = samples[: step - self._count]
            self._energy += float(np.square(part, dtype=np.float64).sum())
            self._count += len(part)
            samples, start = samples[len(part) :], start + len(part) / SAMPLE_RATE
            if self._count == step:
                self._emit()

    def _emit(self) -> None:
        self._points.append((self._start + self._count / SAMPLE_RATE / 2, level_db(self._energy / self._count)))
        self._energy, self._count = 0.0, 0

    def finish(self) -> list[tuple[float, float]]:
        if self._count:
            self._emit()
        return self._points
