"""Speech recognizers by name: `whisper:NAME` (openai-whisper) and `faster-whisper:NAME` (an extra).

NAME is one of the library's model names or a path: a checkpoint file in Whisper's format, a CTranslate2 folder.
"""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Final

from mer_batch.errors import ModelError, unknown_name
from mer_batch.files import sha256_of
from mer_batch.text.faster_whisper import FasterWhisper
from mer_batch.text.openai_whisper import Whisper
from mer_batch.text.recognizer import Engine, Recognizer

DEFAULT: Final = "whisper:base"
ENGINES: Final[dict[str, Engine]] = {"whisper": Whisper, "faster-whisper": FasterWhisper}
FORMS: Final = ("auto", "none", *(f"{engine}:NAME" for engine in ENGINES))
PATIENCE: Final = 20.0
"""Seconds a download may stand still."""

_LOAD_ERRORS: Final = (OSError, HTTPException, RuntimeError, UnpicklingError, ValueError, KeyError, TypeError, EOFError)


def parse(asr: str) -> tuple[str, str] | None:
    """Engine and model name of an `--asr` value; None for `none`. Raises `UsageError` for an unknown one."""
    if asr == "none":
        return None
    engine, _, name = (DEFAULT if asr == "auto" else asr).partition(":")
    if engine not in ENGINES or not name:
        raise unknown_name("speech recognizer", asr, FORMS)
    return engine, name


def check(asr: str) -> None:
    """Raise `UsageError` for an `--asr` value that names no recognizer, `ModelError` if its package is missing."""
    chosen = parse(asr)
    if chosen is not None and asr != "auto":
        ENGINES[chosen[0]].check(chosen[1])


def check_language(asr: str, language: str) -> None:
    """Raise `UsageError` for a language that the recognizer does not know; `none` hears nothing and takes any."""
    chosen = parse(asr)
    if chosen is None:
        return
    from whisper.tokenizer import LANGUAGES, TO_LANGUAGE_CODE

    # Both know the same codes; only openai-whisper takes a name, such as "german".
    known = {*LANGUAGES, *(TO_LANGUAGE_CODE if chosen[0] == "whisper" else ())}
    if language.lower() not in known:
        raise unknown_name("language", language, LANGUAGES)


def load(asr: str, device: str) -> Recognizer:
    """The recognizer for `--asr`, its weights fetched on first use. Raises `UsageError` and `ModelError`."""
    check(asr)
    engine, name = _named(asr)
    try:
        with _bounded():
            return ENGINES[engine](name, device)
    except _LOAD_ERRORS as error:
        raise ModelError(_impossible(engine, name, error)) from error


def fetch(asr: str) -> None:
    """Make sure that the weights of a recognizer are in the cache (`mer models fetch whisper:base`)."""
    load(asr, "cpu")


def kept(asr: str, verify: bool = True) -> Path | None:
    """The weights of a recognizer on this machine, None where there are none; `verify` reads them whole.

    Raises `UsageError` for an unknown name, `ModelError` for damaged weights or a missing library.
    """
    engine, name = _named(asr)
    if verify and Path(name).exists():
        load(asr, "cpu")  # a file of one's own has no checksum to compare with
    return ENGINES[engine].kept(name, verify)


def identity(asr: str) -> str:
    """What decides a recognizer's words, for the transcript cache: its name, and the content of a checkpoint file."""
    engine, name = parse(asr) or ("", "none")
    path = Path(name)
    return f"{engine}:{sha256_of(path)}" if path.is_file() else f"{engine}:{name}"


def _named(asr: str) -> tuple[str, str]:
    chosen = parse(asr)
    if chosen is None:
        raise unknown_name("speech recognizer", asr, [form for form in FORMS if form != "none"])
    return chosen


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
