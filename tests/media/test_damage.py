"""Damaged pictures are marked, lost ones are told, and a seek that gives either begins earlier."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import clips
from mer_batch.media import grab_frame, grab_frames, probe, read_frames
from mer_batch.media.journal import MADE_UP, Journal, Shown
from mer_batch.media.look import Look
from mer_batch.types import Frame

MOVING = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=8")
LONG = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-g", "250", "-sc_threshold", "0"),
    "mpeg4": ("-c:v", "mpeg4", "-q:v", "4", "-g", "250", "-sc_threshold", "1000000000"),
    "hevc": (
        "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=250:scenecut=0",
        "-tag:v", "hvc1",
    ),
}  # fmt: skip
SHORT = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p")


Maker = Callable[..., Path]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes a clip of the moving picture, each only once: (name, arguments)."""
    folder = tmp_path_factory.mktemp("moving")

    def make(name: str, *arguments: str) -> Path:
        path = folder / name
        return path if path.exists() else clips.make(path, *MOVING, *arguments)

    return make


def without_marks(path: Path) -> Path:
    """The MP4 without its list of key frames: every picture then counts as one."""
    bare = path.with_name(f"bare_{path.name}")
    bare.write_bytes(path.read_bytes().replace(b"stss", b"free"))
    return bare


def check_like_whole(frames: Sequence[Frame], whole: Sequence[Frame], above: float = 60.0) -> None:
    """The pictures are those that reading from the start gives, by their signal to noise ratio in dB."""
    images = {round(frame.time, 3): frame.image.astype(float) for frame in whole}
    for frame in frames:
        noise = ((images[round(frame.time, 3)] - frame.image) ** 2).mean()
        assert 10 * np.log10(255**2 / max(noise, 1e-3)) > above


@pytest.mark.parametrize("codec", LONG)
def test_wrong_marks_of_key_frames(clip: Maker, each_ffmpeg: Callable[[], None], codec: str) -> None:
    path = without_marks(clip(f"{codec}.mp4", *LONG[codec]))
    each_ffmpeg()
    media = probe(path)
    told: list[str] = []
    frames = list(read_frames(media, start=5.0, on_warning=told.append))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(5, 8, 0.2))
    assert not any(frame.damage for frame in frames)
    check_like_whole(frames, list(read_frames(media)))
    assert told == ["the pictures at 5.00 s do not decode from the key frames near them; decoding began earlier"]


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_a_stream_that_renews_itself_bit_by_bit(clip: Maker, each_ffmpeg: Callable[[], None], suffix: str) -> None:
    refresh = ("-c:v", "libx264", "-preset", "veryfast", "-x264-params", "intra-refresh=1:keyint=50")
    source = clip(f"refresh.{suffix}", *refresh)
    # Its messages (SEI) say where decoding may begin; without them nothing does.
    mute = source.with_name(f"mute.{suffix}")
    clips.make(mute, "-i", f"{source}", "-c", "copy", "-bsf:v", "filter_units=remove_types=6")
    each_ffmpeg()
    for path, above in ((source, 30.0), (mute, 60.0)):
        media = probe(path)
        frames = list(read_frames(media, start=6.0))
        assert len(frames) == pytest.approx(10, abs=1)
        check_like_whole(frames, list(read_frames(media)), above)


def test_key_frames_that_need_a_picture_before(clip: Maker, each_ffmpeg: Callable[[], None]) -> None:
    gop = ("-c:v", "libx264", "-preset", "veryfast", "-x264-params", "open-gop=1:keyint=25:scenecut=0:bframes=3")
    path = clip("open.mkv", *gop)
    each_ffmpeg()
    media, told = probe(path), list[str]()
    frames = list(read_frames(media, start=5.0, on_warning=told.append))
    check_like_whole(frames, list(read_frames(media, fps=25)))
    assert not any(frame.damage for frame in frames)
    assert told == []


