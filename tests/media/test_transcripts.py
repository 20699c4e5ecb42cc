import json
from pathlib import Path

import pytest

from mer_batch.errors import DataError, UsageError
from mer_batch.media import parse_transcript


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\n<b>Grüße</b>\nan alle\n\n"
    "2\n01:00:03,040 --> 01:00:04,000 X1:0\nZwei &amp; drei\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_srt(tmp_path: Path, encoding: str, newline: str) -> None:
    found = parse_transcript(write(tmp_path, "a.srt", SRT.replace("\n", newline), encoding))
    assert [cue.text for cue in found] == ["Grüße an alle", "Zwei & drei"]
    assert [(cue.start, cue.end) for cue in found] == [(1.0, 2.5), (3603.04, 3604.0)]
    assert found[0].source == "transcript"


def test_vtt(tmp_path: Path) -> None:
    text = (
        "WEBVTT - talk\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\nNOTE a --> b\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\n<v.loud Anna Bo>Hi <c.x>all</c></v>\n\n"
        "00:00:03.000 --> 00:00:04.000\nBye\n"
    )
    first, second = parse_transcript(write(tmp_path, "a.vtt", text))
    assert (first.start, first.end, first.text, first.person) == (1.0, 2.0, "Hi all", "Anna Bo")
    assert (second.text, second.person) == ("Bye", None)


def test_whisper(tmp_path: Path) -> None:
    content = {
        "language": "fr",
        "segments": [
            {"start": 0, "end": 1.5, "text": " Bonjour\n!", "avg_logprob": -0.5},
            {"start": 2, "end": 3, "text": " "},
            {"start": 4, "end": 5, "text": "Oui", "speaker": "S1"},
        ],
    }
    first, second = parse_transcript(write(tmp_path, "a.json", json.dumps(content)))
    assert (first.start, first.end, first.text, first.language) == (0, 1.5, "Bonjour !", "fr")
    assert first.confidence == pytest.approx(0.6065, abs=1e-4)
    assert (second.person, second.confidence) == ("S1", None)


BAD = {
    "a.vtt": ("1\n00:00:01,000 --> 00:00:02,000\nx\n", "line 1: a .vtt file begins"),
    "b.srt": ("1\n00:00:01,000 --> 00:00:02,000\nx\n\n2\n00:00:03 -> 00:00:04\ny\n", "line 5: expected a timing line"),
    "c.srt": ("1\n00:00:01,000 --> 00:99:02,000\nx\n", "line 2: cannot read the times"),
    "d.srt": ("1\n00:00:05,000 --> 00:00:02,000\nx\n", "line 2: the cue ends before it starts"),
    "e.json": ('{"segments": [\n{"start": 0,}]}', "line 2: no valid JSON"),
    "f.json": ("[1, 2]", "no list 'segments'"),
    "g.json": (
        '{"segments": [{"start": 0, "end": 1, "text": "a"}, {"start": NaN, "end": 2, "text": "b"}]}',
        "segment 2",
    ),
    "h.json": ("[" * 100_000, "no valid JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_name_the_line(tmp_path: Path, name: str) -> None:
    text, words = BAD[name]
    with pytest.raises(DataError) as caught:
        parse_transcript(write(tmp_path, name, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the transcript"):
        parse_transcript(tmp_path / "none.srt")
    with pytest.raises(UsageError, match=r"Known: .srt, .vtt, .json"):
        parse_transcript(write(tmp_path, "a.docx", "x"))


def test_empty_srt_is_no_words(tmp_path: Path) -> None:
    assert parse_transcript(write(tmp_path, "a.srt", "\n")) == ()
