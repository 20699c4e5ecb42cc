"""From what the stages found to the `Timeline`: who said what, the fused reading, events and pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mer_batch.fusion.align import merge_spans
from mer_batch.pipeline.asked import Asked
from mer_batch.pipeline.faces import FaceStage
from mer_batch.pipeline.sound import VoiceStage
from mer_batch.pipeline.stage import Stage
from mer_batch.pipeline.words import WordStage
from mer_batch.provenance import provenance
from mer_batch.thumbnails import illustrated
from mer_batch.types import Modality, TaskName, Timeline

if TYPE_CHECKING:
    from mer_batch.fusion import Bound, Fused
    from mer_batch.fusion.learned import Gate
    from mer_batch.nets.store import ModelCard


@dataclass(frozen=True)
class _Models:
    """The cards of the models that took part, how far each is trusted, and the gate that weighs them, if one fits."""

    cards: dict[TaskName, ModelCard]
    reliabilities: dict[Modality, float]
    gate: Gate | None
    notices: list[str]


def timeline(asked: Asked, faces: FaceStage, voice: VoiceStage, words: WordStage, notices: Sequence[str]) -> Timeline:
    """The timeline of stages that have run; `notices` are those from before the work."""
    from mer_batch.face import liveness
    from mer_batch.timeline.edited import edited
    from mer_batch.timeline.events import find_events
    from mer_batch.timeline.io import rounded

    began = time.monotonic()
    asked.on_progress("fusion", 0.0)
    stages: tuple[Stage, ...] = (faces, voice, words)
    models = _models(asked, stages)
    bound, fused = _fused(asked, faces, voice, words, models)
    events = find_events(fused.segments, faces.shots, bound.in_view, fused.observations)
    told = [*notices, *(notice for stage in stages for notice in stage.notices), *models.notices]
    told += bound.naming.notices()
    told += bound.known.notices()
    told += liveness.notices([bound.naming.called.get(name, name) for name in faces.still], faces.unchanging)
    seconds = {stage.modality: stage.seconds for stage in stages} | {"fusion": round(time.monotonic() - began, 2)}
    made = Timeline(
        media=asked.media,
        provenance=provenance(asked.options, models.cards, seconds),
        people=fused.people,
        shots=faces.shots,
        speech=voice.speech or (),
        loudness=voice.loudness,
        utterances=bound.utterances,
        observations=fused.observations,
        gaps=bound.gaps,
        segments=fused.segments,
        events=events,
        notices=tuple(dict.fromkeys(told)),
        lost=tuple(stage.modality for stage in stages if stage.lost),
    )
    if asked.edits:
        made = edited(made, asked.edits, strict=False)
    if asked.pictures:
        made = illustrated(made, faces.glimpses)
    shown = rounded(made)  # so that a timeline read back gives the same page
    asked.on_progress("fusion", 1.0)
    return shown


def _fused(asked: Asked, faces: FaceStage, voice: VoiceStage, words: WordStage, models: _Models) -> tuple[Bound, Fused]:
    from mer_batch.fusion import bind, fuse, pool

    stages: tuple[Stage, ...] = (faces, voice, words)
    # Words from a file may be all that is known of the speech.
    speech = voice.speech or merge_spans((said.start, said.end) for said in words.utterances)
    bound = bind(
        [observation for stage in stages for observation in stage.observations],
        [gap for stage in stages for gap in stage.gaps],
        words.utterances,
        people=faces.people,
        has_faces="face" in models.reliabilities,
        turns=faces.turns(speech),
        voices=voice.voices,
    )
    fused = fuse(
        bound.observations,
        bound.gaps,
        duration=asked.end,
        people=bound.people,
        cuts=faces.cuts,
        reliabilities=models.reliabilities,
        step=asked.options.step,
        abstain=asked.options.abstain,
        weigh=models.gate.weights if models.gate else pool.weights,
    )
    return bound, fused


def _models(asked: Asked, stages: Sequence[Stage]) -> _Models:
    cards: dict[TaskName, ModelCard] = {s.modality: asked.reader(s.modality).card for s in stages if s.took_part}
    reliabilities = {s.modality: cards[s.modality].reliability for s in stages if s.took_part}
    gate, notices = _fitting(cards, asked.options.fusion_model)
    return _Models(cards | ({"fusion": gate.card} if gate else {}), reliabilities, gate, notices)


def _fitting(cards: Mapping[TaskName, ModelCard], spec: str) -> tuple[Gate | None, list[str]]:
    """The gate, where there is something to weigh, unless it has not learned from these models, and then that."""
    from mer_batch.fusion.learned import load_gate

    gate = load_gate(spec, "cpu") if len(cards) > 1 else None
    strangers = gate.strangers({modality: card.sha256 for modality, card in cards.items()}) if gate else ()
    if gate is None or not strangers:
        return gate, []
    return None, [
        f"the gate {gate.card.name} has not learned from these {' and '.join(strangers)} models, so modalities are "
        "weighed by reliability and quality alone; mer train fusion makes one for them"
    ]
