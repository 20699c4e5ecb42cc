"""The one reader of pictures: an encoded file to upright pixels of 8 bits, whatever its kind; content decides.

All that Pillow opens is read, the first picture of those that hold several. Levels have one meaning, whatever holds
them (`levels`); what is transparent lies on white paper.
"""

from __future__ import annotations

import io
import logging
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.errors import DataError
from mer_batch.media.levels import Levels, Pixels, eight_bits, on_white
from mer_batch.media.process import one_line
from mer_batch.media.tiff import MAGIC, read_deep

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

PAPER: Final = (255, 255, 255, 255)
"""What shows through transparent pixels: white, as pages show them."""
_CLEAR: Final = ("LA", "La", "PA", "RGBA", "RGBa")
"""Pillow's modes with transparency."""
_PROGRAMS: Final = ("EPS", "WMF", "MPEG", "GRIB", "HDF5", "BUFR")
"""Formats that Pillow hands to other programs, or knows by name only."""
_TURNS: Final = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF orientations to Pillow's `Transpose`."""
_HINTS: Final = (
    (b"version https://git-lfs", "only a Git LFS pointer; fetch the real file with `git lfs pull`"),
    (b"\x00\x05\x16\x07", "what a Mac keeps beside a file, no picture"),
    (b"%PDF", "a PDF, no picture"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Upright pixels of 8 bits: (height, width) where all is grey, else RGB (height, width, 3).

    `notes` say what was assumed of the file or left out of it.
    """

    pixels: Pixels
    notes: tuple[str, ...] = ()

    def rgb(self) -> Pixels:
        """The pixels in three channels, (height, width, 3)."""
        if self.pixels.ndim == 3:
            return self.pixels
        return np.repeat(self.pixels[:, :, None], 3, axis=2)


def read_picture(source: Path | bytes, name: str = "") -> Picture:
    """The picture in a file or in its bytes; messages call it `name`. Safe to call from several threads.

    Raises `DataError` for what is no picture, or one that is cut off, damaged or too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "picture")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
        with _QUIET:
            return _decode(data)
    except Exception as error:  # decoders raise a dozen kinds for foreign and damaged bytes, all of which mean one
        raise DataError(f"cannot read the picture {name}: {_reason(source, error)}") from error


def _decode(data: bytes) -> Picture:
    from PIL import Image as Pillow

    if not data:
        raise ValueError("it is empty")
    deep = read_deep(data) if data.startswith(MAGIC) else None
    if deep is not None:
        (pixels, notes), turn = deep
        return Picture(_upright(_grey_if_equal(pixels), turn), tuple(notes))
    with Pillow.open(io.BytesIO(data)) as file:
        if file.format in _PROGRAMS:
            raise ValueError(f"no picture that can be read ({file.format})")
        first = _several(file)
        cut = _is_cut(file)
        file.load()
        # Only now: TIFF files are turned by loading them, and PNG may tell at its end.
        turn = _turn(file)
        pixels, notes = _pixels(file)
        if cut and int(pixels.max()) < 0x40:
            pixels, notes = _deep_colour(data)
    return Picture(_upright(_grey_if_equal(pixels), turn), (*first, *notes))


def _several(file: PillowImage) -> list[str]:
    # Phones keep previews and depth behind a photograph (MPO); icons are one picture in several sizes.
    if getattr(file, "n_frames", 1) > 1 and file.format not in ("MPO", "ICO", "ICNS"):
        return ["of several pictures in the file the first was read"]
    return []


def _turn(file: PillowImage) -> int:
    try:
        return int(file.getexif().get(0x0112, 1))
    except Exception:  # EXIF is read by a hundred rules; damaged, it is as good as none
        return 1


def _upright(pixels: Pixels, turn: int) -> Pixels:
    from PIL import Image as Pillow

    if turn not in _TURNS:
        return np.ascontiguousarray(pixels)
    return np.array(Pillow.fromarray(pixels).transpose(Pillow.Transpose(_TURNS[turn])))


def _pixels(file: PillowImage) -> Levels:
    if file.mode == "F" or file.mode.startswith("I"):
        # Pillow's "I" may hold what was 16 bits in the file.
        values = np.asarray(file)
        return eight_bits(values.astype(np.uint16) if values.min() >= 0 and values.max() <= 0xFFFF else values)
    flat = _on_paper(file) if file.mode in _CLEAR or "transparency" in file.info else _in_srgb(file)
    return np.asarray(flat if flat.mode in ("L", "RGB") else flat.convert("RGB")), []


def _grey_if_equal(colour: Pixels) -> Pixels:
    if colour.ndim == 2:
        return colour
    same = np.array_equal(colour[..., 0], colour[..., 1]) and np.array_equal(colour[..., 1], colour[..., 2])
    return np.ascontiguousarray(colour[..., 0]) if same else colour


def _on_paper(file: PillowImage) -> PillowImage:
    from PIL import Image as Pillow

    picture = file.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, PAPER), picture).convert("RGB")


