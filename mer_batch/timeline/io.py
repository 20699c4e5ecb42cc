"""A timeline as JSON (schema 1) and as CSV.

Bulky parts (observations, segments, loudness) are stored as columns. Times are rounded to 0.1 ms and
probabilities to five digits; `rounded(timeline)` applies the same rounding, and for a rounded timeline
`from_json(to_json(timeline)) == timeline`. Options come back as JSON values with tuples for lists and
texts for paths. The media path is stored as the user gave it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

from mer_batch.errors import InputError
from mer_batch.labels import EMOTIONS
from mer_batch.tables_out import write_rows
from mer_batch.timeline import columns as c
from mer_batch.types import (
    MODALITIES,
    TASKS,
    AudioStream,
    Event,
    EventKind,
    Evidence,
    Gap,
    Media,
    ModelUse,
    Observation,
    Person,
    Provenance,
    Segment,
    Shot,
    SubtitleStream,
    Timeline,
    Utterance,
    VideoStream,
)

SCHEMA: Final = 1
_T, _P = c.TIME_DIGITS, c.PROBABILITY_DIGITS
_pair = c.row(c.number, 2)
_modality = c.one_of(*MODALITIES)
_task = c.one_of(*TASKS)
_emotion = c.one_of(*EMOTIONS)
_name = c.optional(c.text)


def to_json(timeline: Timeline) -> str:
    """The timeline as one line of ASCII JSON."""
    data = {
        "schema": SCHEMA,
        "media": _media_out(timeline.media),
        "provenance": _provenance_out(timeline.provenance),
        "people": [_person_out(person) for person in timeline.people],
        "shots": [[*c.numbers((s.start, s.end), _T), s.thumbnail] for s in timeline.shots],
        "speech": _spans_out(timeline.speech),
        "loudness": _loudness_out(timeline.loudness),
        "utterances": [
            [*c.numbers((u.start, u.end), _T), u.text, u.language, u.confidence, u.person, u.source]
            for u in timeline.utterances
        ],
        "observations": _observations_out(timeline.observations),
        "gaps": [[g.modality, *c.numbers((g.start, g.end), _T), g.reason, g.person] for g in timeline.gaps],
        "segments": _segments_out(timeline.segments),
        "events": [
            [e.kind, round(e.time, _T), e.person, e.emotion, e.detail, round(e.strength, _P), e.thumbnail]
            for e in timeline.events
        ],
        "notices": list(timeline.notices),
        "lost": list(timeline.lost),
    }
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Timeline:
    """The timeline in `text`. Raises `InputError` for a damaged file or another schema version."""
    try:
        data = json.loads(text, parse_constant=_refuse)
        found = data.get("schema") if isinstance(data, dict) else None
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is not a timeline.json: {_line(error)}; make it again with mer analyze") from error
    if found is None:
        raise InputError("this is not a timeline.json: it has no schema number; give the file that mer analyze wrote")
    if type(found) is not int or found != SCHEMA:
        raise InputError(
            f"this timeline has schema {str(found)[:20]!r}, this version of mer reads {SCHEMA}; "
            "make it again with mer analyze"
        )
    try:
        return _timeline_in(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(f"this timeline is damaged: {_line(error)}; make it again with mer analyze") from error


def rounded(timeline: Timeline) -> Timeline:
    """The timeline as the JSON file will hold it, so that a report made now equals one made from the file."""
    return from_json(to_json(timeline))


def write_csv(timeline: Timeline, path: Path) -> None:
    """One row per segment, times in seconds; empty cells where there is no reading. Never half-written."""
    header = ["start", "end", "person", "label", "confidence", *EMOTIONS]
    header += [f"{name}_spread" for name in EMOTIONS]
    header += [*(f"{name}_weight" for name in MODALITIES), "disagreement", "reason"]
    segments = timeline.segments
    rows = zip(
        segments,
        c.number_rows([(s.start, s.end) for s in segments], _T),
        c.share_rows([s.probabilities for s in segments]),
        c.number_rows([s.spread for s in segments], _P),
        c.number_rows([s.weights for s in segments], _P),
        strict=True,
    )
    write_rows(path, header, (_csv_row(*row) for row in rows), line_end="\r\n")


_BLANK: Final = [""] * len(EMOTIONS)
_Cells: TypeAlias = "Sequence[float | int] | None"


def _csv_row(segment: Segment, times: _Cells, shares: _Cells, spread: _Cells, weights: _Cells) -> list[object]:
    confidence = segment.confidence
    return [
        *(times or ()),
        segment.person or "",
        segment.label or "",
        "" if confidence is None else round(confidence, _P),
        *(shares or _BLANK),
        *(spread or _BLANK),
        *(weights or ()),
        "" if segment.disagreement is None else round(segment.disagreement, _P),
        segment.reason,
    ]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _line(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return " ".join(str(error).split())[:200]


def _spans_out(spans: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [c.numbers(span, _T) for span in spans]


def _loudness_out(levels: Sequence[tuple[float, float]]) -> dict[str, list[Any]]:
    # Digital silence is minus infinity decibels, for which JSON has no number.
    decibels = [round(level, 2) if math.isfinite(level) else None for _, level in levels]
    return {"time": c.numbers([time for time, _ in levels], _T), "decibels": decibels}


def _loudness_in(data: Any) -> tuple[tuple[float, float], ...]:
    levels = [-math.inf if level is None else c.number(level) for level in data["decibels"]]
    return tuple(zip(map(c.number, data["time"]), levels, strict=True))


def _media_out(media: Media) -> dict[str, Any]:
    data = {name: getattr(media, name) for name in ("sha256", "size", "container", "duration", "origin")}
    return data | {
        "name": media.path.name,
        "path": media.path.as_posix(),
        "video": None if media.video is None else _fields(media.video),
        "audio": [_fields(stream) for stream in media.audio],
        "subtitles": [_fields(stream) for stream in media.subtitles],
        "notes": list(media.notes),
        **({"joins": list(media.joins)} if media.joins else {}),
    }


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _media_in(data: Any) -> Media:
    return Media(
        path=Path(c.text(data["path"])),
        sha256=c.text(data["sha256"]),
        size=c.whole(data["size"]),
        container=c.text(data["container"]),
        duration=c.number(data["duration"]),
        origin=c.number(data["origin"]),
        video=None if data["video"] is None else _video_in(data["video"]),
        audio=tuple(_audio_in(stream) for stream in data["audio"]),
        subtitles=tuple(
            SubtitleStream(
                c.whole(s["index"]),
                c.text(s["codec"]),
                _name(s["language"]),
                _name(s.get("title")),
                c.many(c.text)(s.get("dispositions", [])),
            )
            for s in data["subtitles"]
        ),
        notes=c.many(c.text)(data["notes"]),
        joins=c.many(c.whole)(data.get("joins", [])),
    )


def _video_in(data: Any) -> VideoStream:
    number = c.optional(c.number)
    return VideoStream(
        c.whole(data["index"]), c.text(data["codec"]), c.whole(data["width"]), c.whole(data["height"]),
        number(data["fps"]), c.whole(data["rotation"]), c.number(data["start"]), number(data["duration"]),
    )  # fmt: skip


def _audio_in(data: Any) -> AudioStream:
    return AudioStream(
        c.whole(data["index"]), c.text(data["codec"]), c.whole(data["rate"]), c.whole(data["channels"]),
        _name(data["language"]), c.number(data["start"]), c.optional(c.number)(data["duration"]),
    )  # fmt: skip


def _person_out(person: Person) -> dict[str, Any]:
    found = {"name": person.name, "spans": _spans_out(person.spans), "thumbnail": person.thumbnail}
    return found | ({"colour": person.colour} if person.colour else {})


def _plain(value: object) -> Any:
    """An option as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _provenance_out(provenance: Provenance) -> dict[str, Any]:
    models = [_fields(model) | {"scores": _plain(model.scores)} for model in provenance.models]
    return {
        "created": provenance.created,
        "version": provenance.version,
        "options": _plain(provenance.options),
        "packages": dict(provenance.packages),
        "models": models,
        "seconds": {name: round(seconds, 3) for name, seconds in provenance.seconds.items()},
    }


