"""One photograph in every kind of file reads as the same pixels; what is no picture says so in a line."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mer_batch.errors import DataError
from mer_batch.media.pictures import read_picture

HEIGHT, WIDTH = 40, 52


def scene() -> NDArray[np.uint8]:
    """Smooth colour from black to white, different in every corner."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    red, green, blue = x / (WIDTH - 1), y / (HEIGHT - 1), (x + y) / (WIDTH + HEIGHT - 2)
    return (np.stack([red, green, blue], axis=2) * 255).round().astype(np.uint8)


COLOUR = scene()
GREY = np.asarray(Image.fromarray(COLOUR).convert("L"))
DEEP = GREY.astype(np.uint16) * 257
DEEP_COLOUR = COLOUR.astype(np.uint16) * 257


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def png16(colour: NDArray[np.uint16]) -> bytes:
    """A PNG of 16 bits a channel, which Pillow cannot write."""
    height, width, channels = colour.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colour)
    head = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def with_alpha(colour: NDArray[Any], opaque: int) -> NDArray[Any]:
    return np.dstack([colour, np.full(colour.shape[:2], opaque, colour.dtype)])


def adobe_cmyk() -> bytes:
    """CMYK as Adobe writes it, upside down and with its marker; so does Pillow."""
    return saved(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=98, subsampling=0)


def floats(scale: float = 1.0) -> NDArray[np.float32]:
    return (GREY / 255 * scale).astype(np.float32)


GREYS = {
    "png": saved(Image.fromarray(GREY), "PNG"),
    "png 16": saved(Image.fromarray(DEEP), "PNG"),
    "png 12 in 16": saved(Image.fromarray((DEEP >> 4).astype(np.uint16)), "PNG"),
    "png 10 in 16": saved(Image.fromarray((DEEP >> 6).astype(np.uint16)), "PNG"),
    "png 14 in 16": saved(Image.fromarray((DEEP >> 2).astype(np.uint16)), "PNG"),
    "png 8 in 16": saved(Image.fromarray(GREY.astype(np.uint16)), "PNG"),
    "png grey and alpha": saved(Image.fromarray(GREY).convert("LA"), "PNG"),
    "jpeg 2000": saved(Image.fromarray(GREY), "JPEG2000"),
    "jpeg 2000 of 16": saved(Image.fromarray(DEEP), "JPEG2000"),
    "pgm of 4095": b"P5 %d %d 4095\n" % (WIDTH, HEIGHT) + (DEEP >> 4).astype(">u2").tobytes(),
    "pgm in words": b"P2 %d %d 255\n" % (WIDTH, HEIGHT) + b" ".join(b"%d" % v for v in GREY.ravel()),
    "gif": saved(Image.fromarray(GREY), "GIF"),
    "tiff 16": tiff(DEEP),
    "tiff 16, big end": tiff(DEEP.astype(">u2"), byteorder=">"),
    "tiff 16, white is zero": tiff(0xFFFF - DEEP, photometric="miniswhite"),
    "tiff 8, white is zero": tiff(255 - GREY, photometric="miniswhite"),
    "tiff 12 in 16": tiff((DEEP >> 4).astype(np.uint16)),
    "tiff int16": tiff(GREY.astype(np.int16)),
    "tiff int32": tiff(GREY.astype(np.int32)),
    "tiff int64": tiff(GREY.astype(np.int64)),
    "tiff uint32": tiff(GREY.astype(np.uint32) * 0x01010101),
    "tiff float 0..1": tiff(floats()),
    "tiff float 0..255": tiff(floats(255)),
    "tiff float 0..65535": tiff(floats(65535)),
    "tiff float -1..1": tiff(floats(2) - 1),
    "tiff double": tiff(floats().astype(np.float64)),
    "tiff half": tiff(floats().astype(np.float16)),
    "tiff float by Pillow": saved(Image.fromarray(floats()), "TIFF"),
    "tiff pages": tiff(np.stack([GREY, 255 - GREY])),
    "tiff deep pages": tiff(np.stack([DEEP, 0xFFFF - DEEP])),
}
COLOURS = {
    "png": saved(Image.fromarray(COLOUR), "PNG"),
    "bmp": saved(Image.fromarray(COLOUR), "BMP"),
    "tga": saved(Image.fromarray(COLOUR), "TGA"),
    "ppm": saved(Image.fromarray(COLOUR), "PPM"),
    "webp": saved(Image.fromarray(COLOUR), "WEBP", lossless=True),
    "jpeg": saved(Image.fromarray(COLOUR), "JPEG", quality=98, subsampling=0),
    "cmyk jpeg": adobe_cmyk(),
    "cmyk tiff": saved(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"),
    "lab tiff": saved(
        ImageCms.profileToProfile(
            Image.fromarray(COLOUR), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        ),  # type: ignore[union-attr]
        "TIFF",
    ),
    "palette": saved(Image.fromarray(COLOUR).quantize(256), "PNG"),
    "png with alpha": saved(Image.fromarray(with_alpha(COLOUR, 255)), "PNG"),
    "png 16": png16(DEEP_COLOUR),
    "png 12 in 16": png16((DEEP_COLOUR >> 4).astype(np.uint16)),
    "png 8 in 16": png16(COLOUR.astype(np.uint16)),
    "png 12 in 16 and alpha": png16(with_alpha((DEEP_COLOUR >> 4).astype(np.uint16), 0xFFFF)),
    "tiff 16": tiff(DEEP_COLOUR, photometric="rgb"),
    "tiff 16, in planes": tiff(np.moveaxis(DEEP_COLOUR, 2, 0), photometric="rgb", planarconfig="separate"),
    "tiff 12 in 16": tiff((DEEP_COLOUR >> 4).astype(np.uint16), photometric="rgb"),
    "tiff 16 and alpha": tiff(with_alpha(DEEP_COLOUR, 0xFFFF), photometric="rgb", extrasamples=["unassalpha"]),
    "tiff float": tiff((COLOUR / 255).astype(np.float32), photometric="rgb"),
    "tiff float 0..255": tiff(COLOUR.astype(np.float32), photometric="rgb"),
    "big tiff": tiff(COLOUR, photometric="rgb", bigtiff=True),
}


@pytest.mark.parametrize("kind", GREYS)
def test_grey_has_one_meaning(kind: str) -> None:
    pixels = read_picture(GREYS[kind]).pixels
    assert pixels.shape == (HEIGHT, WIDTH)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - GREY).max() <= 2, kind


