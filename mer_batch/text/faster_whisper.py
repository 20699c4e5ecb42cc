"""faster-whisper (CTranslate2), several times faster on a CPU: the extras `words` and `faster-whisper`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import ModelError, UsageError, unknown_name
from mer_batch.files import sha256_of
from mer_batch.nets.device import pick_device
from mer_batch.resources import cache_dir
from mer_batch.text import packaged, ranking
from mer_batch.text.chunks import Word
from mer_batch.text.recognizer import Phrase, Recognizer, Scores, judged
from mer_batch.types import Samples

TEMPERATURES: Final = (0.0, 0.2, 0.4)
"""Tried in turn where words are unsure or repeat themselves. A model that knows English alone is asked once: what it is
unsure of is not believed anyway, and to draw sentences for other languages takes ten times the time."""


class FasterWhisper(Recognizer):
    """A model by faster-whisper's name or a folder in CTranslate2's format.

    Sampling in its fallback is seeded, so that a file always has one transcript.
    """

    beam = 5
    """Sentences followed at once; with 1 a third of the time is saved, for more errors (benchmarks/words.py)."""

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
        """See `Engine.fetched`; with the model that a package carries. The library is loaded only for what is there."""
        if not installed():
            raise ModelError(_MISSING)
        found = [packaged.MODEL] if packaged.folder() is not None else []
        if _anything_cached():
            found += [name for name in FasterWhisper.names() if _cached(name) is not None and name not in found]
        return found

    @staticmethod
    def address(name: str) -> str:
        """See `Engine.address`: a small file of the model; the hub itself, where its place is not known."""
        _library()
        endpoint: str = import_module("huggingface_hub.constants").ENDPOINT
        repository = getattr(import_module("faster_whisper.utils"), "_MODELS", {}).get(name)
        return f"{endpoint}/{repository}/resolve/main/config.json" if repository else endpoint

    @staticmethod
    def kept(name: str, verify: bool = True) -> Path | None:
        """See `Engine.kept`; the hub's cache names large files by their checksum, a package's are known."""
        folder = packaged.folder() if name == packaged.MODEL else None
        if folder is not None:
            if verify:
                packaged.verify(folder)
            return folder
        if ranking.known(name) and installed() and not _anything_cached():
            return None  # known without the library, which takes a second to load
        FasterWhisper.check(name)
        if Path(name).is_dir():
            return Path(name)
        cached = _cached(name)
        if cached is not None and verify:
            _verify(name, cached)
        return cached

    def __init__(self, name: str, device: str) -> None:
        chosen = pick_device(device)
        if chosen.type == "mps":
            raise UsageError("faster-whisper does not run on mps; use --device cpu or --asr whisper:NAME")
        here = FasterWhisper.kept(name, verify=name == packaged.MODEL)
        # By its folder a model is loaded without asking the hub whether there is a newer one.
        self._model: Any = _library().WhisperModel(
            name if here is None else str(here),
            device=chosen.type,
            device_index=chosen.index or 0,
            compute_type="float16" if chosen.type == "cuda" else "int8",
            cpu_threads=_threads(),
            download_root=str(_ours()),
        )

    @property
    def english_only(self) -> bool:
        """See `Recognizer.english_only`."""
        return not self._model.model.is_multilingual

    def hear(
        self, samples: Samples, language: str | None, prompt: str | None = None
    ) -> tuple[list[Phrase], str | None]:
        """See `Recognizer.hear`."""
        import_module("ctranslate2").set_random_seed(0)
        segments, info = self._model.transcribe(
            samples,
            language=language,
            beam_size=self.beam,
            temperature=TEMPERATURES[:1] if self.english_only else TEMPERATURES,
            word_timestamps=True,
            condition_on_previous_text=False,
            initial_prompt=prompt,
        )
        return [_phrase(segment) for segment in segments], info.language


def installed() -> bool:
    """Whether the library is there; it is not loaded."""
    try:
        return find_spec("faster_whisper") is not None
    except ValueError:  # loaded by other means than an import
        return True


def _phrase(segment: Any) -> Phrase:
    scores = Scores(segment.avg_logprob, segment.no_speech_prob, segment.compression_ratio)
    words = [
        Word(float(word.start), float(max(word.start, word.end)), word.word, float(word.probability))
        for word in segment.words or ()
    ]
    return judged(float(segment.start), float(segment.end), segment.text, words, scores)


def _anything_cached() -> bool:
    return any(True for root in _caches() for _ in root.glob("models--*/snapshots/*/model.bin"))


def _cached(name: str) -> Path | None:
    for root in _caches():
        with suppress(OSError, ValueError):  # the hub's "not found" errors are both
            found = Path(_library().download_model(name, local_files_only=True, cache_dir=str(root)))
            if (found / "model.bin").exists():  # not one whose download was stopped
                return found
    return None


def _verify(name: str, folder: Path) -> None:
    weights = (folder / "model.bin").resolve()
    named = re.fullmatch("[0-9a-f]{64}", weights.name)
    if not weights.is_file() or (named and sha256_of(weights) != weights.name):
        raise ModelError(f"{weights} is damaged; delete {folder} and run: mer models fetch faster-whisper:{name}")


def _ours() -> Path:
    return cache_dir("faster-whisper")


def _caches() -> Iterator[Path]:
    """Our cache, then the one that all programs share that use the hub's library."""
    yield _ours()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home / "huggingface") / "hub")


def _threads() -> int:
    """As many as torch: whoever starts several processes has divided the processor by them."""
    import torch

    return torch.get_num_threads()


_MISSING: Final = "faster-whisper is not installed; run: pip install 'mer-batch[faster-whisper]'"


def _library() -> Any:
    try:
        return import_module("faster_whisper")
    except ImportError as error:
        raise ModelError(_MISSING) from error
