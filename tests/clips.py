"""Clips with known truth, built by ffmpeg: no test needs a file from outside.

`clock` writes the time into the picture (a grey level a step), so that a test can read back when a
picture belongs; `click` is silence with one click.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mer_batch.media.binary import ffmpeg_path

CLOCK_SPAN = 10.0
"""Seconds after which the grey level of `clock` begins anew."""

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p")
"""A fast encoder with a picture that stays true."""


def make(path: Path, *arguments: str) -> Path:
    """Run ffmpeg with `arguments` to write `path`, and return it; a failure shows ffmpeg's words."""
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments, f"file:{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


def needs_encoder(name: str) -> None:
    """Skip the test where ffmpeg was built without the encoder `name`."""
    done = subprocess.run([ffmpeg_path(), "-hide_banner", "-encoders"], capture_output=True, text=True, check=True)
    if f" {name} " not in done.stdout:
        pytest.skip(f"this ffmpeg has no encoder {name}")


def clock(seconds: float, fps: float = 25, size: str = "64x48", begin: float = 0.0) -> tuple[str, ...]:
    """Input arguments for a picture whose grey level is its time, 20 + 200 * (t mod 10) / 10, read by `clock_time`.

    The clock shows `begin` at first.
    """
    level = f"20+200*mod(T+{begin}\\,{CLOCK_SPAN})/{CLOCK_SPAN}"
    source = f"color=gray:size={size}:rate={fps}:duration={seconds},format=gray,geq=lum='{level}'"
    return ("-f", "lavfi", "-i", source)


def clock_time(image: np.ndarray) -> float:
    """The time modulo 10 s that a `clock` picture shows, to about 0.1 s."""
    # The grey levels are stored in video range and come back as 0..255.
    grey = float(image[8:-8, 8:-8].mean())
    return (grey - 20) / 200 * CLOCK_SPAN


def corners(seconds: float = 1, fps: float = 10, size: str = "96x64") -> tuple[str, ...]:
    """Input arguments for a picture with red top left, green top right, blue bottom left, white bottom right."""
    width, height = (int(part) for part in size.split("x"))
    boxes = {"red": (0, 0), "lime": (1, 0), "blue": (0, 1), "white": (1, 1)}
    draw = ",".join(
        f"drawbox=x={x * width // 2}:y={y * height // 2}:w={width // 2}:h={height // 2}:color={colour}:t=fill"
        for colour, (x, y) in boxes.items()
    )
    return ("-f", "lavfi", "-i", f"color=black:size={size}:rate={fps}:duration={seconds},format=rgb24,{draw}")


def tone(seconds: float, hertz: float = 440, rate: int = 16_000) -> tuple[str, ...]:
    """Input arguments for a sine tone, mono."""
    return ("-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate={rate}:duration={seconds}")


def silence(seconds: float, rate: int = 16_000) -> tuple[str, ...]:
    """Input arguments for digital silence, mono."""
    return ("-f", "lavfi", "-i", f"anullsrc=r={rate}:cl=mono:d={seconds}")


def click(at: float, seconds: float, rate: int = 48_000) -> tuple[str, ...]:
    """Input arguments for silence with a 2 ms click that begins at `at` seconds."""
    return ("-f", "lavfi", "-i", f"aevalsrc='0.9*between(t\\,{at}\\,{at + 0.002})':s={rate}:d={seconds}")


def ffmpeg_choices() -> list[str]:
    """The ffmpeg programs at hand: the one on PATH and the one inside imageio-ffmpeg."""
    import imageio_ffmpeg

    found = [shutil.which("ffmpeg"), imageio_ffmpeg.get_ffmpeg_exe()]
    return list(dict.fromkeys(str(path) for path in found if path))


def use_ffmpeg(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `program` the only ffmpeg on PATH, by a link in `folder`."""
    (folder / "ffmpeg").symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))


def turned(path: Path, source: Path, degrees: int) -> Path:
    """Copy `source` with the flag that it is upright once turned counter-clockwise by `degrees` (90, 180 or 270)."""
    try:
        return make(path, "-display_rotation", str(degrees), "-i", f"file:{source}", "-c", "copy")
    except AssertionError:  # before ffmpeg 6 the flag is set through the metadata
        return make(path, "-i", f"file:{source}", "-c", "copy", "-metadata:s:v:0", f"rotate={degrees}")


def resident_bytes() -> int:
    """The memory this process holds now (Linux only)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
