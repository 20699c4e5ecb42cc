"""The whole path from a media file to a `Timeline`. Stages meet only here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_batch import checks, media
from mer_batch.classifier import Classifier
from mer_batch.config import DEFAULTS, Options
from mer_batch.deferred import deferred
from mer_batch.errors import MerError, one_line
from mer_batch.fusion.align import merge_spans
from mer_batch.fusion.named import all_changes, one_spelling
from mer_batch.fusion.speaking import Turn, find_turns, handovers
from mer_batch.keep import Keep
from mer_batch.nets.device import load_torch
from mer_batch.provenance import provenance
from mer_batch.readers import fingerprint
from mer_batch.readers import shared_classifier as load_classifier
from mer_batch.thumbnails import illustrated
from mer_batch.types import (
    Frame,
    Gap,
    Media,
    Modality,
    Observation,
    Person,
    Shot,
    TaskName,
    Timeline,
    Utterance,
)

if TYPE_CHECKING:
    from mer_batch.face.mouth import MouthTrack, MouthWatcher
    from mer_batch.face.read import FaceReadings
    from mer_batch.fusion.learned import Gate
    from mer_batch.nets.store import ModelCard
    from mer_batch.text.transcribe import Words

_FAILURES = (RuntimeError, ValueError, OSError, MemoryError, ArithmeticError, LookupError, TypeError)
"""What a broken file or model raises: it costs a modality, not the analysis."""
OnProgress = Callable[[str, float], None]
OnNotice = Callable[[str], None]
LOADING = "loading"
STAGES: dict[Modality, str] = {"face": "faces", "voice": "voice", "text": "words"}
"""What progress calls the stages; after them comes "fusion", before them `LOADING`."""


def analyze(
    path: Path | str,
    options: Options = DEFAULTS,
    on_progress: OnProgress | None = None,
    on_notice: OnNotice | None = None,
    keep: Path | None = None,
) -> Timeline:
    """Read a media file as `options` say.

    `on_progress` is told (stage, share done) of every stage that has something to read, `on_notice` at once what
    is known to be missing before the work begins. A modality that fails is lost: it is named in
    `Timeline.lost` with a notice, and the rest goes on. All that can be known before the first picture is
    decoded is checked before. Raises `InputError` for a file that cannot be
    read at all and `UsageError` for options that do not fit it.

    `keep` is a folder in which what the stages found is kept for the next run (see `keep.Keep`); None keeps nothing.
    """
    tell = on_progress or (lambda _stage, _done: None)
    tell(LOADING, 0.0)
    checks.check_options(options)
    found = media.probe(Path(path))
    checks.check_media(found, options)
    analysis = _Analysis(found, options, tell, checks.readers(found, options), Keep(keep, found.sha256))
    analysis.prepare(on_notice or (lambda _notice: None))
    tell(LOADING, 1.0)
    return analysis.run()


@dataclass
class _Analysis:
    """The state of one analysis; each stage adds to it."""

    media: Media
    options: Options
    on_progress: OnProgress
    ready: dict[Modality, Classifier[Any]]
    keep: Keep
    observations: list[Observation] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    people: tuple[Person, ...] = ()
    shots: tuple[Shot, ...] = ()
    mouths: Mapping[str, MouthTrack] = field(default_factory=dict)
    still: tuple[str, ...] = ()
    unchanging: bool = False
    kept: FaceReadings | None = None
    begun: tuple[Generator[Frame, None, None], MouthWatcher | None] | None = None
    speech: tuple[tuple[float, float], ...] | None = None
    loudness: tuple[tuple[float, float], ...] = ()
    written: Words | None = None
    unwritten: MerError | None = None
    deaf: str | None = None
    utterances: tuple[Utterance, ...] = ()
    notices: list[str] = field(default_factory=list)
    lost: list[Modality] = field(default_factory=list)
    models: dict[Modality, Classifier[Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def prepare(self, on_notice: OnNotice) -> None:
        """What can be had before the work: the words that are written down, else a recognizer that can be used."""
        self.notices += self.media.notes
        options = self.options
        if not self._wants("text"):
            if options.transcript is not None:
                self.notices.append("the transcript is not read, since --modalities leaves out text")
        else:
            self._find_written()
            if self.media.audio and self._needs_speech() and self.unwritten is None:
                self.deaf = checks.check_recognizer(options)
                self.notices += [self.deaf] if self.deaf else []
        for notice in self.notices:
            on_notice(notice)

    def _find_written(self) -> None:
        from mer_batch.text.transcribe import written_words

        options = self.options
        span = (options.start, options.end)
        try:
            self.written = written_words(self.media, options.transcript, options.language, span, options.subtitle_track)
        except MerError as error:
            if options.transcript is not None:
                raise
            self.unwritten = error  # a damaged stream costs the words, not the analysis

    def run(self) -> Timeline:
        """All stages in order, then the timeline."""
        with ExitStack() as stack:
            if self._wants("face") and self.media.video is not None and not self._kept_faces():
                # An error is met again in the stage of faces, which then is all that is lost.
                with suppress(MerError, *_FAILURES):
                    self.begun = self._pictures()
                    stack.enter_context(closing(self.begun[0]))
            load_torch()  # while ffmpeg works on the first pictures
            for modality, stage in (("face", self._face), ("voice", self._voice), ("text", self._words)):
                with self._stage(modality):  # type: ignore[arg-type]
                    stage()
        return self._timeline()

    def _pictures(self) -> tuple[Generator[Frame, None, None], MouthWatcher | None]:
        """The frames that faces are looked for in, being decoded from now on, and what measures mouths in them."""
        from mer_batch.face.mouth import MouthWatcher

        options = self.options
        speaks = self.media.audio and (self._wants("voice") or self._wants("text"))
        watcher = MouthWatcher(options.fps, options.start) if speaks else None
        rate = watcher.rate if watcher else options.fps
        frames = media.read_frames(self.media, rate, options.start, options.end, on_warning=self.notices.append)
        return frames, watcher

    @property
    def end(self) -> float:
        """Where the analysed range stops, in seconds."""
        return min(self.options.end or self.media.duration, self.media.duration)

    @contextmanager
    def _stage(self, modality: Modality) -> Iterator[None]:
        if modality not in self.options.modalities:
            self._absent(modality, f"not asked for (--modalities {','.join(self.options.modalities)})")
        began = time.monotonic()
        try:
            yield
        except MerError as error:
            if error.exit_code == 2:  # a wrong option is the user's to mend, not a modality's loss
                raise
            self._lose(modality, error)
        except _FAILURES as error:
            self._lose(modality, error)
        self.seconds[modality] = round(time.monotonic() - began, 2)

    def _lose(self, modality: Modality, error: Exception) -> None:
        if os.environ.get("MER_DEBUG") == "1":
            raise error
        line = one_line(error)
        self.lost.append(modality)
        self.observations = [observation for observation in self.observations if observation.modality != modality]
        self.gaps = [gap for gap in self.gaps if gap.modality != modality]
        self._absent(modality, f"lost to an error: {line}")
        self.notices.append(f"{modality} was lost to an error: {line} (MER_DEBUG=1 shows where)")

    def _absent(self, modality: Modality, reason: str) -> None:
        self.gaps.append(Gap(modality, min(self.options.start, self.end), self.end, reason))

    def _wants(self, modality: Modality) -> bool:
        return modality in self.options.modalities

    def _reader(self, modality: Modality) -> Classifier[Any]:
        if modality not in self.ready:
            spec = getattr(self.options, f"{modality}_model")
            self.ready[modality] = deferred(load_classifier, modality, spec, self.options.device)
        self.models[modality] = self.ready[modality]
        return self.models[modality]

    @contextmanager
    def _told(self, modality: Modality) -> Iterator[Callable[[float], None]]:
        """Progress of a stage that has something to read: a function that is told the time reached, in seconds."""
        stage, start = STAGES[modality], self.options.start
        length = max(self.end - start, 1e-6)
        self.on_progress(stage, 0.0)
        yield lambda reached: self.on_progress(stage, min((reached - start) / length, 0.999))
        self.on_progress(stage, 1.0)

    def _face(self) -> None:
        if not self._wants("face"):
            return
        if self.media.video is None:
            self._absent("face", "the file has no video")
            return
        reader = self._reader("face")
        readings = self._kept_faces()
        if readings is None:
            before = len(self.notices)
            readings = self._read_faces(reader)
            self.keep.put("face", self._face_facts, (readings, tuple(self.notices[before:])))
        self.observations += readings.observations
        self.gaps += readings.gaps
        self.people, self.shots, self.mouths = readings.people, readings.shots, readings.mouths
        self.still, self.unchanging = readings.still, readings.unchanging
        self.notices += readings.notices

    def _read_faces(self, reader: Classifier[Any]) -> FaceReadings:
        from mer_batch.face.identity import load_embedder
        from mer_batch.face.read import read_faces

        frames, watcher = self.begun or self._pictures()
        with closing(frames), self._told("face") as share:
            return read_faces(
                frames,
                reader,
                device=self.options.device,
                embedder=load_embedder(self.options.device),
                watcher=watcher,
                on_progress=share,
            )

    def _face_facts(self) -> dict[str, Any]:
        """What decides the readings of faces, beside the recording."""
        from mer_batch.face.identity import weights_sum

        options = self.options
        return {
            "range": (options.start, options.end),
            "fps": options.fps,
            "model": self._model_hash("face"),
            "mouths": bool(self.media.audio) and (self._wants("voice") or self._wants("text")),
            "identity": weights_sum(),
        }

    def _kept_faces(self) -> FaceReadings | None:
        """What an earlier run found in the same pictures with the same model, with what it had to say of them."""
        if self.kept is None and (found := self.keep.find("face", self._face_facts, tuple)) is not None:
            self.kept, notices = found
            self.notices += notices
        return self.kept

    def _model_hash(self, modality: Modality) -> str:
        """What tells a model from others."""
        return fingerprint(modality, str(getattr(self.options, f"{modality}_model")))

    def _voice(self) -> None:
        if not self.media.audio:
            if self._wants("voice"):
                self._absent("voice", "the file has no sound")
            return
        if not self._wants("voice") and not self._needs_speech():
            return
        failure = self._listen()
        if failure is not None and self._wants("voice"):
            raise failure

    def _listen(self) -> Exception | None:
        """Where speech is, how loud the sound is and, if wanted, how the voice sounds; returns why it was not read."""
        from mer_batch.voice.read import read_voice

        options = self.options
        breaks = all_changes(handovers(self._turns([(options.start, self.end)])), self._named())
        reader, failure = None, None
        if self._wants("voice"):
            try:
                reader = self._reader("voice")
            except (MerError, *_FAILURES) as error:
                failure = error  # words need to know where speech is, whoever reads its emotion

        def facts() -> dict[str, Any]:
            return {
                "range": (options.start, options.end),
                "track": options.audio_track,
                "breaks": breaks,
                "model": self._model_hash("voice") if reader is not None else None,
            }

        found = self.keep.find("voice", facts, tuple)
        if found is None:
            before = len(self.notices)
            blocks = media.read_audio(
                self.media, options.start, options.end, options.audio_track, on_warning=self.notices.append
            )
            with self._told("voice") as share:
                readings = read_voice(blocks, reader, start=options.start, breaks=breaks, on_progress=share)
            if readings.failure is None:
                self.keep.put("voice", facts, (readings, tuple(self.notices[before:])))
        else:
            readings, notices = found
            self.notices += notices
        self.speech, self.loudness = readings.speech, readings.loudness
        self.notices += self._speech_elsewhere()
        if reader is None or readings.failure is not None:
            return failure or readings.failure
        self.observations += readings.observations
        self.gaps += readings.gaps
        ends = [reading.end for reading in readings.observations] + [gap.end for gap in readings.gaps]
        heard = max(ends, default=options.start)
        if heard < self.end:
            self.gaps.append(Gap("voice", heard, self.end, "no sound"))
        return None

    def _speech_elsewhere(self) -> list[str]:
        """Where nobody speaks on the track that nobody chose: whether somebody does on another."""
        if self.speech or self.options.audio_track is not None or len(self.media.audio) < 2:
            return []
        from mer_batch.voice.tracks import speech_elsewhere

        span = (self.options.start, self.options.end)
        kept = self.keep.find("elsewhere", lambda: {"range": span}, list)
        if kept is None:
            found = speech_elsewhere(self.media, *span)
            kept = [found] if found else []
            self.keep.put("elsewhere", lambda: {"range": span}, kept)
        return kept

    def _named(self) -> tuple[Utterance, ...]:
        """Written words with the names of who says them, one spelling each."""
        return one_spelling(self.written.utterances) if self.written is not None else ()

    def _needs_speech(self) -> bool:
        """Whether a recognizer may have to hear what is said: nothing is written down, or perhaps not all of it."""
        unsaid = self.written is None or self.written.partial
        return self._wants("text") and unsaid and self.options.asr != "none"

    def _words(self) -> None:
        if not self._wants("text"):
            return
        if self.unwritten is not None:
            raise self.unwritten
        words = self._all_words()
        if words.notice:
            self.notices.append(words.notice)
        self.notices += words.notices
        self.gaps += words.gaps
        spoken = one_spelling(words.utterances)
        inside = [w for w in spoken if w.end > self.options.start and w.start < self.end]
        self.utterances = tuple(replace(w, end=min(w.end, self.end)) for w in inside)
        if self.utterances:
            self._read_words()
        self.gaps += self._wordless()

    def _all_words(self) -> Words:
        """The words that are written down, unless those are a part only and a recognizer hears more."""
        written = self.written
        if written is not None and (written.suffices(self.speech) or not self._needs_speech()):
            return written
        return self._heard_words()

    def _heard_words(self) -> Words:
        """The words that a recognizer hears where somebody speaks."""
        from mer_batch.text.transcribe import find_words

        options = self.options
        if self.media.audio and self._needs_speech() and self.speech is None:
            raise MerError("where somebody speaks is not known, and recognizers invent words in silence")
        hears = self.speech and self._needs_speech() and not self.deaf
        with self._told("text") if hears else nullcontext() as share:
            return find_words(
                self.media,
                transcript=None,
                written=self.written,
                asr=options.asr,
                speech=self.speech,
                language=options.language,
                prompt=options.prompt,
                device=options.device,
                track=options.audio_track,
                subtitle_track=options.subtitle_track,
                span=(options.start, options.end),
                on_progress=share,
            )

    def _read_words(self) -> None:
        from mer_batch.text.read import read_words

        with self._told("text") if self.written is not None else nullcontext():
            observations, gaps = read_words(self.utterances, self._reader("text"), self.options.context)
        self.observations += observations
        self.gaps += gaps

    def _wordless(self) -> list[Gap]:
        """The stretches that neither words nor a reason cover."""
        known = [(w.start, w.end) for w in self.utterances]
        known += [(gap.start, gap.end) for gap in self.gaps if gap.modality == "text"]
        edges = [self.options.start, *(edge for span in merge_spans(known) for edge in span), self.end]
        return [Gap("text", a, b, "no words") for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]

    @property
    def _cuts(self) -> list[float]:
        return [shot.start for shot in self.shots[1:]]

    def _turns(self, speech: Sequence[tuple[float, float]]) -> tuple[Turn, ...]:
        """Who of the people in view speaks when in `speech`."""
        return find_turns(self.mouths, self.people, speech, self._cuts)

    def _fitting(self) -> Gate | None:
        """The gate, where there is something to weigh, unless it has not learned from these models."""
        from mer_batch.fusion.learned import load_gate

        cards = {modality: self.models[modality].card for modality in self._took_part()}
        gate = load_gate(self.options.fusion_model, "cpu") if len(cards) > 1 else None
        if gate is None:
            return None
        strangers = gate.strangers({modality: card.sha256 for modality, card in cards.items()})
        if not strangers:
            return gate
        self.notices.append(
            f"the gate {gate.card.name} has not learned from these {' and '.join(strangers)} models, so modalities are "
            "weighed by reliability and quality alone; mer train fusion makes one for them"
        )
        return None

    def _timeline(self) -> Timeline:
        from mer_batch.face.liveness import notices
        from mer_batch.fusion import bind, fuse, pool
        from mer_batch.timeline.events import find_events
        from mer_batch.timeline.io import rounded

        began = time.monotonic()
        self.on_progress("fusion", 0.0)
        options = self.options
        gate = self._fitting()
        cards: dict[TaskName, ModelCard] = {modality: self.models[modality].card for modality in self._took_part()}
        used = {modality: self.models[modality].card.reliability for modality in self._took_part()}
        cards |= {"fusion": gate.card} if gate else {}
        # Words from a file may be all that is known of the speech.
        speech = self.speech or merge_spans((said.start, said.end) for said in self.utterances)
        bound = bind(
            self.observations,
            self.gaps,
            self.utterances,
            people=self.people,
            has_faces="face" in used,
            turns=self._turns(speech),
        )
        fused = fuse(
            bound.observations,
            bound.gaps,
            duration=self.end,
            people=bound.people,
            cuts=self._cuts,
            reliabilities=used,
            step=options.step,
            abstain=options.abstain,
            weigh=gate.weights if gate else pool.weights,
        )
        events = find_events(fused.segments, self.shots, bound.in_view, fused.observations)
        self.notices += bound.naming.notices()
        self.notices += notices([bound.naming.called.get(name, name) for name in self.still], self.unchanging)
        self.seconds["fusion"] = round(time.monotonic() - began, 2)
        timeline = Timeline(
            media=self.media,
            provenance=provenance(options, cards, self.seconds),
            people=fused.people,
            shots=self.shots,
            speech=self.speech or (),
            loudness=self.loudness,
            utterances=bound.utterances,
            observations=fused.observations,
            gaps=bound.gaps,
            segments=fused.segments,
            events=events,
            notices=tuple(dict.fromkeys(self.notices)),
            lost=tuple(self.lost),
        )
        shown = rounded(illustrated(timeline))  # so that a timeline read back gives the same page
        self.on_progress("fusion", 1.0)
        return shown

    def _took_part(self) -> list[Modality]:
        return [modality for modality in self.models if self._wants(modality) and modality not in self.lost]
