"""Utterances as WebVTT captions, each with what its words read as."""

from __future__ import annotations

import html
from pathlib import Path

from mer_batch.files import whole_file
from mer_batch.labels import COLOURS, VERBS
from mer_batch.report.lanes import utterance_readings
from mer_batch.types import Observation, Timeline, Utterance
from mer_batch.wording import printable


def write_vtt(timeline: Timeline, path: Path) -> None:
    """Write `path` as WebVTT (https://www.w3.org/TR/webvtt1/): one cue an utterance, in time order.

    The speaker is a voice span, the reading stands in brackets in the emotion's colour; it is left
    out where the words were not read. Raises `UsageError` where `path` cannot be written.
    """
    styles = [f"::cue(.{name}) {{ color: {colour} }}" for name, colour in COLOURS.items()]
    blocks = ["WEBVTT", "\n".join(["STYLE", *styles])]
    pairs = zip(timeline.utterances, utterance_readings(timeline), strict=True)
    for said, reading in sorted(pairs, key=lambda pair: (pair[0].start, pair[0].end)):
        blocks.append(_cue(said, reading))
    with whole_file(path) as part:
        part.write_text(printable("\n\n".join(blocks) + "\n"), encoding="utf-8", newline="\n")


def _cue(said: Utterance, reading: Observation | None) -> str:
    # A cue that ends when it starts is dropped by players.
    times = f"{_stamp(said.start)} --> {_stamp(max(said.end, said.start + 0.001))}"
    speaker = f"<v {_escaped(said.person)}>" if said.person else ""
    label = f" <c.{reading.label}>[{VERBS['text']} {reading.label}]</c>" if reading else ""
    return f"{times}\n{speaker}{_escaped(said.text)}{label}"


def _escaped(text: str) -> str:
    """One line in which nothing is markup: a line break would end the cue, "-->" would start one."""
    return html.escape(" ".join(text.split()), quote=False)


def _stamp(seconds: float) -> str:
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02d}:{total // 60_000 % 60:02d}:{total // 1000 % 60:02d}.{total % 1000:03d}"
