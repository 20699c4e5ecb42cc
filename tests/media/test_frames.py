import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clips
from mer_batch.errors import InputError, UsageError
from mer_batch.media import grab_frame, probe, process, read_frames
from mer_batch.types import Frame

GREY_STEP = 0.11
"""What the grey level of a clock picture can tell, in seconds."""


def check_clock(frames: list[Frame], shift: float = 0.0, within: float = GREY_STEP) -> None:
    assert frames
    for frame in frames:
        assert clips.clock_time(frame.image) == pytest.approx(frame.time + shift, abs=within)


def times(frames: list[Frame]) -> list[float]:
    return [frame.time for frame in frames]


@pytest.mark.parametrize("fps", [5.0, 100.0])
def test_rate_and_true_times(clock_clip: Path, each_ffmpeg: Callable[[], None], fps: float) -> None:
    each_ffmpeg()
    frames = list(read_frames(probe(clock_clip), fps=fps))
    check_clock(frames)
    step = 1 / min(fps, 25)
    assert len(frames) == pytest.approx(9.6 / step, abs=1)
    assert np.allclose(np.diff(times(frames)), step, atol=0.041)


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "avi", "mpg", "flv"])
def test_a_range_has_the_times_of_the_whole(
    tmp_path: Path, clock_clip: Path, each_ffmpeg: Callable[[], None], container: str
) -> None:
    path = tmp_path / f"a.{container}"
    coding = {"mpg": ("-c:v", "mpeg1video", "-q:v", "2")}
    clips.make(path, "-i", f"{clock_clip}", *coding.get(container, ("-c", "copy")))
    each_ffmpeg()
    media = probe(path)
    whole = list(read_frames(media, fps=25))
    # MPEG-1 leaves out changes as small as from picture to picture; a wrong key frame would be 0.4 s off or more.
    within = 0.3 if container == "mpg" else GREY_STEP
    check_clock(whole, within=within)
    part = list(read_frames(media, fps=25, start=4.1, end=6.3))
    assert np.allclose(times(part), [time for time in times(whole) if 4.1 <= time < 6.3], atol=1e-4)
    check_clock(part, within=within)


def test_variable_frame_rate(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    keep = "select='lt(t,2)+between(t,5,6)*not(mod(n,5))+gt(t,8)'"
    path = clips.make(tmp_path / "a.mkv", *clips.clock(9), "-vf", keep, "-vsync", "vfr", *clips.X264)
    each_ffmpeg()
    frames = list(read_frames(probe(path), fps=5))
    check_clock(frames)
    assert not [time for time in times(frames) if 2.05 < time < 4.95 or 6.05 < time < 7.95]
    assert len([time for time in times(frames) if time < 2]) == 10


def test_start_offset(tmp_path: Path, clock_clip: Path, each_ffmpeg: Callable[[], None]) -> None:
    path = clips.make(tmp_path / "a.ts", "-i", f"{clock_clip}", "-c", "copy", "-output_ts_offset", "3600")
    each_ffmpeg()
    media = probe(path)
    assert media.origin > 3599
    check_clock(list(read_frames(media)))
    check_clock(list(read_frames(media, start=7)))


def test_video_that_starts_late(tmp_path: Path, clock_clip: Path) -> None:
    inputs = (*clips.tone(6), "-itsoffset", "1.5", "-i", f"{clock_clip}", "-map", "0", "-map", "1")
    media = probe(clips.make(tmp_path / "a.mkv", *inputs, "-c:v", "copy", "-c:a", "flac"))
    frames = list(read_frames(media))
    assert frames[0].time == pytest.approx(1.5, abs=0.01)
    check_clock(frames, shift=-1.5)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_upright(tmp_path: Path, each_ffmpeg: Callable[[], None], degrees: int) -> None:
    turn = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}[degrees]
    stored = clips.make(tmp_path / "a.mp4", *clips.corners(), "-vf", turn, *clips.X264)
    path = clips.turned(tmp_path / "b.mp4", stored, degrees)
    each_ffmpeg()
    media = probe(path)
    assert media.video is not None
    assert (media.video.width, media.video.height) == (96, 64)
    assert media.video.rotation % 360 == degrees
    assert corner_names(next(read_frames(media))) == ["red", "lime", "blue", "white"]