@pytest.mark.parametrize("kind", COLOURS)
def test_colour_has_one_meaning(kind: str) -> None:
    pixels = read_picture(COLOURS[kind]).pixels
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    loose = 12 if kind in ("palette", "jpeg", "cmyk jpeg", "lab tiff") else 1
    assert np.abs(pixels.astype(int) - COLOUR).mean() <= loose / 3, kind
    assert np.abs(pixels.astype(int) - COLOUR).max() <= 3 * loose, kind


def test_what_was_assumed_is_said() -> None:
    assert read_picture(GREYS["png 16"]).notes == ()
    assert read_picture(GREYS["tiff 16"]).notes == ()
    assert read_picture(GREYS["png 12 in 16"]).notes == ("its levels fit 12 bits and were read so",)
    assert read_picture(COLOURS["tiff 12 in 16"]).notes == ("its levels fit 12 bits and were read so",)
    assert read_picture(GREYS["tiff float -1..1"]).notes == ("its levels were taken for a scale of -1 to 1",)
    several = "of several pictures in the file the first was read"
    assert read_picture(GREYS["tiff pages"]).notes == read_picture(GREYS["tiff deep pages"]).notes == (several,)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_of_several_pictures_is_read(kind: str) -> None:
    other = Image.fromarray(255 - GREY)
    data = saved(Image.fromarray(GREY), kind, save_all=True, append_images=[other], **({"lossless": True}))
    found = read_picture(data)
    assert np.abs(found.pixels.astype(int) - GREY).max() <= 1
    assert found.notes == ("of several pictures in the file the first was read",)


TURNED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: np.swapaxes(p, 0, 1),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p[:, ::-1], 1)[:, :],
    8: lambda p: np.rot90(p, 3),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "deep TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_are_upright(kind: str, turn: int) -> None:
    """Every orientation of EXIF, in every kind of file that has it: 6 is stored turned to the left."""
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = {6: np.rot90(GREY, 1), 8: np.rot90(GREY, 3), 5: GREY.T, 7: np.rot90(GREY, 2).T}.get(
        turn, TURNED[turn](GREY)
    )
    stored = np.ascontiguousarray(stored)
    if kind == "deep TIFF":
        data = tiff(stored.astype(np.uint16) * 257, extratags=[(274, "H", 1, turn, True)])
    else:
        options = {"quality": 98} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
        data = saved(Image.fromarray(stored), kind, exif=exif, **options)
    pixels = read_picture(data).pixels
    assert pixels.shape == GREY.shape
    assert np.abs(pixels.astype(int) - GREY).max() <= 6


