"""How an item of a data set looks on a page: a face as a picture, a voice as a clip, a sentence as words.

One function a modality; each takes the parts of one item (the windows of a clip, else a single part). An item of
several modalities is a clip with its words, or what models said of it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.labels import EMOTIONS
from mer_batch.types import MODALITIES, SAMPLE_RATE, AudioWindow, Floats, Image, Samples, TaskName
from mer_batch.wording import MODALITY_WORDS

if TYPE_CHECKING:
    from mer_batch.fusion.spoken import Spoken
    from mer_batch.tasks.task import LabelledSet

SIDE: Final = 112
"""Largest side of a picture in pixels."""
BANDS: Final = 64
"""Mel bands of a spectrogram."""
HOP: Final = 256
"""Samples a column of a spectrogram."""
STROKES: Final = 120
"""Strokes of a waveform."""


@dataclass(frozen=True)
class Shown:
    """What the page shows: `kind` is picture, sound or words; `uri` a data address, `wave` an SVG path, `text` words.

    `spectrogram` is the data address of a picture of a sound.
    """

    kind: str
    uri: str = ""
    wave: str = ""
    spectrogram: str = ""
    text: str = ""


def picture(parts: Sequence[Image]) -> Shown:
    """A face (height, width, 3) as WebP, no larger than `SIDE`."""
    from PIL import Image as Pillow

    made = Pillow.fromarray(np.ascontiguousarray(parts[0]))
    made.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    made.save(buffer, "WEBP", quality=88, method=4)
    return Shown("picture", uri=_uri("image/webp", buffer.getvalue()))


def sound(parts: Sequence[AudioWindow]) -> Shown:
    """The windows of a clip as one clip, with the outline of its loudness and its spectrogram."""
    samples = _joined(sorted(parts, key=lambda window: window.start))
    drawn = _uri("image/webp", _webp(spectrogram(samples)))
    return Shown("sound", uri=_uri("audio/mpeg", _mp3(samples)), wave=outline(samples), spectrogram=drawn)


def words(parts: Sequence[str]) -> Shown:
    """A sentence."""
    return Shown("words", text=" ".join(str(part) for part in parts))


def spoken(parts: Sequence[Spoken]) -> Shown:
    """A clip with what is said in it."""
    return replace(sound([part.window for part in parts]), text=" ".join(part.words for part in parts))


def described(rows: Floats) -> str:
    """A table (3, 9) of readings: "voice: sad 0.61 (quality 0.90), words: neutral 0.80 (quality 0.63)"."""
    told = []
    for name, row in zip(MODALITIES, rows, strict=True):
        if row[-1] > 0:
            first = int(row[: len(EMOTIONS)].argmax())
            opinion = f"{EMOTIONS[first]} {np.exp(row[first]):.2f}"
            told.append(f"{MODALITY_WORDS[name]}: {opinion} (quality {row[-2]:.2f})")
    return ", ".join(told)


def several(parts: Sequence[Any]) -> Shown:
    """A clip with its words, or the readings (3, 9) that a gate weighs, in words."""
    if isinstance(parts[0], np.ndarray):
        return Shown("words", text="; ".join(described(table) for table in parts))
    return spoken(parts)


RENDERERS: Final[Mapping[TaskName, Callable[[Sequence[Any]], Shown]]] = {
    "face": picture,
    "voice": sound,
    "text": words,
    "fusion": several,
}


def shown_items(modality: TaskName, held_out: LabelledSet, ids: Iterable[str]) -> dict[str, Shown]:
    """The items of `held_out` with these ids, by id; ids that it lacks are left out."""
    wanted: dict[str, list[Any]] = {name: [] for name in ids}
    for place, name in enumerate(held_out.ids):
        if name in wanted:
            wanted[name].append(held_out.items[place])
    return {name: RENDERERS[modality](parts) for name, parts in wanted.items() if parts}


def _joined(windows: Sequence[AudioWindow]) -> Samples:
    """Windows overlap and may leave gaps: each is put where it starts."""
    origin = windows[0].start
    places = [round((window.start - origin) * SAMPLE_RATE) for window in windows]
    length = max(place + len(window.samples) for place, window in zip(places, windows, strict=True))
    samples: Samples = np.zeros(length, dtype=np.float32)
    for place, window in zip(places, windows, strict=True):
        samples[place : place + len(window.samples)] = window.samples
    return samples


def _mp3(samples: Samples) -> bytes:
    """Mono sound as MP3, which every browser plays."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono", bit_rate=32_000)
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm), format="s16p", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for part in (frame, None):
            container.mux(stream.encode(part))
    return buffer.getvalue()


def spectrogram(samples: Samples) -> Image:
    """Sound (n,) as a picture (`BANDS`, 1 + n // `HOP`, 3): mel bands from high to low, bright where it is loud."""
    import torch
    from matplotlib import colormaps

    from mer_batch.voice.feature_options import DEPTH, FeatureOptions
    from mer_batch.voice.features import extract

    options = FeatureOptions(window=512, hop=HOP, bands=BANDS)
    level = extract(torch.from_numpy(np.asarray(samples, np.float32))[None], ["log-mel"], options)[0].numpy()
    picture: Image = colormaps["magma"](1 + level[::-1] / DEPTH, bytes=True)[:, :, :3]
    return picture


def _webp(image: Image) -> bytes:
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(buffer, "WEBP", quality=75, method=4)
    return buffer.getvalue()


def outline(samples: Samples, strokes: int = STROKES) -> str:
    """An SVG path in a box of 1000 x 100: one vertical stroke a slice, as high as its loudest sample."""
    slices = np.array_split(np.abs(samples), min(strokes, max(len(samples), 1)))
    peaks = np.array([part.max(initial=0) for part in slices])
    heights = np.maximum(48 * peaks / max(float(peaks.max()), 1e-6), 1)
    width = 1000 / len(slices)
    return "".join(f"M{(i + 0.5) * width:.1f} {50 - h:.1f}V{50 + h:.1f}" for i, h in enumerate(heights))


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
