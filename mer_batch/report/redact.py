"""Leave out of a timeline what a reader must not see, before anything is written from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from mer_batch.errors import unknown_name
from mer_batch.types import Evidence, Timeline
from mer_batch.wording import Renamer

REDACTIONS: Final = {
    "faces": "thumbnails, face boxes and the recording",
    "words": "the transcript and the recording",
    "names": "names of people and of the file, paths, and the recording",
}
"""What each redaction takes out. The recording goes with any of them: it shows, says and names all three."""


def redacted(timeline: Timeline, what: Iterable[str]) -> Timeline:
    """`timeline` without `what`, a choice of `REDACTIONS`. Raises `UsageError` for another name."""
    wanted = frozenset(what)
    for name in sorted(wanted - REDACTIONS.keys()):
        raise unknown_name("redaction", name, REDACTIONS)
    if wanted & {"words", "names"}:
        timeline = _without_prompt(timeline)
    if "names" in wanted:
        timeline = _without_names(timeline)
    if "faces" in wanted:
        timeline = _without_faces(timeline)
    return _without_words(timeline) if "words" in wanted else timeline


def _without_faces(timeline: Timeline) -> Timeline:
    return replace(
        timeline,
        people=tuple(replace(person, thumbnail=None) for person in timeline.people),
        shots=tuple(replace(shot, thumbnail=None) for shot in timeline.shots),
        events=tuple(replace(event, thumbnail=None) for event in timeline.events),
        observations=tuple(
            replace(reading, evidence=replace(reading.evidence, box=None)) for reading in timeline.observations
        ),
    )


def _without_words(timeline: Timeline) -> Timeline:
    spoken = sorted({said.text for said in timeline.utterances if said.text.strip()}, key=len, reverse=True)
    hide = Renamer(dict.fromkeys(spoken, "(words left out)"))
    return replace(
        timeline,
        utterances=tuple(replace(said, text="(words left out)") for said in timeline.utterances),
        observations=tuple(
            replace(reading, evidence=Evidence(box=reading.evidence.box)) for reading in timeline.observations
        ),
        events=tuple(replace(event, detail=hide(event.detail)) for event in timeline.events),
        notices=tuple(hide(notice) for notice in timeline.notices),
    )


def _without_prompt(timeline: Timeline) -> Timeline:
    """What the recognizer was told to expect: words that are said, and names."""
    made = timeline.provenance
    hidden = {name: "(left out)" if name == "prompt" and value else value for name, value in made.options.items()}
    return replace(timeline, provenance=replace(made, options=hidden))


def _without_names(timeline: Timeline) -> Timeline:
    mentioned = dict.fromkeys(person.name for person in timeline.people)
    for parts in (timeline.segments, timeline.observations, timeline.utterances, timeline.events, timeline.gaps):
        mentioned.update({part.person: None for part in parts if part.person is not None})
    aliases = {name: f"Person {number}" for number, name in enumerate(mentioned, 1)}
    path = timeline.media.path
    media = replace(timeline.media, path=Path(f"recording{path.suffix}"))
    # The stem comes too: it turns up as the name of sidecar files.
    hide = Renamer({str(path): media.path.name, path.name: media.path.name, path.stem: "recording", **aliases})
    return replace(
        timeline,
        media=replace(media, notes=tuple(hide(note) for note in media.notes)),
        provenance=replace(timeline.provenance, options=_options(timeline.provenance.options, hide)),
        people=tuple(replace(person, name=aliases[person.name]) for person in timeline.people),
        utterances=tuple(replace(x, text=hide(x.text), person=_alias(aliases, x.person)) for x in timeline.utterances),
        observations=tuple(
            replace(
                x,
                person=_alias(aliases, x.person),
                evidence=replace(x.evidence, words=hide(x.evidence.words or "") or None),
            )
            for x in timeline.observations
        ),
        gaps=tuple(replace(x, person=_alias(aliases, x.person), reason=hide(x.reason)) for x in timeline.gaps),
        segments=tuple(replace(x, person=_alias(aliases, x.person), reason=hide(x.reason)) for x in timeline.segments),
        events=tuple(replace(x, person=_alias(aliases, x.person), detail=hide(x.detail)) for x in timeline.events),
        notices=tuple(hide(notice) for notice in timeline.notices),
    )


def _alias(aliases: Mapping[str, str], name: str | None) -> str | None:
    return None if name is None else aliases[name]


def _options(options: Mapping[str, object], hide: Renamer) -> dict[str, object]:
    # What people were called before, and who is one, tells of names.
    return {name: _option(value, hide) for name, value in options.items() if name not in ("people", "names")}


def _option(value: object, hide: Renamer) -> object:
    if not isinstance(value, (str, Path)):
        return value
    text = str(value)
    return "(path left out)" if "/" in text or "\\" in text else hide(text)
