"""Getting models out of the Hugging Face hub or a local folder, through transformers (the extra `hub`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from mer_batch.errors import ModelError
from mer_batch.files import known_sum
from mer_batch.types import Modality

KINDS: Final[dict[Modality, tuple[str, str]]] = {
    "face": ("AutoModelForImageClassification", "AutoImageProcessor"),
    "voice": ("AutoModelForAudioClassification", "AutoFeatureExtractor"),
    "text": ("AutoModelForSequenceClassification", "AutoTokenizer"),
}
"""The classes of transformers that load a modality's models and their preprocessing."""


def library() -> Any:
    """The module transformers. Raises `ModelError` with the command that installs it."""
    try:
        return import_module("transformers")
    except ImportError as error:
        raise ModelError("models of the hub need transformers; run: pip install 'mer-batch[hub]'") from error


@contextmanager
def usable(modality: str, name: str) -> Iterator[None]:
    """Turn what transformers raises for `name` into one line. Raises `ModelError`."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelError(_unusable(modality, name, error)) from error


def fetch_model(modality: Modality, name: str, local: bool = False) -> Any:
    """The model `name` with its weights in float32, if `local` only where it has been fetched before.

    Raises `ModelError`; code that comes with a model is never run.
    """
    loader = getattr(library(), KINDS[modality][0])
    with usable(modality, name), quietly():
        return loader.from_pretrained(name, trust_remote_code=False, local_files_only=local).float()


def fetch_processor(modality: Modality, name: str, local: bool = False) -> Any:
    """The preprocessing of the model `name`, likewise. Raises `ModelError`."""
    loader = getattr(library(), KINDS[modality][1])
    with usable(modality, name), quietly():
        return loader.from_pretrained(name, trust_remote_code=False, local_files_only=local)


def revision(name: str) -> str:
    """The commit of the files of `name` that lie here, or a checksum of a local folder; "" before they are fetched."""
    if Path(name).is_dir():
        files = [path for path in sorted(Path(name).rglob("*")) if path.is_file()]
        lines = [f"{path.relative_to(name).as_posix()} {known_sum(path)}" for path in files]
        return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    try:
        found = import_module("huggingface_hub").try_to_load_from_cache(name, "config.json")
    except (ImportError, ValueError):  # a name that cannot be one is told where it is loaded
        return ""
    # A kept file lies at .../snapshots/COMMIT/config.json; that there is none may be kept, too.
    return Path(found).parent.name if isinstance(found, str) else ""


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers from printing bars and reports about layers that are replaced anyway."""
    logging = library().utils.logging
    downloads = import_module("huggingface_hub").utils.logging
    level, told = logging.get_verbosity(), downloads.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    downloads.set_verbosity_error()  # it tells of every attempt without a connection
    try:
        yield
    finally:
        logging.set_verbosity(level)
        downloads.set_verbosity(told)
        if bars:
            logging.enable_progress_bar()


def _unusable(modality: str, name: str, error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    reason = (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
    where = "check the folder" if Path(name).is_dir() else "check the name and the connection"
    return f"hf:{name} cannot be used as a {modality} model: {reason}; {where}"
