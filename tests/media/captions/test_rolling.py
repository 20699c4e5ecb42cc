"""A line that is carried over is said once; a line said twice is said twice."""

from pathlib import Path

import pytest

from written import in_turn, read, said, spans


def youtube(texts: list[str], gap: str, tags: bool) -> str:
    """Automatic captions: each line comes below the last one, then stands alone for 10 ms."""
    cues, above = ["WEBVTT\nKind: captions\nLanguage: en\n"], gap
    for at, text in enumerate(texts):
        first, *others = text.split()
        timed = first + "".join(
            f"<00:00:{3 * at + 2:02}.{place:03}><c> {word}</c>" for place, word in enumerate(others)
        )
        begin, end = 3 * at + 1, 3 * at + 4
        shown = "\n".join(filter(None, [above, timed if tags else text]))
        cues.append(f"00:00:{begin:02}.000 --> 00:00:{end - 1:02}.990 align:start position:0%\n{shown}\n")
        cues.append(f"00:00:{end - 1:02}.990 --> 00:00:{end:02}.000 align:start position:0%\n{text}\n{gap}\n")
        above = text
    return "\n".join(cues)


@pytest.mark.parametrize("gap", [" ", ""])
@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize(
    "texts", ["i am so happy today/we won the big game/and then he died", "no/no/yes", "so it goes"]
)
def test_lines_that_youtube_carries_over_are_said_once(tmp_path: Path, gap: str, tags: bool, texts: str) -> None:
    found = read(tmp_path, youtube(texts.split("/"), gap, tags), "a.vtt")
    assert said(found) == texts.split("/")
    assert [start for start, _ in spans(found)] == [3 * at + 1 for at in range(len(said(found)))]
    assert {one.language for one in found.utterances} == {"en"}


@pytest.mark.parametrize("height", [2, 3, 4])
@pytest.mark.parametrize("seconds", [1, 4])
def test_lines_that_roll_up_are_said_once(tmp_path: Path, height: int, seconds: int) -> None:
    texts = ["we are live", "from the town", "where it rains", "and rains", "all day long"]
    shown = ["\n".join(texts[max(0, at + 1 - height) : at + 1]) for at in range(len(texts))]
    found = read(tmp_path, in_turn(shown, seconds))
    assert said(found) == texts
    assert spans(found) == [(at * seconds, (at + 1) * seconds) for at in range(len(texts))]


def test_a_line_that_grows_is_said_once(tmp_path: Path) -> None:
    found = read(tmp_path, in_turn(["I", "I am", "I am so happy", "I am so happy today"]))
    assert (said(found), spans(found)) == (["I am so happy today"], [(0, 4)])
    live = ["we", "we won", "we won it", "we won it\nand", "we won it\nand then", "and then\nhe", "and then\nhe died"]
    assert said(read(tmp_path, in_turn(live))) == ["we won it", "and then", "he died"]


@pytest.mark.parametrize(
    "texts",
    [
        ["No.", "No.", "No."],
        ["Thank you.", "Thank you.", "Goodbye."],
        ["Yes.", "Yes. I know.", "Go."],
        ["I love you so.", "I love you so. I do.", "Go."],
        ["Anna?", "Anna?\nWhat is it?", "Nothing."],
        ["la la\nla la", "la la\nla la", "Go."],
    ],
)
def test_what_is_said_twice_stays_twice(tmp_path: Path, texts: list[str]) -> None:
    assert said(read(tmp_path, in_turn(texts))) == [text.replace("\n", " ") for text in texts]


def test_in_a_file_that_rolls_lines_are_carried_over_a_pause(tmp_path: Path) -> None:
    first = youtube(["i am so happy today", "we won it all", "at last"], " ", tags=True)
    found = read(tmp_path, first + "\n00:00:15.000 --> 00:00:17.000\nat last\nit is done\n", "a.vtt")
    assert said(found)[-2:] == ["at last", "it is done"]
    assert "6 lines that are carried over from cue to cue are read once" in found.notices[0]


def test_after_a_pause_it_is_said_again(tmp_path: Path) -> None:
    texts = ["so it goes", "so it goes\nand goes", "and goes\non"]
    cues = [f"00:00:{2 * at:02},000 --> 00:00:{2 * at + 1:02},000\n{text}\n" for at, text in enumerate(texts)]
    assert said(read(tmp_path, "\n".join(cues))) == ["so it goes", "so it goes and goes", "and goes on"]
