from pathlib import Path

import pytest

import clips
from mer_batch.errors import UsageError
from mer_batch.media import probe, read_subtitles

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i> there,
friend.

2
00:00:03,000 --> 00:00:04,000
{\\an8}How are you?
"""


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    path = tmp_path / "words.srt"
    path.write_text(SRT)
    return path


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "mov_text"), ("mkv", "srt"), ("mkv", "ass"), ("mkv", "webvtt"), ("mov", "mov_text")]
)
def test_text_streams(tmp_path: Path, captions: Path, clock_clip: Path, suffix: str, codec: str) -> None:
    inputs = ("-i", f"{clock_clip}", "-i", f"{captions}", "-c:v", "copy", "-c:s", codec)
    media = probe(clips.make(tmp_path / f"a.{suffix}", *inputs, "-metadata:s:s", "language=eng"))
    assert len(media.subtitles) == 1
    found = read_subtitles(media)
    assert [cue.text for cue in found] == ["Hello there, friend.", "How are you?"]
    assert [(cue.start, cue.end) for cue in found] == [(1.0, 2.5), (3.0, 4.0)]
    assert {(cue.language, cue.source) for cue in found} == {("eng", "subtitles")}


def test_same_clock_as_the_pictures(tmp_path: Path, captions: Path, clock_clip: Path) -> None:
    source = clips.make(tmp_path / "a.mkv", "-i", f"{clock_clip}", "-i", f"{captions}", "-c:v", "copy")
    media = probe(clips.make(tmp_path / "b.mkv", "-itsoffset", "50", "-i", f"{source}", "-c", "copy"))
    assert media.origin == pytest.approx(50, abs=0.05)
    assert [cue.start for cue in read_subtitles(media)] == pytest.approx([1.0, 3.0], abs=0.002)


def test_unknown_track(tmp_path: Path, clock_clip: Path) -> None:
    media = probe(clock_clip)
    assert read_subtitles(media) == ()
    with pytest.raises(UsageError, match=r"no text subtitle track 2 .*Known: none"):
        read_subtitles(media, track=2)