def _provenance_in(data: Any) -> Provenance:
    return Provenance(
        created=c.text(data["created"]),
        version=c.text(data["version"]),
        options=_frozen(data["options"]),
        packages={name: c.text(version) for name, version in data["packages"].items()},
        models=tuple(_model_in(model) for model in data["models"]),
        seconds={name: c.number(seconds) for name, seconds in data["seconds"].items()},
    )


def _model_in(data: Any) -> ModelUse:
    texts = {name: c.text(data[name]) for name in ("name", "sha256", "net", "data", "licence", "confusion_source")}
    # A score that could not be computed is stored as the text "nan".
    scores = {name: math.nan if score == "nan" else c.number(score) for name, score in data["scores"].items()}
    confusion = c.optional(c.many(c.many(c.whole)))(data["confusion"])
    reliability = c.optional(c.number)(data.get("reliability"))
    modality = _task(data["modality"])
    return ModelUse(modality=modality, scores=scores, confusion=confusion, reliability=reliability, **texts)


def _observations_out(observations: Sequence[Observation]) -> dict[str, Any]:
    boxes = [o.evidence.box for o in observations]
    return {
        "modality": c.encode([o.modality for o in observations]),
        "start": c.numbers([o.start for o in observations], _T),
        "end": c.numbers([o.end for o in observations], _T),
        "person": c.encode([o.person for o in observations]),
        "probabilities": c.share_rows([o.probabilities for o in observations]),
        "quality": c.numbers([o.quality for o in observations], 4),
        "flags": c.encode([o.flags for o in observations]),
        "box": c.number_rows(boxes, 4),
        "words": c.encode([o.evidence.words for o in observations]),
    }


