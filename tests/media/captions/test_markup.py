"""What is markup, and who speaks."""

from pathlib import Path

import pytest

from written import lines, read, said

MARKUP = {
    "I <3 you and 5 > 4 they say.": "I <3 you and 5 > 4 they say.",
    "a<b and b>c": "a<b and b>c",
    "x < y > z": "x < y > z",
    "<i>Hi</i> <FONT color='#fff'>you</FONT>": "Hi you",
    '<font color="#00ff00>Hi</font> <b class=x>you</b>': "Hi you",
    "{\\an8}Top {\\i1}it{\\i0}": "Top it",
    "{y:i}slanted": "slanted",
    "{not markup}": "{not markup}",
    "one<br/>two\\Nthree": "one two three",
    "I&#39;m &lt;b&gt; &amp;amp; R&amp;B&nbsp;&quot;x&quot;": 'I\'m <b> & R&B "x"',
    "AT&T &copy": "AT&T &copy",
    "a<00:00:01.500><c> b</c><00:00:01.700><c.colorE5E5E5> c</c>": "a b c",
    "<lang en-GB>colour</lang>": "colour",
    "in\u200bvisi\u00adble\u200f": "invisible",
    "[Applause] Thank you ♪ la ♪": "[Applause] Thank you ♪ la ♪",
    "<laughs> stop": "<laughs> stop",
}


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_only_markup_is_taken_out(tmp_path: Path, text: str, name: str) -> None:
    head = "WEBVTT\n\n" if name.endswith("vtt") else ""
    assert said(read(tmp_path, head + lines("A") + text, name)) == [MARKUP[text]]


HAPPY, NOT = "I am happy.", "I am not."
SPEAKERS = {
    "voices": ("<v Anna>I am happy.</v> <v.loud Ben>I am not.</v>", [("Anna", HAPPY), ("Ben", NOT)]),
    "voices on lines": ("<v Anna>I am|happy.|<v Ben>I am not.", [("Anna", HAPPY), ("Ben", NOT)]),
    "one voice in parts": ("<v Anna>I am</v>|<v Anna>happy.</v>", [("Anna", HAPPY)]),
    "beside a voice": ("<v Anna>I am happy.</v> I am not.", [("Anna", HAPPY), (None, NOT)]),
    "dashes": ("- I am happy.|- I am not.", [(None, HAPPY), (None, NOT)]),
    "long dashes": ("–I am happy.|–I am|not.", [(None, HAPPY), (None, NOT)]),
    "one dash": ("- I am happy.", [(None, "- I am happy.")]),
    "below zero": ("-5 outside.|-7 inside.", [(None, "-5 outside. -7 inside.")]),
    "capitals": ("ANNA: I am happy.//Well.", [("ANNA", HAPPY), (None, "Well.")]),
    "capitals on lines": ("ANNA: I am happy.|DR. BO: I am not.", [("ANNA", HAPPY), ("DR. BO", NOT)]),
    "capitals on a line": ("ANNA: I am happy. BO: I am not.", [("ANNA", HAPPY), ("BO", NOT)]),
    "dashes and names": ("- ANNA: I am happy.|- BO: I am not.", [("ANNA", HAPPY), ("BO", NOT)]),
    "names throughout": ("Anna Bo: I am happy.//Dr. Smith: I am not.", [("Anna Bo", HAPPY), ("Dr. Smith", NOT)]),
    "diarized": ("[SPEAKER_00]: I am happy.//SPEAKER_01: I am not.", [("SPEAKER_00", HAPPY), ("SPEAKER_01", NOT)]),
    "diarized in brackets": ("[Speaker 1] I am happy.//Well.", [("Speaker 1", HAPPY), (None, "Well.")]),
    "brackets throughout": ("[ANNA] I am happy.//[BEN] I am not.", [("ANNA", HAPPY), ("BEN", NOT)]),
    "names above": ("Anna:|I am happy.//Dr. Bo:|I am not.", [("Anna", HAPPY), ("Dr. Bo", NOT)]),
    "numbers above": ("[Speaker 1]|I am happy.//(speaker 2) I am not.", [("Speaker 1", HAPPY), ("speaker 2", NOT)]),
    "how it is said": ("ANNA (whispering): I am happy.//Well.", [("ANNA", HAPPY), (None, "Well.")]),
    "sounds": ("[LAUGHS] So.//[SIGHS] No.", [(None, "[LAUGHS] So."), (None, "[SIGHS] No.")]),
    "changes": (">> I am happy. >> I am not.//&gt;&gt; BEN: No.", [(None, HAPPY), (None, NOT), ("BEN", "No.")]),
    "headings": ("Note: go.//Step 2: stop.", [(None, "Note: go."), (None, "Step 2: stop.")]),
    "one colon": ("Anna said: go.//So.//Yes.", [(None, "Anna said: go."), (None, "So."), (None, "Yes.")]),
    "a time of day": ("At 10:30 we go.//At 11: stop.", [(None, "At 10:30 we go."), (None, "At 11: stop.")]),
    "all in capitals": ("HE SAID: GO AWAY.//NO.", [(None, "HE SAID: GO AWAY."), (None, "NO.")]),
}


@pytest.mark.parametrize("kind", SPEAKERS)
@pytest.mark.parametrize("head", ["", "WEBVTT\n\n"])
def test_every_speaker_of_a_cue(tmp_path: Path, kind: str, head: str) -> None:
    text, expected = SPEAKERS[kind]
    texts = text.replace("|", "\n").split("//")
    cues = [f"00:{4 * at:02}.000 --> 00:{4 * at + 2:02}.000\n{text}\n" for at, text in enumerate(texts)]
    found = read(tmp_path, head + "\n".join(cues))
    assert [(one.person, one.text) for one in found.utterances] == expected
    if len(expected) > len(texts):
        assert "several speakers" in found.notices[0]
    ends = [0.0, *(one.end for one in found.utterances[:-1])]
    assert all(one.start >= end for one, end in zip(found.utterances, ends, strict=True))


def test_the_time_of_a_cue_is_shared_by_length(tmp_path: Path) -> None:
    first, second = read(tmp_path, lines("A|<v Anna>yes</v><v Ben>no, never</v>")).utterances
    assert (first.start, first.end, second.end) == (1.0, 1.5, 3.0)
    assert second.start == first.end