def corner_names(frame: Frame) -> list[str]:
    colours = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
    height, width, _ = frame.image.shape
    spots = [frame.image[y, x] for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [min(colours, key=lambda name: np.abs(spot - np.array(colours[name])).sum()) for spot in spots]


CODECS = {
    "10-bit": ("libx264", "a.mp4", ("-pix_fmt", "yuv420p10le")),
    "4:4:4 odd size": ("libx264", "a.mp4", ("-pix_fmt", "yuv444p", "-vf", "scale=95:63")),
    "hevc 10-bit": (
        "libx265",
        "a.mp4",
        ("-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none", "-preset", "ultrafast"),
    ),
    "av1": ("libaom-av1", "a.mkv", ("-cpu-used", "8", "-usage", "realtime")),
    "alpha": ("png", "a.mov", ("-pix_fmt", "rgba")),
    "prores": ("prores", "a.mov", ()),
    "mjpeg": ("mjpeg", "a.avi", ("-pix_fmt", "yuvj444p", "-q:v", "2")),
    "gif": ("gif", "a.gif", ()),
}


@pytest.mark.parametrize("kind", CODECS)
def test_codecs_and_pixel_formats(tmp_path: Path, each_ffmpeg: Callable[[], None], kind: str) -> None:
    encoder, name, options = CODECS[kind]
    clips.needs_encoder(encoder)
    path = clips.make(tmp_path / name, *clips.corners(), "-c:v", encoder, *options)
    each_ffmpeg()
    frames = list(read_frames(probe(path)))
    assert len(frames) == 5
    assert corner_names(frames[0]) == ["red", "lime", "blue", "white"]


def test_grey(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", *clips.clock(1), "-c:v", "ffv1", "-pix_fmt", "gray")
    check_clock(list(read_frames(probe(path))))


def test_square_pixels(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    path = clips.make(tmp_path / "a.mp4", *clips.corners(), "-vf", "scale=48:64,setsar=2", *clips.X264)
    each_ffmpeg()
    media = probe(path)
    assert next(read_frames(media)).image.shape == (64, 96, 3)
    assert any("not square" in note for note in media.notes)


def test_interlaced_video_is_deinterlaced(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    # A bright bar jumps between the fields, so that woven lines differ by much and mended ones by little.
    level = "if(between(X,mod(N*16,112),mod(N*16,112)+16),235,16)"
    bar = f"color=gray:size=128x96:rate=50:duration=1,format=gray,geq=lum='{level}'"
    source = ("-f", "lavfi", "-i", bar, "-vf", "tinterlace=interleave_top,setfield=tff")
    path = clips.make(tmp_path / "a.mpg", *source, "-c:v", "mpeg2video", "-q:v", "1", "-flags", "+ilme+ildct")
    each_ffmpeg()
    media = probe(path)
    assert media.video is not None
    assert media.video.interlaced
    lines = next(read_frames(media, start=0.3)).image[:, :, 0].astype(float)
    combing = np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean()
    assert combing < 5


def test_pictures_are_writable(clock_clip: Path) -> None:
    next(read_frames(probe(clock_clip))).image[:] = 0


def test_one_pixel_and_one_picture(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", *clips.clock(0.04, size="1x1"), "-c:v", "ffv1")
    [frame] = read_frames(probe(path))
    assert frame.image.shape == (1, 1, 3)


def test_grab_frame(clock_clip: Path, tmp_path: Path) -> None:
    media = probe(clock_clip)
    for time in (0.0, 3.2, 9.0):
        frame = grab_frame(media, time)
        assert frame is not None
        assert frame.time == pytest.approx(time, abs=0.041)
    last = grab_frame(media, 30)
    assert last is None
    end = grab_frame(media, media.duration)
    assert end is not None
    assert end.time > 9.3
    assert grab_frame(probe(clips.make(tmp_path / "a.wav", *clips.tone(1))), 0.5) is None


def test_bad_requests(clock_clip: Path, tmp_path: Path) -> None:
    media = probe(clock_clip)
    for options in ({"fps": 0}, {"fps": float("nan")}, {"start": -1}, {"start": 3, "end": 3}):
        with pytest.raises(UsageError):
            read_frames(media, **options)
    with pytest.raises(InputError, match="no video"):
        read_frames(probe(clips.make(tmp_path / "a.wav", *clips.tone(1))))
    assert list(read_frames(media, start=100)) == []


def test_damage_is_told_and_the_rest_is_read(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    path = clips.make(tmp_path / "a.mp4", *clips.clock(4, size="320x240"), *clips.X264, "-g", "10")
    content = bytearray(path.read_bytes())
    middle = range(len(content) // 3, len(content) * 2 // 3, 7)
    for place in middle:
        content[place] ^= 0x5A
    path.write_bytes(content)
    each_ffmpeg()
    told: list[str] = []
    frames = list(read_frames(probe(path), on_warning=told.append))
    assert len(frames) > 5
    assert len(told) == 1
    assert "the video is damaged" in told[0]
    assert "\n" not in told[0]


def test_nothing_decodes(clock_clip: Path, tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(clock_clip.read_bytes())
    media = probe(path)
    path.write_bytes(b"gone")
    each_ffmpeg()
    with pytest.raises(InputError, match=r"the video of 'a.mp4' cannot be decoded"):
        list(read_frames(media))


def test_closing_ends_ffmpeg(clock_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(process.subprocess, "Popen", Watched)
    frames = read_frames(probe(clock_clip), fps=25)
    next(frames)
    [running] = started
    frames.close()
    # A return code means that it was waited for: no zombie stays.
    assert running.returncode is not None
    assert running.stdout is not None
    assert running.stdout.closed


def test_ffmpeg_starts_at_once_and_ends_unread(clock_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works while its caller loads models; a caller who never gets to read leaves none running."""
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(process.subprocess, "Popen", Watched)
    closed, forgotten = read_frames(probe(clock_clip), fps=25), read_frames(probe(clock_clip), fps=25)
    assert [running.returncode for running in started] == [None, None]
    closed.close()
    del forgotten
    assert all(running.returncode is not None for running in started)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory use from /proc")
def test_memory_is_constant(tmp_path: Path) -> None:
    short = clips.make(tmp_path / "a.mp4", *clips.corners(10, fps=5, size="320x240"), *clips.X264)
    long = clips.make(tmp_path / "b.mp4", "-stream_loop", "59", "-i", f"{short}", "-c", "copy")
    for _ in read_frames(probe(short)):
        pass
    before = clips.resident_bytes()
    peak = max(clips.resident_bytes() for _ in read_frames(probe(long)))
    # All 3000 pictures would be 690 MB.
    assert peak - before < 30e6
