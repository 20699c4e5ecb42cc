"""Pictures whose size, shape of pixels, turn or fields change within a file come in their true shape."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

import clips
from mer_batch.media import grab_frame, probe, read_frames
from mer_batch.types import Frame

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
TS = (*clips.X264, "-g", "10", "-muxdelay", "0", "-muxpreload", "0")


def corners(frame: Frame) -> list[str]:
    height, width, _ = frame.image.shape
    spots = [frame.image[y, x] for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [min(COLOURS, key=lambda name: np.abs(spot - np.array(COLOURS[name])).sum()) for spot in spots]


def joined(folder: Path, *pieces: Sequence[str], suffix: str = "ts") -> Path:
    """Pieces of a second of coloured corners, one after the other on one clock."""
    parts = []
    for number, piece in enumerate(pieces):
        offset = ("-output_ts_offset", str(number))
        parts.append(clips.make(folder / f"{number}.{suffix}", *piece, *offset).read_bytes())
    path = folder / f"joined.{suffix}"
    path.write_bytes(b"".join(parts))
    return path


def sizes(frames: Sequence[Frame]) -> dict[tuple[int, int], tuple[float, float]]:
    """From when to when each size (width, height) comes."""
    found: dict[tuple[int, int], tuple[float, float]] = {}
    for frame in frames:
        size = (frame.image.shape[1], frame.image.shape[0])
        found[size] = (found.get(size, (frame.time, 0))[0], frame.time)
    return found


def test_a_turned_picture(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    wide, tall = clips.corners(size="96x64"), clips.corners(size="64x96")
    path = joined(tmp_path, (*wide, *TS), (*tall, *TS), (*wide, *TS))
    each_ffmpeg()
    told: list[str] = []
    media = probe(path)
    frames = list(read_frames(media, on_warning=told.append))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(15) / 5, abs=0.11)
    assert [frame.image.shape[:2] for frame in frames] == [(64, 96)] * 5 + [(96, 64)] * 5 + [(64, 96)] * 5
    assert all(corners(frame) == list(COLOURS) for frame in frames)
    assert told == [
        f"the picture changes from 96 x 64 to 64 x 96 at {frames[5].time:.2f} s, and 1 more time; "
        "it is read in its true shape"
    ]
    tall_one = grab_frame(media, 1.5)
    assert tall_one is not None
    assert tall_one.image.shape == (96, 64, 3)


def test_a_range_that_begins_in_another_shape(tmp_path: Path) -> None:
    path = joined(tmp_path, (*clips.corners(), *TS), (*clips.corners(size="64x96"), *TS))
    frames = list(read_frames(probe(path), start=1.3))
    assert {frame.image.shape for frame in frames} == {(96, 64, 3)}
    assert len(frames) == 4


@pytest.mark.parametrize("codec", ["h264", "mpeg2"])
def test_pixels_of_another_shape(tmp_path: Path, each_ffmpeg: Callable[[], None], codec: str) -> None:
    coding = TS if codec == "h264" else ("-c:v", "mpeg2video", "-q:v", "2", "-g", "10", *TS[-4:])
    source, fps = clips.corners(size="96x72", fps=25), ("-r", "25")
    path = joined(tmp_path, (*source, "-aspect", "4:3", *coding, *fps), (*source, "-aspect", "16:9", *coding, *fps))
    each_ffmpeg()
    frames = list(read_frames(probe(path)))
    assert sizes(frames).keys() == {(96, 72), (128, 72)}
    assert sizes(frames)[128, 72][0] == pytest.approx(1, abs=0.1)
    assert all(corners(frame) == list(COLOURS) for frame in frames)


def test_the_turn_that_pictures_tell_themselves(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    upright = (*clips.corners(), *TS)
    flag = ("-bsf:v", "h264_metadata=display_orientation=insert:rotate=90")
    path = joined(tmp_path, upright, (*clips.corners(), "-vf", "transpose=clock", *TS, *flag))
    each_ffmpeg()
    told: list[str] = []
    frames = list(read_frames(probe(path), on_warning=told.append))
    assert {frame.image.shape for frame in frames} == {(64, 96, 3)}
    assert all(corners(frame) == list(COLOURS) for frame in frames)


def test_fields_that_come_later_are_woven_apart(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    level = "if(between(X,mod(N*16,112),mod(N*16,112)+16),235,16)"
    bar = ("-f", "lavfi", "-i", f"color=gray:size=128x96:rate=50:duration=1,format=gray,geq=lum='{level}'")
    coding = ("-c:v", "mpeg2video", "-q:v", "1", "-g", "10", *TS[-4:])
    fields = ("-vf", "tinterlace=interleave_top,setfield=tff", *coding, "-flags", "+ilme+ildct")
    path = joined(tmp_path, (*bar, "-r", "25", *coding), (*bar, *fields))
    each_ffmpeg()
    media = probe(path)
    assert media.video is not None
    assert not media.video.interlaced
    for frame in read_frames(media, start=1.3):
        lines = frame.image[:, :, 0].astype(float)
        assert np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean() < 5


@pytest.mark.parametrize("codec", ["libvpx", "mjpeg"])
def test_a_call_whose_bandwidth_changes(tmp_path: Path, each_ffmpeg: Callable[[], None], codec: str) -> None:
    path = tmp_path / "a.mkv"
    _write_changing(path, codec, ((96, 64), (64, 96), (192, 128), (96, 64)))
    each_ffmpeg()
    frames = list(read_frames(probe(path)))
    assert sizes(frames) == {
        (96, 64): (0.0, pytest.approx(3.8)),
        (64, 96): (pytest.approx(1), pytest.approx(1.8)),
        (192, 128): (pytest.approx(2), pytest.approx(2.8)),
    }
    assert all(corners(frame) == list(COLOURS) for frame in frames)


def _write_changing(path: Path, codec: str, shapes: Sequence[tuple[int, int]]) -> None:
    """A second at 10 pictures a second of each size, in one track."""
    with av.open(path, "w") as container:
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream = container.add_stream(codec, rate=10, width=shapes[0][0], height=shapes[0][1], pix_fmt=pixels)
        for number, (width, height) in enumerate(shapes):
            encoder = av.CodecContext.create(codec, "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
            encoder.time_base, encoder.framerate = Fraction(1, 10), Fraction(10)
            picture = np.zeros((height, width, 3), np.uint8)
            quarters = np.array(list(COLOURS.values()), np.uint8).reshape(2, 2, 3)
            picture[:] = quarters.repeat(height // 2, 0).repeat(width // 2, 1)
            for time in range(10 * number, 10 * number + 10):
                frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
                frame.pts, frame.time_base = time, Fraction(1, 10)
                _mux(container, stream, encoder.encode(frame))
            _mux(container, stream, encoder.encode(None))


def _mux(container: av.container.OutputContainer, stream: av.VideoStream, packets: Sequence[av.Packet]) -> None:
    for packet in packets:
        packet.stream, packet.time_base = stream, Fraction(1, 10)
        container.mux(packet)


RAW = {
    "h264": (*clips.X264, "-r", "30"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-r", "30"),
    "m2v": ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-r", "30"),
}


@pytest.mark.parametrize("suffix", RAW)
def test_streams_without_time_stamps_are_counted(tmp_path: Path, each_ffmpeg: Callable[[], None], suffix: str) -> None:
    path = clips.make(tmp_path / f"a.{suffix}", *clips.clock(3, fps=30), *RAW[suffix])
    each_ffmpeg()
    media = probe(path)
    assert media.duration == pytest.approx(3, abs=0.05)
    assert "the file holds no time stamps; times count its pictures at 30 a second, as its header says" in media.notes
    for start in (0.0, 1.4):
        frames = list(read_frames(media, fps=30, start=start))
        assert len(frames) == round((3 - start) * 30)
        # The second reading of a picture that hardly changes is as coarse as its coding.
        assert all(abs(clips.clock_time(frame.image) - frame.time) < 0.16 for frame in frames)


def test_a_rate_that_no_header_says_is_assumed(tmp_path: Path) -> None:
    media = probe(clips.make(tmp_path / "a.mjpeg", *clips.clock(2, fps=25), "-q:v", "2"))
    assert any("25 a second, which is assumed" in note for note in media.notes)
    assert media.duration == pytest.approx(2)
