"""What ffmpeg says while it decodes pictures: how each is stored, and which of them it had to make up.

ffmpeg's filter `showinfo` writes a line for every decoded picture, between the decoder's complaints. A
complaint belongs to one of the next pictures: decoders work ahead, in several threads and not in the order in
which pictures are shown. What is damaged stays in the pictures that are built on it, until one is built on
nothing (type I).

How much of a picture was made up is known from ffmpeg's error concealment, in the share of blocks. Measured on
1,600 pictures of three clips of a talking face in seven codecs, with flipped bits and lost packets, against the
undamaged clips: a face is found in 9 of 10 pictures whatever happened, and its reading moves (total variation
distance, median and 90th percentile) by 0.00 and 0.11 where up to 0.2 of the blocks were made up, by 0.04 and
0.25 up to 0.4, and by 0.18 and 0.59 beyond: there it says nothing. HEVC and VP9 conceal nothing, and are as bad
after any complaint. What they decode from flipped bits without one cannot be known.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from heapq import heappop, heappush
from statistics import median
from typing import Final, NamedTuple, TypeAlias

from mer_batch.media.look import Look, pixel_aspect
from mer_batch.media.process import one_line

_SHOWINFO: Final = b"_showinfo_"
_SHOWN: Final = re.compile(rb"pts: *(-?\d+) .*? sar:(\d+/\d+) s:(\d+x\d+) i:(.) iskey:\d type:(.)")
_MATRIX: Final = re.compile(rb"displaymatrix: rotation of (-?[\d.]+) degrees")
_LAST_LINE: Final = b"color_range:"
"""In the last line that `showinfo` writes for a picture."""
_ADDRESS: Final = re.compile(r" @ 0x[0-9a-fA-F]+")
_MESSAGE: Final = re.compile(r"\[(panic|fatal|error|warning|info)\] (.*)")
_CONCEALED: Final = re.compile(r"concealing (\d+) DC, (\d+) AC, (\d+) MV errors")
_CORRUPT: Final = re.compile(r"corrupt decoded frame")
_LOSSY: Final = re.compile(r"Packet corrupt \(stream = (\d+), dts = (-?\d+)\)")
_SOON: Final = 4  # pictures
_STAMPS: Final = 90_000
"""Time stamps a second in transport streams, the containers that know which packets are not whole."""
_NO_REFERENCE: Final = re.compile(
    r"reference (?:picture|frame)|find ref|frame RPS|no keyframe|while decoding stream|submitting packet", re.I
)
# Complaints about what is beside the picture, or that a list of old pictures is shorter than expected.
_HARMLESS: Final = re.compile(r"\bSEI\b|unref short failure|overread|timing info|unknown profile", re.I)
_OURS: Final = re.compile(r"non monotonically increasing dts to muxer")
_CONCEALING: Final = re.compile(r"h264|h26[123]|mpeg|flv|wmv|vc1|rv\d|svq", re.I)
"""Codecs whose decoder makes up what is missing and says how much it was."""

MADE_UP: Final = 0.05
"""The damage of a picture where the decoder complains and does not say how much is missing."""
_BLOCK: Final = 16
_HEALING: Final = 10.0
_HEALED: Final = 30.0
"""Seconds after which damage in streams without pictures of type I is small, and gone: they renew themselves."""
_PATIENCE: Final = 5.0
"""Seconds to wait for the line of a picture that has already come."""
_AHEAD: Final = 6.0
"""Seconds by which a container is read ahead of the pictures, at most (ffmpeg analyses 5 s before it begins)."""
_LONG_STEP: Final = 1.6
_ROUNDING: Final = 2  # ticks

Aspects: TypeAlias = Sequence[tuple[float, Fraction]]
"""(seconds, width : height of a pixel from then on)."""


def _lag() -> int:
    """Pictures by which complaints may run ahead of the picture: decoder threads, a queue, and their order."""
    return 12 + min((os.cpu_count() or 1) + 1, 16)


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded picture: its time in ticks, how it is stored and how much of it is `damage` (0 to 1).

    `kind` is its type (I, P, B, ?). `lost` is when the pictures before it that did not come should have come.
    """

    ticks: int
    look: Look
    kind: str
    damage: float
    lost: int | None = None


