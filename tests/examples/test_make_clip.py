"""The script that remakes the example clip, run as a reader would run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "make_clip.py"

pytest.importorskip("skimage", reason="scikit-image holds the portrait")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the script takes ffmpeg from the PATH")


def remake(folder: Path, *options: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({} if path is None else {"PATH": path})
    command = [sys.executable, str(SCRIPT), "--out", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@needs_ffmpeg
def test_quick_clip_is_whole_and_the_same_every_time(tmp_path: Path) -> None:
    known: list[dict[str, Any]] = []
    for name in ("one", "two"):
        done = remake(tmp_path / name, "--quick")
        assert done.returncode == 0, done.stderr
        known.append(json.loads((tmp_path / name / "interview.truth.json").read_text(encoding="utf-8")))
    assert known[0] == known[1]
    with av.open(str(tmp_path / "one" / "interview.mp4")) as container:
        frames = sum(1 for _ in container.decode(video=0))
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    assert frames == known[0]["duration"] * known[0]["fps"]
    assert known[0]["speech"] == []
    assert [change["to"] for change in known[0]["changes"]] == ["happy", "sad", "surprise", "angry"]


def test_missing_tools_are_named_in_one_line(tmp_path: Path) -> None:
    done = remake(tmp_path / "none", path=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "not found on the PATH: ffmpeg, espeak-ng; install it, or make a silent clip with --quick"
    ]
    assert not (tmp_path / "none").exists()
