"""The stage of voices: where somebody speaks, how loud it is, and how the voice sounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mer_batch import media
from mer_batch.classifier import Classifier
from mer_batch.errors import MerError
from mer_batch.fusion.named import all_changes
from mer_batch.fusion.speaking import handovers
from mer_batch.pipeline.asked import Asked
from mer_batch.pipeline.faces import FaceStage
from mer_batch.pipeline.stage import FAILURES, Stage
from mer_batch.pipeline.voices import VoiceEar, encoder_sum
from mer_batch.pipeline.words import WordStage
from mer_batch.types import Gap, Observation

if TYPE_CHECKING:
    from mer_batch.people.voices import VoiceTurn
    from mer_batch.voice.read import VoiceReadings


class VoiceStage(Stage):
    """Runs after `faces`, whose mouths show where the word is passed on; `words` may need to know where speech is."""

    modality = "voice"

    def __init__(self, asked: Asked, faces: FaceStage, words: WordStage) -> None:
        super().__init__(asked)
        self._faces, self._words = faces, words
        self.speech: tuple[tuple[float, float], ...] | None = None
        self.loudness: tuple[tuple[float, float], ...] = ()
        self.voices: tuple[VoiceTurn, ...] = ()

    def read(self) -> None:
        """See `Stage.read`."""
        if not self.asked.media.audio:
            if self.wanted:
                self.absent("the file has no sound")
            return
        if not self.wanted and not self._words.needs_speech:
            return
        failure = self._listen()
        if failure is not None and self.wanted:
            raise failure

    def _listen(self) -> Exception | None:
        """Where speech is, how loud the sound is and, if wanted, how the voice sounds; returns why it was not read."""
        turns = self._faces.turns([(self.asked.options.start, self.asked.end)])
        breaks = all_changes(handovers(turns), self._words.named)
        reader, failure = None, None
        if self.wanted:
            try:
                reader = self.asked.reader("voice")
            except (MerError, *FAILURES) as error:
                failure = error  # words need to know where speech is, whoever reads its emotion
        readings, self.voices = self._readings(reader, breaks)
        self.speech, self.loudness = readings.speech, readings.loudness
        self.notices += self._speech_elsewhere()
        if reader is None or readings.failure is not None:
            return failure or readings.failure
        self.take(*_by_voice(readings, self.voices))
        ends = [reading.end for reading in readings.observations] + [gap.end for gap in readings.gaps]
        heard = max(ends, default=self.asked.options.start)
        if heard < self.asked.end:
            self.gaps.append(Gap("voice", heard, self.asked.end, "no sound"))
        return None

    def _readings(
        self, reader: Classifier[Any] | None, breaks: Sequence[float]
    ) -> tuple[VoiceReadings, tuple[VoiceTurn, ...]]:
        """What was kept of the same sound, models and breaks, else what is heard now: readings and voices."""
        from mer_batch.voice.read import read_voice

        asked = self.asked

        def facts() -> dict[str, Any]:
            return {
                "range": asked.span,
                "track": asked.options.audio_track,
                "breaks": breaks,
                "model": asked.model_hash("voice") if reader is not None else None,
                "speakers": asked.options.speakers,
                "encoder": encoder_sum(asked.options.speakers),
            }

        found = asked.keep.find("voice", facts, tuple)
        if found is not None:
            readings, voices, notices = found
            self.notices += notices
            return readings, voices
        before = len(self.notices)
        blocks = media.read_audio(asked.media, *asked.span, asked.options.audio_track, on_warning=self.notices.append)
        ear = VoiceEar(asked.options.speakers)
        with asked.told("voice") as share:
            heard = read_voice(
                blocks, reader, start=asked.options.start, breaks=breaks, on_progress=share, listener=ear
            )
            voices = ear.turns(heard.speech)
        self.notices += ear.notices
        if heard.failure is None and not ear.failed:
            asked.keep.put("voice", facts, (heard, voices, tuple(self.notices[before:])))
        return heard, voices

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


def _by_voice(readings: VoiceReadings, voices: Sequence[VoiceTurn]) -> tuple[Sequence[Observation], Sequence[Gap]]:
    """Readings that stand for one voice each."""
    from mer_batch.voice.retile import Stretch, retiled

    return retiled(readings, [Stretch(*turn) for turn in voices])
