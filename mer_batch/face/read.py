"""The face stage: frames in, observations, gaps and people out, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final
from zlib import crc32

from mer_batch.classifier import Classifier
from mer_batch.face.detect import CascadeDetector, Detector
from mer_batch.face.followed import Seen, followed
from mer_batch.face.gaps import find_gaps, shots_between, spans_of
from mer_batch.face.glimpses import Glimpse, GlimpseKeeper
from mer_batch.face.identity import Embedder
from mer_batch.face.judge import Judge, clipped, readable, why_not
from mer_batch.face.liveness import STILL, LivenessWatcher
from mer_batch.face.log import FaceLog, Record
from mer_batch.face.mouth import MouthTrack, MouthWatcher, tracks_of
from mer_batch.face.people import Known, People
from mer_batch.face.portraits import PortraitKeeper
from mer_batch.face.recognise import recognise
from mer_batch.face.track import Tracker
from mer_batch.types import (
    Evidence,
    Frame,
    Gap,
    Image,
    Observation,
    Person,
    Shot,
)

DAMAGE_FLAG: Final = "picture damaged"
NOT_MATCHED: Final = (
    "People are not matched across cuts, because face recognition is not installed: "
    "one person may have several numbers. Run: pip install face-recognition-models"
)


@dataclass(frozen=True, slots=True)
class FaceReadings:
    """What the face stage found.

    `people` have no thumbnails yet. `seconds` is the time that the sampled frames stand for.
    `mouths` holds how each person's mouth moved, where that was watched. `still` are the people whose face never
    moves, whose readings have the flag `liveness.STILL`; `unchanging` says that the whole video is one picture.
    `glimpses` are small pictures for the report, if any were wanted.
    """

    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    people: tuple[Person, ...]
    shots: tuple[Shot, ...]
    notices: tuple[str, ...]
    frames: int
    seconds: float
    mouths: Mapping[str, MouthTrack] = field(default_factory=dict)
    still: tuple[str, ...] = ()
    unchanging: bool = False
    glimpses: tuple[Glimpse, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """The frames that are a piece's own: from `start` until `end`, in seconds; `end` None = to the last one.

    Those before are read only to find into the film. Within `overlap` seconds of either border neighbours see the
    same pictures.
    """

    start: float
    end: float | None
    overlap: float
    warm: bool = True
    """Whether there are frames before, so that the first one stands in the middle of a shot."""

    def shared(self, time: float) -> bool:
        """Whether a neighbour sees the picture too."""
        return time < self.start or (self.end is not None and time >= self.end - self.overlap)


@dataclass(slots=True)
class _Log:
    """What is kept of the frames while they come; see `FaceLog`."""

    times: list[float] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    damage: dict[int, float] = field(default_factory=dict)
    prints: dict[int, int] = field(default_factory=dict)

    warm: int = 0

    def add(self, frame: Frame, cut: bool, range_: Range | None) -> None:
        """Remember the time, cut and damage of a frame."""
        number = len(self.times)
        if cut:
            self.cuts.append(number)
        if frame.damage:
            self.damage[number] = frame.damage
        if range_ is not None and range_.shared(frame.time):
            self.prints[number] = crc32(frame.image.tobytes())
        self.times.append(frame.time)


class _Witnesses:
    """All that look at frames whose faces are known, and what they keep."""

    def __init__(
        self,
        classifier: Classifier[Image],
        batch: int,
        embedder: Embedder | None,
        watcher: MouthWatcher | None,
        piece: Range | None,
        pictures: bool,
    ) -> None:
        self.log, self.judge, self.liveness = _Log(), Judge(classifier, batch), LivenessWatcher()
        self.sitters = PortraitKeeper(embedder) if embedder is not None else None
        self.glimpses = GlimpseKeeper(begun=piece is not None and piece.warm) if pictures else None
        self._watcher, self._piece = watcher, piece
        self._early: set[int] = set()

    def see(self, seen: Seen) -> None:
        """Take the next frame."""
        frame, cut, faces, small = seen
        known = list(zip(faces or (), self.judge.take(frame, len(self.log.times), faces), strict=True))
        self.log.add(frame, cut, self._piece)
        warm = self._piece is not None and frame.time < self._piece.start
        if self.sitters is not None and not warm:
            self.sitters.see(frame, known)
        if self.glimpses is not None:
            boxes = [(one.trail, clipped(one.face.box)) for one, quality in known if readable(quality)]
            self.glimpses.see(frame, cut, boxes, own=not warm)
        if warm:
            self.log.warm += 1
            self._early.update(one.trail for one in faces or ())
            self.liveness.go_on(self._early)
        elif faces is not None:
            self.liveness.see(frame, faces, small)
        if self._watcher is not None and faces is not None:
            self._watcher.see([frame], [faces])


def watch_faces(
    frames: Iterable[Frame],
    classifier: Classifier[Image],
    *,
    device: str = "auto",
    batch: int = 16,
    detector: Detector | None = None,
    embedder: Embedder | None = None,
    watcher: MouthWatcher | None = None,
    on_progress: Callable[[float], None] | None = None,
    piece: Range | None = None,
    pictures: bool = False,
) -> FaceLog:
    """Find people in sampled frames and read their faces.

    Args:
        frames: upright pictures with their true times, in order, taken by a thread; two times `batch` of them are
            held and what `media.ahead` holds. In those damaged beyond `READABLE_DAMAGE` no face is looked for.
        classifier: the face reader; its card says how faces are cut.
        device: where the detector runs (see `pick_device`).
        batch: frames worked on together.
        detector: replaces the built-in cascade.
        embedder: matches people across cuts (`embedders.load_embedder`); None keeps them separate.
        watcher: measures mouths; `frames` must come at its rate. None leaves them alone.
        on_progress: called with the time reached, in seconds, after every batch.
        piece: the part of a film that the frames are; then all is kept that it takes to join it to the others.
        pictures: whether small pictures are kept for the report.
    """
    tracker = Tracker(detector or CascadeDetector(device))
    kept = _Witnesses(classifier, batch, embedder, watcher, piece, pictures)
    log = kept.log
    with closing(followed(watcher.sample(frames) if watcher else frames, tracker, batch)) as source:
        for seen in source:
            kept.see(seen)
            if on_progress is not None and len(log.times) % batch == 0:
                on_progress(seen.frame.time)
    if on_progress is not None and len(log.times) % batch:
        on_progress(log.times[-1])
    tracker.end(goes_on=piece is not None and piece.end is not None)
    return FaceLog(
        times=tuple(log.times),
        cuts=tuple(log.cuts),
        records=kept.judge.finish(),
        damage=log.damage,
        trails=tuple(tracker.trails),
        motions=watcher.motions if watcher else {},
        liveness=kept.liveness.seen,
        warm=log.warm,
        prints=log.prints,
        portraits=kept.sitters.portraits if kept.sitters is not None else {},
        glimpses=kept.glimpses.finish() if kept.glimpses is not None else (),
    )


def numbered(
    log: FaceLog,
    embedder: Embedder | None = None,
    gallery: Mapping[str, Known] | None = None,
    looks: bool = True,
    matched: bool | None = None,
) -> FaceReadings:
    """What `watch_faces` found, under the numbers of people, or the names of a `gallery`; see `recognise`.

    Not `matched` (by default without an `embedder`), nobody is known across cuts, which is said.
    """
    known = embedder is not None if matched is None else matched
    return readings(*recognise(log, embedder, gallery, looks), matched=known)


def readings(log: FaceLog, people: People, matched: bool = True) -> FaceReadings:
    """Put names to the people and find what is missing; not `matched`, nobody is known across cuts, which is said."""
    found = _readings(log, people, matched)
    names = {trail: people.name(number) for trail, number in people.of.items()}
    still = log.liveness.still(names)
    return replace(
        found,
        observations=_marked(found.observations, still),
        still=still,
        unchanging=log.liveness.unchanging and len(still) == len(found.people),
        mouths=tracks_of(log.motions, names),
        glimpses=tuple(one for one in log.glimpses if one.trail is None or one.trail in names),
    )


def _marked(observations: Iterable[Observation], still: Sequence[str]) -> tuple[Observation, ...]:
    """The readings, those of faces that never move with a flag."""
    return tuple(
        replace(reading, flags=(*reading.flags, STILL)) if reading.person in still else reading
        for reading in observations
    )


def _readings(log: FaceLog, people: People, matched: bool) -> FaceReadings:
    """Put names to the trails, drop those that were no face, and find what is missing."""
    spans, cuts = spans_of(log.times), log.shots
    person_of, name = people.of, people.name
    records = [record for record in log.records if record.trail in person_of]
    observations = []
    seen: dict[int, dict[int, str]] = {number: {} for number in sorted(set(person_of.values()))}
    for record in records:
        number = person_of[record.trail]
        seen[number][record.frame] = "" if record.probabilities else why_not(record.quality)
        if record.probabilities:
            damage = log.damage.get(record.frame, 0.0)
            observations.append(_observation(record, spans[record.frame], name(number), damage))
    return FaceReadings(
        observations=tuple(observations),
        gaps=tuple(find_gaps(spans, cuts, {name(number): frames for number, frames in seen.items()}, log.damage)),
        people=tuple(Person(name(number), _merged(spans, sorted(frames))) for number, frames in seen.items()),
        shots=tuple(shots_between(spans, cuts)),
        notices=(NOT_MATCHED,) if not matched and cuts and len(seen) > 1 else (),
        frames=len(spans),
        seconds=sum(end - start for start, end in spans),
    )


def _observation(record: Record, span: tuple[float, float], name: str, damage: float) -> Observation:
    assert record.probabilities is not None
    return Observation(
        modality="face",
        start=span[0],
        end=span[1],
        person=name,
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