def test_transparent_parts_are_white() -> None:
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[10:20, 10:30] = True
    rgba = with_alpha(COLOUR, 255)
    rgba[hole] = 0
    files = {"rgba": saved(Image.fromarray(rgba), "PNG")}
    files["deep"] = tiff(rgba.astype(np.uint16) * 257, photometric="rgb", extrasamples=["unassalpha"])
    grey = Image.fromarray(GREY).convert("LA")
    grey.putalpha(Image.fromarray(np.where(hole, 0, 255).astype(np.uint8)))
    files["grey"] = saved(grey, "PNG")
    palette = Image.fromarray(np.where(hole, 0, GREY // 2 + 64).astype(np.uint8)).convert("P")
    files["palette"] = saved(palette, "PNG", transparency=0)
    files["gif"] = saved(palette, "GIF", transparency=0)
    for kind, data in files.items():
        pixels = read_picture(data).pixels
        assert (pixels[hole] >= 254).all(), kind
        assert pixels[~hole].mean() < 200, kind


def test_another_colour_profile_is_brought_to_srgb() -> None:
    """A profile whose red and green are exchanged, in a file whose red and green are, too."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = plain.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be")).replace(b"sRGB", b"xRGB")
    data = saved(Image.fromarray(np.ascontiguousarray(COLOUR[..., [1, 0, 2]])), "PNG", icc_profile=swapped)
    assert np.abs(read_picture(data).pixels.astype(int) - COLOUR).mean() < 3
    broken = saved(Image.fromarray(COLOUR), "PNG", icc_profile=b"no profile")
    assert np.array_equal(read_picture(broken).pixels, COLOUR)


def test_what_is_no_picture_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    whole = COLOURS["jpeg"]
    cases = {
        "folder.jpg": "it is a folder",
        "absent.jpg": "No such file",
        "empty.jpg": "it is empty",
        "half.jpg": "it is cut off",
        "half.png": "it is cut off",
        "._a.jpg": "what a Mac keeps beside a file",
        "pointer.jpg": "Git LFS",
        "text.jpg": "no picture",
        "range.tif": "no known scale",
        "nan.tif": "none of its levels is a number",
        "photo.heic": "HEIC",
        "drawing.jpg": "EPS",
    }
    contents = {
        "empty.jpg": b"",
        "half.jpg": whole[: len(whole) // 2],
        "half.png": COLOURS["png"][: len(COLOURS["png"]) // 2],
        "._a.jpg": b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(80),
        "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "text.jpg": b"no pixels here",
        "range.tif": tiff(np.linspace(-500, 3000, 64).reshape(8, 8).astype(np.float32)),
        "nan.tif": tiff(np.full((8, 8), np.nan, np.float32)),
        "photo.heic": b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(40),
        "drawing.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    for name, reason in cases.items():
        with pytest.raises(DataError) as raised:
            read_picture(tmp_path / name, name)
        assert str(raised.value).startswith(f"cannot read the picture {name}: ")
        assert reason in str(raised.value), name
        assert "\n" not in str(raised.value)


def test_cut_and_flipped_files_never_end_in_anything_but_a_line() -> None:
    rng = np.random.default_rng(0)
    for data in [*COLOURS.values(), *GREYS.values()]:
        for _ in range(8):
            spoiled = bytearray(data[: rng.integers(1, len(data))] if rng.random() < 0.5 else data)
            for place in rng.integers(0, len(spoiled), 6):
                spoiled[place] = rng.integers(256)
            try:
                pixels = read_picture(bytes(spoiled)).pixels
            except DataError:
                continue
            assert pixels.dtype == np.uint8


def test_threads_read_the_same(tmp_path: Path) -> None:
    jobs = [*COLOURS.values()] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(read_picture, jobs))
    assert all(np.array_equal(one.pixels, read_picture(data).pixels) for one, data in zip(together, jobs, strict=True))


def test_a_mapped_frame_of_deep_colour_is_what_the_file_holds() -> None:
    """PyAV, which reads the lower 8 bits, gives back the numbers that were written."""
    with av.open(io.BytesIO(COLOURS["png 12 in 16"]), "r") as container:
        frame = next(iter(container.decode(video=0)))
    assert np.array_equal(frame.to_ndarray(format="rgb48le"), DEEP_COLOUR >> 4)