def _in_srgb(file: PillowImage) -> PillowImage:
    """The picture with the colours of its profile brought to sRGB, where it has another one."""
    profile = file.info.get("icc_profile")
    if file.mode == "1":
        return file.convert("L")
    if not profile or file.mode not in ("L", "RGB", "CMYK", "LAB"):
        return file
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(own):
            return file
        made = ImageCms.profileToProfile(file, own, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return file  # a damaged profile, or one for other colours: the plain numbers are the best guess
    return made or file


@cache
def _srgb() -> Any:
    from PIL import ImageCms

    return ImageCms.createProfile("sRGB")


def _is_cut(file: PillowImage) -> bool:
    """Whether Pillow cuts 16 bits a channel of colour down to the upper 8."""
    tile: list[Any] = getattr(file, "tile", [])
    return bool(tile) and file.mode in ("RGB", "RGBA", "LA") and ";16" in str(tile[0][3])


def _deep_colour(data: bytes) -> Levels:
    """Colour of 16 bits that uses less than a quarter of its scale: the lower bits count, so PyAV decodes it."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(data), "r") as container:
            deep = next(iter(container.decode(video=0))).to_ndarray(format="rgba64le").astype(np.uint16)
    except (FFmpegError, StopIteration) as error:
        raise ValueError("its 16 bits a channel cannot be decoded") from error
    pixels, notes = eight_bits(deep[..., :3])
    return on_white(pixels, (deep[..., 3] >> 8).astype(np.uint8)), notes


def _reason(source: Path | bytes, error: Exception) -> str:
    if isinstance(source, Path) and source.is_dir():
        return "it is a folder"
    said = one_line(getattr(error, "strerror", None) or str(error)) or type(error).__name__
    if "truncated" in said.lower() or isinstance(error, EOFError):
        return "it is cut off"
    if "decompression bomb" in said:
        return "it has too many pixels"
    if "cannot identify" not in said:
        return said
    head = b""
    if isinstance(source, bytes):
        head = source[:64]
    elif source.is_file():
        with source.open("rb") as file:
            head = file.read(64)
    if head[4:8] == b"ftyp":
        return "no picture that can be read (HEIC or video); save it as JPEG"
    return next((hint for magic, hint in _HINTS if head.startswith(magic)), "no picture")


class _Silence:
    """What decoders tell of damaged files kept off the terminal; `warnings` has one state for all threads."""

    def __init__(self) -> None:
        self._lock, self._users, self._caught = threading.Lock(), 0, warnings.catch_warnings()
        # Without any handler Python prints what is logged; this one does nothing, and others still get it.
        self._handler = logging.NullHandler()

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
                for name in ("PIL", "tifffile"):
                    logging.getLogger(name).addHandler(self._handler)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._caught.__exit__(None, None, None)


_QUIET: Final = _Silence()
