from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clips
from mer_batch.errors import InputError, UsageError
from mer_batch.media import audio_track, load_audio, probe, read_audio
from mer_batch.types import SAMPLE_RATE, Media, Samples


def click_time(media: Media, **options: float) -> float:
    """When the first loud sample comes, from the blocks of `read_audio`."""
    for start, samples in read_audio(media, block=1.0, **options):
        loud = np.flatnonzero(np.abs(samples) > 0.3)
        if len(loud):
            return start + float(loud[0]) / SAMPLE_RATE
    raise AssertionError("no click")


def joined(media: Media, **options: float) -> Samples:
    return np.concatenate([samples for _, samples in read_audio(media, **options)])


FORMATS = {
    "wav": ("-c:a", "pcm_s16le"),
    "mp3": ("-c:a", "libmp3lame"),
    "m4a": ("-c:a", "aac"),
    "opus": ("-c:a", "libopus"),
    "mkv": ("-c:a", "flac"),
    "ts": ("-c:a", "mp2"),
    "aac": ("-c:a", "aac"),
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_click_lands_at_its_time(tmp_path: Path, each_ffmpeg: Callable[[], None], suffix: str) -> None:
    clips.needs_encoder(FORMATS[suffix][1])
    path = clips.make(tmp_path / f"a.{suffix}", *clips.click(6.5, 8), *FORMATS[suffix])
    each_ffmpeg()
    media = probe(path)
    assert media.video is None
    whole = click_time(media)
    # Raw AAC and MP2 in a transport stream cannot say how much their encoder put in front.
    assert whole == pytest.approx(6.5, abs=0.05 if suffix in ("aac", "ts") else 0.005)
    assert click_time(media, start=6.0) == pytest.approx(whole, abs=0.001)


def test_late_audio(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    inputs = (*clips.clock(5), "-itsoffset", "2", *clips.click(0.5, 2), "-map", "0", "-map", "1")
    path = clips.make(tmp_path / "a.mp4", *inputs, *clips.X264, "-c:a", "aac")
    each_ffmpeg()
    media = probe(path)
    start, _ = next(read_audio(media))
    assert start == pytest.approx(2, abs=0.03)
    assert click_time(media) == pytest.approx(2.5, abs=0.005)
    samples = load_audio(media, 1.0, 3.0)
    assert samples.shape == (2 * SAMPLE_RATE,)
    assert not samples[: int(0.9 * SAMPLE_RATE)].any()
    assert np.flatnonzero(np.abs(samples) > 0.3)[0] / SAMPLE_RATE == pytest.approx(1.5, abs=0.005)
    assert load_audio(media, 4.5, 6.0).shape == (24_000,)


def test_start_offset(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    source = clips.make(tmp_path / "a.mp4", *clips.clock(5), *clips.click(3.5, 5), *clips.X264, "-c:a", "aac")
    path = clips.make(tmp_path / "b.mkv", "-itsoffset", "100", "-i", f"{source}", "-c", "copy")
    each_ffmpeg()
    media = probe(path)
    assert media.origin == pytest.approx(100, abs=0.05)
    assert click_time(media) == pytest.approx(3.5 + 100 - media.origin, abs=0.005)
    assert click_time(media, start=3.0) == pytest.approx(3.5 + 100 - media.origin, abs=0.005)


def test_a_hole_in_the_sound_is_silence(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    # Packets between 1 and 3 s are dropped; the click after the hole must stay where it was.
    source = clips.make(tmp_path / "a.mkv", *clips.click(3.5, 5), "-c:a", "flac")
    drop = ("-bsf:a", "noise=drop=gt(pts*tb\\,1)*lt(pts*tb\\,3)")
    path = clips.make(tmp_path / "b.mkv", "-i", f"{source}", "-c", "copy", *drop)
    each_ffmpeg()
    media = probe(path)
    assert click_time(media) == pytest.approx(3.5, abs=0.005)
    assert len(joined(media)) == pytest.approx(5 * SAMPLE_RATE, abs=50)
    # A hole longer than a block starts a new block at its true time.
    starts = [start for start, _ in read_audio(media, block=1.5)]
    assert any(start == pytest.approx(3, abs=0.15) for start in starts)


def test_overlapping_stamps_do_not_shift_what_follows(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    source = clips.make(tmp_path / "a.mkv", *clips.click(3.5, 5), "-c:a", "flac")
    early = ("-bsf:a", "setts=ts=if(gt(N\\,20)\\,TS-0.08/TB\\,TS)")
    path = clips.make(tmp_path / "b.mkv", "-i", f"{source}", "-c", "copy", *early)
    each_ffmpeg()
    media = probe(path)
    assert click_time(media) == pytest.approx(3.42, abs=0.005)
    assert len(joined(media)) == pytest.approx(4.92 * SAMPLE_RATE, abs=100)


def test_blocks_are_whole_and_seamless(tmp_path: Path) -> None:
    media = probe(clips.make(tmp_path / "a.wav", *clips.tone(5)))
    blocks = list(read_audio(media, block=2.0))
    assert [start for start, _ in blocks] == [0, 2, 4]
    assert [len(samples) for _, samples in blocks] == [32_000, 32_000, 16_000]
    expected = np.sin(2 * np.pi * 440 * np.arange(80_000) / SAMPLE_RATE) / 8
    assert np.abs(joined(media, block=2.0) - expected).max() < 1e-3


def test_range(tmp_path: Path) -> None:
    media = probe(clips.make(tmp_path / "a.wav", *clips.tone(5)))
    [(start, samples)] = read_audio(media, start=1.25, end=3.5)
    assert start == 1.25
    assert len(samples) == 36_000
    assert list(read_audio(media, start=10)) == []


def test_mono_mix_is_not_louder(tmp_path: Path, each_ffmpeg: Callable[[], None]) -> None:
    # aac decodes to floating point, where a careless mix of equal channels gains 3 dB and clips.
    path = clips.make(tmp_path / "a.m4a", *clips.tone(1), "-af", "volume=7.5,pan=stereo|c0=c0|c1=c0", "-c:a", "aac")
    each_ffmpeg()
    samples = joined(probe(path))[1000:-1000]
    assert np.abs(samples).max() == pytest.approx(7.5 / 8, abs=0.02)


def test_tracks(tmp_path: Path, clock_clip: Path) -> None:
    inputs = (
        *clips.silence(2),
        *clips.click(1, 2),
        "-map",
        "0",
        "-map",
        "1",
        "-disposition:a:0",
        "0",
        "-disposition:a:1",
        "default",
    )
    media = probe(clips.make(tmp_path / "a.mka", *inputs, "-c:a", "flac", "-metadata:s:a:1", "language=deu"))
    assert audio_track(media) == 1
    assert joined(media).max() > 0.3
    assert not load_audio(media, 0, 2, track=0).any()
    with pytest.raises(UsageError, match=r"no audio track 7 .*1 \(deu, flac, 1 channels\)"):
        read_audio(media, track=7)
    with pytest.raises(InputError, match="no audio"):
        read_audio(probe(clock_clip))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory use from /proc")
def test_memory_is_constant(tmp_path: Path) -> None:
    short = probe(clips.make(tmp_path / "a.wav", *clips.silence(10)))
    long = probe(clips.make(tmp_path / "b.wav", *clips.silence(1200)))
    for _ in read_audio(short, block=5.0):
        pass
    before = clips.resident_bytes()
    seen = [(len(samples), clips.resident_bytes()) for _, samples in read_audio(long, block=5.0)]
    assert [length for length, _ in seen] == [5 * SAMPLE_RATE] * 240
    # All samples at once would be 77 MB.
    assert max(used for _, used in seen) - before < 15e6
