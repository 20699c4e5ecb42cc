"""Files that a card describes by their checksum, and the card itself: read as described, or refused in one line."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from mer_batch.errors import ModelError
from mer_batch.files import known_sum

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_table(card: Path, what: str) -> dict[str, Any]:
    """The table of a `card` in TOML, which `what` names in the error. Raises `ModelError`."""
    try:
        return tomllib.loads(card.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the {what} {card}: {error.strerror}") from error
    except ValueError as error:  # TOML that is none, or no text at all
        raise ModelError(f"the {what} {card} is malformed: {error}") from error


def read_sealed(path: Path, digest: str | None) -> bytes:
    """The bytes of a file whose sha256 must be `digest`. Raises `ModelError` where it is absent or another file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    if sha256(data).hexdigest() != digest:
        raise _changed(path)
    return data


def check_sealed(path: Path, digest: str) -> None:
    """As `read_sealed`, but a file that has not changed since is not read again by this process."""
    try:
        found = known_sum(path)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    if found != digest:
        raise _changed(path)


def _changed(path: Path) -> ModelError:
    return ModelError(f"{path} is not the file that its card describes; reinstall or retrain it")
