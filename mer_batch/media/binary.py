"""Where the ffmpeg program is."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

from mer_batch.errors import ModelError


def ffmpeg_path() -> str:
    """The ffmpeg on PATH, else the one inside imageio-ffmpeg. Raises `ModelError` where there is neither."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        message = "ffmpeg was not found; install ffmpeg, or run `pip install imageio-ffmpeg`"
        raise ModelError(message) from error


def filter_has(name: str, option: str) -> bool:
    """Whether the filter `name` of the ffmpeg in use knows `option`."""
    return option in _filter_help(ffmpeg_path(), name)


@cache
def _filter_help(path: str, name: str) -> str:
    command = [path, "-hide_banner", "-h", f"filter={name}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def ffmpeg_version() -> str:
    """Version and place of the ffmpeg in use. Raises `ModelError` where there is none that runs."""
    path = ffmpeg_path()
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelError(f"{path} does not run: {str(error).splitlines()[0]}; install another ffmpeg") from error
    found = re.match(r"ffmpeg version (\S+)", said)
    return f"{found[1] if found else 'unknown version'} at {path}"
