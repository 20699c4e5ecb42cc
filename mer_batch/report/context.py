"""What the templates of header, lanes and transcript show, in words; no markup is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mer_batch.labels import VERBS
from mer_batch.report.lanes import lane_people, utterance_readings
from mer_batch.types import Event, EventKind, Modality, Timeline
from mer_batch.wording import MODALITY_WORDS, clock, counted, image_uri

MARKS: Final[dict[EventKind, str]] = {
    "peak": "M-6 5 0-6 6 5Z",
    "onset": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z",
    "change": "M-6 0 0-6 6 0 0 6Z",
    "enter": "M-4-6 5 0-4 6Z",
    "leave": "M4-6-5 0 4 6Z",
    "disagreement": "M-5-5 5 5M5-5-5 5",
    "cut": "M0-7V7",
}
"""The outline of each mark in the legend, as drawn by `eventMark` in draw.js."""

STATES: Final = ("no_video", "no_face", "no_speech", "no_words", "no_events", "nothing")

MOMENTS: Final = 12
"""Peaks shown as pictures."""


@dataclass(frozen=True, slots=True)
class Empty:
    """A designed empty state: what is missing and why; what one may want then, and the option for that."""

    kind: str
    text: str
    wish: str = ""
    flag: str = ""


def meta_line(timeline: Timeline) -> str:
    """Length, people, modalities and version."""
    read = read_modalities(timeline)
    parts = [
        clock(timeline.media.duration),
        counted(len(timeline.people), "person", "people") if timeline.people else "nobody followed",
        counted(len(read), "modality", "modalities")
        + (f" ({', '.join(MODALITY_WORDS[m] for m in read)})" if read else ""),
        f"v{timeline.provenance.version}",
    ]
    return " · ".join(parts)


def read_modalities(timeline: Timeline) -> list[Modality]:
    """The modalities with at least one reading, in their order."""
    seen = {reading.modality for reading in timeline.observations}
    return [modality for modality in MODALITY_WORDS if modality in seen]


def empty_states(timeline: Timeline) -> dict[str, Any]:
    """The empty states by name, None for those that do not apply; `missing` are those told in the head, once."""
    media, read = timeline.media, read_modalities(timeline)
    states: dict[str, Any] = dict.fromkeys(STATES)
    if media.video is None:
        states["no_video"] = Empty("no-video", "This file has no picture, so no face was read: only voice and words.")
    elif "face" not in read:
        states["no_face"] = _no_face(timeline)
    if "voice" not in read:
        states["no_speech"] = _no_speech(timeline)
    if not timeline.utterances:
        states["no_words"] = _no_words(timeline)
    if not timeline.events:
        text = "No events: no cut, entrance, change or peak stands out from the readings."
        states["no_events"] = Empty("no-events", text, "To look for events more finely", "--step 0.25")
    if not any(segment.probabilities for segment in timeline.segments):
        states["nothing"] = Empty(
            "nothing", "Nothing in this file could be read. What is missing, and what would help, stands below."
        )
    told = [states[name] for name in ("no_video", "no_face", "no_speech", "no_words") if states[name] is not None]
    wishes = [*told, *filter(None, [states["no_events"]])]
    helps = {(state.wish, state.flag): None for state in wishes if state.flag}
    return {**states, "missing": told, "helps": list(helps)}


def _absent(timeline: Timeline, modality: Modality, kind: str, found: Empty) -> Empty:
    """The state `found`, unless the modality was lost to an error or never asked for."""
    name = MODALITY_WORDS[modality]
    if modality in timeline.lost:
        return Empty(
            kind,
            f"No {name} reading, because of an error that the notices name.",
            f"To see where {name} was lost",
            "(after MER_DEBUG=1)",
        )
    asked = timeline.provenance.options.get("modalities")
    if isinstance(asked, (list, tuple)) and modality not in asked:
        every = ",".join(MODALITY_WORDS)
        return Empty(
            kind,
            f"No {name} reading, because it was not asked for.",
            "To read all three",
            f"--modalities {every}",
        )
    return found


def _no_face(timeline: Timeline) -> Empty:
    text = "No face was found. Faces may be small, turned away or seen too briefly."
    return _absent(timeline, "face", "no-face", Empty("no-face", text, "To look for faces more often", "--fps 10"))


def _no_speech(timeline: Timeline) -> Empty:
    if not timeline.media.audio:
        return Empty("no-speech", "This file has no sound, so there is no voice to read.")
    text = "No speech was found in the sound, so there is no voice to read."
    return _absent(
        timeline, "voice", "no-speech", Empty("no-speech", text, "To hear another sound track", "--audio-track N")
    )


def _no_words(timeline: Timeline) -> Empty:
    if not timeline.media.audio and not timeline.media.subtitles:
        text = "This file has neither sound nor subtitles, so there are no words."
        return Empty("no-words", text, "To add the words", "--transcript FILE")
    text = "There are no words: no transcript was given or found, and none was made."
    return _absent(timeline, "text", "no-words", Empty("no-words", text, "To add the words", "--transcript FILE"))


def transcript_lines(timeline: Timeline) -> list[dict[str, object]]:
    """The utterances with what their words read as."""
    lines: list[dict[str, object]] = []
    for said, reading in zip(timeline.utterances, utterance_readings(timeline), strict=True):
        lines.append(
            {
                "ms": round(said.start * 1000),
                "time": clock(said.start),
                "person": said.person or "",
                "text": said.text,
                "label": reading.label if reading else None,
                "reading": f"{VERBS['text']} {reading.label} {reading.confidence:.2f}" if reading else "",
            }
        )
    return lines


def transcript_note(timeline: Timeline) -> str:
    """How many lines, and where the words came from."""
    sources = sorted({said.source for said in timeline.utterances if said.source})
    lines = counted(len(timeline.utterances), "line")
    origin = f" from {', '.join(sources)}" if sources else ""
    return f"{lines}{origin}. The bar and the words beside each line say how the line reads, not how it was said."


def event_rows(timeline: Timeline) -> list[dict[str, object]]:
    """The events for the table under the lanes."""
    return [_event_row(event) for event in timeline.events]


def moments(timeline: Timeline) -> list[dict[str, object]]:
    """The strongest peaks that have a picture, in time order."""
    pictured = [event for event in timeline.events if event.kind == "peak" and image_uri(event.thumbnail)]
    strongest = sorted(pictured, key=lambda event: event.strength, reverse=True)[:MOMENTS]
    return [_event_row(event) for event in sorted(strongest, key=lambda event: event.time)]


def _event_row(event: Event) -> dict[str, object]:
    return {
        "ms": round(event.time * 1000),
        "time": clock(event.time),
        "kind": event.kind,
        "person": event.person or "",
        "emotion": event.emotion,
        "detail": event.detail,
        "image": image_uri(event.thumbnail),
    }


def used_marks(timeline: Timeline) -> list[dict[str, str]]:
    """The marks that occur, for the legend."""
    kinds = {event.kind for event in timeline.events}
    return [{"kind": kind, "path": path} for kind, path in MARKS.items() if kind in kinds]


def has_boxes(timeline: Timeline) -> bool:
    """Whether any reading says where a face was."""
    return bool(lane_people(timeline)) and any(reading.evidence.box for reading in timeline.observations)
