"""Every error a user can meet, and the exit code it ends with.

    MerError                 1   anything that stops the job
    ├── UsageError           2   a wrong option, name or file on the command line
    ├── InputError           3   media that cannot be read
    ├── DataError            1   a data set or table that cannot be used
    └── ModelError           1   a model that cannot be loaded or fetched

Messages are one line: what happened and what to do. `MER_DEBUG=1` shows the traceback.
A run that ends with a modality lost to an error returns `EXIT_PARTIAL` (4); Ctrl-C is 130.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

NOTED = 300
"""Characters of a foreign error that are noted in a file or told in a list."""
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_PARTIAL = 4
EXIT_INTERRUPTED = 130


class MerError(Exception):
    """Base of all errors with a one-line message for the user."""

    exit_code = EXIT_FAILED


class UsageError(MerError):
    """The command line asks for something that does not exist or does not fit."""

    exit_code = EXIT_USAGE


class InputError(MerError):
    """The media file is missing, empty, damaged beyond reading, or not media."""

    exit_code = EXIT_INPUT


class DataError(MerError):
    """A data set, manifest or label table is missing, malformed or leaking."""


class ModelError(MerError):
    """A model's weights, card or dependencies are missing or do not fit."""


def one_line(error: BaseException, most: int | None = None) -> str:
    """What an error says, without line breaks and in at most `most` characters; its kind where it says nothing."""
    return " ".join(str(error).split())[:most] or type(error).__name__


def told(error: BaseException, most: int | None = None) -> str:
    """The same, but for an error of the system its reason and the file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return one_line(error, most)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """A `UsageError` for an unknown name that lists the known ones and the closest match."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}.")
