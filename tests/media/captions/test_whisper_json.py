"""The JSON of Whisper and its relatives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mer_batch.errors import DataError
from written import read, said, spans


def part(start: Any, end: Any, text: str, **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "text": text, **more}


def chunk(start: Any, end: Any, text: str) -> dict[str, Any]:
    return {"timestamp": [start, end], "text": text}


def words(*each: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(("word", "start", "end", "speaker"), one, strict=False)) for one in each]


HAPPY, NOT = "I am happy.", "I am not."
NAMED = [("Anna", HAPPY, 1.0, 3.0), ("Ben", NOT, 4.0, 6.0)]
PLAIN = [(None, HAPPY, 1.0, 3.0), (None, NOT, 4.0, 6.0)]
ANNAS = words(("I", 1.0, 1.5, "Anna"), ("am", 1.5, 2.0, "Anna"), ("happy.", 2.0, 3.0, "Anna"))
BENS = words(("I", 4.0, 4.5, "Ben"), ("am", None, None), ("not.", 5.0, 6.0, "Ben"))
BARE = words(("I", 1.0, 1.5), ("am", 1.5, 2.0), ("happy.", 2.0, 3.0))
CPP = [
    {
        "timestamps": {"from": "00:00:01,000", "to": "00:00:03,000"},
        "offsets": {"from": 1000, "to": 3000},
        "text": HAPPY,
    },
    {"timestamps": {"from": "00:00:04,000", "to": "00:00:06,000"}, "text": f" {NOT}"},
]
TUPLES = [[1, 0, 1.0, 3.0, " I am happy.", [50364], 0.0, -0.2, 1.1, 0.01, None], [2, 0, 4.0, 6.0, NOT, [], 0.0, None]]
CHUNKS = {"text": "", "chunks": [chunk(1.0, 3.0, " I am happy."), chunk(4.0, 6.0, " I am not.")]}
JSON: dict[str, tuple[Any, list[tuple[str | None, str, float, float]]]] = {
    "whisper.cpp": ({"result": {"language": "en"}, "transcription": CPP}, PLAIN),
    "hugging face": (CHUNKS, PLAIN),
    "hugging face inside": ({"output": CHUNKS}, PLAIN),
    "no last end": ({"chunks": [chunk(1.0, 3.0, HAPPY), chunk(4.0, None, NOT)]}, [PLAIN[0], (None, NOT, 4.0, 20.0)]),
    "single words": (
        {"chunks": [chunk(1, 2, " I"), chunk(2, 3, " am."), chunk(3, 4, " So"), chunk(5, 6, " yes")]},
        [(None, "I am.", 1.0, 3.0), (None, "So", 3.0, 4.0), (None, "yes", 5.0, 6.0)],
    ),
    "openai words": ({"language": "english", "words": BARE, "text": HAPPY}, PLAIN[:1]),
    "openai diarized": (
        {"segments": [part(1, 3, HAPPY, speaker="Anna", type="x"), part(4, 6, NOT, speaker="Ben")]},
        NAMED,
    ),
    "faster-whisper": ([part(1.0, 3.0, " I am happy.", id=1, words=BARE), part(4.0, 6.0, NOT, words=None)], PLAIN),
    "faster-whisper tuples": (TUPLES, PLAIN),
    "triples": ([[1.0, 3.0, HAPPY], [4.0, 6.0, NOT]], PLAIN),
    "whisperx": (
        {"segments": [part(1.0, 3.0, HAPPY, speaker="Anna", words=BENS), part(4.0, 6.0, NOT, speaker="Ben")]},
        NAMED,
    ),
    "speakers on words": ({"segments": [part(1.0, 6.0, f"{HAPPY} {NOT}", words=[*ANNAS, *BENS])]}, NAMED),
    "one speaker on words": ({"segments": [part(1.0, 3.0, HAPPY, words=ANNAS)]}, NAMED[:1]),
    "word segments alone": ({"word_segments": [*ANNAS, *BENS]}, NAMED),
    "times on words": ({"segments": [part(None, None, HAPPY, words=BARE), part(4, 6, NOT)]}, PLAIN),
    "text on words": ({"segments": [{"start": 1, "end": 3, "words": BARE}, part(4, 6, NOT)]}, PLAIN),
    "times as texts": ({"segments": [part("1.0", "00:00:03,000", HAPPY), part("0:04", "6", NOT)]}, PLAIN),
    "milliseconds": ({"utterances": [part(1000, 3000, HAPPY), part(4000, 6000, NOT)]}, PLAIN),
    "speakers by number": ({"segments": [part(1, 3, HAPPY, speaker=0)]}, [("Speaker 0", HAPPY, 1.0, 3.0)]),
    "speakers with a name": ({"segments": [part(1, 3, HAPPY, speaker={"name": "Anna", "id": 7})]}, NAMED[:1]),
    "segments by number": ({"segments": {"0": part(1, 3, HAPPY), "1": part(4, 6, NOT)}}, PLAIN),
    "youtube's interface": (
        [{"text": HAPPY, "start": 1.0, "duration": 2.0}, {"text": NOT, "start": 4, "duration": 2}],
        PLAIN,
    ),
    "podcasts": ({"segments": [{"startTime": 1, "endTime": 3, "body": HAPPY, "speaker": "Anna"}]}, NAMED[:1]),
    "stamps": ({"segments": [{"timestamp": "[00:01.000 --> 00:03.000]", "text": HAPPY}]}, PLAIN[:1]),
    "amazon": (
        {"results": {"audio_segments": [{"start_time": "1.0", "end_time": "3.0", "transcript": HAPPY}]}},
        PLAIN[:1],
    ),
    "names in the text": ({"segments": [part(1, 3, f"Anna: {HAPPY}"), part(4, 6, f"Ben: {NOT}")]}, NAMED),
    "out of order": ({"segments": [part(4, 6, NOT), part(1, 3, HAPPY)]}, PLAIN),
    "tokens": ({"segments": [part(1, 3, f"<|en|><|0.00|>{HAPPY}<|2.00|>"), part(4, 6, NOT)]}, PLAIN),
    "twice": ({"segments": [part(1, 3, HAPPY), part(3, 5, HAPPY)]}, [PLAIN[0], (None, HAPPY, 3.0, 5.0)]),
    "chinese": (
        {"segments": [part(1, 3, "我今天非常高兴"), part(3, 4, "真的"), part(4, 6, "我不高兴")]},
        [(None, "我今天非常高兴", 1.0, 3.0), (None, "真的", 3.0, 4.0), (None, "我不高兴", 4.0, 6.0)],
    ),
    "chinese speakers": (
        {"segments": [part(1, 3, "你好不", words=words(("你", 1, 2, "A"), ("好", 2, 2.5, "A"), ("不", 2.5, 3, "B")))]},
        [("A", "你好", 1.0, 2.5), ("B", "不", 2.5, 3.0)],
    ),
}


@pytest.mark.parametrize("kind", JSON)
def test_the_relatives_of_whisper(tmp_path: Path, kind: str) -> None:
    content, expected = JSON[kind]
    found = read(tmp_path, json.dumps(content), "a.json")
    assert [(one.person, one.text, one.start, one.end) for one in found.utterances] == expected


def test_what_whisper_knows_of_a_segment_is_kept(tmp_path: Path) -> None:
    segments = [part(0, 1.5, " Bonjour\n!", avg_logprob=-0.5), part(2, 3, " "), part(4, 5, "Oui", confidence=0.25)]
    first, second = read(tmp_path, json.dumps({"language": "fr", "segments": segments}), "a.json").utterances
    assert (first.start, first.end, first.text, first.language) == (0, 1.5, "Bonjour !", "fr")
    assert first.confidence == pytest.approx(0.6065, abs=1e-4)
    assert second.confidence == 0.25


def test_segments_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    segments = [
        part(1, 2, "One."), part(float("nan"), 3, "Lost."), {"text": "Lost."}, part("soon", 4, "Lost."),
        part(5, 4, "Lost."), part(True, 4, "Lost."), part(10**400, 10**401, "Lost."), "nothing",
        part(6, float("inf"), "Six."), part(8, float("nan"), "Eight."), part(9, 10, "Ten.", words=3),
    ]  # fmt: skip
    found = read(tmp_path, json.dumps({"segments": segments}), "a.json")
    assert said(found) == ["One.", "Six.", "Eight.", "Ten."]
    assert spans(found) == [(1, 2), (6, 8), (8, 9), (9, 10)]
    assert found.notices[0] == (
        "transcript 'a.json': 6 of 10 cues are left out: segment 2: no start; segment 3: no start; "
        "segment 4: cannot read the time 'soon'; and 3 more"
    )
    assert "2 cues have no end and last until the next: segment 9; segment 10" in found.notices[1]


def test_json_that_was_cut_off_keeps_what_is_whole(tmp_path: Path) -> None:
    parts = [part(at, at + 1, f"No. {at}.", words=words(("No.", at, at + 1))) for at in range(5)]
    text = json.dumps({"language": "en", "segments": parts})
    found = read(tmp_path, text[:-30], "a.json")
    assert said(found) == ["No. 0.", "No. 1.", "No. 2.", "No. 3."]
    assert found.utterances[0].language == "en"
    assert "no valid JSON at line 1" in found.notices[0]
    assert said(read(tmp_path, json.dumps(parts)[:-30], "b.json")) == ["No. 0.", "No. 1.", "No. 2.", "No. 3."]
    assert said(read(tmp_path, text + "\nDone.", "c.json")) == [f"No. {at}." for at in range(5)]


def test_json_lines(tmp_path: Path) -> None:
    rows = "\n".join(json.dumps(part(at, at + 1, f"No. {at}.", words=BARE)) for at in range(3))
    assert said(read(tmp_path, rows, "a.jsonl")) == ["No. 0.", "No. 1.", "No. 2."]


BAD = {
    '{"segments": [\n{"start": 0,}]}': "line 2: no valid JSON",
    "[1, 2]": "no list 'segments'",
    '{"segments": [{"start": NaN, "end": 2, "text": "b"}]}': "segment 1: no start",
    "[" * 100_000: "no valid JSON",
    '{"speaker_labels": {"segments": [{"start_time": "0.0", "end_time": "1.0"}]}}': "no list 'segments'",
    '{"segments": [{"start": ' + "9" * 5000 + ', "end": 2, "text": "b"}]}': "no valid JSON",
    '{"segments": 3}': "no list 'segments'",
    "null": "no list 'segments'",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_where_nothing_can_be_used_one_line_says_why(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, "a.json")
    assert BAD[text] in str(caught.value)
    assert "\n" not in str(caught.value)
