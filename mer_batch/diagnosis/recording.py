"""What one recording is like, before it is read: streams, clocks, sound, faces, words, and what it will cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from mer_batch import media
from mer_batch.batch.sources import sidecars
from mer_batch.diagnosis.cost import Cost, cost
from mer_batch.errors import MerError, told
from mer_batch.media.examine import Levels, Stamps, levels, stamps
from mer_batch.types import Media
from mer_batch.wording import counted, flat, listed, percent

PICTURES: Final = 12
"""Pictures in which faces are looked for."""
QUIET_DB: Final = -45.0
SILENCE_DB: Final = -120.0
OFFSET: Final = 0.04
"""Seconds between the starts of sound and picture that are told: more than a picture of film."""
_FAULTS: Final = (MerError, OSError, MemoryError, RuntimeError, ValueError, ArithmeticError, LookupError, TypeError)
"""What a broken file raises: it costs a line, not the rest."""


@dataclass
class Faces:
    """Faces in sampled pictures: for each picture its time and the shorter sides of its faces in pixels.

    `readable` are those of at least `UNREADABLE_SIZE` pixels, `flags` how often each fault was found.
    """

    looked: int = 0
    sizes: list[tuple[float, list[int]]] = field(default_factory=list)
    readable: int = 0
    flags: dict[str, int] = field(default_factory=dict)

    @property
    def found(self) -> list[int]:
        """All sizes."""
        return [size for _, sizes in self.sizes for size in sizes]


@dataclass
class Recording:
    """What was found of a file; what could not be found has a line in `problems`."""

    media: Media
    declared: float | None = None
    streams: list[Stamps] = field(default_factory=list)
    levels: dict[int, Levels] = field(default_factory=dict)
    faces: Faces | None = None
    words: list[str] = field(default_factory=list)
    heard: bool = False
    """Whether there are words, or weights that hear them."""
    usable: dict[str, str] = field(default_factory=dict)
    cost: Cost | None = None
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For JSON; times in seconds."""
        video = self.media.video
        return {
            "file": flat(self.media.path.name),
            "container": self.media.container,
            "bytes": self.media.size,
            "sha256": self.media.sha256,
            "duration": self.media.duration,
            "declared_duration": self.declared,
            "offset": offset(self.media),
            "video": None if video is None else asdict(video),
            "audio": [asdict(stream) for stream in self.media.audio],
            "subtitles": [asdict(stream) for stream in self.media.subtitles],
            "streams": [asdict(stream) for stream in self.streams],
            "levels": {str(track): asdict(found) for track, found in self.levels.items()},
            "faces": None if self.faces is None else asdict(self.faces),
            "words": self.words,
            "usable": self.usable,
            "notes": list(self.media.notes),
            "cost": None if self.cost is None else self.cost.as_json(),
            "problems": self.problems,
        }


def examine(path: Path, device: str = "auto", measured: bool = True) -> Recording:
    """Look at a file. Raises `InputError` where it cannot be read at all; anything less is a line in `problems`.

    `measured` also reads a few seconds of it to know what all of it will cost.
    """
    found = Recording(media.probe(path))
    steps: list[tuple[str, Callable[[], None]]] = [
        ("time stamps", lambda: _clocks(found)),
        ("sound", lambda: _sound(found)),
        ("faces", lambda: _faces(found, device)),
        ("words", lambda: _words(found)),
        ("cost", lambda: _cost(found, device, measured)),
    ]
    for name, step in steps:
        with _kept(found, f"{name} could not be examined"):
            step()
    found.usable = _usable(found)
    return found


@contextmanager
def _kept(found: Recording, what: str) -> Iterator[None]:
    """Write down what goes wrong, and go on."""
    try:
        yield
    except _FAULTS as error:
        found.problems.append(flat(f"{what}: {told(error, 200)}"))


def _clocks(found: Recording) -> None:
    found.declared, found.streams = stamps(found.media.path)


def _sound(found: Recording) -> None:
    for track, stream in enumerate(found.media.audio):
        with _kept(found, f"audio track {track}"):
            found.levels[track] = levels(found.media.path, stream.index)


