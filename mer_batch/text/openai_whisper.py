"""openai-whisper (Radford et al., arXiv:2212.04356), imported when used."""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from mer_batch.errors import ModelError, unknown_name
from mer_batch.files import sha256_of
from mer_batch.nets.device import kept_threads, pick_device
from mer_batch.resources import cache_dir
from mer_batch.text.chunks import Word
from mer_batch.text.recognizer import Phrase, Recognizer, Scores, judged
from mer_batch.types import Samples


class Whisper(Recognizer):
    """A model by Whisper's name or a checkpoint file in its format.

    Sampling in its fallback is seeded, so that a file always has one transcript.
    """

    @staticmethod
    def names() -> list[str]:
        """See `Engine.names`."""
        return list(_addresses())

    @staticmethod
    def check(name: str) -> None:
        """See `Engine.check`."""
        known = Whisper.names()
        if name not in known and not Path(name).is_file():
            raise unknown_name("Whisper model or checkpoint file", name, known)

    @staticmethod
    def fetched() -> list[str]:
        """See `Engine.fetched`; of several names for one file the first counts."""
        files = {_address(name).name: name for name in reversed(Whisper.names())}
        return [name for file, name in files.items() if _found(file) is not None]

    @staticmethod
    def address(name: str) -> str:
        """See `Engine.address`."""
        return _addresses()[name]

    @staticmethod
    def kept(name: str, verify: bool = True) -> Path | None:
        """See `Engine.kept`; the checksum is the one in the address that Whisper fetches from."""
        Whisper.check(name)
        if Path(name).is_file():
            return Path(name)
        path = _found(_address(name).name)
        if path is None:
            return None
        if verify and sha256_of(path) != _address(name).parent.name:
            raise ModelError(f"{path} is damaged; run: mer models fetch whisper:{name}")
        return path

    def __init__(self, name: str, device: str) -> None:
        self._device = pick_device(device)
        self._model: Any = import_module("whisper").load_model(
            name, device=self._device, download_root=str(_root(name))
        )

    @property
    def english_only(self) -> bool:
        """See `Recognizer.english_only`."""
        return not self._model.is_multilingual

    def hear(
        self, samples: Samples, language: str | None, prompt: str | None = None
    ) -> tuple[list[Phrase], str | None]:
        """See `Recognizer.hear`."""
        import torch

        with kept_threads(), torch.random.fork_rng(), warnings.catch_warnings():
            # Whisper warns of a CPU used beside a GPU and of missing Triton kernels; neither changes the words.
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            result = self._model.transcribe(
                samples,
                language=language,
                fp16=self._device.type == "cuda",
                word_timestamps=True,
                condition_on_previous_text=False,
                initial_prompt=prompt,
                carry_initial_prompt=prompt is not None,
            )
        return [phrase_of(segment) for segment in result["segments"]], result["language"]


def _cache() -> Path:
    return cache_dir("whisper")


def _found(file: str) -> Path | None:
    """Weights in our cache, else in Whisper's own."""
    own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    return next((place / file for place in (_cache(), own) if (place / file).is_file()), None)


def _root(name: str) -> Path:
    """The folder that Whisper is to look in, and to fetch into what it does not find there."""
    found = _found(_address(name).name) if name in Whisper.names() else None
    return _cache() if found is None else found.parent


def _address(name: str) -> PurePosixPath:
    return PurePosixPath(_addresses()[name])


def _addresses() -> Mapping[str, str]:
    """Whisper's models and where it fetches them: a table that has no public name.

    Without it only a download would tell whether a file is whole.
    """
    loaded = sys.modules.get("whisper")
    addresses: Mapping[str, str] = _written() if loaded is None else loaded._MODELS
    return addresses


@cache
def _written() -> Mapping[str, str]:
    """The table as it stands in Whisper's source: to import the package (numba, tiktoken) takes seconds."""
    package = find_spec("whisper")
    if package is not None and package.origin is not None:
        for part in ast.parse(Path(package.origin).read_bytes()).body:
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "_MODELS":
                with suppress(ValueError):  # no longer a plain table
                    table: Mapping[str, str] = ast.literal_eval(part.value)
                    return table
    table = import_module("whisper")._MODELS
    return table


def phrase_of(segment: dict[str, Any]) -> Phrase:
    """A segment of Whisper's result as a phrase."""
    scores = Scores(segment["avg_logprob"], segment["no_speech_prob"], segment["compression_ratio"])
    words = [_word(word) for word in segment.get("words", [])]
    return judged(float(segment["start"]), float(segment["end"]), segment["text"], words, scores)


def _word(word: dict[str, Any]) -> Word:
    start, end = float(word["start"]), float(word["end"])
    return Word(start, max(start, end), word["word"], float(word["probability"]))
