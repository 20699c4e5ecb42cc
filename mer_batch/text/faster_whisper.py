"""faster-whisper (CTranslate2), several times faster on a CPU: the extra `faster-whisper`."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from mer_batch.errors import ModelError, UsageError, unknown_name
from mer_batch.files import sha256_of
from mer_batch.nets.device import pick_device
from mer_batch.resources import cache_dir
from mer_batch.text.chunks import Word
from mer_batch.text.recognizer import Phrase, Recognizer, Scores, judged
from mer_batch.types import Samples


class FasterWhisper(Recognizer):
    """A model by faster-whisper's name or a folder in CTranslate2's format."""

    @staticmethod
    def names() -> list[str]:
        """See `Engine.names`."""
        return list(_library().available_models())

    @staticmethod
    def check(name: str) -> None:
        """See `Engine.check`."""
        known = FasterWhisper.names()
        if name not in known and not Path(name).is_dir():
            raise unknown_name("faster-whisper model or folder", name, known)

    @staticmethod
    def fetched() -> list[str]:
        """See `Engine.fetched`."""
        return [name for name in FasterWhisper.names() if _folder(name) is not None]

    @staticmethod
    def kept(name: str, verify: bool = True) -> Path | None:
        """See `Engine.kept`; the hub's cache names large files by their checksum."""
        FasterWhisper.check(name)
        if Path(name).is_dir():
            return Path(name)
        folder = _folder(name)
        if folder is None or not verify:
            return folder
        weights = (folder / "model.bin").resolve()
        named = re.fullmatch("[0-9a-f]{64}", weights.name)
        if not weights.is_file() or (named and sha256_of(weights) != weights.name):
            raise ModelError(f"{weights} is damaged; delete {folder} and run: mer models fetch faster-whisper:{name}")
        return folder

    def __init__(self, name: str, device: str) -> None:
        chosen = pick_device(device)
        if chosen.type == "mps":
            raise UsageError("faster-whisper does not run on mps; use --device cpu or --asr whisper:NAME")
        self._model: Any = _library().WhisperModel(
            name,
            device=chosen.type,
            device_index=chosen.index or 0,
            compute_type="float16" if chosen.type == "cuda" else "int8",
            download_root=_cache(),
        )

    def hear(
        self, samples: Samples, language: str | None, prompt: str | None = None
    ) -> tuple[list[Phrase], str | None]:
        """See `Recognizer.hear`."""
        segments, info = self._model.transcribe(
            samples, language=language, word_timestamps=True, condition_on_previous_text=False, initial_prompt=prompt
        )
        return [_phrase(segment) for segment in segments], info.language


def _phrase(segment: Any) -> Phrase:
    scores = Scores(segment.avg_logprob, segment.no_speech_prob, segment.compression_ratio)
    words = [
        Word(float(word.start), float(max(word.start, word.end)), word.word, scores.confidence)
        for word in segment.words or ()
    ]
    return judged(float(segment.start), float(segment.end), segment.text, words, scores)


def _folder(name: str) -> Path | None:
    try:
        return Path(_library().download_model(name, local_files_only=True, cache_dir=_cache()))
    except (OSError, ValueError):  # the hub's "not found" errors are both
        return None


def _cache() -> str:
    return str(cache_dir("faster-whisper"))


def _library() -> Any:
    try:
        return import_module("faster_whisper")
    except ImportError as error:
        raise ModelError("faster-whisper is not installed; run: pip install 'mer-batch[faster-whisper]'") from error