def _faces(found: Recording, device: str) -> None:
    if found.media.video is None:
        return
    from mer_batch.face.detect import CascadeDetector
    from mer_batch.face.quality import UNREADABLE_SIZE, assess

    video, faces = found.media.video, Faces()
    length = video.duration or found.media.duration
    times = [video.start + length * (number + 0.5) / PICTURES for number in range(PICTURES)]
    detector = CascadeDetector(device)
    seen: set[float] = set()
    for time, frame in media.grab_frames(found.media, dict.fromkeys(times)):
        if frame is None or frame.time in seen:
            continue
        seen.add(frame.time)
        faces.looked += 1
        qualities = [assess(frame.image, face) for face in detector.detect([frame.image])[0]]
        faces.sizes.append((round(time, 2), [round(quality.size) for quality in qualities]))
        faces.readable += sum(quality.size >= UNREADABLE_SIZE for quality in qualities)
        for flag in (flag for quality in qualities for flag in quality.flags):
            faces.flags[flag] = faces.flags.get(flag, 0) + 1
    found.faces = faces


def _words(found: Recording) -> None:
    """Where words would come from, the first that has some first."""
    for beside in sidecars(found.media.path):
        with suppress(MerError):
            written = media.parse_transcript(beside, found.media.duration)
            if written.utterances:
                count = counted(len(written.utterances), "utterance")
                found.heard = True
                found.words.append(
                    flat(f"{beside.name} beside it: {count}; of a batch read by itself, of one file by --transcript")
                )
    if found.media.subtitles:
        try:
            written = media.read_subtitles(found.media)
            found.words.append(f"subtitles in the file: {counted(len(written.utterances), 'utterance')}")
            found.heard |= bool(written.utterances)
        except MerError as error:
            found.problems.append(flat(f"subtitles cannot be read: {told(error, 200)}"))
    if found.media.audio:
        from mer_batch.text import asr

        found.words.append(f"speech recognition by {asr.expected()}")
        found.heard |= bool(asr.on_machine() or asr.carried())


def _cost(found: Recording, device: str, measured: bool) -> None:
    found.cost = cost(found.media, device) if measured else None


def _usable(found: Recording) -> dict[str, str]:
    """Each modality with "yes" or why not."""
    faces = found.faces
    face = "no video" if found.media.video is None else "yes"
    if faces is not None and face == "yes" and not faces.readable:
        face = f"no face of a readable size in {counted(faces.looked, 'sampled picture')}"
    heard = [one for one in found.levels.values() if one.peak_db is not None]
    voice = "no sound" if not found.media.audio else "yes"
    if voice == "yes" and not heard:
        voice = "its sound cannot be decoded"
    elif voice == "yes" and all(one.silent >= 0.999 for one in heard):
        voice = "digital silence or close to it"
    text = "yes" if found.heard else "no words at hand and nobody to hear them"
    return {"face": face, "voice": voice, "text": text}


def offset(found: Media) -> float | None:
    """Seconds by which the sound that is heard begins after the picture; None where one of them is missing."""
    if found.video is None or not found.audio:
        return None
    return round(found.audio[media.audio_track(found)].start - found.video.start, 3)


def lines(found: Recording) -> Iterator[str]:
    """For a terminal."""
    data = found.media
    said = "" if found.declared is None else f", its header says {found.declared:.2f} s"
    yield flat(f"{data.path.name}: {data.container}, {data.size / 1e6:.1f} MB, {data.duration:.2f} s{said}")
    yield from (flat(line) for line in _streams(found))
    yield from (flat(f"note: {note}") for note in data.notes)
    for track, one in found.levels.items():
        yield f"audio track {track}: {_level(one)}"
    if found.faces is not None:
        yield f"faces: {_face_line(found.faces)}"
    yield from (f"words: {line}" for line in found.words)
    yield "usable: " + "; ".join(f"{name}: {state}" for name, state in found.usable.items())
    if found.cost is not None:
        yield f"cost: {found.cost.sentence()}"
    yield from (f"problem: {problem}" for problem in found.problems)


