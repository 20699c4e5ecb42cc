"""Cues are found by their lines of times, whatever stands between them."""

from pathlib import Path

import pytest

from written import FIRST, in_turn, lines, read, said, spans

CUES = {
    "no blank lines": "1|A|Happy.|2|B|Furious.|3|C|Sad.",
    "no blank lines, no numbers": "A|Happy.|B|Furious.|C|Sad.",
    "numbers twice": "1|A|Happy.||1|B|Furious.||1|C|Sad.",
    "a number missing": "1|A|Happy.||B|Furious.||3|C|Sad.",
    "blank lines inside": "1|A||Happy.|| |2|B|Furious.|3|C||Sad.",
    "out of order": "3|C|Sad.||1|A|Happy.||2|B|Furious.",
    "a cue without words": "1|A|Happy.||2|00:00:04,000 --> 00:00:04,500|3|B|Furious.|4|C|Sad.",
    "marks of order everywhere": "\ufeff1|A|Happy.||\ufeff2|B|Furious.||3|C|\ufeffSad.",
    "a number beside the times": f"1 {FIRST}|Happy.||B|Furious.||C|Sad.",
    "words beside the times": f"[{FIRST}]   Happy.|[00:05.000 --> 00:07.000]  Furious.|C|Sad.",
    "arrows with slips": "00:00:01,000 -> 00:00:03,000|Happy.||00:00:05,000 --&gt; 00:00:07,000|Furious.||"
    "00:00:12,000-->00:00:14,000|Sad.",
    "points": "1|00:00:01.000 --> 00:00:03.000|Happy.||0:00:05.0 --> 0:00:07|Furious.||00:12,00 --> 00:14,0|Sad.",
    "pairs": "0:00:01.000,0:00:03.000|Happy.||0:00:05.000,0:00:07.000|Furious.||0:00:12.000,0:00:14.000|Sad.",
    "blanks in times": "00: 00: 01, 000 -- > 00:00:03,000|Happy.||B|Furious.||C|Sad.",
    "settings": f"1|{FIRST} X1:10 X2:20 Y1:0 Y2:9|Happy.||B|Furious.||3|C|Sad.",
}


@pytest.mark.parametrize("kind", CUES)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\r\r\n", "\n\n", "\u2028"])
def test_cues_are_found_by_their_times(tmp_path: Path, kind: str, newline: str) -> None:
    found = read(tmp_path, lines(CUES[kind]).replace("\n", newline))
    assert said(found) == ["Happy.", "Furious.", "Sad."]
    assert spans(found) == [(1, 3), (5, 7), (12, 14)]
    assert found.notices == ()


