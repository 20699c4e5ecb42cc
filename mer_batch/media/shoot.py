"""One recording's pictures, over as many runs of ffmpeg as they take.

A run is made for pictures of one look. Where the look changes, and where a seek landed too late or on a
picture that needs earlier ones, another run begins.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import numpy as np

from mer_batch.errors import InputError
from mer_batch.media.ahead import Ahead
from mer_batch.media.binary import filter_has
from mer_batch.media.journal import Journal, Shown
from mer_batch.media.look import Look
from mer_batch.media.parts import Stretch
from mer_batch.media.process import PROTOCOLS, Ffmpeg, graph_url, seek_options
from mer_batch.media.told import Told
from mer_batch.types import Frame, Image

_TICKS: Final = 1_000_000
_EARLY: Final = 0.002
"""A picture is on time up to these seconds early (5 % of a step at most): containers round to milliseconds."""
_FURTHER: Final = (0.0, 60.0, math.inf)
"""Seconds by which decoding begins earlier, one after the other, where the pictures after a seek are not whole."""
_TURNS: Final = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), -90: ("transpose=clock",)}
_TURNED: Final = {"mov", "matroska", "webm"}
"""Containers that say how all their pictures are turned, which ffmpeg does; in others each picture has to say it."""
_SELF_MENDING: Final = {"h264"}
"""Codecs whose decoder keeps pictures back until a stream without pictures of type I has renewed itself."""
_LATE: Final = 1.6
"""Steps between pictures from which one is late."""
_SMALLEST: Final = 3  # lines and columns that can be deinterlaced


class Shoot:
    """Reads one stretch of a recording.

    Args:
        part: what to read.
        fps: pictures a second, at most.
        grid: where their steps are counted from, on the clock of the file.
        last: the step that already has its picture, None for none.
        told: takes what is damaged or changes.
    """

    def __init__(self, part: Stretch, fps: float, grid: float, last: int | None, told: Told) -> None:
        assert part.media.video is not None
        self.last = last
        self._media, self._video, self._part = part.media, part.media.video, part
        self._fps, self._grid = fps, grid - part.shift
        self._told = told
        self._turning = not set(self._media.container.split(",")) & _TURNED
        first = Look.at_first(self._video)
        self._look = first if self._turning else replace(first, rotation=0)
        self._at = part.start
        self._changed: float | None = None
        self._further = 0
        self._decoded = False
        told.look(part.start + part.shift, self._look)

    def frames(self) -> Generator[Frame | None, None, None]:
        """The pictures, on the clock of the file, after None when ffmpeg has begun.

        Raises `InputError` where nothing decodes.
        """
        while (yield from self._run()):
            pass

    def _run(self) -> Generator[Frame | None, None, bool]:
        """One run of ffmpeg; true if another one has to follow."""
        seek = seek_options(self._media, self._at, _FURTHER[self._further])
        journal = self._journal(landing=bool(seek))
        with Ffmpeg(self._arguments(seek), journal) as run, closing(Ahead(run.packets(), run.stop)) as packets:
            yield None
            landed = False
            for _, time, packet in packets:
                shown = journal.until(round(time * _TICKS))
                if not landed and not self._lands(journal, shown, bool(seek)):
                    return True
                landed = True
                if shown and not self._fits(shown[-1].look) and time != self._changed:
                    self._change(time, shown[-1].look)
                    return True
                yield from self._taken(time, packet, shown, journal)
            status = run.wait()
            rest = journal.until(None)
            if not landed and not self._lands(journal, rest, bool(seek)):
                return True
            yield from self._end(status, journal, rest)
        return False

    def _journal(self, landing: bool) -> Journal:
        media, video = self._media, self._video
        return Journal(
            video.codec,
            media.container,
            _TICKS,
            packets=(video.index, media.origin),
            turning=self._turning,
            aspects=media.aspects,
            landing=landing,
        )

    def _lands(self, journal: Journal, shown: Sequence[Shown], sought: bool) -> bool:
        """Whether decoding began early enough for what is wanted; if not, it will begin earlier."""
        first, video = journal.first, self._video
        due = max(self._at, video.start + _LATE / max(video.fps or 0, 1.0))
        # A stream that is built on itself begins with any picture; of others the first one needs none before.
        whole = first is not None and (first.kind not in "PBS" or video.codec in _SELF_MENDING)
        good = first is not None and whole and first.ticks <= due * _TICKS and not (shown and shown[-1].damage)
        if good and self._further:
            self._told.earlier(self._at + self._part.shift)
        if good or not sought or self._at >= video.start + (video.duration or math.inf):
            return True
        self._further += 1
        return False

    def _fits(self, look: Look) -> bool:
        # Pictures that are not interlaced pass a deinterlacer as they are.
        return look == self._look or (self._look.interlaced and replace(look, interlaced=True) == self._look)

    def _change(self, time: float, look: Look) -> None:
        self._told.look(time + self._part.shift, look)
        # Fields come and go in film that was made fit for television: once is enough.
        self._look = replace(look, interlaced=look.interlaced or self._look.interlaced)
        self._at = self._changed = time

    def _taken(
        self, time: float, packet: memoryview, shown: Sequence[Shown], journal: Journal
    ) -> Generator[Frame, None, None]:
        """The picture in `packet`, unless its step has one, after a black one for those that damage took away."""
        if packet.nbytes < self._look.height * self._look.width * 3:
            return  # torn by the end of an ffmpeg that somebody ended, which is told when it is waited for
        step = self._step(time)
        yield from self._lost(self._missing(shown, journal), time)
        self._note(shown)
        self._decoded = True
        if self.last is not None and step <= self.last:
            return
        self.last = step
        image: Image = np.frombuffer(packet, dtype=np.uint8)
        damage = shown[-1].damage if shown else 0.0
        yield Frame(time + self._part.shift, image.reshape(self._look.height, self._look.width, 3), damage)

    def _missing(self, shown: Sequence[Shown], journal: Journal) -> float | None:
        """Since when pictures before the last one `shown` are missing because of damage, None if none are."""
        lost = [picture.lost / _TICKS for picture in shown if picture.lost is not None]
        begin = max(self._at, self._video.start)
        if not self._decoded and journal.messages and journal.first is not None:
            late = journal.first.ticks / _TICKS - begin > _LATE / max(self._video.fps or 0, 1.0)
            lost += [begin] if late else []
        return min(lost, default=None)

    def _lost(self, since: float | None, until: float) -> Generator[Frame, None, None]:
        """A black picture where steps have none `since` some time, before that of the time `until`."""
        if since is None or since >= until:
            return
        shift = self._part.shift
        self._told.damage(since + shift, until + shift)
        first = self._step(max(since, self._at)) if self.last is None else self.last + 1
        if first < self._step(until):
            self.last = first
            image: Image = np.zeros((self._look.height, self._look.width, 3), dtype=np.uint8)
            yield Frame(max(since, self._grid + first / self._fps) + shift, image, 1.0)

    def _end(self, status: int, journal: Journal, rest: Sequence[Shown]) -> Generator[Frame, None, None]:
        """What is missing at the end, because ffmpeg stopped early or could not go on."""
        if journal.first is None and not self._decoded and (status or journal.messages):
            reason = journal.message[:200] or f"ffmpeg ended with status {status}"
            raise InputError(f"the video of {self._media.path.name!r} cannot be decoded: {reason}")
        self._note(rest)
        self._told.complaints(
            journal.messages, journal.message or (f"ffmpeg ended with status {status}" if status else "")
        )
        due, end = journal.next_due(), self._video.start + (self._video.duration or 0.0)
        last = min(end, math.inf if self._part.end is None else self._part.end)
        yield from self._lost(self._missing(rest, journal), last)
        # The declared end may be a little behind the last picture.
        late = due is not None and last - due / _TICKS > _LATE / max(self._video.fps or 0, 1.0)
        if due is not None and late and (status or journal.complains):
            yield from self._lost(due / _TICKS, last)

    def _step(self, time: float) -> int:
        return math.floor((time - self._grid) * self._fps + min(0.05, self._fps * _EARLY))

    def _note(self, shown: Sequence[Shown]) -> None:
        for picture in shown:
            if picture.damage:
                time = picture.ticks / _TICKS + self._part.shift
                self._told.damage(time, time)

    def _arguments(self, seek: dict[str, Any]) -> list[str]:
        import ffmpeg

        media, start, end = self._media, self._at, self._part.end
        options = {"protocol_whitelist": PROTOCOLS, **seek}
        if self._turning:
            options["noautorotate"] = None
        if media.untimed:
            # Pictures are counted, whatever the demuxer makes of them.
            options["r"] = f"{self._video.fps:.6f}"
        stream = ffmpeg.input(graph_url(media.path, media.extent), **options)[str(self._video.index)]
        stream = stream.filter("settb", f"1/{_TICKS}").filter("setpts", f"PTS-({round(media.origin * _TICKS)})")
        stream = stream.filter("showinfo", **({"checksum": 0} if filter_has("showinfo", "checksum") else {}))
        for name in _TURNS.get(self._look.rotation, ()):
            stream = stream.filter(*name.split("="))
        if self._look.interlaced and min(self._look.width, self._look.height) >= _SMALLEST:
            stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
        limits = {"start": f"{start:.6f}"} if end is None else {"start": f"{start:.6f}", "end": f"{end:.6f}"}
        step = f"floor(({{}}-({self._grid:.6f}))*{self._fps!r}+{min(0.05, self._fps * _EARLY)!r})"
        due = f"isnan(prev_selected_t)+gt({step.format('t')},{step.format('prev_selected_t')})"
        stream = stream.filter("trim", **limits).filter("select", due)
        stream = (
            stream.filter("scale", self._look.width, self._look.height).filter("setsar", 1).filter("format", "rgb24")
        )
        output = stream.output("pipe:1", format="nut", vcodec="rawvideo", enc_time_base=f"1:{_TICKS}")
        arguments: list[str] = output.global_args("-copyts").get_args()
        return arguments
