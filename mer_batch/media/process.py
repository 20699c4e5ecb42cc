"""A running ffmpeg whose output is read packet by packet, each with its own time stamp.

ffmpeg writes NUT, a container that carries raw pictures and samples with exact time stamps, so a picture
and its time can never come apart (https://ffmpeg.org/nut.html).
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeAlias

from mer_batch.errors import InputError
from mer_batch.media.ahead import Ahead
from mer_batch.media.binary import ffmpeg_path
from mer_batch.types import Media

Warn = Callable[[str], None]
Packet: TypeAlias = tuple[int, float, memoryview]
"""Number of the stream, time in seconds, and bytes that nobody else holds or writes to."""

# Nothing but the file itself may be opened: playlists inside untrusted media could name other files or hosts.
PROTOCOLS = "file,pipe,subfile"
# Containers whose index makes a seek exact; all others are decoded from their start.
_SEEKABLE = {"mov", "matroska", "webm", "avi", "asf", "flv", "mpegts", "mpeg", "wav", "flac", "ogg", "mp3"}
_GRACE = 10.0
"""Seconds that ffmpeg has to end once its output has ended: it only has to put things away."""
_LINE = 65_536
"""Bytes of one message that are looked at: a flood without line ends must not fill the memory."""
# Transport and program streams land at a byte, not at a key frame: go back by more than any usual GOP.
_NO_INDEX = {"mpegts", "mpeg"}
_ENDED = {-9: "SIGKILL", -15: "SIGTERM", -1: "SIGHUP", 255: "a signal"}
"""Exit statuses of an ffmpeg that somebody ended: a person, or the system for want of memory."""
_AWAY = 0x10FE80 - 0xDC80
"""From how Python holds bytes of a name that are not UTF-8 to signs that nobody uses."""
_FIRST, _LAST = 0xDC80 + _AWAY, 0xDCFF + _AWAY
_ADDRESS = re.compile(r" @ 0x[0-9a-fA-F]+")


def file_url(path: Path, extent: tuple[int, int] | None = None) -> str:
    """`path` so that ffmpeg takes it for a file, whatever characters it holds; of it only the bytes of `extent`."""
    url = f"file:{path.absolute()}"
    return url if extent is None else f"subfile,,start,{extent[0]},end,{extent[1]},,:{url}"


def graph_url(path: Path, extent: tuple[int, int] | None = None) -> str:
    """The same for a filter graph of ffmpeg-python, which takes UTF-8 alone; `Ffmpeg` puts bytes back."""
    return "".join(chr(ord(sign) + _AWAY) if "\udc80" <= sign <= "\udcff" else sign for sign in file_url(path, extent))


def _as_is(argument: str) -> str:
    return "".join(chr(ord(sign) - _AWAY) if _FIRST <= ord(sign) <= _LAST else sign for sign in argument)


def one_line(text: str, limit: int = 200) -> str:
    """`text` on one line without control characters, cut at `limit`: messages may quote untrusted names."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(clean.split())[:limit]


def can_seek(media: Media) -> bool:
    """Whether decoding can begin elsewhere than at the start of the file."""
    first = media.parts[0].media if media.parts else media
    return bool(set(first.container.split(",")) & _SEEKABLE)


def seek_options(media: Media, start: float, more: float = 0.0) -> dict[str, Any]:
    """Input options that begin decoding safely before `start`; empty where decoding begins at the file's start.

    `more` are seconds by which to begin earlier than is usually safe.
    """
    no_index = set(media.container.split(",")) & _NO_INDEX
    target = start - (12.0 if no_index else 1.0) - more
    if target <= 0 or not can_seek(media):
        return {}
    return {"ss": f"{media.origin + target:.6f}", "seek_timestamp": 1, "noaccurate_seek": None}


class Lines(Protocol):
    """Takes the lines that ffmpeg writes about its work."""

    def read(self, line: bytes) -> None:
        """Take one line."""

    def end(self) -> None:
        """Know that no line follows."""


