"""From what a set lists to what a classifier takes: faces in pictures and film, windows over speech, texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch import media
from mer_batch.errors import DataError, InputError
from mer_batch.tasks.kept import Kept
from mer_batch.tasks.speech import Speech
from mer_batch.types import Image, Media, Modality, Samples

if TYPE_CHECKING:
    from mer_batch.face.stills import StillReader
    from mer_batch.tasks.listing import Entry, Span

FRAMES: Final = 24
"""Pictures of a film, or of a part of it, in which its face is read, spread evenly."""
FPS: Final = 5.0
"""Most of them in a second, as `mer analyze` reads by default."""
SLACK: Final = 0.5
"""Seconds by which a part may end behind its file without a word: durations are rounded."""
LARGEST: Final = 64 * 2**20
"""Bytes from which a file is first tried as a film: pictures are read whole."""
_TEXT_ENDINGS: Final = ("", ".txt", ".text", ".md")


@dataclass
class Opened:
    """What an entry holds: parts that are read apart, and what was assumed."""

    parts: list[Any]
    notes: list[str] = field(default_factory=list)


class Opener(ABC):
    """How the entries of a modality are opened. `open` is called from several threads, `finish` from one."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    @abstractmethod
    def open(self, entry: Entry) -> Opened:
        """Read an entry. Raises `MerError` for one that cannot be read."""

    def finish(self, opened: Opened) -> list[Any]:
        """The items for the classifier. Raises `MerError` where there is none."""
        return opened.parts

    def __enter__(self) -> Opener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def opener(modality: Modality, card_input: Mapping[str, Any], device: str) -> Opener:
    """The opener of a modality; faces are framed as `card_input` of their reader says."""
    if modality == "face":
        return Faces(card_input, device)
    return Voices() if modality == "voice" else Texts()


class Texts(Opener):
    """Texts of a table, or of files in any encoding."""

    def open(self, entry: Entry) -> Opened:
        """A text."""
        if entry.text is not None:
            return Opened([entry.text])
        from mer_batch.plaintext import decode_text

        if Path(entry.id).suffix.lower() not in _TEXT_ENDINGS:
            raise DataError("no plain text, by its ending")
        found = decode_text(entry.read_bytes())
        text = found.text.strip()
        if not text:
            raise DataError("it is empty")
        if sum(not letter.isprintable() and not letter.isspace() for letter in text) > len(text) // 20:
            raise DataError("no text")
        return Opened([text], [f"it was read as {found.assumed}"] if found.assumed else [])


class Voices(Opener):
    """The windows that `mer analyze` would read in a recording, or in a part of it."""

    def __init__(self) -> None:
        super().__init__()
        self._speech = self._stack.enter_context(Speech())
        self._probe = lru_cache(maxsize=256)(media.probe)

    def open(self, entry: Entry) -> Opened:
        """Windows over speech."""
        notes: list[str] = []
        samples = self._samples(entry, notes)
        if not samples.size:
            raise DataError("it holds no sound")
        return Opened(self._speech.windows(samples), notes)

    def _samples(self, entry: Entry, notes: list[str]) -> Samples:
        if entry.path is None:
            from mer_batch.data.sounds import decode_mono

            return decode_mono(entry.read_bytes(), entry.id)
        clip = self._probe(entry.path)
        start, end = within(clip, entry.span, notes)
        # What a file declares falsely, and where its reading stopped.
        notes += [note for note in clip.notes if note.startswith(("reading the file", "the file declares"))]
        return media.read_clip(clip, start, end, on_warning=notes.append)


