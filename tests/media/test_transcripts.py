"""A transcript of any kind: what it is follows from what it holds, and what is wrong with it is one line."""

import time
from pathlib import Path

import pytest

from mer_batch.errors import DataError, UsageError
from mer_batch.media import parse_transcript
from written import FIRST, lines, read, said, spans, write

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\n<b>Grüße</b>\nan alle\n\n"
    "2\n01:00:03,040 --> 01:00:04,000 X1:0\nZwei &amp; drei\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_srt(tmp_path: Path, encoding: str, newline: str) -> None:
    found = parse_transcript(write(tmp_path, "a.srt", SRT.replace("\n", newline), encoding)).utterances
    assert [cue.text for cue in found] == ["Grüße an alle", "Zwei & drei"]
    assert [(cue.start, cue.end) for cue in found] == [(1.0, 2.5), (3603.04, 3604.0)]
    assert found[0].source == "transcript"


def test_vtt(tmp_path: Path) -> None:
    text = (
        "WEBVTT - talk\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\nNOTE a --> b\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\n<v.loud Anna Bo>Hi <c.x>all</c></v>\n\n"
        "00:00:03.000 --> 00:00:04.000\nBye\n"
    )
    first, second = read(tmp_path, text, "a.vtt").utterances
    assert (first.start, first.end, first.text, first.person) == (1.0, 2.0, "Hi all", "Anna Bo")
    assert (second.text, second.person, second.language) == ("Bye", None, "en")


def test_what_an_encoding_was_taken_for_is_said(tmp_path: Path) -> None:
    text = lines("1|A|…|and then he died.||2|B|I can’t — I won’t.")
    found = parse_transcript(write(tmp_path, "a.srt", text, "cp1252"))
    assert said(found) == ["… and then he died.", "I can’t — I won’t."]
    assert found.notices == (
        "transcript 'a.srt': read as Windows-1252 (Western European), since it is not UTF-8",
    )  # fmt: skip


ASS = r"""[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:03.00,Default,Anna,0,0,0,,{\i1}Happy{\i0}, {a note}<3\Nand so on
Comment: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,hidden
Dialogue: 0,0:00:xx.00,0:00:04.00,Default,,0,0,0,,lost
Dialogue: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,{\p1}m 0 0 l 1 1{\p0}
Dialogue: 0,0:00:05.00,0:00:07.00,Default,,0,0,0,,- Yes.\N- No.
"""


def test_substation_alpha(tmp_path: Path) -> None:
    found = read(tmp_path, ASS, "a.ass")
    heard = [(one.person, one.text) for one in found.utterances]
    assert heard == [("Anna", "Happy, <3 and so on"), (None, "Yes."), (None, "No.")]
    assert "1 of 3 cues is left out: line 8" in found.notices[0]


def test_layers_of_the_same_words_are_one(tmp_path: Path) -> None:
    found = read(tmp_path, ASS + ASS.splitlines()[5].replace("Dialogue: 0", "Dialogue: 1") + "\n", "a.ass")
    assert said(found) == ["Happy, <3 and so on", "Yes.", "No."]
    assert "1 cue that stands there twice is read once" in found.notices[1]


def test_tables_and_lyrics(tmp_path: Path) -> None:
    found = read(tmp_path, "start\tend\ttext\n1000\t3000\tI am\thappy.\nx\t2\tlost\n5000\t7000\t42\n", "a.tsv")
    assert list(zip(said(found), spans(found), strict=True)) == [("I am happy.", (1, 3)), ("42", (5, 7))]
    assert "line 3" in found.notices[0]
    found = read(tmp_path, "[ar:Anna]\n[00:01.00]Happy\n[00:05.50]Sad\n", "a.lrc")
    assert list(zip(said(found), spans(found), strict=True)) == [("Happy", (1, 5.5)), ("Sad", (5.5, 20))]


BAD = {
    "a.vtt": ("Hello.\n", "holds no cues"),
    "b.srt": ("1\n00:00:0x,000 --> 00:00:02,000\nx\n\n2\n00:00:03 - 00:00:04\ny\n", "line 2: cannot read the times"),
    "c.srt": ("1\n00:00:01,000 --> 00:99:02,000\nx\n", "line 2: cannot read the times"),
    "d.srt": ("1\n00:00:05,000 --> 00:00:02,000\nx\n", "line 2: the cue ends before it starts"),
    "e.txt": ("Just words.\n", "holds no cues"),
    "f.tsv": ("start\tend\ttext\nx\ty\tz\n", "line 2: cannot read the times"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_name_the_line(tmp_path: Path, name: str) -> None:
    text, part = BAD[name]
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, name)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the transcript"):
        parse_transcript(tmp_path / "none.srt")
    for text in ("x", "{0}{25}Hi", "<tt/>"):
        with pytest.raises(UsageError, match=r"unknown kind of transcript 'a.docx'. Known: .srt, .vtt, .json"):
            parse_transcript(write(tmp_path, "a.docx", text))
    assert said(read(tmp_path, lines("A|Hi"), "a.sub")) == ["Hi"]  # what it holds decides
    assert said(read(tmp_path, lines("A|Hi"), "a.json")) == ["Hi"]
    with (tmp_path / "film.srt").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(UsageError, match="no transcript: it is larger than 64 MB"):
        parse_transcript(tmp_path / "film.srt")


@pytest.mark.parametrize("text", ["", "\n", "WEBVTT\n", '{"segments": []}', f"1\n{FIRST}\n\n", "start\tend\ttext\n"])
@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.json"])
def test_that_there_are_no_words_is_said(tmp_path: Path, text: str, name: str) -> None:
    found = read(tmp_path, text, name)
    assert found.utterances == ()
    assert "holds no words" in found.notices[-1]


UNITS = ["[", "(", "<", "<v ", "<b ", "{", "&", "1:", "- ", "A: ", ">> ", "a. B: ", "1\n", "\n", " ", f"{FIRST}\n"]


@pytest.mark.parametrize("unit", UNITS)
def test_any_text_is_read_in_time(tmp_path: Path, unit: str) -> None:
    began = time.process_time()
    for name in ("a.srt", "a.vtt"):
        read(tmp_path, f"1\n{FIRST}\n{unit * (40_000 // len(unit))}\n", name)
    assert time.process_time() - began < 8  # a pattern that begins anew at each bracket takes longer