class _Wound(NamedTuple):
    """Damage that stays in what is built on it: how much, and the number and time of the picture before it."""

    damage: float
    picture: int
    time: int


class Journal:
    """Reads ffmpeg's lines in one thread and answers in another.

    Args:
        codec: of the pictures, as ffmpeg names it.
        container: as ffmpeg names it.
        ticks: a second.
        turning: whether pictures that say how they are turned still have to be.
        packets: the number of the stream, and the stamp in seconds that counts as 0.
        aspects: when pixels begin to have which shape, where ffmpeg may not say so.
        landing: whether what is said before the first picture is about pictures that are not wanted.
    """

    def __init__(
        self,
        codec: str,
        container: str,
        ticks: int,
        *,
        packets: tuple[int, float] = (0, 0.0),
        turning: bool = False,
        aspects: Aspects = (),
        landing: bool = False,
    ) -> None:
        self.first: Shown | None = None
        self.message = ""
        self.messages = 0
        self._conceals = bool(_CONCEALING.search(codec))
        self._turning = turning
        self._rotation = self._unturned = 0
        self._demuxer = f"{container}]"
        self._second = ticks
        self._landing = landing
        self._aspects = [(round(time * ticks), aspect) for time, aspect in aspects]
        self._held: Shown | None = None
        self._ready: deque[Shown] = deque()
        self._news = threading.Condition()
        self._ended = False
        self._wounds: list[_Wound] = []
        self._pictures = 0
        self._lag = _lag()
        self._complained = -self._lag
        self._torn: int | None = None
        self._lossy: int | None = None
        self._stream, self._origin = packets
        self._torn_packets: list[int] = []
        self._suspects = 0
        self._blocks = 0
        self._before: int | None = None
        self._steps: deque[int] = deque(maxlen=15)

    @property
    def complains(self) -> bool:
        """Whether there was a complaint about one of the last pictures."""
        return self._pictures - self._complained < self._lag

    def next_due(self) -> int | None:
        """When the picture after the last one should come, in ticks; None before there was any."""
        return None if self._before is None else self._before + round(median(self._steps or [0]))

    def read(self, line: bytes) -> None:
        """Take one line."""
        if _SHOWINFO in line:
            # There are several for every picture of a long file.
            if shown := _SHOWN.search(line):
                self._publish()
                self._picture(int(shown[1]), shown[2] + b" " + shown[3], shown[4] != b"P", chr(shown[5][0]))
            elif turned := _MATRIX.search(line):
                self._turn(round(float(turned[1])))
            elif _LAST_LINE in line:
                self._publish()
        elif message := _MESSAGE.search(_ADDRESS.sub("", line.decode("utf-8", "replace"))):
            self._complain(message.string[: message.start()], message[1], one_line(message[2]))

    def end(self) -> None:
        """Say that no line follows."""
        self._publish()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def until(self, ticks: int | None) -> Sequence[Shown]:
        """The pictures decoded since the last call, up to the one at `ticks`, which is the last; None for all.

        There are none where ffmpeg does not write what is expected.
        """
        found: list[Shown] = []
        with self._news:
            while ticks is None or not found or found[-1].ticks < ticks - _ROUNDING:
                if self._ready:
                    found.append(self._ready.popleft())
                elif self._ended or not self._news.wait(_PATIENCE):
                    # Do not wait for every picture of an ffmpeg that speaks differently.
                    self._ended = True
                    break
        return found

    def _publish(self) -> None:
        if self._held is not None:
            with self._news:
                self._ready.append(self._held)
                self.first = self.first or self._held
                self._news.notify_all()
            self._held = None

    def _turn(self, degrees: int) -> None:
        """The picture says itself how it is turned; so are those after it."""
        if self._held is not None and self._turning:
            self._rotation, self._unturned = degrees, 0
            self._held = replace(self._held, look=_turned(self._held.look, degrees))

    def _picture(self, time: int, stored: bytes, interlaced: bool, kind: str) -> None:
        # Some writers put the turn of a picture of type I behind it, so that it comes with the one after.
        self._unturned += kind == "I"
        if self._unturned > 1:
            self._rotation = 0
        self._tear(time, kind)
        lost = self._missing(time, kind)
        self._before = time
        self._heal(kind, time)
        self._pictures += 1
        aspect = next((aspect for begin, aspect in reversed(self._aspects) if begin <= time + _ROUNDING), None)
        look, self._blocks = _look(stored, aspect, self._rotation, interlaced)
        self._held = Shown(time, look, kind, self._damage(time), lost)
        self._landing = False

    def _missing(self, time: int, kind: str) -> int | None:
        """When the first of the pictures was due that are missing before the one at `time`, because of damage.

        Where all that is known is that packets were lost, a picture that needs none before it tells of a pause
        or of another recording.
        """
        before, due = self._before, self.next_due()
        if before is None or due is None:
            return None
        usual, step = due - before, time - before
        if step > 0:
            self._steps.append(step)
        if not 0 < _LONG_STEP * usual < step:
            return None
        torn, lossy = (self._recent(place, time) for place in (self._torn, self._lossy))
        if not (self.complains or torn or (lossy and kind != "I")):
            return None
        if kind != "I" or self.complains:
            self._hurt(1.0)
        return due

    def _recent(self, place: int | None, time: int) -> bool:
        return place is not None and time - place < _AHEAD * self._second + (time - (self._before or 0))

    def _tear(self, time: int, kind: str) -> None:
        """Take the packets up to `time` that are not whole: decoders that conceal nothing may not complain of them.

        Where a picture that is built on nothing soon follows, another recording begins, and nothing is damaged.
        """
        while self._torn_packets and self._torn_packets[0] <= time:
            self._lossy = heappop(self._torn_packets)
            self._suspects = 0 if self._conceals else _SOON
        if kind == "I":
            self._suspects = 0
        elif self._suspects:
            self._suspects -= 1
            if not self._suspects:
                self._wounds = [_Wound(1.0, self._pictures - self._lag, time)]

    def _heal(self, kind: str, time: int) -> None:
        self._wounds = [
            wound
            for wound in self._wounds
            if time - wound.time < _HEALED * self._second
            and (kind != "I" or self._pictures - wound.picture < self._lag)
        ]

    def _damage(self, time: int) -> float:
        fresh = (wound.damage for wound in self._wounds if time - wound.time < _HEALING * self._second)
        return max(fresh, default=MADE_UP if self._wounds else 0.0)

    def _complain(self, source: str, level: str, text: str) -> None:
        concealed = _CONCEALED.search(text)
        bad = level in ("panic", "fatal", "error")
        if self._landing or _OURS.search(text):
            return
        if bad:
            self.messages += 1
            self.message = self.message or f"{source}{text}"
        if bad and self._demuxer in source:
            self._torn = self._before or 0
        elif lossy := _LOSSY.search(text):
            if int(lossy[1]) == self._stream:
                place = (int(lossy[2]) / _STAMPS - self._origin) * self._second
                # The end of a file is read before its beginning.
                heappush(self._torn_packets, round(place))
        elif concealed:
            self._hurt(max(map(int, concealed.groups())) / self._blocks if self._blocks else 1.0)
        elif (bad and not _HARMLESS.search(text)) or _CORRUPT.search(text):
            unknown = bad and (not self._conceals or bool(_NO_REFERENCE.search(text)))
            self._hurt(1.0 if unknown else MADE_UP)

    def _hurt(self, damage: float) -> None:
        damage = min(damage, 1.0)
        # What is no worse and older heals earlier.
        self._wounds = [wound for wound in self._wounds if wound.damage > damage]
        self._wounds.append(_Wound(damage, self._pictures, self._before or 0))
        self._complained = self._pictures


@lru_cache(maxsize=64)
def _look(stored: bytes, aspect: Fraction | None, rotation: int, interlaced: bool) -> tuple[Look, int]:
    """How a picture is shown, and its blocks, from "PIXEL/ASPECT WIDTHxHEIGHT"; a known `aspect` is right."""
    wide, high, width, height = (int(number) for number in re.findall(rb"\d+", stored))
    told = Fraction(wide, high) if high else None
    look = Look.of(width, height, aspect or pixel_aspect(told), rotation, interlaced)
    return look, -(-width // _BLOCK) * -(-height // _BLOCK)


def _turned(look: Look, rotation: int) -> Look:
    across = (abs(look.rotation) % 180 == 90) != (abs(rotation) % 180 == 90)
    width, height = (look.height, look.width) if across else (look.width, look.height)
    return Look(width, height, 180 if rotation == -180 else rotation, look.interlaced)
