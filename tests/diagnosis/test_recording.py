"""What `mer doctor FILE` says, against clips whose faults are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import clips
from mer_batch.cli import app
from mer_batch.diagnosis.recording import Recording, examine, lines, offset
from mer_batch.errors import InputError
from mer_batch.media.examine import Levels, levels, stamps
from mer_batch.text import asr

AAC = ("-c:a", "aac")


def sound(path: Path, *channels: str, seconds: float = 1.0) -> Levels:
    """The levels of a WAV file whose channels are these expressions of t."""
    source = f"aevalsrc={'|'.join(channels)}:s=16000:d={seconds}"
    return levels(clips.make(path, "-f", "lavfi", "-i", source), 0)


def test_levels_silence_clipping_dead_and_inverted_channels(tmp_path: Path) -> None:
    wave = "0.5*sin(440*2*PI*t)"
    plain = sound(tmp_path / "a.wav", wave)
    assert (plain.peak_db, plain.rms_db) == (pytest.approx(-6.0, abs=0.1), pytest.approx(-9.0, abs=0.1))
    assert (plain.silent, plain.clipped, plain.dead, plain.inverted, plain.damaged) == (0.0, 0.0, (), (), 0)
    assert plain.heard == pytest.approx(1.0)
    half = sound(tmp_path / "b.wav", f"{wave}*gte(t\\,1)", seconds=2)
    assert half.silent == pytest.approx(0.5, abs=0.06)
    stereo = sound(tmp_path / "c.wav", wave, f"-{wave}", "0")
    assert (stereo.dead, stereo.inverted) == ((2,), ((0, 1),))
    assert sound(tmp_path / "d.wav", "max(-1\\,min(1\\,3*sin(100*t)))").clipped > 0.5
    nothing = sound(tmp_path / "e.wav", "0")
    assert (nothing.silent, nothing.dead) == (1.0, ())


def test_gaps_and_clocks_that_go_back(tmp_path: Path) -> None:
    gap = ("-vf", "select='lt(t,1)+gte(t,3)'", "-fps_mode", "vfr")
    try:
        path = clips.make(tmp_path / "gap.mkv", *clips.clock(5), *gap, *clips.X264)
    except AssertionError:  # before ffmpeg 5.1
        path = clips.make(tmp_path / "gap.mkv", *clips.clock(5), *gap[:2], "-vsync", "vfr", *clips.X264)
    _, (video,) = stamps(path)
    assert video.gaps == [(pytest.approx(1.0, abs=0.05), pytest.approx(3.0, abs=0.05))]
    assert video.jumps == []
    part = clips.make(tmp_path / "part.ts", *clips.tone(2), *AAC)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    _, (audio,) = stamps(joined)
    assert len(audio.jumps) == 1
    assert audio.jumps[0][0] - audio.jumps[0][1] == pytest.approx(2.0, abs=0.1)


def test_a_whole_clip_has_neither(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", *clips.clock(2), *clips.tone(2), *clips.X264, *AAC)
    declared, found = stamps(path)
    assert declared == pytest.approx(2.0, abs=0.05)
    assert [(stream.kind, stream.gaps, stream.jumps) for stream in found] == [("video", [], []), ("audio", [], [])]


@pytest.fixture(scope="module")
def late(once: Callable[..., Path]) -> Recording:
    """Sound that begins 1.5 s after pictures that are stored turned, with a transcript beside them."""

    def make(folder: Path) -> None:
        (folder / "late.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n")
        (folder / "late.json").write_text('{"unlike": "a transcript"}')
        inputs = (*clips.corners(2, size="96x64"), "-itsoffset", "1.5", *clips.tone(2))
        straight = clips.make(folder / "straight.mov", *inputs, *clips.X264, "-c:a", "pcm_s16le")
        clips.turned(folder / "late.mov", straight, 90)

    return examine(once("late sound", make) / "late.mov", "cpu", measured=False)


def test_offset_rotation_words_and_what_can_be_used(late: Recording) -> None:
    assert offset(late.media) == pytest.approx(1.5, abs=0.03)
    assert late.media.video is not None
    assert abs(late.media.video.rotation) == 90
    assert late.problems == []
    first, second = late.words
    assert first.startswith("late.srt beside it:")
    assert second.startswith(f"speech recognition by {asr.default()}")
    assert late.faces is not None
    assert late.usable == {
        "face": f"no face of a readable size in {late.faces.looked} sampled pictures", "voice": "yes", "text": "yes",
    }  # fmt: skip
    text = "\n".join(lines(late))
    assert "the sound begins 1.5" in text
    assert "after the picture" in text
    assert "stored turned by 90 degrees" in text
    assert json.loads(json.dumps(late.as_json(), allow_nan=False))["offset"] == pytest.approx(1.5, abs=0.03)


def test_subtitles_in_the_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "said.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n")
    inputs = (*clips.tone(2), "-i", str(tmp_path / "said.srt"))
    found = examine(clips.make(tmp_path / "a.mkv", *inputs, "-c:a", "flac", "-c:s", "srt"), "cpu", measured=False)
    assert found.words[0] == "subtitles in the file: 1 utterance"
    assert found.usable["text"] == "yes"


def test_faces_are_counted_and_measured(shared_data: Path) -> None:
    found = examine(shared_data / "media" / "broken" / "t_single_frame.mp4", "cpu", measured=False)
    assert found.faces is not None
    assert (found.faces.looked, found.faces.readable) == (1, 1)
    assert 80 < found.faces.found[0] < 140
    small = examine(shared_data / "media" / "broken" / "g_tiny_64x52.mp4", "cpu", measured=False)
    assert small.faces is not None
    assert small.faces.flags["small"] == len(small.faces.found)


def test_what_it_costs_is_measured_here(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.wav", *clips.tone(30))
    found = examine(path, "cpu")
    assert found.cost is not None
    assert found.cost.read == pytest.approx(6.0)
    assert 0 < found.cost.seconds < 120
    assert found.cost.seconds == pytest.approx(found.cost.fixed + 30 * found.cost.rate, rel=0.05)


def test_a_file_of_a_moment_is_read_once_to_know_its_cost(tmp_path: Path) -> None:
    found = examine(clips.make(tmp_path / "a.wav", *clips.tone(0.3)), "cpu").cost
    assert found is not None
    assert (found.rate, found.read) == (0.0, pytest.approx(0.3))
    assert "for each second" not in found.sentence()


def test_a_fault_in_one_look_costs_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault\nof two lines")

    monkeypatch.setattr("mer_batch.diagnosis.recording.levels", fail)
    monkeypatch.setattr("mer_batch.diagnosis.recording.stamps", fail)
    found = examine(clips.make(tmp_path / "a.wav", *clips.tone(1)), "cpu", measured=False)
    assert found.problems == [
        "time stamps could not be examined: a fault of two lines", "audio track 0: a fault of two lines",
    ]  # fmt: skip
    assert found.usable["voice"] == "its sound cannot be decoded"


def test_what_is_no_media_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no media")
    with pytest.raises(InputError, match="text, not audio or video"):
        examine(tmp_path / "a.mp4")
    result = CliRunner().invoke(app, ["doctor", str(tmp_path / "a.mp4"), "--json"])
    assert result.exit_code == 3
    table = json.loads(result.stdout)
    assert "text, not audio or video" in table["error"]
    assert table["machine"]["ready"] is True


def test_damage_is_no_loudness(tmp_path: Path) -> None:
    loud = clips.make(
        tmp_path / "a.wav",
        "-f",
        "lavfi",
        "-i",
        "aevalsrc='100*sin(9*t)*lt(t,1)':s=16000:d=2:c=mono",
        "-c:a",
        "pcm_f32le",
    )
    found = levels(loud, 0)
    assert found.damaged
    assert found.peak_db is None or found.peak_db < 12


@pytest.mark.parametrize(("count", "usable"), [(0, False), (10, True)])
def test_words_can_be_used_where_there_are_some(
    count: int, usable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mer_batch.text import asr

    monkeypatch.setattr(asr, "on_machine", list)
    monkeypatch.setattr(asr, "carried", lambda: None)
    cues = [f"{n + 1}\n00:00:0{n % 2},000 --> 00:00:0{n % 2},900\nWord {n}.\n" for n in range(count)]
    (tmp_path / "a.srt").write_text("\n".join(cues))
    found = examine(clips.make(tmp_path / "a.wav", *clips.tone(2)), "cpu", measured=False)
    assert (found.usable["text"] == "yes") is usable
