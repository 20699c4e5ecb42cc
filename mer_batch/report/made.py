"""How a report was made: options, versions, models, hashes and seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mer_batch.types import ModelUse, Timeline
from mer_batch.wording import TASK_WORDS, clock, counted, listed

SCORE_WORDS = {
    "accuracy": "accuracy",
    "uar": "mean recall (UAR)",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "ece": "calibration error",
    "ece_debiased": "calibration error without chance",
    "n": "items",
}
OPTION_WORDS = {
    "fps": "pictures read a second",
    "start": "from, in seconds",
    "end": "to, in seconds",
    "modalities": "read",
    "transcript": "words from",
    "subtitle_track": "subtitles",
    "asr": "speech recognition",
    "language": "spoken language",
    "prompt": "words to expect",
    "speakers": "voices told apart",
    "diarizer": "voices told apart by",
    "audio_track": "sound track",
    "device": "networks run on",
    "face_model": "reader of faces",
    "voice_model": "reader of voices",
    "text_model": "reader of words",
    "fusion_model": "weighs them",
    "identity": "people told apart by",
    "gallery": "known people from",
    "names": "names given",
    "context": "utterances read before each",
    "step": "seconds a step",
    "abstain": "least probability to be named",
    "people": "edits of people",
}
"""What a reader calls the options of an analysis."""
CONTAINERS = {
    "mov": "MP4 or QuickTime",
    "matroska": "Matroska or WebM",
    "mpegts": "MPEG transport stream",
    "mpeg": "MPEG program stream",
    "asf": "Windows Media",
    "avi": "AVI",
    "wav": "WAV",
    "w64": "WAV",
}
"""What ffmpeg's lists of names stand for; others are short names by themselves."""
_PLAIN_SCORES = ("accuracy", "uar", "weighted_f1", "macro_f1")


def context(timeline: Timeline) -> dict[str, object]:
    """The sentence, the table of models and the small tables."""
    made, seconds = timeline.provenance, sum(timeline.provenance.seconds.values())
    return {
        "sentence": f"Made on {_date(made.created)} by mer-batch {made.version}, in {seconds:.1f} s. "
        "The same file, options, versions and models give the same report.",
        "models": [_model_row(model) for model in made.models],
        "tables": [
            {"title": "Options", "kind": "", "rows": [_option(*pair) for pair in made.options.items()]},
            {"title": "File", "kind": "", "rows": _file_rows(timeline)},
            {"title": "Versions", "kind": "", "rows": [("mer-batch", made.version), *made.packages.items()]},
            {"title": "Seconds", "kind": "n", "rows": [(name, f"{value:.1f}") for name, value in made.seconds.items()]},
        ],
    }


def _date(created: str) -> str:
    """An ISO time as a reader would write it; left alone when it is none."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment:%Y-%m-%d at %H:%M} {moment.tzname() or ''}".strip()


def card_scores(timeline: Timeline) -> str:
    """How often each model is right on its own test data, for one sentence; empty without scores."""
    parts = []
    for model in timeline.provenance.models:
        if model.modality == "fusion":  # scored on pairs of evidence, not on data of one kind
            continue
        name = next((name for name in _PLAIN_SCORES if name in model.scores), None)
        if name:
            parts.append(f"the {TASK_WORDS[model.modality]} model reaches {SCORE_WORDS[name]} {model.scores[name]:.2f}")
    return listed(parts)


def _model_row(model: ModelUse) -> dict[str, str]:
    scores = [f"{_score_name(name)} {_score(name, value)}" for name, value in model.scores.items()]
    return {
        "modality": TASK_WORDS[model.modality],
        "name": model.name,
        "net": model.net,
        "data": model.data or "not said",
        "licence": model.licence or "not said",
        "scores": ", ".join(scores) or "none",
        "sha256": model.sha256,
    }


def _score_name(name: str) -> str:
    base = name.removesuffix("_tta")
    word = SCORE_WORDS.get(base, base.replace("_", " "))
    return word if base == name else f"{word} over several views"


def _score(name: str, value: float) -> str:
    return f"{value:,.0f}" if name == "n" else f"{value:.3f}"


def _option(name: str, value: object) -> tuple[str, str]:
    return OPTION_WORDS.get(name, name.replace("_", " ")), _value(value)


def container_name(container: str) -> str:
    """A container as a reader knows it."""
    first = container.split(",")[0]
    return CONTAINERS.get(first, first.upper() if len(first) <= 5 else first)


def _value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value)
    return str(value)


def _file_rows(timeline: Timeline) -> list[tuple[str, str]]:
    media = timeline.media
    rows = [("name", media.path.name), ("length", clock(media.duration)), ("kind", container_name(media.container))]
    if media.video:
        rate = f", {media.video.fps:.5g} pictures a second" if media.video.fps else ""
        rows.append(("video", f"{media.video.codec}, {media.video.width} x {media.video.height}{rate}"))
    for track in media.audio:
        parts = [track.codec, f"{track.rate:,} Hz", counted(track.channels, "channel"), track.language or ""]
        rows.append(("sound", ", ".join(part for part in parts if part)))
    rows += [("subtitles", track.language or track.codec) for track in media.subtitles]
    return [*rows, *(("note", note) for note in media.notes), ("sha256", media.sha256)]
