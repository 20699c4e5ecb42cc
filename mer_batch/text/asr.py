"""Speech recognizers by name: `whisper:NAME` (openai-whisper) and `faster-whisper:NAME` (an extra).

NAME is one of the library's model names or a path: a checkpoint file in Whisper's format, a CTranslate2 folder.
`auto` is the best one whose weights are on the machine, else one that is fetched, else the one that a package carries.
"""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from mer_batch.errors import MerError, ModelError, UsageError, unknown_name
from mer_batch.files import sha256_of
from mer_batch.text import packaged, ranking
from mer_batch.text.faster_whisper import FasterWhisper, installed
from mer_batch.text.hubs import failed, reachable
from mer_batch.text.openai_whisper import Whisper
from mer_batch.text.recognizer import Engine, Recognizer

SIZE: Final = "base"
"""The model that `auto` fetches: of all languages, 145 MB, a few times faster than the sound even on one core."""
CARRIED: Final = f"faster-whisper:{packaged.MODEL}"
"""The recognizer whose weights a package carries."""
ENGINES: Final[dict[str, Engine]] = {"whisper": Whisper, "faster-whisper": FasterWhisper}
FORMS: Final = ("auto", "none", *(f"{engine}:NAME" for engine in ENGINES))
PATIENCE: Final = 20.0
"""Seconds a download may stand still."""


def parse(asr: str) -> tuple[str, str] | None:
    """Engine and model name of an `--asr` value; None for `none`. Raises `UsageError` for an unknown one."""
    if asr == "none":
        return None
    engine, _, name = (default() if asr == "auto" else asr).partition(":")
    if engine not in ENGINES or not name:
        raise unknown_name("speech recognizer", asr, FORMS)
    return engine, name


def default() -> str:
    """The recognizer that `auto` fetches: by the faster library, where it is installed."""
    return f"{'faster-whisper' if installed() else 'whisper'}:{SIZE}"


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
    if asr != "auto" and ranking.english_only(chosen[1]) and not ranking.is_english(language):
        raise UsageError(
            f"{asr} hears English only, not {language!r}; use --asr {chosen[0]}:{_multilingual(chosen[1])}"
        )


def choose(asr: str, language: str | None = None) -> str:
    """The recognizer that `--asr` stands for, by its full name; `auto` is decided here, and fetched if need be.

    `language` is the declared one, None where it is unknown. Raises `ModelError`, one line with the commands that
    help, where `auto` finds none, or none that hears the language.
    """
    if asr != "auto":
        return asr
    here = ranking.best(on_machine(), language)
    if here:
        return here[0]
    try:
        _fetch_quickly(default())
    except ModelError as error:
        return _take_carried(language, error)
    return default()


def on_machine() -> list[str]:
    """The recognizers whose weights were fetched, in no order; the one that a package carries is not among them."""
    return [name for engine in ENGINES for name in _fetched(engine) if name != CARRIED or packaged.folder() is None]


def _fetched(engine: str) -> list[str]:
    try:
        return [f"{engine}:{name}" for name in ENGINES[engine].fetched()]
    except ModelError:  # its library is an extra that is not installed
        return []


def carried() -> Path | None:
    """The weights that a package carries, where it and the library that reads them are installed."""
    return packaged.folder() if installed() else None


def english_only(asr: str) -> bool:
    """Whether a recognizer hears English and nothing else, by its name."""
    return ranking.english_only(asr.partition(":")[2])


def expected() -> str:
    """What `auto` takes on this machine, in words; nothing is fetched."""
    here = ranking.best(on_machine(), None)
    if here:
        return here[0]
    till_then = f"till then {CARRIED}" if carried() else f"by: mer models fetch {default()}"
    return f"{default()} once it is fetched, {till_then}"


def _take_carried(language: str | None, error: ModelError) -> str:
    """The recognizer out of the package, where it hears `language`; else `error` and what would help."""
    folder = carried()
    if folder is None:
        raise ModelError(f"{error}; for English without a download: {packaged.GET}") from error
    if language is not None and not ranking.is_english(language):
        raise ModelError(f"{error}; the weights of {packaged.PACKAGE} hear English only, not {language!r}") from error
    packaged.verify(folder)
    return CARRIED


def _multilingual(name: str) -> str:
    return name.removesuffix(".en") if name.endswith(".en") else "large-v3"


def load(asr: str, device: str) -> Recognizer:
    """A recognizer by its full name, its weights fetched on first use. Raises `UsageError` and `ModelError`."""
    check(asr)
    engine, name = _named(asr)
    try:
        with nullcontext() if ENGINES[engine].kept(name, verify=False) else _bounded():
            return ENGINES[engine](name, device)
    except MerError:
        raise
    except Exception as error:  # libraries of the network and of weights raise whatever they like
        raise ModelError(_impossible(engine, name, error)) from error


def _fetch_quickly(asr: str) -> None:
    """Fetch a recognizer unless its hub does not answer within seconds. Raises `ModelError`."""
    engine, name = _named(asr)
    try:
        reachable(address := ENGINES[engine].address(name))
    except OSError as error:
        raise ModelError(_impossible(engine, name, error)) from error
    try:
        fetch(asr)
    except ModelError as error:
        failed(address, _line(error.__cause__ or error))
        raise


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
    """What decides a recognizer's words, for the transcript cache: its name, or the content of one's own weights."""
    engine, name = parse(asr) or ("", "none")
    path = Path(name)
    if asr == CARRIED and packaged.folder() is not None:
        return f"{asr}@{packaged.FILES['model.bin']}"
    weights = path / "model.bin" if path.is_dir() else path
    return f"{engine}:{sha256_of(weights)}" if weights.is_file() else f"{engine}:{name}"


def label(asr: str) -> str:
    """A recognizer as reports name it: without the folders of one's own weights."""
    engine, _, name = asr.partition(":")
    return f"{engine}:{Path(name).name}" if name else asr


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
    line = "".join(letter if letter.isprintable() else "?" for letter in text[0]) if text else type(error).__name__
    return line[:200]


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
