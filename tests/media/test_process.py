"""Every ffmpeg ends: where reading stops, fails or is interrupted, and whatever ffmpeg says or leaves unsaid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest

import clips
from mer_batch.errors import InputError
from mer_batch.media import probe, read_audio, read_frames
from mer_batch.media.binary import filter_has
from mer_batch.media.process import Ffmpeg, decode
from mer_batch.types import Media

SLOW = 8.0
"""Seconds within which all must have ended on a busy machine; without an end it would be never."""


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """Far more sound and picture than a pipe holds."""
    path = tmp_path_factory.mktemp("long") / "a.mkv"
    inputs = ("-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=40", *clips.tone(40))
    return probe(clips.make(path, *inputs, "-c:v", "mpeg4", "-c:a", "flac"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started."""
    found: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen.__init__
    filter_has("showinfo", "checksum")  # asked once a process, and no decoding

    def remembered(self: subprocess.Popen[bytes], *arguments: Any, **options: Any) -> None:
        start(self, *arguments, **options)
        found.append(self)

    monkeypatch.setattr(subprocess.Popen, "__init__", remembered)
    return found


def fake_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make a Python `script` the only ffmpeg; `REAL` in it is the true one."""
    real = clips.ffmpeg_choices()[0]
    program = folder / "ffmpeg"
    program.write_text(f"#!{sys.executable}\nimport os, sys, time\nREAL = {real!r}\n{script}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def within(seconds: float, action: Callable[[], object]) -> object:
    """What `action` returns or raises; a failure if it takes longer."""
    result: list[object] = []

    def run() -> None:
        try:
            result.append(action())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert result, f"it did not end within {seconds} s"
    return result[0]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_ffmpeg_ends_when_the_reader_fails(
    long_clip: Media, started: list[subprocess.Popen[bytes]], error: type[BaseException]
) -> None:
    for blocks in (read_audio(long_clip, block=1.0), read_frames(long_clip, fps=25)):
        next(blocks)
        began = time.monotonic()
        if error is GeneratorExit:
            blocks.close()
        else:
            with pytest.raises(error):
                blocks.throw(error)
        assert time.monotonic() - began < SLOW
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


class Broken:
    """A container whose reading fails after two packets, as on bytes that are none of NUT."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self.streams = container.streams

    def demux(self, *streams: Any) -> Iterator[Any]:
        packets = self._container.demux(*streams)
        yield next(packets)
        yield next(packets)
        raise av.error.InvalidDataError(1094995529, "Invalid data found when processing input")

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()


def test_a_reader_that_cannot_go_on_does_not_wait_for_ffmpeg(
    long_clip: Media, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from av import container

    real = av.open
    monkeypatch.setattr(av, "open", lambda *given, **options: Broken(real(*given, **options)))
    monkeypatch.setattr(container, "InputContainer", Broken)
    told: list[str] = []
    blocks = within(SLOW, lambda: list(read_audio(long_clip, on_warning=told.append)))
    assert isinstance(blocks, list)
    assert len(blocks) == 1
    assert all(process.poll() is not None for process in started)
    assert told == [
        "the audio is damaged, what could be decoded is used: its output cannot be read: "
        "[Errno 1094995529] Invalid data found when processing input"
    ]


def test_a_flood_of_messages_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_clip: Media) -> None:
    # 8 MB of messages, the first 4 MB without a line's end, before the first sample is written.
    flood = "os.write(2, b'x' * 4_000_000)\nfor _ in range(40_000): os.write(2, b'y' * 99 + b'\\n')\n"
    fake_ffmpeg(tmp_path, monkeypatch, flood + "os.execv(REAL, [REAL, *sys.argv[1:]])\n")
    told: list[str] = []
    blocks = within(60, lambda: list(read_audio(long_clip, on_warning=told.append)))
    assert isinstance(blocks, list)
    assert sum(len(samples) for _, samples in blocks) == 40 * 16_000
    [sentence] = told
    assert len(sentence) < 400
    assert "messages" in sentence


def test_an_ffmpeg_that_will_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_clip: Media, started: list[subprocess.Popen[bytes]]
) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, "os.close(1)\ntime.sleep(600)\n")
    monkeypatch.setattr("mer_batch.media.process._GRACE", 0.5)
    result = within(SLOW, lambda: list(read_audio(long_clip)))
    assert isinstance(result, InputError)
    assert "cannot be decoded" in str(result)
    assert all(process.poll() is not None for process in started)


def test_output_that_is_no_container_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_clip: Media) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, "os.write(1, b'nothing of the kind' * 9)\nsys.exit(3)\n")
    result = within(SLOW, lambda: list(read_audio(long_clip)))
    assert isinstance(result, InputError)
    assert "ffmpeg ended with status 3" in str(result)


@pytest.mark.parametrize("read", [read_audio, lambda film: read_frames(film, 25)], ids=["sound", "pictures"])
@pytest.mark.parametrize("odd", range(4))
def test_what_is_torn_by_the_end_of_ffmpeg_is_left_out(
    odd: int,
    read: Callable[[Media], Iterator[object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    long_clip: Media,
) -> None:
    cut = "import subprocess\nout = subprocess.run([REAL, *sys.argv[1:]], stdout=subprocess.PIPE).stdout\n"
    fake_ffmpeg(tmp_path, monkeypatch, cut + f"os.write(1, out[:{500_000 + odd}])\nos.kill(os.getpid(), 9)\n")
    result = within(60, lambda: list(read(long_clip)))
    assert isinstance(result, ChildProcessError)
    assert "ffmpeg was ended by SIGKILL" in str(result)


def test_an_interrupt_from_outside_ends_both(tmp_path: Path, long_clip: Media) -> None:
    script = (
        # Where the tests run in the background of a script, interrupts are ignored, and that is inherited.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import sys, time\nfrom pathlib import Path\nfrom mer_batch.media import probe, read_audio\n"
        "from mer_batch.media.process import Ffmpeg\n"
        "start = Ffmpeg.__enter__\n"
        "def entered(self):\n    print(self._process.pid, flush=True)\n    return start(self)\n"
        "Ffmpeg.__enter__ = entered\n"
        "for _ in read_audio(probe(Path(sys.argv[1])), block=1.0):\n"
        # Short sleeps: an interrupt just before a long one would be heard only after it.
        "    print('block', flush=True)\n    for _ in range(600): time.sleep(0.05)\n"
    )
    command = [sys.executable, "-c", script, str(long_clip.path)]
    # A group of its own, so that the interrupt reaches Python alone.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as run:
        assert run.stdout is not None
        child = int(run.stdout.readline())
        assert run.stdout.readline() == b"block\n"
        run.send_signal(signal.SIGINT)
        assert run.wait(SLOW) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_decoder_gives_the_first_stream_alone(long_clip: Media) -> None:
    arguments = ["-i", f"file:{long_clip.path}", "-map", "0:a", "-t", "1", "-f", "nut", "-c:a", "pcm_f32le", "pipe:1"]
    packets = list(decode(long_clip, "audio", arguments, seeking=False, on_warning=None))
    assert sum(len(data) for _, data in packets) == 16_000 * 4
    with Ffmpeg(arguments) as run:
        assert {stream for stream, _, _ in run.packets()} == {0}
        assert run.wait() == 0
