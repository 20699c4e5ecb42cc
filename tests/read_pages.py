"""A reader of written pages for the tests of the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mer_batch.report.pack import unpacked
from mer_batch.types import Evidence, Timeline

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """A page in pieces. Raises AssertionError where a tag is closed that is not the last one opened."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing, line {self.getpos()}"
        assert self._open.pop() == tag, f"</{tag}> closes another element, line {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    @property
    def text(self) -> str:
        """All that a reader sees without scripts."""
        return " ".join(" ".join(text for tag, text in self.texts if tag not in ("script", "style")).split())

    @property
    def style(self) -> str:
        return "".join(text for tag, text in self.texts if tag == "style")

    @property
    def data(self) -> dict[str, Any]:
        """The JSON that the script reads."""
        start = self.source.index('id="timeline-data">') + len('id="timeline-data">')
        return json.loads(self.source[start : self.source.index("</script>", start)])

    @property
    def lanes(self) -> list[dict[str, Any]]:
        """The lanes with their columns of numbers opened."""
        return [{**lane, **unpacked(lane["labels"]), **unpacked(lane["readings"])} for lane in self.data["lanes"]]

    @property
    def empty(self) -> set[str]:
        """The empty states that are shown."""
        return {attrs["data-empty"] for _, attrs in self.tags if "data-empty" in attrs}

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="session")
def read_page() -> Callable[[Path], Page]:
    """Parse a written page."""
    return lambda path: Page(path.read_text(encoding="utf-8"))


HOSTILE = "<b>\"'<script>document.title='pwned'</script><!--\u2028&amp;{{ 7*7 }}"


def with_hostile_texts(timeline: Timeline) -> Timeline:
    """Every text that comes from outside says something nasty."""
    names = {person.name: f"{HOSTILE}{number}" for number, person in enumerate(timeline.people)}

    def named(item):
        return replace(item, person=names.get(item.person or "", item.person))

    model = replace(
        timeline.provenance.models[0], name=HOSTILE, data=HOSTILE, licence=HOSTILE, confusion_source=HOSTILE
    )
    return replace(
        timeline,
        media=replace(timeline.media, path=Path(f"clips/{HOSTILE}.mp4"), container=HOSTILE, notes=(HOSTILE,)),
        provenance=replace(timeline.provenance, options={HOSTILE: HOSTILE}, models=(model,)),
        people=tuple(replace(person, name=names[person.name], thumbnail='" onerror="x') for person in timeline.people),
        utterances=tuple(replace(named(said), text=HOSTILE, source=HOSTILE) for said in timeline.utterances),
        observations=tuple(
            replace(named(o), flags=(HOSTILE,), evidence=Evidence(o.evidence.box, HOSTILE))
            for o in timeline.observations
        ),
        gaps=tuple(replace(gap, reason=HOSTILE) for gap in timeline.gaps),
        segments=tuple(replace(named(s), reason=HOSTILE if s.label is None else "") for s in timeline.segments),
        events=tuple(replace(named(event), detail=HOSTILE, thumbnail=HOSTILE) for event in timeline.events),
        notices=(HOSTILE,),
    )


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """Markup, quotes, a template expression and a separator that ends lines in scripts."""
    return HOSTILE


@pytest.fixture(scope="session")
def hostile() -> Callable[[Timeline], Timeline]:
    """Put `hostile_text` wherever a timeline takes text from outside."""
    return with_hostile_texts
