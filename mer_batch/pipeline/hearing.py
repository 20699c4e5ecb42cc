"""The sound heard by a thread while faces are read, before it is known where the word is passed on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from mer_batch import media
from mer_batch.classifier import Classifier
from mer_batch.pipeline.asked import Asked
from mer_batch.pipeline.levels import Levels
from mer_batch.pipeline.voices import VoiceEar
from mer_batch.types import SAMPLE_RATE, AudioWindow, Samples

if TYPE_CHECKING:
    from mer_batch.people.voices import VoiceTurn
    from mer_batch.voice.activity import SpeechModel
    from mer_batch.voice.read import VoiceReadings

Breaks = Sequence[float]
"""The times at which the word is passed on, in seconds."""

_TICK: Final = 0.25
"""Seconds after which those who wait are told how far the sound is heard."""


_TAPE: Final = 15 * 60 * SAMPLE_RATE
"""Samples of a recording that are held, so that it is decoded once: 58 MB, a quarter of an hour."""


class Heard(NamedTuple):
    """What was heard, and what there is to say of the file."""

    readings: VoiceReadings
    notices: tuple[str, ...]
    voices: tuple[VoiceTurn, ...] = ()
    whole: bool = True
    """Whether nothing failed on the way that another run might find."""
    breaks: tuple[float, ...] = ()
    """Where the word is passed on, as it was heard."""


class _Tape:
    """The sound of a recording that is not long, to be heard again, and what its decoder had to say."""

    def __init__(self) -> None:
        self.notices: tuple[str, ...] = ()
        self.ended = False
        self._blocks: list[tuple[float, Samples]] = []
        self._left = _TAPE

    def add(self, block: tuple[float, Samples]) -> None:
        """Hold the next block, unless there are too many."""
        self._left -= len(block[1])
        if self._left >= 0:
            self._blocks.append(block)
        else:
            self._blocks.clear()

    def end(self, notices: Sequence[str]) -> None:
        """Know that all of the sound was heard."""
        self.notices, self.ended = tuple(notices), True

    def play(self) -> Generator[tuple[float, Samples], None, None] | None:
        """All of it, None where that is not held."""
        return (block for block in self._blocks) if self.ended and self._left >= 0 else None


class Hearing:
    """Begins to hear at once, as if the word were passed on at `breaks`, which words tell; to be closed."""

    def __init__(self, asked: Asked, reader: Classifier[AudioWindow] | None, breaks: Breaks) -> None:
        from mer_batch.voice.activity import RecordedSpeech

        self._asked, self._reader, self._breaks = asked, reader, breaks
        self._speech, self._levels = RecordedSpeech(), Levels()
        self._stopped = threading.Event()
        self._reached = asked.options.start
        self._tape = _Tape()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hearing")
        self._heard = self._thread.submit(self._hear, breaks, self._speech, self._reach)

    def _hear(self, breaks: Breaks, speech: SpeechModel, told: Callable[[float], None]) -> Heard:
        from mer_batch.voice.read import read_voice

        asked = self._asked
        ear = VoiceEar(asked.options.speakers, asked.options.diarizer, asked.options.device)
        readings = read_voice(
            self._while_wanted(self._tape.play() or self._decoded()),
            self._reader,
            start=asked.options.start,
            breaks=breaks,
            speech=speech,
            on_progress=told,
            listener=ear,
        )
        voices = ear.turns(readings.speech)
        whole = readings.failure is None and not ear.failed
        return Heard(readings, (*self._tape.notices, *ear.notices), voices, whole, tuple(breaks))

    def _decoded(self) -> Generator[tuple[float, Samples], None, None]:
        """The sound from the file."""
        asked, first = self._asked, not self._tape.ended
        notices: list[str] = []
        blocks = media.read_audio(asked.media, *asked.span, asked.options.audio_track, on_warning=notices.append)
        with closing(blocks):
            for block in blocks:
                if first:
                    self._levels.feed(*block)
                    self._tape.add(block)
                yield block
        self._tape.end(notices)

    def _reach(self, time: float) -> None:
        self._reached = time

    def _while_wanted(
        self, blocks: Generator[tuple[float, Samples], None, None]
    ) -> Generator[tuple[float, Samples], None, None]:
        for block in blocks:
            if self._stopped.is_set():
                blocks.close()
                break
            yield block

    def result(self, handovers: Breaks, told: Callable[[float], None]) -> Heard:
        """What is heard if the word is passed on at these times, too, which mouths show: windows are cut again.

        The sound tells when a handover is to the tenth of a second (`Levels`).
        """
        while not self._heard.done():
            wait((self._heard,), timeout=_TICK)
            told(self._reached)
        heard = self._heard.result()
        if not set(handovers) - set(self._breaks):
            return heard
        shown = self._levels.settled([time for time in handovers if time not in self._breaks])
        return self._hear(sorted({*self._breaks, *shown}), self._speech.again(), told)

    def close(self) -> None:
        """End the thread, after the block of sound that it is at."""
        self._stopped.set()
        self._thread.shutdown()
