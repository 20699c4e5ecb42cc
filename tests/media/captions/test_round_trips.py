"""Any cues, in any dialect, encoding and line ending, read back equal."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mer_batch.errors import DataError
from mer_batch.media import parse_transcript


@dataclass(frozen=True)
class Said:
    """A cue as it is written: whole milliseconds, and lines of words."""

    start: int
    end: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


Cues: TypeAlias = Sequence[Said]

_WORD = st.one_of(
    st.text(string.ascii_letters, min_size=1, max_size=8),
    st.text(string.digits, min_size=1, max_size=4),
    st.sampled_from(
        [
            "I’m",
            "don't",
            "“Quite,”",
            "naïve",
            "Grüße",
            "so—",
            "…",
            "ça",
            "<3",
            "5>4",
            "a<b",
            "R&B",
            "[Music]",
            "-->",
            "♪",
        ]
    ),
)
_LATIN = st.sampled_from(["I’m", "don't", "“Quite,”", "so —", "…", "so it goes", "42", "Well", "<3", "R&B"])


def _lines(word: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    line = st.lists(word, min_size=1, max_size=6).map(" ".join)
    return st.lists(line, min_size=1, max_size=3).map(tuple)


def _cues(word: st.SearchStrategy[str]) -> st.SearchStrategy[list[Said]]:
    """Cues in time order, with pauses: without, a line that is said again may be one that is carried over."""
    part = st.tuples(st.integers(200, 5_000), st.integers(1, 20_000), _lines(word))

    def build(parts: list[tuple[int, int, tuple[str, ...]]]) -> list[Said]:
        cues, clock = [], 0
        for pause, length, lines in parts:
            clock += pause
            cues.append(Said(clock, clock + length, lines))
            clock += length
        return cues

    return st.lists(part, min_size=1, max_size=8).map(build)


def _stamp(time: int, point: str, short: bool = False) -> str:
    hours, minutes, seconds = time // 3_600_000, time // 60_000 % 60, time // 1000 % 60
    head = "" if short and not hours else f"{hours:02}:"
    return f"{head}{minutes:02}:{seconds:02}{point}{time % 1000:03}"


def _times(cue: Said, point: str, arrow: str = " --> ", short: bool = False) -> str:
    return f"{_stamp(cue.start, point, short)}{arrow}{_stamp(cue.end, point, short)}"


def _srt(cues: Cues, numbers: bool, gap: bool) -> str:
    blocks = [[*([str(at)] if numbers else []), _times(cue, ","), *cue.lines] for at, cue in enumerate(cues, 1)]
    return "\n".join("\n".join([*block, *([""] if gap else [])]) for block in blocks) + "\n"


def _vtt(cues: Cues, named: bool, short: bool) -> str:
    def escape(line: str) -> str:
        return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    blocks = [
        [*([f"cue {at}"] if named else []), _times(cue, ".", short=short) + " align:start", *map(escape, cue.lines), ""]
        for at, cue in enumerate(cues)
    ]
    return "\n".join(["WEBVTT", "", *("\n".join(block) for block in blocks)])


def _segments(cues: Cues) -> str:
    return json.dumps(
        {"segments": [{"start": c.start / 1000, "end": c.end / 1000, "text": f" {c.text}"} for c in cues]}
    )


def _cpp(cues: Cues) -> str:
    parts = [
        {"offsets": {"from": c.start, "to": c.end}, "timestamps": {"from": _stamp(c.start, ",")}, "text": c.text}
        for c in cues
    ]
    return json.dumps({"result": {"language": "en"}, "transcription": parts}, indent=1, ensure_ascii=False)


def _chunks(cues: Cues) -> str:
    # A clause each: pipelines that give single words leave their sentences to us.
    return json.dumps({"chunks": [{"timestamp": [c.start / 1000, c.end / 1000], "text": c.text} for c in cues]})


DIALECTS: dict[str, tuple[str, Callable[[Cues], str]]] = {
    "srt": (".srt", lambda cues: _srt(cues, numbers=True, gap=True)),
    "srt without blank lines": (".srt", lambda cues: _srt(cues, numbers=True, gap=False)),
    "srt without numbers": (".srt", lambda cues: _srt(cues, numbers=False, gap=True)),
    "srt bare": (".srt", lambda cues: _srt(cues, numbers=False, gap=False)),
    "vtt": (".vtt", lambda cues: _vtt(cues, named=False, short=False)),
    "vtt with names": (".vtt", lambda cues: _vtt(cues, named=True, short=True)),
    "sbv": (".sbv", lambda cues: "\n".join(f"{_times(c, '.', ',')}\n" + "\n".join(c.lines) + "\n" for c in cues)),
    "tsv": (".tsv", lambda cues: "start\tend\ttext\n" + "\n".join(f"{c.start}\t{c.end}\t{c.text}" for c in cues)),
    "whisper": (".json", _segments),
    "whisper.cpp": (".json", _cpp),
    "hugging face": (".json", _chunks),
}
NEWLINES = ["\n", "\r\n", "\r"]
# The same examples in every run, so that a rare one is found by who looks for it and not by chance in a merge.
_STEADY = settings(
    derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _back(folder: Path, dialect: str, cues: Cues, encoding: str, newline: str) -> list[tuple[int, int, str]]:
    suffix, render = DIALECTS[dialect]
    path = folder / f"a{suffix}"
    path.write_bytes(render(cues).replace("\n", newline).encode(encoding))
    found = parse_transcript(path, 1e6).utterances
    assert all(one.person is None for one in found)
    return [(round(one.start * 1000), round(one.end * 1000), one.text) for one in found]


def _expected(cues: Cues) -> list[tuple[int, int, str]]:
    return [(cue.start, cue.end, cue.text) for cue in cues]


@given(
    cues=_cues(_WORD),
    dialect=st.sampled_from(sorted(DIALECTS)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    newline=st.sampled_from(NEWLINES),
)
@settings(_STEADY, max_examples=300)
def test_any_cues_in_any_dialect(tmp_path: Path, cues: list[Said], dialect: str, encoding: str, newline: str) -> None:
    if "bare" in dialect or "without" in dialect:
        # A number alone on the last line, with nothing between it and the times, may be the number of the next cue.
        assume(not any(line.isdigit() for cue in cues for line in cue.lines))
    if dialect == "hugging face":
        assume(any(" " in cue.text for cue in cues))
    assert _back(tmp_path, dialect, cues, encoding, newline) == _expected(cues)


@given(
    cues=_cues(_LATIN),
    dialect=st.sampled_from(["srt", "vtt", "sbv", "tsv", "whisper.cpp"]),
    newline=st.sampled_from(NEWLINES),
)
@_STEADY
def test_any_cues_in_the_code_page_of_windows(tmp_path: Path, cues: list[Said], dialect: str, newline: str) -> None:
    assert _back(tmp_path, dialect, cues, "cp1252", newline) == _expected(cues)


_CLAUSE = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=6), min_size=3, max_size=6).map(" ".join)


@given(
    texts=st.lists(_CLAUSE, min_size=3, max_size=8, unique=True),
    height=st.integers(2, 4),
    newline=st.sampled_from(NEWLINES),
)
@_STEADY
def test_any_lines_that_roll(tmp_path: Path, texts: list[str], height: int, newline: str) -> None:
    shown = [tuple(texts[max(0, at + 1 - height) : at + 1]) for at in range(len(texts))]
    cues = [Said(at * 1000, (at + 1) * 1000, lines) for at, lines in enumerate(shown)]
    assume(not any(b.startswith(f"{a} ") for a in texts for b in texts))
    found = _back(tmp_path, "srt", cues, "utf-8", newline)
    assert found == [(at * 1000, (at + 1) * 1000, text) for at, text in enumerate(texts)]


@given(
    raw=st.binary(max_size=200),
    suffix=st.sampled_from([".srt", ".vtt", ".json", ".tsv", ".ass", ".lrc", ".txt"]),
    cues=_cues(_WORD),
    at=st.integers(0, 500),
    dialect=st.sampled_from(sorted(DIALECTS)),
)
@_STEADY
def test_any_bytes_are_words_or_one_line(
    tmp_path: Path, raw: bytes, suffix: str, cues: list[Said], at: int, dialect: str
) -> None:
    written = DIALECTS[dialect][1](cues).encode()
    path = tmp_path / f"a{suffix}"
    for content in (raw, written[:at] + raw + written[at:], written[:at]):
        path.write_bytes(content)
        try:
            found = parse_transcript(path, 10.0)
        except DataError as error:
            message = str(error)
            assert message.isprintable()
            continue
        assert all(notice.isprintable() for notice in found.notices)
