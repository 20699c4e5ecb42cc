"""Everything about an analysis that can be known before it: what options, headers and the files beside them tell.

A wrong name is told at once, not after an hour of pictures. What is checked here still raises where it is used.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

from mer_batch import media
from mer_batch.classifier import Classifier
from mer_batch.config import Options
from mer_batch.errors import DataError, ModelError, UsageError
from mer_batch.face.embedders import load_embedder
from mer_batch.fusion.learned import check_gate
from mer_batch.nets.device import check_device
from mer_batch.nets.store import find_model, verify_model
from mer_batch.people.diarizer import check_diarizer
from mer_batch.people.edits import parse_names
from mer_batch.people.gallery import pictures
from mer_batch.readers import shared_classifier as load_classifier
from mer_batch.text import asr as recognizers
from mer_batch.types import Media, Modality

DEFAULT = "default"
AGAIN = 300.0
"""Seconds after which a recognizer that could not be fetched is asked for again."""
refused: dict[str, tuple[float, ModelError]] = {}
"""Recognizers that could not be fetched: when, and why."""


def check_options(options: Options) -> None:
    """What the options tell without the recording: names, model files, the transcript, the device.

    Raises `UsageError`, `ModelError` for a model that is damaged or whose extra is not installed, and `DataError`
    for a transcript that says nothing.
    """
    recognizers.check(options.asr)
    check_device(options.device)
    for modality in options.modalities:
        _check_model(modality, getattr(options, f"{modality}_model"), options)
    if len(options.modalities) > 1:
        check_gate(options.fusion_model)
    parse_names(options.names)
    _check_identity(options)
    if options.speakers not in ("none", "1"):
        check_diarizer(options.diarizer)
    if options.transcript is not None and not media.parse_transcript(options.transcript).utterances:
        raise DataError(f"the transcript {str(options.transcript)!r} holds no words; leave out --transcript")


def _check_identity(options: Options) -> None:
    if options.identity != "faces" or "face" not in options.modalities:
        return
    embedder = load_embedder(options.device)
    if options.gallery is None:
        return
    pictures(options.gallery)
    if embedder is None:
        raise UsageError("--gallery needs face recognition; run: pip install face-recognition-models")


def _check_model(modality: Modality, spec: str, options: Options) -> None:
    if not spec.startswith("hf:"):
        try:
            verify_model(find_model(modality, spec), modality)
        except ModelError as error:
            raise ModelError(f"{error}{_without(modality, options)}") from error
    elif find_spec("transformers") is None:
        raise ModelError("models of the hub need transformers; run: pip install 'mer-batch[hub]'")
    elif spec == "hf:":
        raise UsageError(f"--{modality}-model {spec} names no model; give hf:NAME")


def _without(modality: Modality, options: Options) -> str:
    others = ",".join(name for name in options.modalities if name != modality)
    return f", or leave it out: --modalities {others}" if others else ""


def check_media(found: Media, options: Options) -> None:
    """What the headers of the recording tell: the range and the track. Raises `UsageError`."""
    name = found.path.name
    if options.start and options.start >= found.duration:
        raise UsageError(
            f"--start {options.start:g} lies behind the end of {name!r}, which is {found.duration:.1f} s long"
        )
    if options.audio_track is not None:
        if not found.audio:
            raise UsageError(f"there is no audio track {options.audio_track} in {name!r}: it has no sound")
        media.audio_track(found, options.audio_track)
    if options.subtitle_track is not None:
        media.tracks_in_order(found, options.subtitle_track, options.language)


def readers(found: Media, options: Options) -> dict[Modality, Classifier[Any]]:
    """The readers that somebody chose and that the recording has a use for, loaded: a choice may turn out not to load.

    The shipped ones, whose files are whole (`check_options`), are loaded when their stage begins.
    """
    use = {"face": found.video is not None, "voice": bool(found.audio), "text": True}
    chosen = {name: getattr(options, f"{name}_model") for name in options.modalities}
    return {
        modality: load_classifier(modality, spec, options.device)
        for modality, spec in chosen.items()
        if spec != DEFAULT and use[modality]
    }


def check_recognizer(options: Options) -> str | None:
    """Make sure that the recognizer of speech can be used, fetching it where it is not there.

    Returns one sentence where `auto` has to do without. Raises `UsageError` for a language that it does not know, and
    `ModelError` for a recognizer asked for by name that cannot be had.
    """
    if options.language is not None:
        recognizers.check_language(options.asr, options.language)
    if recognizers.parse(options.asr) is None:
        return None
    try:
        named = recognizers.choose(options.asr, options.language)
        # The files of a package are quick to verify; a large download is, when it is loaded.
        if recognizers.kept(named, verify=named == recognizers.CARRIED) is None:
            _fetch(named)
    except ModelError as error:
        if options.asr != "auto":
            raise
        return f"no words were read: {error}"
    return None


def _fetch(asr: str) -> None:
    """Fetch a recognizer; what has just failed is not tried again for every file of a batch."""
    before = refused.get(asr)
    if before is not None and time.monotonic() - before[0] < AGAIN:
        raise before[1]
    try:
        recognizers.fetch(asr)
    except ModelError as error:
        refused[asr] = time.monotonic(), error
        raise