FAULTS = {
    "a letter": ("00:00:0x,000 --> 00:00:04,000", "line 6: cannot read the times '00:00:0x,000"),
    "a letter at the end": ("00:00:03,000 --> 00:00:0x", "line 6: cannot read the times"),
    "letters for digits": ("OO:OO:O3,000 --> OO:OO:O4,000", "line 6: cannot read the times"),
    "no numbers": ("NaN:NaN:NaN,NaN --> NaN:NaN:NaN,NaN", "line 6: cannot read the times"),
    "99 minutes": ("00:99:03,000 --> 00:99:04,000", "line 6: cannot read the times"),
    "no start": ("--> 00:00:04,000", "line 6: cannot read the times"),
    "backwards": ("00:00:04,000 --> 00:00:03,000", "line 6: the cue ends before it starts"),
    "before 0": ("-00:00:04,000 --> -00:00:03,000", "line 6: the cue lies before 0"),
    "huge": ("9999999999:00:04,000 --> 9999999999:00:05,000", "line 6: cannot read the times"),
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("parted", [True, False])
def test_a_fault_costs_one_cue_and_is_named(tmp_path: Path, kind: str, parted: bool) -> None:
    times, told = FAULTS[kind]
    text = lines(f"1|A|Happy.||2|{times}|Lost.||3|B|Furious.||4|C|Sad.")
    if not parted:
        text, told = text.replace("\n\n", "\n"), told.replace("line 6", "line 5")
    found = read(tmp_path, text)
    assert said(found) == ["Happy.", "Furious.", "Sad."]
    assert found.notices == (pytest.approx(found.notices[0]),)
    assert f"1 of 4 cues is left out: {told}" in found.notices[0]


def test_words_without_times_are_not_given_to_the_cue_before(tmp_path: Path) -> None:
    found = read(tmp_path, lines("1|A|Happy.||2|Lost words.||3|B|Furious.||4|C|Sad."))
    assert said(found) == ["Happy.", "Furious.", "Sad."]
    assert "line 5: no times" in found.notices[0]

    found = read(tmp_path, lines("1|Lost words.||2|A|Happy.||3|B|Furious."))
    assert said(found) == ["Happy.", "Furious."]
    assert "line 1: no times" in found.notices[0]


def test_a_start_alone_lasts_until_the_next(tmp_path: Path) -> None:
    found = read(tmp_path, lines("1|00:00:01,000|Happy at|10:30||2|B|No."))
    assert list(zip(said(found), spans(found), strict=True)) == [("Happy at 10:30", (1, 5)), ("No.", (5, 7))]
    found = read(tmp_path, lines("0:01|so happy|0:05|this makes me|furious|1:02:03|sad"), "a.txt", duration=4000)
    assert said(found) == ["so happy", "this makes me furious", "sad"]
    assert spans(found) == [(1, 5), (5, 3723), (3723, 4000)]


def test_many_faults_are_counted_and_the_first_named(tmp_path: Path) -> None:
    found = read(tmp_path, "\n".join(f"{at}\n00:00:0x --> 00:00:01\nno\n" for at in range(9)) + lines("A|yes"))
    assert "9 of 10 cues are left out: line 2: " in found.notices[0]
    assert found.notices[0].endswith("; and 6 more")


@pytest.mark.parametrize(
    "short", ["1|A|Well,||42||2|B|7", "A|Well,|42||B|7", "A|Well,|42|B|7", "1|A|Well,|42|2|B|7", "1|A|Well, 42|B|7"]
)
def test_a_number_can_be_what_is_said(tmp_path: Path, short: str) -> None:
    assert said(read(tmp_path, lines(short))) == ["Well, 42", "7"]


def test_counting_aloud(tmp_path: Path) -> None:
    for text in ("1|A|1||2|B|2||3|C|3", "1|A|1|2|B|2|3|C|3", "A|1||B|2||C|3", "A|1|B|2|C|3"):
        assert said(read(tmp_path, lines(text))) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("00:00:01,5 --> 00:00:02,25", (1.5, 2.25)),
        ("00:00:59,999 --> 00:00:60,000", (59.999, 60.0)),
        ("100:00:00,000 --> 123:00:00,000", (360_000.0, 442_800.0)),
        ("75:20.000 --> 75:22.500", (4520.0, 4522.5)),
        ("-00:00:01,000 --> 00:00:02,000", (0.0, 2.0)),
        ("00:00:01.123456 --> 00:00:02.000000", (1.123456, 2.0)),
        ("1.25 --> 3.5", (1.25, 3.5)),
        ("00:00:01:250 --> 00:00:02:500", (1.25, 2.5)),
        ("01:12,250 --> 01:13", (72.25, 73.0)),
    ],
)
def test_spellings_of_times(tmp_path: Path, times: str, expected: tuple[float, float]) -> None:
    assert spans(read(tmp_path, lines(f"1|{times}|Hi"))) == [expected]


def test_times_in_frames_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, lines("1|00:00:01:12 --> 00:00:02:24|Hi"))
    assert spans(found) == [(pytest.approx(1.48), pytest.approx(2.96))]
    assert "25 a second are assumed" in found.notices[0]
    assert "30 a second are assumed" in read(tmp_path, lines("1|00:00:01:12 --> 00:00:02:29|Hi")).notices[0]


def test_a_missing_end_lasts_until_the_next_cue_or_the_end(tmp_path: Path) -> None:
    text = lines("1|00:00:01,000 -->|Happy.||2|B|No.|3|00:00:09,000 --> |Sad.")
    assert spans(read(tmp_path, text)) == [(1, 5), (5, 7), (9, 20)]
    assert spans(read(tmp_path, text, duration=None)) == [(1, 5), (5, 7), (9, 9)]
    assert "2 cues have no end and last until the next: line 2; line 9" in read(tmp_path, text).notices[0]


def test_a_vtt_as_programs_write_it(tmp_path: Path) -> None:
    text = lines(
        "WEBVTT|00:01.000 --> 00:02.000|a||NOTE|two lines|of comment||REGION|id:x||STYLE|::cue {}||"
        "7|00:03.000 --> 00:04.000 line:0 position:20% size:60% align:start|b||"
        "WEBVTT|X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000||00:05.000 --> 00:06.000|c||d"
    )
    assert said(read(tmp_path, text, "a.vtt")) == ["a", "b", "c d"]
    bare = read(tmp_path, text.removeprefix("WEBVTT\n"), "b.vtt")
    assert said(bare) == ["a", "b", "c d"]
    assert "not WEBVTT" in bare.notices[0]
    assert said(read(tmp_path, text, "vtt.srt")) == ["a", "b", "c d"]  # what it holds decides


def test_arrows_in_what_is_said(tmp_path: Path) -> None:
    texts = ["Go to File --> Open.", "A -> B", "x=>y"]
    assert said(read(tmp_path, in_turn(texts))) == texts
