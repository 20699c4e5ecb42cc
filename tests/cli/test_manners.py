"""How the command line behaves before any work is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import clips
from mer_batch import __version__
from mer_batch.cli import app


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"mer {__version__}"


@pytest.mark.parametrize("command", ["analyze", "report", "evaluate", "compare", "train", "data", "models"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_loads_nothing_heavy() -> None:
    heavy = "torch numpy pandas matplotlib av whisper librosa scipy sklearn jinja2 rich"
    code = (
        "import sys; from typer.testing import CliRunner; from mer_batch.cli import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        f"print(*[name for name in '{heavy}'.split() if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fps", "0"], "fps must be a positive number"),
        (["--fps", "nan"], "fps must be a positive number"),
        (["--start", "5", "--end", "4"], "--end must lie after --start"),
        (["--modalities", "face,smell"], "unknown modality 'smell'"),
        (["--modalities", ","], "nothing to read"),
        (["--abstain", "2"], "abstain must be between 0 and 1"),
        (["--transcript", "none.srt"], "no transcript at none.srt"),
        (["--transcript", "clip.mp4", "--subtitle-track", "0"], "give one of the two"),
        (["--labels", "none.csv"], "no labels at none.csv"),
        (["--assets", "cloud"], "unknown --assets 'cloud'"),
        (["--redact", "hands"], "unknown --redact 'hands'"),
        (["--out", "."], "is a folder"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(b"never opened")
    result = CliRunner().invoke(app, ["analyze", "clip.mp4", *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_an_unknown_subtitle_track_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.pipeline.run.read_all", lambda *_: pytest.fail("the work began"))
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    inputs = (*clips.silence(1), "-i", f"{tmp_path / 'a.srt'}")
    clip = clips.make(tmp_path / "clip.mkv", *inputs, "-c:s", "copy", "-metadata:s:s", "language=eng")
    for wanted in ("1", "fr"):
        result = CliRunner().invoke(app, ["analyze", str(clip), "--subtitle-track", wanted])
        assert result.exit_code == 2
        assert result.output.strip() == f"mer: error: no text subtitle track '{wanted}' in 'clip.mkv'. Known: 0 (eng)."


@pytest.mark.parametrize("name", ["missing.mp4", "empty.mp4", "text.mp4", "folder.mp4"])
def test_unreadable_input_is_one_line_and_exit_3(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 50)
    (tmp_path / "folder.mp4").mkdir()
    result = CliRunner().invoke(app, ["analyze", name, "--quiet"])
    assert result.exit_code == 3
    assert name in result.output
    assert len(result.output.strip().splitlines()) == 1
