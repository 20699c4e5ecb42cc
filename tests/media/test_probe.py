import random
from pathlib import Path

import pytest

import clips
from mer_batch.errors import InputError, ModelError
from mer_batch.media import ffmpeg_path, probe, read_frames


def test_video_and_audio(tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "a.mp4", *clips.clock(2), *clips.tone(2), *clips.X264, "-c:a", "aac", "-metadata:s:a", "language=fra"
    )
    media = probe(path)
    assert media.duration == pytest.approx(2, abs=0.05)
    assert media.video is not None
    assert (media.video.width, media.video.height, media.video.codec) == (64, 48, "h264")
    assert media.video.fps == pytest.approx(25)
    [audio] = media.audio
    assert (audio.codec, audio.rate, audio.channels, audio.language) == ("aac", 16_000, 1, "fra")
    assert media.size == path.stat().st_size
    assert len(media.sha256) == 64
    assert media.notes == ()


def test_start_offset_counts_as_zero(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "a.mp4", *clips.clock(2), *clips.X264)
    media = probe(clips.make(tmp_path / "b.mkv", "-itsoffset", "7.5", "-i", f"{source}", "-c", "copy", "-copyts"))
    assert media.origin == pytest.approx(7.5, abs=0.01)
    assert media.duration == pytest.approx(2, abs=0.01)
    assert media.video is not None
    assert media.video.start == 0
    assert any("start at 7.50 s" in note for note in media.notes)


def test_missing_duration_is_measured(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", *clips.clock(3), *clips.X264, "-f", "matroska", "-live", "1")
    media = probe(path)
    assert media.duration == pytest.approx(3, abs=0.05)
    assert any("declares no duration" in note for note in media.notes)


def test_truncated_file_is_as_long_as_its_content(tmp_path: Path) -> None:
    whole = clips.make(tmp_path / "a.mp4", *clips.clock(8), *clips.X264, "-movflags", "faststart")
    cut = tmp_path / "b.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    media = probe(cut)
    assert 2 < media.duration < 7
    assert any("declares 8.00 s" in note for note in media.notes)


def test_cover_art_is_not_video(tmp_path: Path) -> None:
    cover = clips.make(tmp_path / "c.jpg", *clips.corners(1), "-frames:v", "1")
    inputs = (
        *clips.tone(1),
        "-i",
        f"{cover}",
        "-map",
        "0",
        "-map",
        "1",
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
    )
    media = probe(clips.make(tmp_path / "a.mp3", *inputs, "-c:a", "libmp3lame"))
    assert media.video is None
    assert len(media.audio) == 1


def test_several_streams_are_told(tmp_path: Path) -> None:
    inputs = (*clips.clock(1), *clips.corners(1), *clips.tone(1), *clips.tone(1))
    maps = ("-map", "0", "-map", "1", "-map", "2", "-map", "3")
    marks = (
        "-disposition:v:0",
        "0",
        "-disposition:v:1",
        "default",
        "-disposition:a:0",
        "0",
        "-disposition:a:1",
        "default",
    )
    tags = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu")
    media = probe(clips.make(tmp_path / "a.mkv", *inputs, *maps, *clips.X264, "-c:a", "flac", *marks, *tags))
    assert media.video is not None
    assert (media.video.index, media.video.width) == (1, 96)
    assert [stream.language for stream in media.audio] == ["eng", "deu"]
    assert [stream.default for stream in media.audio] == [False, True]
    assert any("stream 1 is used" in note for note in media.notes)
    assert any("track 1 is used" in note for note in media.notes)


def test_variable_frame_rate_is_told(tmp_path: Path) -> None:
    keep = "select='lt(t,1)+not(mod(n,5))'"
    path = clips.make(tmp_path / "a.mkv", *clips.clock(3), "-vf", keep, "-vsync", "vfr", *clips.X264)
    assert any("frame rate varies (5.0 to 25.0" in note for note in probe(path).notes)


@pytest.mark.parametrize("name", ["-dash.mp4", "per%cent %d.mp4", "<b>'q'\".mp4", "http:x.mp4", "日本.mp4"])
def test_awkward_names(tmp_path: Path, clock_clip: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(clock_clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert len(list(read_frames(probe(Path(name)), fps=1))) == 10


def _bad_files(folder: Path) -> dict[str, tuple[bytes, str]]:
    moov_last = clips.make(folder / "whole.mp4", *clips.clock(2), *clips.X264).read_bytes()
    picture = clips.make(folder / "p.jpg", *clips.corners(1), "-frames:v", "1").read_bytes()
    gif = clips.make(folder / "p.gif", *clips.corners(1), "-frames:v", "1").read_bytes()
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nwhole.mp4\n#EXT-X-ENDLIST\n"
    return {
        "empty.mp4": (b"", "is empty"),
        "text.mp4": (b"just some words\n" * 50, "text, not audio or video"),
        "page.mp4": (b"<!doctype html><title>404</title>" + b" " * 2000, "a web page"),
        "pointer.mp4": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS"),
        "photo.mp4": (picture, "still picture"),
        "photo.gif": (gif, "still picture"),
        "cut.mp4": (moov_last[: len(moov_last) // 2], "cut off"),
        "noise.mp4": (random.Random(1).randbytes(4096), "cannot read"),
        "list.m3u8": (playlist, "not audio or video"),
        "zeroed.wav": (
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80>\0\0\0}\0\0\x02\0\x10\0data\0\0\0\0",
            "no audio",
        ),
    }


def test_bad_files_are_one_clear_line(tmp_path: Path) -> None:
    for name, (content, words) in _bad_files(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            probe(path)
        assert words in str(caught.value), name
        assert "\n" not in str(caught.value)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        probe(tmp_path / "none.mp4")
    with pytest.raises(InputError, match="is a folder"):
        probe(tmp_path)


def test_encrypted(tmp_path: Path) -> None:
    key = "76a6c65c5ea762046bd749a2e632ccbb"
    options = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key)
    path = clips.make(tmp_path / "a.mp4", *clips.clock(1), *clips.X264, *options)
    with pytest.raises(InputError, match="encrypted"):
        probe(path)


def test_subtitles_only(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    with pytest.raises(InputError, match="no audio or video"):
        probe(clips.make(tmp_path / "a.mkv", "-i", f"{tmp_path / 'a.srt'}"))


def test_without_ffmpeg_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import imageio_ffmpeg

    def nothing() -> str:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(ffmpeg_path()).is_file()
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", nothing)
    with pytest.raises(ModelError, match="pip install imageio-ffmpeg"):
        ffmpeg_path()
