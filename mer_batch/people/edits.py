"""What people write down about who is who: names, who is one, where two are mixed up, colours.

It stands in `FILE.people.json` beside a recording or its timeline, or in `--names "Person 1=Anna,Voice A=Anna"`:

    {"schema": 1, "people": {
        "Person 1": {"name": "Anna", "colour": "#c2185b", "merge": ["Person 3"]},
        "Person 2": {"split": [{"at": 12.5, "name": "Ben"}]}}}

Keys are the names of the analysis; times are seconds. `timeline.edited` puts it into a timeline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import DataError, UsageError
from mer_batch.files import whole_file
from mer_batch.wording import listed

SCHEMA: Final = 1
ENDING: Final = ".people.json"
_LARGEST: Final = 4 << 20  # bytes; a page writes a few thousand at most
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_LONGEST: Final = 200  # letters of a name
_KNOWN: Final = ("name", "colour", "merge", "split")
_OF_PARTS: Final = ("at", "name", "colour")


@dataclass(frozen=True, slots=True)
class Part:
    """From `at` seconds on somebody is another person, under a name of their own or the next free number."""

    at: float
    name: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change about a person: `merge` are others who are the same, `colour` is like #c2185b."""

    name: str | None = None
    colour: str | None = None
    merge: tuple[str, ...] = ()
    split: tuple[Part, ...] = ()

    @property
    def structural(self) -> bool:
        """Whether readings change hands; names and colours alone move none."""
        return bool(self.merge or self.split)


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes by the name of the person; `notices` say what was left out of a file."""

    people: Mapping[str, Change] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.notices)

    def over(self, below: Edits) -> Edits:
        """These changes, and of `below` what they say nothing of."""
        people = dict(below.people)
        for name, change in self.people.items():
            old = people.get(name, Change())
            people[name] = Change(
                change.name or old.name,
                change.colour or old.colour,
                change.merge or old.merge,
                change.split or old.split,
            )
        return Edits(people, (*below.notices, *self.notices))


def parse_names(text: str) -> Edits:
    """`Person 1=Anna,Voice A=Anna` as edits. Raises `UsageError`."""
    people: dict[str, Change] = {}
    for part in filter(str.strip, text.split(",")):
        old, equals, new = part.partition("=")
        old, new = " ".join(old.split()), " ".join(new.split())
        if not (equals and old and new and len(new) <= _LONGEST):
            raise UsageError(f'--names has {part.strip()[:60]!r} where "Person 1=Anna" is expected')
        if old in people:
            raise UsageError(f"--names names {old} twice")
        people[old] = Change(name=new)
    return Edits(people)


def people_file(path: Path) -> Path:
    """Where the edits of a recording are, `clip.mp4.people.json`; of its timeline they are the same."""
    name = path.name.removesuffix(".json").removesuffix(".timeline") if path.suffix == ".json" else path.name
    return path.with_name(f"{name}{ENDING}")


def edits_of(path: Path, names: str = "") -> Edits:
    """What is said of the people in a recording or timeline: beside it, and in `names`, which count more."""
    beside = people_file(path)
    try:
        there = beside.is_file()
    except OSError:  # a name too long
        there = False
    return parse_names(names).over(read_edits(beside) if there else Edits())


def read_edits(path: Path) -> Edits:
    """The edits in a file. Keys that are not known are left out and told. Raises `DataError` in one line."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(data, dict) or "schema" not in data:
            raise ValueError('it has no schema number; {"schema": 1, "people": {...}} is expected')
        if type(data["schema"]) is not int or data["schema"] != SCHEMA:
            raise ValueError(f"it has schema {str(data['schema'])[:20]!r}, this version of mer reads {SCHEMA}")
        reader = _Reader(path.name)
        reader.known(data, ("schema", "people"), "the file")
        people = {_name(name): reader.change(_table(change, str(name)), str(name))
                  for name, change in _table(data.get("people", {}), "people").items()}  # fmt: skip
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        reason = "it is no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        raise DataError(f"cannot use {path.name}: {reason or 'it is nested too deeply'}") from error
    return Edits(people, tuple(reader.notices))


def write_edits(path: Path, edits: Edits) -> None:
    """Write edits so that `read_edits` gives them back. Never half-written."""
    with whole_file(path) as part:
        part.write_text(json.dumps({"schema": SCHEMA, "people": as_table(edits)}, indent=1) + "\n", encoding="utf-8")


def as_table(edits: Edits) -> dict[str, Any]:
    """Edits as JSON has them, without what is empty."""
    return {name: _plain(change) for name, change in edits.people.items()}


def from_table(table: Any) -> Edits:
    """What `as_table` gave, as a timeline has kept it. Raises ValueError."""
    reader = _Reader("")
    return Edits({_name(name): reader.change(_table(change, name), name) for name, change in dict(table).items()})


def _plain(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"name": change.name, "colour": change.colour, "merge": list(change.merge)}
    parts = [{"at": part.at, "name": part.name, "colour": part.colour} for part in change.split]
    found["split"] = [{key: value for key, value in part.items() if value is not None} for part in parts]
    return {key: value for key, value in found.items() if value}


class _Reader:
    """Reads changes, and collects what is not known of them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.notices: list[str] = []

    def known(self, table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
        """Tell of keys that have no meaning."""
        strange = [key for key in table if key not in keys]
        if strange:
            told = listed([repr(key[:40]) for key in strange])
            self.notices.append(f"{self._file}: {told} of {where} is left out; known: {', '.join(keys)}")

    def change(self, table: Mapping[str, Any], of: str) -> Change:
        """One person's change. Raises ValueError."""
        self.known(table, _KNOWN, of)
        merge = tuple(_name(other) for other in _list(table.get("merge", ()), f"merge of {of}"))
        if of in merge:
            raise ValueError(f"{of} is to be merged with itself")
        parts = [
            self._part(_table(part, f"split of {of}"), of) for part in _list(table.get("split", ()), f"split of {of}")
        ]
        parts.sort(key=lambda part: part.at)
        return Change(_optional(table.get("name")), _colour(table.get("colour")), merge, tuple(parts))

    def _part(self, table: Mapping[str, Any], of: str) -> Part:
        self.known(table, _OF_PARTS, f"split of {of}")
        at = table.get("at")
        if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < float("inf"):
            raise ValueError(f'split of {of} needs "at" with the seconds, found {str(at)[:40]!r}')
        return Part(float(at), _optional(table.get("name")), _colour(table.get("colour")))


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where[:60]} must be a table {{...}}, found {str(value)[:40]!r}")
    return value


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where[:60]} must be a list [...], found {str(value)[:40]!r}")
    return value


def _name(value: Any) -> str:
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name or len(name) > _LONGEST:
        raise ValueError(f"{str(value)[:40]!r} is no name")
    return name


def _optional(value: Any) -> str | None:
    return None if value is None else _name(value)


def _colour(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and _COLOUR.fullmatch(value)):
        return value
    raise ValueError(f"a colour is like #c2185b, found {str(value)[:40]!r}")
