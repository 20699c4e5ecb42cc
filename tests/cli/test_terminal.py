"""What the person at a terminal sees: something at once, stages in words, whole words at any width, all files."""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from typer.testing import CliRunner

from mer_batch import pipeline
from mer_batch.cli import app
from mer_batch.cli.common import Progress, place, say, tell
from mer_batch.config import Options
from mer_batch.errors import UsageError
from mer_batch.timeline.io import to_json
from sounds import hiss, loud_is_speech, silence
from timelines import make_timeline
from toy_voice import wav

__all__ = ["loud_is_speech"]
PATIENT = settings(deadline=None, database=None, max_examples=100)
SENTENCE = "Person 1 looks mostly neutral (61 % of the 40 s read), happy at 0:42 and 3:10; too weak to name for 12 %."


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(patch: pytest.MonkeyPatch, width: int = 100) -> Terminal:
    """What stands on the terminal that stdout and stderr are from now on (pytest undoes it in a fixture)."""
    shown = Terminal()
    for name in ("stdout", "stderr"):
        patch.setattr(sys, name, shown)
    patch.setenv("TERM", "xterm-256color")
    patch.setenv("COLUMNS", str(width))
    return shown


def printed(text: str, width: int) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        shown = terminal(patch, width)
        tell(text)
    return shown.getvalue().removesuffix("\n").split("\n")


@PATIENT
@given(st.lists(st.text("abcé漢字.,/%", min_size=1, max_size=30), min_size=1, max_size=30), st.integers(1, 120))
def test_words_stay_whole_at_any_width(words: list[str], width: int) -> None:
    lines = printed(" ".join(words), width)
    assert [word for line in lines for word in line.split(" ")] == words
    assert all(cell_len(line) <= width or " " not in line for line in lines)
    # No line breaks before it must.
    for line, following in pairwise(lines):
        assert cell_len(line) + 1 + cell_len(following.split(" ")[0]) > width


def test_elsewhere_lines_are_left_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    tell(SENTENCE)
    say(SENTENCE)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (f"{SENTENCE}\n", f"mer: {SENTENCE}\n")


def test_something_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with Progress() as progress:
        assert "loading" in shown.getvalue()
        assert "100%" not in shown.getvalue()
        progress("faces", 0.25)
        progress("faces", 1.0)
    last = shown.getvalue().split("faces")[-1]
    assert "100%" in last


def test_elsewhere_a_line_tells_of_each_stage_that_ended(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress("loading", 0.0)
        progress("loading", 1.0)
        progress("faces", 0.5)
        progress("voice", 1.0)
        progress("voice", 1.0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["loading", "voice"]


def test_quiet_is_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with Progress(quiet=True) as progress:
        progress("faces", 1.0)
        place(tmp_path / "new" / "r.html", quiet=True)
    assert shown.getvalue() == ""


@pytest.mark.usefixtures("loud_is_speech")
@pytest.mark.parametrize(
    ("options", "stages"),
    [
        ({"asr": "none"}, ["loading", "voice", "fusion"]),
        ({"asr": "none", "modalities": ("text",)}, ["loading", "fusion"]),
        ({"asr": "none", "modalities": ("face", "voice")}, ["loading", "voice", "fusion"]),
        ({"transcript": Path("words.srt")}, ["loading", "voice", "words", "fusion"]),
    ],
)
def test_only_stages_with_something_to_read_are_told_of(
    options: dict[str, Any], stages: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.srt").write_text("1\n00:00:00,500 --> 00:00:02,000\nI am fine.\n")
    Path("sound.wav").write_bytes(wav(np.concatenate([silence(1), hiss(2), silence(1)])))
    told: list[tuple[str, float]] = []
    pipeline.analyze("sound.wav", Options(**options), on_progress=lambda stage, done: told.append((stage, done)))
    assert list(dict.fromkeys(stage for stage, _ in told)) == stages
    for stage in stages:
        shares = [done for name, done in told if name == stage]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_every_file_written_is_named_and_every_folder_made(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(to_json(make_timeline(10)))
    out = tmp_path / "new" / "deep" / "page.html"
    result = CliRunner().invoke(app, ["report", str(tmp_path / "t.json"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"the folder {tmp_path / 'new'} is not there and will be made" in result.output
    for path in out.parent.iterdir():
        assert str(path) in result.output
    assert len(list(out.parent.iterdir())) == 3
    again = CliRunner().invoke(app, ["report", str(tmp_path / "t.json"), "--out", str(out)])
    assert "will be made" not in again.output


def test_a_place_that_cannot_be_written_names_its_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another place with --csv"):
        place(tmp_path / "file" / "x.csv", "--csv")
    with pytest.raises(UsageError, match="a file stands where a folder is needed"):
        place(tmp_path / "file", folder=True)
    place(None)
    place(tmp_path / "x.csv")
    place(tmp_path, folder=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
