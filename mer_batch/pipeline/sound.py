"""The stage of voices: where somebody speaks, how loud it is, and how the voice sounds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mer_batch.classifier import Classifier
from mer_batch.errors import MerError
from mer_batch.fusion.named import all_changes
from mer_batch.fusion.speaking import handovers
from mer_batch.pipeline.asked import Asked
from mer_batch.pipeline.faces import FaceStage
from mer_batch.pipeline.hearing import Breaks, Heard, Hearing
from mer_batch.pipeline.levels import EARLY
from mer_batch.pipeline.stage import FAILURES, Stage
from mer_batch.pipeline.voices import diarizer_sum
from mer_batch.pipeline.words import WordStage
from mer_batch.types import Gap, Observation

if TYPE_CHECKING:
    from mer_batch.people.voices import VoiceTurn
    from mer_batch.voice.read import VoiceReadings


class VoiceStage(Stage):
    """Ends after `faces`, whose mouths show where the word is passed on; `words` may need to know where speech is.

    `begin` before `faces` run, so that the sound is heard meanwhile; `close` in any case.
    """

    modality = "voice"

    def __init__(self, asked: Asked, faces: FaceStage, words: WordStage) -> None:
        super().__init__(asked)
        self._faces, self._words = faces, words
        self.speech: tuple[tuple[float, float], ...] | None = None
        self.loudness: tuple[tuple[float, float], ...] = ()
        self.voices: tuple[VoiceTurn, ...] = ()
        self._reader: Classifier[Any] | None = None
        self._unread: Exception | None = None
        self._hearing: Hearing | None = None

    def begin(self) -> None:
        """Begin to hear, if anything is to be heard."""
        if not self._needed:
            return
        if self.wanted:
            try:
                self._reader = self.asked.reader("voice")
            except (MerError, *FAILURES) as error:
                self._unread = error  # words need to know where speech is, whoever reads its emotion
        breaks = all_changes((), self._words.named)
        # An error is met again when the voice is read, which then is all that is lost.
        with suppress(MerError, *FAILURES):
            if self._find_kept(breaks) is None:
                self._hearing = Hearing(self.asked, self._reader, breaks)

    @property
    def _needed(self) -> bool:
        return bool(self.asked.media.audio) and (self.wanted or self._words.needs_speech)

    def close(self) -> None:
        """End what was begun."""
        if self._hearing is not None:
            self._hearing.close()

    def read(self) -> None:
        """See `Stage.read`."""
        if not self._needed:
            if self.wanted:
                self.absent("the file has no sound")
            return
        failure = self._listen()
        if failure is not None and self.wanted:
            raise failure

    def _listen(self) -> Exception | None:
        """Where speech is, how loud the sound is and, if wanted, how the voice sounds; returns why it was not read."""
        turns = self._faces.turns([(self.asked.options.start, self.asked.end)])
        breaks = all_changes(handovers(turns), self._words.named)
        heard = self._heard(breaks)
        readings, self.voices = heard.readings, heard.voices
        self.speech, self.loudness = readings.speech, readings.loudness
        self.notices += self._speech_elsewhere()
        if self._reader is None or readings.failure is not None:
            return self._unread or readings.failure
        # Once more with the speech that was heard, which ends at the handovers known so far. A mouth that rests is
        # none: whether somebody else speaks then, voices tell.
        speakers = [turn for turn in self._faces.turns(readings.speech) if turn.person is not None]
        more = all_changes(handovers(speakers), self._words.named)
        self.take(*by_voice(readings, self.voices, sorted({*heard.breaks, *_far(more, heard.breaks)})))
        ends = [reading.end for reading in readings.observations] + [gap.end for gap in readings.gaps]
        reached = max(ends, default=self.asked.options.start)
        if reached < self.asked.end:
            self.gaps.append(Gap("voice", reached, self.asked.end, "no sound"))
        return None

    def _heard(self, breaks: Breaks) -> Heard:
        """What was kept of the same sound, models and breaks, else what is heard now."""
        found = self._find_kept(breaks)
        if found is None:
            hearing = self._hearing or Hearing(self.asked, self._reader, all_changes((), self._words.named))
            with closing(hearing), self.asked.told("voice") as share:
                found = hearing.result(breaks, share)
            if found.whole:
                self.asked.keep.put("voice", partial(self._facts, breaks), tuple(found))
        self.notices += found.notices
        return found

    def _find_kept(self, breaks: Breaks) -> Heard | None:
        kept = self.asked.keep.find("voice", partial(self._facts, breaks), tuple)
        return None if kept is None else Heard(*kept)

    def _facts(self, breaks: Breaks) -> dict[str, Any]:
        """What decides the readings of the voice, beside the recording."""
        return {
            "range": self.asked.span,
            "track": self.asked.options.audio_track,
            "breaks": breaks,
            "model": self.asked.model_hash("voice") if self._reader is not None else None,
            "speakers": self.asked.options.speakers,
            "diarizer": diarizer_sum(self.asked.options.speakers, self.asked.options.diarizer),
        }

    def _speech_elsewhere(self) -> list[str]:
        """Where nobody speaks on the track that nobody chose: whether somebody does on another."""
        if self.speech or self.asked.options.audio_track is not None or len(self.asked.media.audio) < 2:
            return []
        from mer_batch.voice.tracks import speech_elsewhere

        kept = self.asked.keep.find("elsewhere", lambda: {"range": self.asked.span}, list)
        if kept is None:
            found = speech_elsewhere(self.asked.media, *self.asked.span)
            kept = [found] if found else []
            self.asked.keep.put("elsewhere", lambda: {"range": self.asked.span}, kept)
        return kept


def _far(times: Breaks, known: Breaks) -> list[float]:
    """Those of the times that are no second finding of what is known: mouths are earlier than the sound."""
    return [time for time in times if all(abs(time - other) > EARLY for other in known)]


def by_voice(
    readings: VoiceReadings, voices: Sequence[VoiceTurn], breaks: Breaks
) -> tuple[Sequence[Observation], Sequence[Gap]]:
    """Readings that stand for one voice each, and for nobody who spoke before or after one of the `breaks`.

    Mouths and words tell of two people also where their voices could not be told apart.
    """
    from mer_batch.voice.retile import Stretch, retiled

    numbers: dict[tuple[int, int], int] = {}
    stretches = []
    for turn in voices:
        for start, end in pairwise([turn.start, *(b for b in breaks if turn.start < b < turn.end), turn.end]):
            part = turn.voice, bisect_right(breaks, (start + end) / 2)
            stretches.append(Stretch(start, end, numbers.setdefault(part, len(numbers))))
    return retiled(readings, stretches)
