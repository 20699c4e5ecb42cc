"""The face stage: frames in, observations, gaps and people out, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, TypeAlias

from mer_batch.classifier import Classifier
from mer_batch.face.crop import crop_face
from mer_batch.face.cuts import CutFinder
from mer_batch.face.detect import CascadeDetector, Detection, Detector
from mer_batch.face.gaps import find_gaps, shots_between, spans_of
from mer_batch.face.identity import Embedder
from mer_batch.face.liveness import STILL, LivenessWatcher
from mer_batch.face.mouth import MouthTrack, MouthWatcher
from mer_batch.face.quality import UNREADABLE_SIZE, assess
from mer_batch.face.track import Sighting, Tracker
from mer_batch.media.ahead import Ahead
from mer_batch.types import (
    Box,
    Evidence,
    FaceQuality,
    Frame,
    Gap,
    Image,
    Observation,
    Person,
    Probabilities,
    Shot,
)

_UNREADABLE_QUALITY: Final = 0.02
_SHORTEST_SHOT: Final = 0.3  # seconds
READABLE_DAMAGE: Final = 0.4
"""Share of a picture that the decoder made up, to which a face in it is read: `media.journal` has the measurement."""
DAMAGE_FLAG: Final = "picture damaged"
NOT_MATCHED: Final = (
    "People are not matched across cuts, because the face recognition weights are not here: "
    "one person may have several numbers. Fetch them once with: mer models fetch identity"
)


@dataclass(frozen=True, slots=True)
class FaceReadings:
    """What the face stage found.

    `people` have no thumbnails yet. `seconds_in_view` is the time each person was seen, `seconds`
    the time that the sampled frames stand for, `seconds_with_face` the part of it with anybody in view.
    `mouths` holds how each person's mouth moved, where that was watched. `still` are the people whose face never
    moves, whose readings have the flag `liveness.STILL`; `unchanging` says that the whole video is one picture.
    """

    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    people: tuple[Person, ...]
    shots: tuple[Shot, ...]
    notices: tuple[str, ...]
    frames: int
    seconds: float
    seconds_with_face: float
    seconds_in_view: Mapping[str, float]
    mouths: Mapping[str, MouthTrack] = field(default_factory=dict)
    still: tuple[str, ...] = ()
    unchanging: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    """One face in one sampled frame; `probabilities` is None where it could not be read."""

    frame: int
    trail: int
    box: Box
    quality: FaceQuality
    probabilities: Probabilities | None


@dataclass(slots=True)
class _Log:
    """All that is kept of the frames."""

    times: list[float] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    records: list[_Record] = field(default_factory=list)
    damage: dict[int, float] = field(default_factory=dict)
    """Of the frames that are damaged, how much."""

    def add(self, frame: Frame, cut: bool) -> None:
        """Remember times and cuts; flashes and black frames between two shots are not shots of their own."""
        if cut and (not self.cuts or frame.time - self.times[self.cuts[-1]] > _SHORTEST_SHOT):
            self.cuts.append(len(self.times))
        if frame.damage:
            self.damage[len(self.times)] = frame.damage
        self.times.append(frame.time)


def read_faces(
    frames: Iterable[Frame],
    classifier: Classifier[Image],
    *,
    device: str = "auto",
    batch: int = 16,
    detector: Detector | None = None,
    embedder: Embedder | None = None,
    watcher: MouthWatcher | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> FaceReadings:
    """Find people in sampled frames and read their faces.

    Args:
        frames: upright pictures with their true times, in order, taken by a thread; two times `batch` of them and
            what `Ahead` holds are held. In those that are damaged beyond `READABLE_DAMAGE` no face is looked for.
        classifier: the face reader; its card says how faces are cut.
        device: where the detector runs (see `pick_device`).
        batch: frames worked on together.
        detector: replaces the built-in cascade.
        embedder: matches people across cuts (`identity.load_embedder`); None keeps them separate.
        watcher: measures mouths; `frames` must come at its rate. None leaves them alone.
        on_progress: called with the time reached, in seconds, after every batch.
    """
    tracker = Tracker(detector or CascadeDetector(device), embedder)
    liveness, log, reader = LivenessWatcher(), _Log(), _Reader(classifier, batch)
    source = _followed(_looked(watcher.sample(frames) if watcher else frames), tracker, batch)
    with closing(source) as followed:
        for frame, cut, sightings in followed:
            reader.take(frame, len(log.times), sightings)
            log.add(frame, cut)
            if sightings is not None:
                liveness.see([frame], [sightings])
                if watcher is not None:
                    watcher.see([frame], [sightings])
            if on_progress is not None and len(log.times) % batch == 0:
                on_progress(frame.time)
    if on_progress is not None and len(log.times) % batch:
        on_progress(log.times[-1])
    log.records = reader.finish()
    tracker.end()
    readings = _readings(log, tracker.person, matched=embedder is not None)
    names = {trail: _name(number) for trail, number in tracker.person.items()}
    still = liveness.still(names)
    return replace(
        readings,
        observations=_marked(readings.observations, still),
        still=still,
        unchanging=liveness.unchanging and len(still) == len(readings.people),
        mouths=watcher.tracks(names) if watcher else {},
    )


def _marked(observations: Iterable[Observation], still: Sequence[str]) -> tuple[Observation, ...]:
    """The readings, those of faces that never move with a flag."""
    return tuple(
        replace(reading, flags=(*reading.flags, STILL)) if reading.person in still else reading
        for reading in observations
    )


_Looked: TypeAlias = tuple[Frame, bool | None]
"""A frame and whether it begins a shot, None where it is too damaged to tell."""
_Followed: TypeAlias = tuple[Frame, bool, "list[Sighting] | None"]
"""A frame, whether it begins a shot, and the faces in it, None where it is too damaged to look."""


def _looked(frames: Iterable[Frame]) -> Generator[_Looked, None, None]:
    """Cuts are found while the frames before are searched."""
    finder = CutFinder()
    for frame in frames:
        yield frame, finder.begins_shot(frame.image) if frame.damage <= READABLE_DAMAGE else None


def _followed(source: Generator[_Looked, None, None], tracker: Tracker, batch: int) -> Ahead[_Followed]:
    """Faces are searched and followed while those of the frames before are read."""
    looked = Ahead(source, _nothing_to_stop, _bytes)

    def steps() -> Generator[_Followed, None, None]:
        frames = iter(looked)
        while part := list(islice(frames, batch)):
            whole = [(frame, cut) for frame, cut in part if cut is not None]
            sightings = tracker.each([frame for frame, _ in whole], [cut for _, cut in whole])
            for frame, cut in part:
                yield frame, bool(cut), None if cut is None else next(sightings)

    return Ahead(steps(), looked.close, _bytes)


def _nothing_to_stop() -> None:
    """What decodes goes on to the next picture, where it learns that it has ended."""


def _bytes(item: tuple[Frame, Any] | tuple[Frame, Any, Any]) -> int:
    return item[0].image.nbytes


class _Reader:
    """Judges and cuts faces as they come, and classifies those of `batch` frames in one go."""

    def __init__(self, classifier: Classifier[Image], batch: int) -> None:
        self._classifier, self._batch = classifier, batch
        self._records: list[_Record] = []
        self._crops: dict[int, Image] = {}
        """Of the records that wait to be read."""

    def take(self, frame: Frame, number: int, sightings: Sequence[Sighting] | None) -> None:
        """Take the faces of a frame with its number."""
        for seen in sightings or ():
            quality = assess(frame.image, seen.face)
            if _can_read(quality):
                self._crops[len(self._records)] = _crop(frame.image, seen.face, self._classifier)
            self._records.append(_Record(number, seen.trail, _clipped(seen.face.box), quality, None))
        if (number + 1) % self._batch == 0:
            self._read()

    def _read(self) -> None:
        rows = self._classifier.predict(list(self._crops.values()))
        for place, row in zip(self._crops, rows, strict=True):
            self._records[place] = replace(self._records[place], probabilities=tuple(float(p) for p in row))
        self._crops.clear()

    def finish(self) -> list[_Record]:
        """The records of all frames."""
        self._read()
        return self._records


def _crop(image: Image, face: Detection, classifier: Classifier[Image]) -> Image:
    return crop_face(image, face.box, classifier.card.input, face.landmarks)


def _can_read(quality: FaceQuality) -> bool:
    return quality.size >= UNREADABLE_SIZE and quality.score >= _UNREADABLE_QUALITY


def _why_not(quality: FaceQuality) -> str:
    if quality.size < UNREADABLE_SIZE:
        return "face too small"
    return f"face not readable: {', '.join(quality.flags) or 'too unclear'}"


def _clipped(box: Box) -> Box:
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in box)
    return left, top, right, bottom


def _readings(log: _Log, person_of: Mapping[int, int], matched: bool) -> FaceReadings:
    """Put names to the trails, drop those that were no face, and find what is missing."""
    spans = spans_of(log.times)
    records = [record for record in log.records if record.trail in person_of]
    observations = []
    seen: dict[int, dict[int, str]] = {number: {} for number in sorted(set(person_of.values()))}
    for record in records:
        number = person_of[record.trail]
        seen[number][record.frame] = "" if record.probabilities else _why_not(record.quality)
        if record.probabilities:
            observations.append(_observation(record, spans[record.frame], number, log.damage.get(record.frame, 0.0)))
    in_view = {_name(number): sum(spans[i][1] - spans[i][0] for i in frames) for number, frames in seen.items()}
    anybody = {frame for frames in seen.values() for frame in frames}
    return FaceReadings(
        observations=tuple(observations),
        gaps=tuple(find_gaps(spans, log.cuts, {_name(number): frames for number, frames in seen.items()}, log.damage)),
        people=tuple(Person(_name(number), _merged(spans, sorted(frames))) for number, frames in seen.items()),
        shots=tuple(shots_between(spans, log.cuts)),
        notices=(NOT_MATCHED,) if not matched and log.cuts and len(seen) > 1 else (),
        frames=len(spans),
        seconds=sum(end - start for start, end in spans),
        seconds_with_face=sum(spans[i][1] - spans[i][0] for i in anybody),
        seconds_in_view=in_view,
    )


def _observation(record: _Record, span: tuple[float, float], number: int, damage: float) -> Observation:
    assert record.probabilities is not None
    return Observation(
        modality="face",
        start=span[0],
        end=span[1],
        person=_name(number),
        probabilities=record.probabilities,
        quality=record.quality.score * (1 - damage),
        flags=(*record.quality.flags, *([DAMAGE_FLAG] if damage else [])),
        evidence=Evidence(box=record.box),
    )


def _merged(spans: list[tuple[float, float]], frames: list[int]) -> tuple[tuple[float, float], ...]:
    """The spans of frames, neighbours joined."""
    merged: list[tuple[float, float]] = []
    for position, frame in enumerate(frames):
        if position and frames[position - 1] == frame - 1:
            merged[-1] = merged[-1][0], spans[frame][1]
        else:
            merged.append(spans[frame])
    return tuple(merged)


def _name(number: int) -> str:
    return f"Person {number}"
