"""What finished models say of clips, sentences and pictures, with the quality that the code in use measures.

The readings are made by the code that `mer analyze` runs: windows over detected speech and their quality, utterances
with their confidence. A picture that is a face crop already counts as seen from the front and whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import Classifier
from mer_batch.files import whole_file
from mer_batch.fusion.align import Share
from mer_batch.fusion.pool import Reading, read_step
from mer_batch.labels import EMOTIONS
from mer_batch.resources import cache_dir
from mer_batch.types import AudioWindow, Image, Observation, Samples, Utterance

if TYPE_CHECKING:
    from torch.jit import ScriptModule

    from mer_batch.voice.activity import SpeechDetector

CHUNK: Final = 256
"""Windows or pictures read at once."""
FRONTAL: Final = ((0.31, 0.38), (0.69, 0.38), (0.5, 0.6), (0.35, 0.79), (0.65, 0.79))
"""Landmarks of a face seen from the front, in fractions of its crop."""
WHOLE: Final = (0.0, 0.0, 1.0, 1.0)


def merged(observations: Sequence[Observation]) -> Reading | None:
    """One opinion from the observations of one modality, as fusion makes it of those in one step."""
    found = read_step([Share(observation, 1.0) for observation in observations])
    return next(iter(found.values()), None)


def voices(clips: Sequence[Samples], reader: Classifier[AudioWindow]) -> list[Reading | None]:
    """What the voice model says of every clip; None where no readable speech was found."""
    windows = [_windows(clip) for clip in clips]
    flat = [window for found in windows for window in found]
    rows = _predicted(reader, flat)
    observations = [_heard(window, row) for window, row in zip(flat, rows, strict=True)]
    edges = np.cumsum([0, *(len(found) for found in windows)])
    return [merged(observations[a:b]) for a, b in pairwise(edges.tolist())]


def _windows(clip: Samples) -> list[AudioWindow]:
    from mer_batch.voice.windows import WindowCutter

    cutter = WindowCutter(detector=_detector())
    tiles = [*cutter.feed(0.0, clip), *cutter.finish()]
    return [tile.window for tile in tiles if tile.window is not None]


def _detector() -> SpeechDetector:
    from mer_batch.voice.activity import SpeechDetector

    return SpeechDetector(_silero())


@cache
def _silero() -> ScriptModule:
    """Loaded once: that takes longer than to listen to a clip."""
    from mer_batch.media.silero import load_silero

    return load_silero()


def _heard(window: AudioWindow, row: Any) -> Observation:
    from mer_batch.voice.quality import assess

    quality = assess(window)
    values = tuple(float(value) for value in row)
    return Observation("voice", window.start, window.end, None, values, quality.score, quality.flags)


def sentences(texts: Sequence[tuple[str, float | None]], reader: Classifier[str]) -> list[Reading | None]:
    """What the text model says of every (text, confidence); None where there are no words."""
    from mer_batch.text.read import read_words

    utterances = [
        Utterance(place, place + 1, text, language="en", confidence=confidence)
        for place, (text, confidence) in enumerate(texts)
    ]
    by_start = {observation.start: observation for observation in read_words(utterances, reader)[0]}
    return [merged([by_start[place]]) if place in by_start else None for place in range(len(texts))]


def pictures(crops: Sequence[Image], reader: Classifier[Image]) -> list[Reading | None]:
    """What the face model says of every face crop; None where it is too small to be read."""
    from mer_batch.face.quality import UNREADABLE_SIZE

    found: list[Reading | None] = []
    for crop, row in zip(crops, _predicted(reader, crops), strict=True):
        readable = min(crop.shape[:2]) >= UNREADABLE_SIZE
        found.append(merged([_seen(crop, row)]) if readable else None)
    return found


def _seen(crop: Image, row: Any) -> Observation:
    from mer_batch.face.detect import Detection
    from mer_batch.face.quality import assess

    quality = assess(crop, Detection(WHOLE, FRONTAL, 1.0))
    values = tuple(float(value) for value in row)
    return Observation("face", 0.0, 1.0, None, values, quality.score, quality.flags)


def _predicted(reader: Classifier[Any], items: Sequence[Any]) -> NDArray[Any]:
    parts = [reader.predict(items[start : start + CHUNK]) for start in range(0, len(items), CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, len(EMOTIONS)), dtype=np.float32)


def kept_voices(
    ids: tuple[str, ...],
    clips: Callable[[], list[Samples]],
    versions: Callable[[list[Samples]], Iterable[list[Samples]]],
    reader: Classifier[AudioWindow],
    facts: tuple[object, ...],
) -> list[list[Reading | None]]:
    """What the voice model says of every version (the outer list) of the clips `ids`; kept, since it takes minutes.

    `facts` are what else decides the readings, beside the ids and the model.
    """
    card = reader.card
    known = (ids, facts, card.sha256, card.temperature, card.bias)
    path = cache_dir("readings") / f"{sha256(repr(known).encode()).hexdigest()[:24]}.npy"
    if not path.is_file():
        found = [voices(version, reader) for version in versions(clips())]
        with whole_file(path) as partial:
            np.save(partial, np.array([[_as_row(reading) for reading in row] for row in found]))
    return [[_from_row(row) for row in version] for version in np.load(path)]


def _as_row(reading: Reading | None) -> list[float]:
    if reading is None:
        return [0.0] * (len(EMOTIONS) + 2)
    return [*reading.logs.tolist(), reading.quality, reading.kernel]


def _from_row(row: NDArray[np.float64]) -> Reading | None:
    return Reading(row[: len(EMOTIONS)], float(row[-2]), float(row[-1]), ()) if row[-1] > 0 else None
