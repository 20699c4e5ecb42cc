"""Speech recognizers behind one interface: openai-whisper, and faster-whisper as an extra.

A recognizer is named `whisper:NAME` or `faster-whisper:NAME`; NAME is one of its model names or a path
(a checkpoint file in Whisper's format, a CTranslate2 folder). Both libraries are imported when used.
"""

from __future__ import annotations

import math
import socket
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

from mer_batch.errors import ModelError, UsageError, unknown_name
from mer_batch.nets.device import pick_device
from mer_batch.resources import cache_dir
from mer_batch.text.chunks import Word
from mer_batch.types import Samples

DEFAULT: Final = "whisper:base"
FORMS: Final = ("auto", "none", "whisper:NAME", "faster-whisper:NAME")
SILENCE: Final = 0.6
"""Whisper's probability of no speech above which an unsure phrase counts as invented (its own default)."""
UNSURE: Final = -1.25
"""Mean log-probability of a phrase below which its words are more likely wrong than right."""
REPETITIVE: Final = 2.4
"""gzip ratio above which a text repeats itself, Whisper's way of getting stuck (its own default)."""
PATIENCE: Final = 20.0
"""Seconds a download may stand still."""

_LOAD_ERRORS: Final = (OSError, HTTPException, RuntimeError, UnpicklingError, ValueError, KeyError, TypeError, EOFError)


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a recognizer takes as one piece: its words, or the reason why they are not to be trusted."""

    start: float
    end: float
    words: tuple[Word, ...]
    problem: str = ""


class Recognizer(ABC):
    """Turns sound into words."""

    @abstractmethod
    def hear(self, samples: Samples, language: str | None) -> tuple[list[Phrase], str | None]:
        """Phrases of at most 30 s of 16 kHz mono sound (n,), in seconds from its start, and the language.

        A `language` of None is detected; what is not told or detected stays None.
        """


def parse(asr: str) -> tuple[str, str] | None:
    """Engine and model name of an `--asr` value; None for `none`. Raises `UsageError` for an unknown one."""
    if asr == "none":
        return None
    engine, _, name = (DEFAULT if asr == "auto" else asr).partition(":")
    if engine not in _ENGINES or not name:
        raise unknown_name("speech recognizer", asr, FORMS)
    return engine, name


def check(asr: str) -> None:
    """Raise `UsageError` for an `--asr` value that names no recognizer, `ModelError` if its package is missing."""
    chosen = parse(asr)
    if chosen is not None and asr != "auto":
        _ENGINES[chosen[0]].check(chosen[1])


def load(asr: str, device: str) -> Recognizer:
    """The recognizer for `--asr`, its weights fetched on first use. Raises `UsageError` and `ModelError`."""
    check(asr)
    chosen = parse(asr)
    if chosen is None:
        raise unknown_name("speech recognizer", asr, [form for form in FORMS if form != "none"])
    engine, name = chosen
    try:
        with _bounded():
            recognizer: Recognizer = _ENGINES[engine](name, device)
            return recognizer
    except _LOAD_ERRORS as error:
        raise ModelError(_impossible(engine, name, error)) from error


def fetch(asr: str) -> None:
    """Make sure that the weights of a recognizer are in the cache (`mer models fetch whisper:base`)."""
    load(asr, "cpu")


def identity(asr: str) -> str:
    """What decides a recognizer's words, for the transcript cache: its name, and the content of a checkpoint file."""
    engine, name = parse(asr) or ("", "none")
    path = Path(name)
    return f"{engine}:{sha256(path.read_bytes()).hexdigest()}" if path.is_file() else f"{engine}:{name}"


def _impossible(engine: str, name: str, error: BaseException) -> str:
    if Path(name).exists():
        return f"{name} cannot be used as a model of {engine}: {_line(error)}; give a checkpoint in its own format"
    return (
        f"the speech recognizer {engine}:{name} could not be fetched ({_line(error)}); connect once and run "
        f"`mer models fetch {engine}:{name}`, or give the words with --transcript FILE"
    )


def _line(error: BaseException) -> str:
    inner = getattr(error, "reason", error)  # urllib wraps the cause of a failed connection
    text = (getattr(inner, "strerror", None) or str(inner)).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200]


