"""Recordings joined byte by byte: their clocks begin again, and pictures, sound and words go on without a break."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import clips
from mer_batch.errors import InputError
from mer_batch.media import grab_frame, probe, read_audio, read_frames, read_subtitles
from mer_batch.media.parts import joined
from mer_batch.media.scan import Extent
from mer_batch.types import SAMPLE_RATE, Media

SECONDS = 2.0
"""Length of every recording; a click comes 0.5 s after it begins."""
GREY_STEP = 0.11
H264 = (*clips.X264, "-g", "25", "-c:a", "aac")
MPEG = ("-c:v", "mpeg2video", "-q:v", "2", "-g", "12", "-bf", "2", "-c:a", "mp2", "-f", "mpeg")
KINDS = {
    "ts": H264,
    "m2ts": H264,
    "mpg": MPEG,
    "mkv": H264,
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M", "-c:a", "libopus"),
    "mp4": H264,
    "fragments.mp4": (*H264, "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
    "flv": (*H264, "-ar", "22050"),
}


@dataclass(frozen=True)
class Pieces:
    """Makes recordings once and joins them."""

    folder: Path

    def piece(self, number: int, kind: str, *options: str) -> bytes:
        path = self.folder / f"{number}{''.join(options).replace('/', '')}.{kind}"
        if not path.exists():
            inputs = (*clips.clock(SECONDS, begin=number * SECONDS), *clips.click(0.5, SECONDS))
            clips.make(path, *inputs, *KINDS[kind], *options)
        return path.read_bytes()

    def joined(self, kind: str, *pieces: bytes) -> Path:
        path = self.folder / f"joined.{kind}"
        path.write_bytes(b"".join(pieces))
        return path


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Pieces:
    return Pieces(tmp_path_factory.mktemp("pieces"))


def check(media: Media, count: int, within: float = 0.1, **span: float) -> None:
    """Pictures show their time, clicks come at theirs, and nothing is missing."""
    start, end = span.get("start", 0.0), span.get("end", count * SECONDS)
    frames = list(read_frames(media, fps=25, **span))
    assert len(frames) == pytest.approx((end - start) * 25, abs=4)
    times = [frame.time for frame in frames]
    assert all(np.diff(times) > 0)
    late = [frame.time - clips.clock_time(frame.image) for frame in frames]
    assert min(late) > -within
    assert max(late) < within + GREY_STEP
    expected = [0.5 + number * SECONDS for number in range(count)]
    assert clicks(media, **span) == pytest.approx([time for time in expected if start <= time < end], abs=within)


def clicks(media: Media, **span: float) -> list[float]:
    """When loud samples come, those within 0.5 s as one."""
    found: list[float] = []
    for start, samples in read_audio(media, **span):
        for place in np.flatnonzero(np.abs(samples) > 0.3):
            time = start + float(place) / SAMPLE_RATE
            if not found or time - found[-1] > 0.5:
                found.append(time)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_two_recordings_go_on_without_a_break(pieces: Pieces, kind: str) -> None:
    media = probe(pieces.joined(kind, pieces.piece(0, kind), pieces.piece(1, kind)))
    assert media.duration == pytest.approx(2 * SECONDS, abs=0.2)
    assert any("2 recordings are joined" in note for note in media.notes)
    assert any("clock in the file begins again at 2.0" in note for note in media.notes)
    # An MP4 in fragments that was written without an edit list does not say that its sound begins early.
    check(media, 2, within=0.17 if kind == "fragments.mp4" else 0.1)


@pytest.mark.parametrize("kind", ["ts", "mpg"])
def test_ranges_of_three_recordings(pieces: Pieces, each_ffmpeg: Callable[[], None], kind: str) -> None:
    path = pieces.joined(kind, *(pieces.piece(number, kind) for number in range(3)))
    each_ffmpeg()
    media = probe(path)
    assert media.video is not None
    assert media.video.duration == pytest.approx(3 * SECONDS, abs=0.1)
    check(media, 3)
    check(media, 3, start=1.2, end=4.9)
    check(media, 3, start=4.4, end=5.9)
    frame = grab_frame(media, 4.8)
    assert frame is not None
    assert clips.clock_time(frame.image) == pytest.approx(4.8, abs=0.2)


def test_steps_of_sampling_run_through_a_join(pieces: Pieces) -> None:
    media = probe(pieces.joined("ts", pieces.piece(0, "ts"), pieces.piece(1, "ts")))
    times = [frame.time for frame in read_frames(media, fps=5, start=0.5)]
    steps = np.floor((np.array(times) - 0.5) * 5 + 0.01)
    assert steps.tolist() == list(range(len(times)))


def test_a_clock_that_jumps_hours_ahead_and_back(pieces: Pieces, each_ffmpeg: Callable[[], None]) -> None:
    ahead = pieces.piece(1, "ts", "-output_ts_offset", "3600")
    path = pieces.joined("ts", pieces.piece(0, "ts"), ahead, pieces.piece(2, "ts"))
    each_ffmpeg()
    media = probe(path)
    assert any("jumps ahead by 359" in note and "not for a pause" in note for note in media.notes)
    check(media, 3)


def test_a_clock_that_wraps_after_26_hours(pieces: Pieces, each_ffmpeg: Callable[[], None]) -> None:
    path = pieces.joined("ts", pieces.piece(0, "ts", "-output_ts_offset", "95441.5"))
    each_ffmpeg()
    media = probe(path)
    assert media.parts == ()
    check(media, 1)
    # Counted from a clock that begins high, one that begins at 0 seems to jump ahead by a day.
    high = pieces.piece(0, "ts", "-output_ts_offset", "72000")
    check(probe(pieces.joined("ts", high, pieces.piece(1, "ts"))), 2)


def test_recordings_of_other_streams(pieces: Pieces) -> None:
    other_numbers = pieces.piece(1, "ts", "-mpegts_start_pid", "0x300")
    other_order = pieces.piece(2, "ts", "-map", "1", "-map", "0")
    other_codecs = pieces.piece(3, "ts", "-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2")
    path = pieces.joined("ts", pieces.piece(0, "ts"), other_numbers, other_order, other_codecs, pieces.piece(4, "ts"))
    media = probe(path)
    assert len(media.parts) == 5
    check(media, 5)


def test_streams_that_come_up_late(tmp_path: Path) -> None:
    noise = ("-f", "lavfi", "-i", "nullsrc=s=320x240:r=25:d=8,geq=random(1)*255:128:128")
    coding = (*clips.X264[:4], "-b:v", "4M", "-pix_fmt", "yuv420p")
    first = clips.make(tmp_path / "a.ts", *noise, *coding)
    second = clips.make(tmp_path / "b.ts", *noise, *coding, "-mpegts_start_pid", "0x300")
    path = tmp_path / "c.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    assert probe(path).duration == pytest.approx(16, abs=0.2)


def test_a_recording_without_pictures_between_two_with(pieces: Pieces) -> None:
    silent = pieces.piece(1, "ts", "-map", "1", "-vn")
    media = probe(pieces.joined("ts", pieces.piece(0, "ts"), silent, pieces.piece(2, "ts")))
    told: list[str] = []
    frames = list(read_frames(media, on_warning=told.append))
    missing = [frame for frame in frames if frame.damage == 1]
    assert [frame.time for frame in missing] == pytest.approx([SECONDS], abs=0.1)
    assert any("no pictures" in sentence for sentence in told)
    assert len(clicks(media)) == 3


def test_what_cannot_be_read_is_left_out_and_counted(pieces: Pieces) -> None:
    media = probe(pieces.joined("ts", pieces.piece(0, "ts"), pieces.piece(1, "ts")))
    kept = joined([part.media for part in media.parts], lost=2)
    assert any("2 of the recordings" in note and "left out" in note for note in kept.notes)
    check(kept, 2)
    only = joined([media.parts[1].media], lost=1)
    assert clicks(only) == pytest.approx([0.5], abs=0.1)
    head = pieces.piece(0, "mkv")[:300]
    with pytest.raises(InputError):
        probe(pieces.joined("mkv", head, head))


@pytest.mark.parametrize("suffix", ["mp3", "aac", "ac3", "ogg", "opus", "flac", "wav"])
def test_sound_alone(tmp_path: Path, suffix: str) -> None:
    coding = {"ogg": ("-c:a", "libvorbis")}.get(suffix, ())
    sound = clips.make(tmp_path / f"a.{suffix}", *clips.click(0.5, SECONDS), *coding).read_bytes()
    path = tmp_path / f"b.{suffix}"
    path.write_bytes(sound + sound + sound)
    media = probe(path)
    assert clicks(media) == pytest.approx([0.5, 2.5, 4.5], abs=0.2)
    assert clicks(media, start=2.2) == pytest.approx(clicks(media)[1:], abs=0.05)


def test_subtitles(tmp_path: Path, pieces: Pieces) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    joined = b""
    for number in range(2):
        source = tmp_path / f"{number}.mkv"
        source.write_bytes(pieces.piece(number, "mkv"))
        titled = clips.make(tmp_path / f"t{number}.mkv", "-i", f"{source}", "-i", f"{tmp_path / 'a.srt'}", "-c", "copy")
        joined += titled.read_bytes()
    path = tmp_path / "joined.mkv"
    path.write_bytes(joined)
    assert [cue.start for cue in read_subtitles(probe(path)).utterances] == pytest.approx([0.5, 2.5], abs=0.1)


def test_a_pause_in_a_container_with_one_clock_is_kept(tmp_path: Path, pieces: Pieces) -> None:
    source = tmp_path / "a.mkv"
    source.write_bytes(pieces.piece(0, "mkv"))
    pause = ("-c", "copy", "-bsf:v", "setts=ts=if(gt(TS*TB\\,1)\\,TS+60/TB\\,TS)")
    media = probe(clips.make(tmp_path / "b.mkv", "-i", f"{source}", *pause))
    assert media.parts == ()
    assert media.duration == pytest.approx(62, abs=0.2)


def test_a_wrong_stamp_is_no_join() -> None:
    extent = Extent(ahead=10.0)
    for number in range(50):
        time = 5000 if number == 20 else number
        packet = SimpleNamespace(
            pts=time, dts=time, duration=1, time_base=1, is_discard=False, pos=100 * number, size=100,
            is_keyframe=False, has_sidedata=lambda kind: False,
        )  # fmt: skip
        extent.add(packet, keep_time=False)
    assert extent.jumps == []
