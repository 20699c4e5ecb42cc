"""Where the ffmpeg program is."""

from __future__ import annotations

import shutil

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
