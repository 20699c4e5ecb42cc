"""The stage of words: those that are written down, else those that a recognizer hears, and what they say."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from mer_batch import checks
from mer_batch.errors import MerError
from mer_batch.fusion.align import merge_spans
from mer_batch.fusion.named import one_spelling
from mer_batch.pipeline.asked import Asked
from mer_batch.pipeline.stage import Stage
from mer_batch.types import Gap, Utterance

if TYPE_CHECKING:
    from mer_batch.text.transcribe import Words


class WordStage(Stage):
    """`prepare` before the work; `speech` says where somebody speaks, as far as that is known."""

    modality = "text"

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self.speech: tuple[tuple[float, float], ...] | None = None
        self.utterances: tuple[Utterance, ...] = ()
        self._written: Words | None = None
        self._unwritten: MerError | None = None
        self._deaf: str | None = None

    def prepare(self) -> list[str]:
        """Get the words that are written down, else a recognizer that can be used; returns what is missing."""
        options = self.asked.options
        if not self.wanted:
            unread = "the transcript is not read, since --modalities leaves out text"
            return [unread] if options.transcript is not None else []
        self._find_written()
        if self.asked.media.audio and self.needs_speech and self._unwritten is None:
            self._deaf = checks.check_recognizer(options)
        return [self._deaf] if self._deaf else []

    def _find_written(self) -> None:
        from mer_batch.text.transcribe import written_words

        options = self.asked.options
        try:
            self._written = written_words(
                self.asked.media, options.transcript, options.language, self.asked.span, options.subtitle_track
            )
        except MerError as error:
            if options.transcript is not None:
                raise
            self._unwritten = error  # a damaged stream costs the words, not the analysis

    @property
    def named(self) -> tuple[Utterance, ...]:
        """Written words with the names of who says them, one spelling each."""
        return one_spelling(self._written.utterances) if self._written is not None else ()

    @property
    def needs_speech(self) -> bool:
        """Whether a recognizer may have to hear what is said: nothing is written down, or perhaps not all of it."""
        unsaid = self._written is None or self._written.partial
        return self.wanted and unsaid and self.asked.options.asr != "none"

    def read(self) -> None:
        """See `Stage.read`."""
        if not self.wanted:
            return
        if self._unwritten is not None:
            raise self._unwritten
        words = self._all_words()
        if words.notice:
            self.notices.append(words.notice)
        self.notices += words.notices
        self.gaps += words.gaps
        start, end = self.asked.options.start, self.asked.end
        inside = [w for w in one_spelling(words.utterances) if w.end > start and w.start < end]
        self.utterances = tuple(replace(w, end=min(w.end, end)) for w in inside)
        if self.utterances:
            self._read_words()
        self.gaps += self._wordless()

    def _all_words(self) -> Words:
        """The words that are written down, unless those are a part only and a recognizer hears more."""
        written = self._written
        if written is not None and (written.suffices(self.speech) or not self.needs_speech):
            return written
        return self._heard_words()

    def _heard_words(self) -> Words:
        """The words that a recognizer hears where somebody speaks."""
        from mer_batch.text.transcribe import find_words

        asked, options = self.asked, self.asked.options
        if asked.media.audio and self.needs_speech and self.speech is None:
            raise MerError("where somebody speaks is not known, and recognizers invent words in silence")
        hears = self.speech and self.needs_speech and not self._deaf
        with asked.told("text") if hears else nullcontext() as share:
            return find_words(
                asked.media,
                transcript=None,
                written=self._written,
                asr=options.asr,
                speech=self.speech,
                language=options.language,
                prompt=options.prompt,
                device=options.device,
                track=options.audio_track,
                subtitle_track=options.subtitle_track,
                span=asked.span,
                on_progress=share,
            )

    def _read_words(self) -> None:
        from mer_batch.text.read import read_words

        with self.asked.told("text") if self._written is not None else nullcontext():
            self.take(*read_words(self.utterances, self.asked.reader("text"), self.asked.options.context))

    def _wordless(self) -> list[Gap]:
        """The stretches that neither words nor a reason cover."""
        known = [(w.start, w.end) for w in self.utterances] + [(gap.start, gap.end) for gap in self.gaps]
        edges = [self.asked.options.start, *(edge for span in merge_spans(known) for edge in span), self.asked.end]
        return [Gap("text", a, b, "no words") for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