def within(clip: Media, span: Span | None, notes: list[str]) -> tuple[float, float | None]:
    """Start and end of the part of a recording that is read. Raises `DataError` for one outside of it."""
    if span is None:
        return 0.0, None
    start, end = span
    told = f"{start:g} to {'its end' if end is None else f'{end:g} s'}"
    last = start if end is None else end
    if last > 5 * clip.duration and last / 1000 <= clip.duration + SLACK:
        raise DataError(f"the part from {told} does not fit its {clip.duration:.1f} s; is it in milliseconds?")
    if start >= clip.duration:
        raise DataError(f"the part from {told} lies behind its end ({clip.duration:.1f} s)")
    if end is None or end <= clip.duration:
        return start, end
    if end > clip.duration + SLACK:
        notes.append(f"the part from {told} was read up to the end of the file ({clip.duration:.1f} s)")
    return start, None if start == 0 else clip.duration


class Faces(Opener):
    """The face of a picture, or the faces of the pictures of a film."""

    def __init__(self, card_input: Mapping[str, Any], device: str) -> None:
        super().__init__()
        self._stills: StillReader = kept_stills(card_input, device, self._stack)

    def open(self, entry: Entry) -> Opened:
        """A picture, or frames of a film; faces are looked for later, by one thread."""
        from mer_batch.media.pictures import read_picture

        if _is_large(entry.path) and (film := _film(entry.path)) is not None:
            return _frames(film, entry.span)
        data = entry.read_bytes()
        try:
            picture = read_picture(data, entry.id)
        except DataError as error:
            film = _film(entry.path)
            if film is None:
                raise DataError(str(error).removeprefix(f"cannot read the picture {entry.id}: ")) from error
            return _frames(film, entry.span)
        still = ["start and end mean nothing in a still picture"] if entry.span else []
        return Opened([picture.rgb()], [*picture.notes, *still])

    def finish(self, opened: Opened) -> list[Image]:
        """A still without a face counts as a crop of one; a frame of a film without one is left away."""
        if not isinstance(opened, Film):
            return [self._stills.frame(picture) for picture in opened.parts]
        faces = [self._stills.face(picture) for picture in opened.parts]
        found = [face for face in faces if face is not None]
        if not found:
            raise DataError(f"no face was found in {len(faces)} of its pictures")
        return found


class Film(Opened):
    """Frames of a film."""


def _is_large(path: Path | None) -> bool:
    try:
        return path is not None and path.stat().st_size > LARGEST
    except OSError:
        return False


def _film(path: Path | None) -> Media | None:
    try:
        found = None if path is None else media.probe(path)
    except InputError:
        return None
    return found if found is not None and found.video is not None else None


def _frames(film: Media, span: Span | None) -> Film:
    from mer_batch.face.stills import shrunk

    notes: list[str] = []
    start, end = within(film, span, notes)
    length = (film.duration if end is None else end) - start
    rate = min(FPS, FRAMES / max(length, 1 / FPS))
    with closing(media.read_frames(film, rate, start, end, on_warning=notes.append)) as frames:
        return Film([shrunk(frame.image) for frame in frames], notes)


def kept_stills(card_input: Mapping[str, Any], device: str, stack: ExitStack) -> StillReader:
    """A reader of stills that looks for the faces of each picture once, whatever model reads them."""
    from mer_batch.face import cascade, detect, mtcnn, stills, views
    from mer_batch.face.detect import Detection
    from mer_batch.nets.device import pick_device

    kept = stack.enter_context(
        Kept("faces", [cascade, detect, mtcnn, views], pick_device(device).type, stills.SMALLEST)
    )

    class Stills(stills.StillReader):
        def faces(self, picture: Image) -> list[Detection]:
            rows = kept.recall(picture, lambda: _rows(super(Stills, self).faces(picture)))
            return [_detection(row.tolist()) for row in rows]

    return Stills(device, card_input)


def _rows(faces: list[Any]) -> Any:
    rows = [[*face.box, face.score, *(part for point in face.landmarks for part in point)] for face in faces]
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def _detection(row: list[float]) -> Any:
    from mer_batch.face.detect import Detection

    points = tuple(zip(row[5::2], row[6::2], strict=True))
    return Detection((row[0], row[1], row[2], row[3]), points, row[4])