@contextmanager
def _bounded() -> Iterator[None]:
    """A download that stands still ends in an error: whisper itself sets no time limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        socket.setdefaulttimeout(before)


def _problem(text: str, no_speech: float, mean_logprob: float, ratio: float) -> str:
    if not any(character.isalnum() for character in text):
        return "the recognizer heard no words"
    if no_speech > SILENCE and mean_logprob < -1.0:
        return "the recognizer heard no speech"
    if ratio > REPETITIVE:
        return "the transcription repeats itself"
    return "the transcription is too unsure" if mean_logprob < UNSURE else ""


def _phrase(start: float, end: float, text: str, words: Sequence[Word], scores: tuple[float, float, float]) -> Phrase:
    problem = _problem(text, *scores)
    return Phrase(start, max(start, end), () if problem else tuple(words), problem)


class Whisper(Recognizer):
    """openai-whisper. Sampling in its fallback is seeded, so that a file always has one transcript."""

    @staticmethod
    def check(name: str) -> None:
        """Raise `UsageError` unless `name` is one of Whisper's or a file."""
        known = import_module("whisper").available_models()
        if name not in known and not Path(name).is_file():
            raise unknown_name("Whisper model or checkpoint file", name, known)

    def __init__(self, name: str, device: str) -> None:
        self._device = pick_device(device)
        self._model: Any = import_module("whisper").load_model(
            name, device=self._device, download_root=str(cache_dir("whisper"))
        )

    def hear(self, samples: Samples, language: str | None) -> tuple[list[Phrase], str | None]:
        """See `Recognizer.hear`."""
        import torch

        with torch.random.fork_rng(), warnings.catch_warnings():
            # Whisper warns of a CPU used beside a GPU and of missing Triton kernels; neither changes the words.
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            result = self._model.transcribe(
                samples,
                language=language,
                fp16=self._device.type == "cuda",
                word_timestamps=True,
                condition_on_previous_text=False,
            )
        return [_whisper_phrase(segment) for segment in result["segments"]], result["language"]


def _whisper_phrase(segment: dict[str, Any]) -> Phrase:
    confidence = math.exp(min(0.0, segment["avg_logprob"]))
    words = [
        Word(float(word["start"]), max(float(word["start"]), float(word["end"])), word["word"], confidence)
        for word in segment.get("words", [])
    ]
    scores = (segment["no_speech_prob"], segment["avg_logprob"], segment["compression_ratio"])
    return _phrase(float(segment["start"]), float(segment["end"]), segment["text"], words, scores)


class FasterWhisper(Recognizer):
    """faster-whisper (CTranslate2), several times faster on a CPU."""

    @staticmethod
    def check(name: str) -> None:
        """Raise `UsageError` unless `name` is one of its models or a folder, `ModelError` if it is not installed."""
        known = _faster_whisper().available_models()
        if name not in known and not Path(name).is_dir():
            raise unknown_name("faster-whisper model or folder", name, known)

    def __init__(self, name: str, device: str) -> None:
        chosen = pick_device(device)
        if chosen.type == "mps":
            raise UsageError("faster-whisper does not run on mps; use --device cpu or --asr whisper:NAME")
        self._model: Any = _faster_whisper().WhisperModel(
            name,
            device=chosen.type,
            device_index=chosen.index or 0,
            compute_type="float16" if chosen.type == "cuda" else "int8",
            download_root=str(cache_dir("faster-whisper")),
        )

    def hear(self, samples: Samples, language: str | None) -> tuple[list[Phrase], str | None]:
        """See `Recognizer.hear`."""
        segments, info = self._model.transcribe(
            samples, language=language, word_timestamps=True, condition_on_previous_text=False
        )
        return [_faster_phrase(segment) for segment in segments], info.language


def _faster_phrase(segment: Any) -> Phrase:
    confidence = math.exp(min(0.0, segment.avg_logprob))
    words = [Word(word.start, max(word.start, word.end), word.word, confidence) for word in segment.words or ()]
    scores = (segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio)
    return _phrase(segment.start, segment.end, segment.text, words, scores)


def _faster_whisper() -> Any:
    try:
        return import_module("faster_whisper")
    except ImportError as error:
        raise ModelError("faster-whisper is not installed; run: pip install 'mer-batch[faster-whisper]'") from error


_ENGINES: Final[dict[str, Any]] = {"whisper": Whisper, "faster-whisper": FasterWhisper}