def _observations_in(data: Any) -> tuple[Observation, ...]:
    boxes = c.table(data["box"], 4, optional=True)
    evidence = [Evidence(box, words) for box, words in zip(boxes, c.decode(data["words"], _name), strict=True)]
    return tuple(
        map(
            Observation,
            *_same_length(
                c.decode(data["modality"], _modality),
                c.column(data["start"]),
                c.column(data["end"]),
                c.decode(data["person"], _name),
                c.table(data["probabilities"], len(EMOTIONS)),
                c.column(data["quality"]),
                c.decode(data["flags"], c.many(c.text)),
                evidence,
            ),
        )
    )


def _segments_out(segments: Sequence[Segment]) -> dict[str, Any]:
    return {
        "start": c.numbers([s.start for s in segments], _T),
        "end": c.numbers([s.end for s in segments], _T),
        "person": c.encode([s.person for s in segments]),
        "probabilities": c.share_rows([s.probabilities for s in segments]),
        "spread": c.number_rows([s.spread for s in segments], _P),
        "label": c.encode([s.label for s in segments]),
        "weights": c.encode([tuple(c.numbers(s.weights, 4)) for s in segments]),
        "disagreement": [None if s.disagreement is None else round(s.disagreement, _P) for s in segments],
        "reason": c.encode([s.reason for s in segments]),
    }


def _segments_in(data: Any) -> tuple[Segment, ...]:
    number = c.optional(c.number)
    return tuple(
        map(
            Segment,
            *_same_length(
                c.column(data["start"]),
                c.column(data["end"]),
                c.decode(data["person"], _name),
                c.table(data["probabilities"], len(EMOTIONS), optional=True),
                c.table(data["spread"], len(EMOTIONS), optional=True),
                c.decode(data["label"], c.optional(_emotion)),
                c.decode(data["weights"], c.row(c.number, len(MODALITIES))),
                [number(value) for value in data["disagreement"]],
                c.decode(data["reason"], c.text),
            ),
        )
    )


def _same_length(*table: list[Any]) -> tuple[list[Any], ...]:
    if len({len(column) for column in table}) > 1:
        raise ValueError("the columns of a table differ in length")
    return table


def _event_in(item: Any) -> Event:
    kind, time, person, emotion, detail, strength, thumbnail = item
    known = c.one_of(*get_args(EventKind))
    return Event(
        known(kind), c.number(time), _name(person), c.optional(_emotion)(emotion), c.text(detail),
        c.number(strength), _name(thumbnail),
    )  # fmt: skip


def _utterance_in(item: Any) -> Utterance:
    start, end, words, language, confidence, person, source = item
    return Utterance(
        c.number(start), c.number(end), c.text(words), _name(language), c.optional(c.number)(confidence),
        _name(person), c.text(source),
    )  # fmt: skip


def _timeline_in(data: Any) -> Timeline:
    spans = c.many(_pair)
    return Timeline(
        media=_media_in(data["media"]),
        provenance=_provenance_in(data["provenance"]),
        people=tuple(
            Person(c.text(p["name"]), spans(p["spans"]), _name(p["thumbnail"]), _name(p.get("colour")))  # type: ignore[arg-type]
            for p in data["people"]
        ),
        shots=tuple(Shot(c.number(start), c.number(end), _name(image)) for start, end, image in data["shots"]),
        speech=spans(data["speech"]),  # type: ignore[arg-type]
        loudness=_loudness_in(data["loudness"]),
        utterances=tuple(map(_utterance_in, data["utterances"])),
        observations=_observations_in(data["observations"]),
        gaps=tuple(
            Gap(_modality(kind), c.number(start), c.number(end), c.text(reason), _name(person))
            for kind, start, end, reason, person in data["gaps"]
        ),
        segments=_segments_in(data["segments"]),
        events=tuple(map(_event_in, data["events"])),
        notices=c.many(c.text)(data["notices"]),
        lost=c.many(_modality)(data["lost"]),
    )