def test_many_pictures_of_a_file_without_seeking(clip: Maker) -> None:
    times = [6.5, 2.0, 4.3, 30.0, 7.98]
    for path in (without_marks(clip("mpeg4.mp4", *LONG["mpeg4"])), clip("raw.m2v", "-q:v", "2")):
        media = probe(path)
        found = dict(grab_frames(media, times))
        assert list(found) == sorted(times)
        assert found.pop(30.0) is None
        for time, frame in found.items():
            assert frame is not None
            assert frame.time == pytest.approx(time, abs=0.21)
        one = grab_frame(media, 4.3)
        assert one is not None
        assert one.time == pytest.approx(4.3, abs=0.041)


def damaged(frames: Sequence[Frame]) -> tuple[float, float, set[float]]:
    """When the first and the last damaged picture come, and how damaged pictures are."""
    times = [frame.time for frame in frames if frame.damage]
    return min(times), max(times), {frame.damage for frame in frames if frame.damage}


def test_a_stretch_without_data(clip: Maker, tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    path, content = tmp_path / "a.ts", clip("short.ts", *SHORT).read_bytes()
    hole = range(len(content) // 3, len(content) * 3 // 5)
    path.write_bytes(content[: hole.start] + bytes(len(hole)) + content[hole.stop :])
    each_ffmpeg()
    media = probe(path)
    assert media.duration == pytest.approx(8, abs=0.1)
    told: list[str] = []
    frames = list(read_frames(media, on_warning=told.append))
    first, last, _ = damaged(frames)
    assert 2 < first < 3.5
    assert 4 < last < 6.5
    [black] = [frame for frame in frames if not frame.image.any()]
    assert black.damage == 1
    assert black.time == pytest.approx(first, abs=0.5)
    after = frames[frames.index(black) + 1].time
    assert after - black.time > 1
    [sentence] = told
    assert "the video is damaged" in sentence
    assert "made up or missing from" in sentence
    [alone] = read_frames(media, start=black.time + 0.3, end=after - 0.3)
    assert alone.damage == 1


def test_lost_packets(clip: Maker, tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    path, content, chance = tmp_path / "a.ts", clip("short.ts", *SHORT).read_bytes(), random.Random(1)
    packets = [content[place : place + 188] for place in range(0, len(content), 188)]
    third = len(packets) // 3
    kept = [packet for number, packet in enumerate(packets) if not third < number < 2 * third or chance.random() > 0.1]
    path.write_bytes(b"".join(kept))
    each_ffmpeg()
    frames = list(read_frames(probe(path)))
    assert not any(frame.damage for frame in frames if frame.time < 1.5 or frame.time > 7)
    assert len([frame for frame in frames if frame.damage > 0.4]) > 8


def test_an_undamaged_file_has_no_damaged_pictures(clip: Maker, each_ffmpeg: Callable[[], None]) -> None:
    path = clip("short.ts", *SHORT)
    each_ffmpeg()
    media, told = probe(path), list[str]()
    for start in (0.0, 4.0):
        assert not any(frame.damage for frame in read_frames(media, start=start, on_warning=told.append))
    assert told == []


def test_a_file_that_ends_early(clip: Maker, tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    path, content = tmp_path / "a.mp4", clip("fast.mp4", *SHORT, "-movflags", "faststart").read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    each_ffmpeg()
    told: list[str] = []
    frames = list(read_frames(probe(path), on_warning=told.append))
    assert 3 < frames[-1].time < 7.5
    assert all(frame.damage == 0 for frame in frames if frame.time < frames[-1].time - 1.5)
    assert len(told) == 1


def shown(journal: Journal, *lines: str) -> list[Shown]:
    """What a journal makes of lines; a number is a picture of type P at that time in hundredths, I before it of I."""
    for line in lines:
        kind = "I" if line.startswith("I") else "P"
        place = line.removeprefix("I")
        if place.isdigit():
            picture = f"n: 0 pts: {place} pts_time:0 fmt:yuv420p sar:1/1 s:64x64 i:P iskey:0 type:{kind} "
            journal.read(f"[Parsed_showinfo_2 @ 0x7f] [info] {picture}\n".encode())
            journal.read(b"[Parsed_showinfo_2 @ 0x7f] [info] color_range:unknown\n")
        else:
            journal.read(line.encode())
    journal.end()
    return list(journal.until(None))


def run(start: int, stop: int, first: str = "") -> list[str]:
    return [f"{first if time == start else ''}{time}" for time in range(start, stop, 4)]


def test_damage_stays_until_a_picture_that_is_built_on_nothing() -> None:
    concealed = "[h264 @ 0x1] [info] concealing 4 DC, 4 AC, 4 MV errors in P frame"
    pictures = shown(Journal("h264", "mpegts", 100), *run(0, 40, "I"), concealed, *run(40, 400), *run(400, 480, "I"))
    damage = {picture.ticks: picture.damage for picture in pictures}
    assert {damage[time] for time in range(0, 40, 4)} == {0.0}
    assert {damage[time] for time in range(40, 400, 4)} == {0.25}
    assert {damage[time] for time in range(400, 480, 4)} == {0.0}


def test_a_stream_without_pictures_built_on_nothing_heals_in_time() -> None:
    failed = "[hevc @ 0x1] [error] Could not find ref with POC 12"
    pictures = shown(Journal("hevc", "mpegts", 100), *run(0, 40, "I"), failed, *run(40, 4000))
    assert max(picture.damage for picture in pictures) == 1
    assert pictures[-1].damage == 0


@pytest.mark.parametrize(
    ("line", "damage"),
    [
        ("[h264 @ 0x1] [error] SEI type 5 size 1000 truncated at 10", 0.0),
        ("[h264 @ 0x1] [error] error while decoding MB 3 4, bytestream -5", MADE_UP),
        ("[h264 @ 0x1] [error] Missing reference picture, default is 0", 1.0),
        ("[vp9 @ 0x1] [error] Not all references are available", 1.0),
        ("[in#0/mpegts @ 0x1] [warning] Packet corrupt (stream = 1, dts = 27000).", 0.0),
        ("[mpegts @ 0x1] [warning] Packet corrupt (stream = 0, dts = 27000).", 0.0),
        ("[hevc @ 0x1] [mpegts] [warning] Packet corrupt (stream = 0, dts = 27000).", 1.0),
        ("[mpegts @ 0x1] [error] max resync size reached, could not find sync byte", 0.0),
        ("[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [error] Error submitting packet to decoder: Invalid data", 1.0),
        ("[info] Stream mapping:", 0.0),
    ],
)
def test_what_is_said_of_pictures(line: str, damage: float) -> None:
    codec = next((name for name in ("vp9", "hevc") if name in line), "h264")
    pictures = shown(Journal(codec, "mpegts", 100), *run(0, 40, "I"), line, *run(40, 80))
    assert pictures[-1].damage == damage
    assert pictures[-1].look == Look(64, 64, 0, interlaced=False)


def test_missing_pictures_are_lost_only_where_there_is_damage() -> None:
    pause = [*run(0, 200, "I"), *run(400, 440)]
    assert [picture.lost for picture in shown(Journal("h264", "mpegts", 100), *pause) if picture.lost] == []
    torn = "[mpegts @ 0x1] [error] max resync size reached, could not find sync byte"
    pictures = shown(Journal("h264", "mpegts", 100), *run(0, 200, "I"), torn, *run(400, 440))
    assert [(picture.ticks, picture.lost) for picture in pictures if picture.lost] == [(400, 200)]
    lossy = "[mpegts @ 0x1] [warning] Packet corrupt (stream = 0, dts = 176400)."
    for codec in ("h264", "hevc"):
        another = shown(Journal(codec, "mpegts", 100), *run(0, 200, "I"), lossy, *run(400, 440, "I"))
        assert [picture.lost for picture in another if picture.lost] == []
        assert not any(picture.damage for picture in another)
