"""The whole path from a media file to a `Timeline`. Stages meet only here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_batch import __version__, media
from mer_batch.classifier import Classifier, load_classifier
from mer_batch.config import DEFAULTS, Options
from mer_batch.errors import MerError
from mer_batch.fusion.align import merge_spans
from mer_batch.fusion.speaking import Turn, find_turns, handovers
from mer_batch.text import asr as recognizers
from mer_batch.thumbnails import illustrated
from mer_batch.types import (
    Gap,
    Media,
    Modality,
    ModelUse,
    Observation,
    Person,
    Provenance,
    Shot,
    TaskName,
    Timeline,
    Utterance,
)

if TYPE_CHECKING:
    from mer_batch.face.mouth import MouthTrack
    from mer_batch.fusion.learned import Gate
    from mer_batch.nets.store import ModelCard

PACKAGES = ("torch", "facenet-pytorch", "silero-vad", "openai-whisper", "av", "numpy")
OnProgress = Callable[[str, float], None]


def analyze(path: Path | str, options: Options = DEFAULTS, on_progress: OnProgress | None = None) -> Timeline:
    """Read a media file as `options` say.

    `on_progress` is told (stage, share done). A modality that fails is lost: it is named in
    `Timeline.lost` with a notice, and the rest goes on. Raises `InputError` for a file that cannot be
    read at all and `UsageError` for options that do not fit it.
    """
    recognizers.check(options.asr)
    return _Analysis(media.probe(Path(path)), options, on_progress or (lambda _stage, _done: None)).run()


@dataclass
class _Analysis:
    """The state of one analysis; each stage adds to it."""

    media: Media
    options: Options
    on_progress: OnProgress
    observations: list[Observation] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    people: tuple[Person, ...] = ()
    shots: tuple[Shot, ...] = ()
    mouths: Mapping[str, MouthTrack] = field(default_factory=dict)
    speech: tuple[tuple[float, float], ...] | None = None
    loudness: tuple[tuple[float, float], ...] = ()
    utterances: tuple[Utterance, ...] = ()
    notices: list[str] = field(default_factory=list)
    lost: list[Modality] = field(default_factory=list)
    models: dict[Modality, Classifier[Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> Timeline:
        """All stages in order, then the timeline."""
        self.notices += self.media.notes
        gate = self._gate()
        for modality, stage in (("face", self._face), ("voice", self._voice), ("text", self._words)):
            with self._stage(modality):  # type: ignore[arg-type]
                stage()
        return self._timeline(gate)

    def _gate(self) -> Gate | None:
        """The gate that weighs the modalities, before hours of work show that there is none of that name."""
        from mer_batch.fusion.learned import load_gate

        return load_gate(self.options.fusion_model, "cpu") if len(self.options.modalities) > 1 else None

    @property
    def end(self) -> float:
        """Where the analysed range stops, in seconds."""
        return min(self.options.end or self.media.duration, self.media.duration)

    @contextmanager
    def _stage(self, modality: Modality) -> Iterator[None]:
        if modality not in self.options.modalities:
            self._absent(modality, f"not asked for (--modalities {','.join(self.options.modalities)})")
        began = time.monotonic()
        self.on_progress(modality, 0.0)
        try:
            yield
        except MerError as error:
            if error.exit_code == 2:  # a wrong option is the user's to mend, not a modality's loss
                raise
            self._lose(modality, error)
        except (RuntimeError, ValueError, OSError, MemoryError, ArithmeticError, LookupError, TypeError) as error:
            self._lose(modality, error)
        self.seconds[modality] = round(time.monotonic() - began, 2)
        self.on_progress(modality, 1.0)

    def _lose(self, modality: Modality, error: Exception) -> None:
        if os.environ.get("MER_DEBUG") == "1":
            raise error
        line = " ".join(str(error).split()) or type(error).__name__
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
        spec = getattr(self.options, f"{modality}_model")
        self.models[modality] = load_classifier(modality, spec, self.options.device)
        return self.models[modality]

    def _share(self, stage: str) -> Callable[[float], None]:
        start, length = self.options.start, max(self.end - self.options.start, 1e-6)
        return lambda reached: self.on_progress(stage, min((reached - start) / length, 0.999))

    def _face(self) -> None:
        if not self._wants("face"):
            return
        if self.media.video is None:
            self._absent("face", "the file has no video")
            return
        from mer_batch.face.identity import load_embedder
        from mer_batch.face.mouth import MouthWatcher
        from mer_batch.face.read import read_faces

        options = self.options
        speaks = self.media.audio and (self._wants("voice") or self._wants("text"))
        watcher = MouthWatcher(options.fps, options.start) if speaks else None
        rate = watcher.rate if watcher else options.fps
        frames = media.read_frames(self.media, rate, options.start, options.end, on_warning=self.notices.append)
        readings = read_faces(
            frames,
            self._reader("face"),
            device=options.device,
            embedder=load_embedder(options.device),
            watcher=watcher,
            on_progress=self._share("face"),
        )
        self.observations += readings.observations
        self.gaps += readings.gaps
        self.people, self.shots, self.mouths = readings.people, readings.shots, readings.mouths
        self.notices += readings.notices

    def _voice(self) -> None:
        if not self.media.audio:
            if self._wants("voice"):
                self._absent("voice", "the file has no sound")
            return
        if not self._wants("voice") and not self._needs_speech():
            return
        from mer_batch.voice.read import read_voice

        options = self.options
        blocks = media.read_audio(
            self.media, options.start, options.end, options.audio_track, on_warning=self.notices.append
        )
        share = self._share("voice")
        breaks = handovers(self._turns([(options.start, self.end)]))
        reader = self._reader("voice")
        readings = read_voice(blocks, reader, start=options.start, breaks=breaks, on_progress=share)
        self.speech, self.loudness = readings.speech, readings.loudness
        if not self.speech and options.audio_track is None and len(self.media.audio) > 1:
            from mer_batch.voice.tracks import speech_elsewhere

            elsewhere = speech_elsewhere(self.media, options.start, options.end)
            self.notices += [elsewhere] if elsewhere else []
        if self._wants("voice"):
            self.observations += readings.observations
            self.gaps += readings.gaps
            ends = [reading.end for reading in readings.observations] + [gap.end for gap in readings.gaps]
            heard = max(ends, default=options.start)
            if heard < self.end:
                self.gaps.append(Gap("voice", heard, self.end, "no sound"))

    def _needs_speech(self) -> bool:
        return self._wants("text") and self.options.transcript is None and self.options.asr != "none"

    def _words(self) -> None:
        if not self._wants("text"):
            return
        from mer_batch.text.read import read_words
        from mer_batch.text.transcribe import find_words

        options = self.options
        words = find_words(
            self.media,
            transcript=options.transcript,
            asr=options.asr,
            speech=self.speech,
            language=options.language,
            prompt=options.prompt,
            device=options.device,
            track=options.audio_track,
            span=(options.start, options.end),
            on_progress=self._share("text"),
        )
        if words.notice:
            self.notices.append(words.notice)
        self.gaps += words.gaps
        inside = [w for w in words.utterances if w.end > options.start and w.start < self.end]
        self.utterances = tuple(replace(w, end=min(w.end, self.end)) for w in inside)
        observations, gaps = read_words(self.utterances, self._reader("text"), options.context)
        self.observations += observations
        self.gaps += gaps
        self.gaps += self._wordless()

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

    def _fitting(self, gate: Gate | None) -> Gate | None:
        """The gate, unless it would weigh models that it has not learned from."""
        cards = {modality: self.models[modality].card for modality in self._took_part()}
        if gate is None or len(cards) < 2:
            return None
        strangers = gate.strangers({modality: card.sha256 for modality, card in cards.items()})
        if not strangers:
            return gate
        self.notices.append(
            f"the gate {gate.card.name} has not learned from these {' and '.join(strangers)} models, so modalities are "
            "weighed by reliability and quality alone; mer train fusion makes one for them"
        )
        return None

    def _timeline(self, gate: Gate | None) -> Timeline:
        from mer_batch.fusion import bind_observations, bind_utterances, fuse, pool
        from mer_batch.timeline.events import find_events
        from mer_batch.timeline.io import rounded

        began = time.monotonic()
        options = self.options
        gate = self._fitting(gate)
        used = {modality: self.models[modality].card.reliability for modality in self._took_part()}
        # Words from a file may be all that is known of the speech.
        speech = self.speech or merge_spans((said.start, said.end) for said in self.utterances)
        turns = self._turns(speech)
        fused = fuse(
            bind_observations(self.observations, self.people, "face" in used, turns),
            self.gaps,
            duration=self.end,
            people=self.people,
            cuts=self._cuts,
            reliabilities=used,
            step=options.step,
            abstain=options.abstain,
            weigh=gate.weights if gate else pool.weights,
        )
        events = find_events(fused.segments, self.shots, fused.people, fused.observations)
        self.seconds["fusion"] = round(time.monotonic() - began, 2)
        timeline = Timeline(
            media=self.media,
            provenance=self._provenance(gate),
            people=fused.people,
            shots=self.shots,
            speech=self.speech or (),
            loudness=self.loudness,
            utterances=bind_utterances(self.utterances, fused.people, self.media.video is not None, turns),
            observations=fused.observations,
            gaps=tuple(self.gaps),
            segments=fused.segments,
            events=events,
            notices=tuple(dict.fromkeys(self.notices)),
            lost=tuple(self.lost),
        )
        return rounded(illustrated(timeline))  # so that a timeline read back gives the same page

    def _took_part(self) -> list[Modality]:
        return [modality for modality in self.models if self._wants(modality) and modality not in self.lost]

    def _provenance(self, gate: Gate | None) -> Provenance:
        used = [_use(modality, self.models[modality].card) for modality in self._took_part()]
        return Provenance(
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            version=__version__,
            options={key: _plain(value) for key, value in asdict(self.options).items()},
            packages={name: version(name) for name in PACKAGES},
            models=(*used, *([_use("fusion", gate.card)] if gate else [])),
            seconds=dict(self.seconds),
        )


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _use(modality: TaskName, card: ModelCard) -> ModelUse:
    return ModelUse(
        modality=modality,
        name=card.name,
        sha256=card.sha256,
        net=card.net,
        data=card.data,
        licence=card.licence,
        scores=card.scores,
        confusion=card.confusion,
        confusion_source=card.confusion_source,
    )