def _streams(found: Recording) -> Iterator[str]:
    video = found.media.video
    if video is not None:
        turned = f", stored turned by {abs(video.rotation)} degrees" if video.rotation else ""
        rate = "" if video.fps is None else f" at {video.fps:g} a second"
        fields = ", interlaced" if video.interlaced else ""
        yield f"picture: stream {video.index}, {video.codec}, {video.width}x{video.height}{rate}{turned}{fields}"
    for track, sound in enumerate(found.media.audio):
        yield (
            f"sound: track {track}, stream {sound.index}, {sound.codec}, {sound.rate} Hz, "
            f"{counted(sound.channels, 'channel')}, {sound.language or 'no language'}"
        )
    between = offset(found.media)
    if between is not None and abs(between) > OFFSET:
        yield f"the sound begins {abs(between):.2f} s {'after' if between > 0 else 'before'} the picture"
    for stream in found.streams:
        yield from _stream(stream)


def _stream(stream: Stamps) -> Iterator[str]:
    if stream.start is None or stream.end is None:
        if stream.kind in ("video", "audio"):
            yield f"stream {stream.index} ({stream.kind}, {stream.codec}) has no packet with a time stamp"
        return
    if stream.unstamped and stream.kind in ("video", "audio"):
        yield f"stream {stream.index}: {counted(stream.unstamped, 'packet')} of {stream.packets} without a time stamp"
    lasts = stream.end - stream.start
    if stream.declared is not None and abs(stream.declared - lasts) > max(0.5, 0.02 * lasts):
        yield f"stream {stream.index} declares {stream.declared:.2f} s and has packets for {lasts:.2f} s"
    if stream.gaps:
        yield f"stream {stream.index}: {counted(len(stream.gaps), 'gap')} in time: {_spans(stream.gaps)}"
    if stream.jumps:
        yield f"stream {stream.index}: its clock goes back {counted(len(stream.jumps), 'time')}: {_spans(stream.jumps)}"


def _spans(spans: list[tuple[float, float]], most: int = 3) -> str:
    shown = listed([f"{start:.2f} to {end:.2f} s" for start, end in spans[:most]])
    return f"{shown} and {len(spans) - most} more" if len(spans) > most else shown


def _level(one: Levels) -> str:
    if one.peak_db is None or one.rms_db is None:
        return "nothing of it can be decoded"
    if one.rms_db <= SILENCE_DB:
        return f"digital silence (of {one.heard:.1f} s heard)"
    parts = [f"peak {one.peak_db:.1f} dB, mean {one.rms_db:.1f} dB, {percent(one.silent)} silent"]
    if one.clipped:
        parts.append(f"{100 * one.clipped:.2g} % clipped")
    if one.rms_db < QUIET_DB and one.silent < 1:
        parts.append("very quiet")
    if one.dead:
        parts.append(f"dead: channel {listed([str(channel) for channel in one.dead])}")
    parts += [f"channels {first} and {second} are inverted to each other" for first, second in one.inverted]
    if one.damaged:
        parts.append(f"{counted(one.damaged, 'packet')} cannot be decoded")
    return f"{', '.join(parts)} (of {one.heard:.1f} s heard)"


def _face_line(faces: Faces) -> str:
    if not faces.found:
        return f"none in {counted(faces.looked, 'sampled picture')}"
    flags = "".join(f", {count} {name}" for name, count in sorted(faces.flags.items()))
    with_faces = sum(bool(sizes) for _, sizes in faces.sizes)
    return (
        f"in {with_faces} of {counted(faces.looked, 'sampled picture')}, {min(faces.found)} to {max(faces.found)} px, "
        f"{faces.readable} of {len(faces.found)} large enough to be read{flags}"
    )


def as_json(machine: Mapping[str, Any], found: Recording | None) -> dict[str, Any]:
    """Both reports in one."""
    return {"machine": dict(machine), "file": None if found is None else found.as_json()}