class Ffmpeg:
    """An ffmpeg process as a context manager: it never outlives the block, and its messages are collected.

    `journal` reads them instead, among all that ffmpeg tells.
    """

    def __init__(self, arguments: list[str], journal: Lines | None = None) -> None:
        self.message = ""
        self.messages = 0
        self._journal = journal
        self._killed = False
        level = "error" if journal is None else "level+info"
        command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", level, *map(_as_is, arguments)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        # A full stderr pipe would stop ffmpeg, and then us.
        self._drain = threading.Thread(target=self._read_messages, daemon=True)
        self._drain.start()

    def _read_messages(self) -> None:
        assert self._process.stderr is not None
        for line in iter(partial(self._process.stderr.readline, _LINE), b""):
            if self._journal is not None:
                self._journal.read(line)
                continue
            text = one_line(_ADDRESS.sub("", line.decode("utf-8", "replace")))
            self.messages += bool(text)
            self.message = self.message or text
        if self._journal is not None:
            self._journal.end()

    def packets(self) -> Generator[Packet, None, None]:
        """All streams' packets as ffmpeg writes them; ends where ffmpeg ends, why ever: then one may be torn."""
        import av
        from av.container import InputContainer

        assert self._process.stdout is not None
        options = {"probesize": "32", "fpsprobesize": "0"}
        try:
            # By descriptor, not as a Python file: an interrupt inside a callback from C would be lost.
            with av.open(f"pipe:{self._process.stdout.fileno()}", format="nut", options=options) as container:
                assert isinstance(container, InputContainer)
                for packet in container.demux():
                    if packet.size and packet.pts is not None and packet.time_base is not None:
                        yield packet.stream.index, float(packet.pts * packet.time_base), memoryview(packet)
        except (av.error.FFmpegError, OSError) as error:
            # No or half a container: mostly ffmpeg has ended, and its exit status and messages tell why. One that
            # still runs would wait for ever at a full pipe that nobody reads any more.
            if not self._ends_within(1.0):
                self._kill()
                self.message = self.message or f"its output cannot be read: {one_line(str(error))}"

    def _ends_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End ffmpeg now, if it still runs."""
        if self._process.poll() is None:
            self._kill()

    def _kill(self) -> None:
        self._killed = True
        self._process.kill()

    def wait(self) -> int:
        """The exit status, once ffmpeg has ended and all its messages are read; nothing more is read of its output.

        Raises `ChildProcessError` where somebody else has ended it: that is no fault of the recording, and what was
        decoded until then must not count as all that there is.
        """
        status = self._ended()
        if status in _ENDED and not self._killed and not self.message:
            raise ChildProcessError(f"ffmpeg was ended by {_ENDED[status]} while it decoded")
        return status

    def _ended(self) -> int:
        if not self._ends_within(_GRACE):
            self._kill()
        status = self._process.wait()
        self._drain.join()
        return status

    def __enter__(self) -> Ffmpeg:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._ended()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


def decode(
    media: Media, kind: str, arguments: list[str], *, seeking: bool, on_warning: Warn | None
) -> Generator[tuple[float, memoryview], None, None]:
    """(seconds, raw bytes) of one decoded stream; otherwise like `decode_streams`."""
    packets = decode_streams(media, kind, arguments, seeking=seeking, on_warning=on_warning)
    # Not a function that yields: that would begin when the first item is asked for.
    return ((time, data) for _, time, data in packets)


def decode_streams(
    media: Media, kind: str, arguments: list[str], *, seeking: bool, on_warning: Warn | None
) -> Generator[Packet, None, None]:
    """The packets of all streams that `arguments` write; their bytes are writable, so that arrays over them are.

    ffmpeg starts at once and is read ahead of the caller (see `Ahead`), so that it is at work while the caller loads
    what will look at the stream, and while the caller looks; closing the generator ends it. Raises `InputError` if
    nothing at all could be decoded; damage after that goes to `on_warning`.
    """
    items = _decoded(media, kind, arguments, seeking, on_warning)
    next(items)  # a generator that has begun cleans up when it is closed or forgotten; one that has not does not
    return items


def _decoded(
    media: Media, kind: str, arguments: list[str], seeking: bool, on_warning: Warn | None
) -> Generator[Packet, None, None]:
    """What `decode_streams` gives, after a first item without content that says that ffmpeg has started."""
    count = 0
    with Ffmpeg(arguments) as run, closing(Ahead(run.packets(), run.stop)) as packets:
        yield 0, 0.0, memoryview(b"")
        for item in packets:
            count += 1
            yield item
        status = run.wait()
        # After a seek a decoder may complain about references it never got; that is no damage.
        if not status and (seeking or not run.messages):
            return
        reason = run.message or f"ffmpeg ended with status {status}"
        if not count:
            raise InputError(f"the {kind} of {media.path.name!r} cannot be decoded: {reason}")
        if on_warning is not None:
            more = f" ({run.messages} messages)" if run.messages > 1 else ""
            on_warning(f"the {kind} is damaged, what could be decoded is used: {reason}{more}")
