"""Trained models on disk: a folder with weights.safetensors and model.toml (the card)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError, unknown_name
from mer_batch.files import known_sum
from mer_batch.labels import EMOTIONS
from mer_batch.nets.sealed import check_sealed, read_sealed, read_table
from mer_batch.nets.weights import packed, unpacked
from mer_batch.resources import data_dir
from mer_batch.types import TASKS, TaskName

if TYPE_CHECKING:
    import torch
    from torch import nn

WEIGHTS = "weights.safetensors"
CARD = "model.toml"


@dataclass(frozen=True)
class ModelCard:
    """What a model says of itself; the whole of `model.toml`.

    `input` holds every preprocessing constant (size, sample rate, margins, mean and spread …);
    `reliability` is the weight of the model's log-probabilities in fusion, learned on validation
    data; `confusion` is rows = truth, columns = reading, counts, on the set named by `confusion_source`.
    `bias` is added to the logits over the temperature, a value an emotion or none at all; `views` names the
    test-time augmentation behind the scores that end in `_tta`; `evaluations` are the scores of parts of the
    held-out data (a part, all of it or without what leaks) by the part's name. `files` are the checksums (SHA-256)
    of what lies beside the weights, such as a vocabulary, by file name.
    """

    name: str
    modality: TaskName
    net: str
    net_options: Mapping[str, Any]
    input: Mapping[str, Any]
    data: str
    licence: str
    temperature: float = 1.0
    bias: tuple[float, ...] = ()
    reliability: float = 1.0
    labels: tuple[str, ...] = EMOTIONS
    scores: Mapping[str, float] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] | None = None
    confusion_source: str = ""
    views: str = ""
    evaluations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sha256: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    leaks: str = ""
    """What is known to have leaked from the held-out data into training, in a sentence; empty where nothing is."""

    def __post_init__(self) -> None:
        if self.modality not in TASKS:
            raise unknown_name("modality", str(self.modality), TASKS)
        if not self.temperature > 0:
            raise ModelError(f"model {self.name!r}: temperature must be positive, got {self.temperature}")
        if len(self.bias) not in (0, len(EMOTIONS)) or not all(map(isfinite, self.bias)):
            raise ModelError(f"model {self.name!r}: bias must be {len(EMOTIONS)} finite numbers or none")
        if sorted(self.labels) != sorted(EMOTIONS):
            raise ModelError(f"model {self.name!r}: labels must be the seven of the project, got {self.labels}")


def built_in() -> dict[str, Path]:
    """The shipped models by name."""
    return {card.parent.name: card.parent for card in sorted(data_dir("models").glob(f"*/{CARD}"))}


def find_model(modality: TaskName, spec: str) -> Path:
    """The folder for `default`, the name of a shipped model, or a path to a model folder or a finished run."""
    for folder in (Path(spec), Path(spec) / "model"):
        if (folder / CARD).is_file():
            return folder
    if (Path(spec) / "recipe.toml").is_file():
        raise UsageError(f"the run {spec} has no model yet; finish it with: mer train --resume {spec}")
    shipped = built_in()
    if spec == "default":
        spec = modality
    if spec not in shipped:
        raise unknown_name("model", spec, shipped)
    return shipped[spec]


def read_card(folder: Path) -> ModelCard:
    """The card of the model in `folder`. Raises `ModelError` when it is missing or malformed."""
    try:
        found = (folder / CARD).stat()
    except OSError as error:
        raise ModelError(f"cannot read the model card {folder / CARD}: {error.strerror}") from error
    return _card(folder, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _card(folder: Path, _size: int, _changed: int) -> ModelCard:
    """Read once a process for as long as the file stays as it is: an analysis asks for it nine times."""
    table = read_table(folder / CARD, "model card")
    try:
        rows = table.pop("confusion", None)
        labels, bias = tuple(table.pop("labels", EMOTIONS)), tuple(table.pop("bias", ()))
        confusion = None if rows is None else tuple(tuple(row) for row in rows)
        return ModelCard(**table, labels=labels, bias=bias, confusion=confusion)
    except TypeError as error:
        raise ModelError(f"the model card {folder / CARD} is malformed: {error}") from error


def model_sum(folder: Path) -> str:
    """Checksums of a model's weights, as its card has them, and of the card: what it reads depends on both."""
    return f"{read_card(folder).sha256} {known_sum(folder / CARD)[:16]}"


def verify_model(folder: Path, modality: TaskName) -> ModelCard:
    """The card of a model whose files are whole and which is of `modality`; no network is built.

    Raises `UsageError` for a model of something else, `ModelError` for one that is missing or damaged.
    """
    card = read_card(folder)
    if card.modality != modality:
        raise UsageError(f"{folder} holds a {card.modality} model; a {modality} model is needed here")
    # Once a process; whoever loads them reads and compares them again.
    for name, sum_ in {WEIGHTS: card.sha256, **card.files}.items():
        check_sealed(folder / name, sum_)
    return card


def load_net(folder: Path, device: torch.device) -> tuple[nn.Module, ModelCard]:
    """The network in evaluation mode and its card; weights are verified against the card's checksum."""
    from safetensors.torch import load

    card = read_card(folder)
    data = read_sealed(folder / WEIGHTS, card.sha256)
    net = nets.build(card.net, classes=len(card.labels), **card.net_options)
    try:
        net.load_state_dict(unpacked(load(data)))
    except RuntimeError as error:
        raise ModelError(f"{folder / WEIGHTS} does not fit the architecture {card.net!r}") from error
    return net.to(device).eval(), card


def read_file(folder: Path, card: ModelCard, name: str) -> bytes:
    """A file that lies beside the weights, verified. Raises `ModelError` where it is not what its card describes."""
    return read_sealed(folder / name, card.files.get(name))


def save_model(
    folder: Path, net: nn.Module, card: ModelCard, half: bool = True, files: Mapping[str, bytes] | None = None
) -> ModelCard:
    """Write weights, card and the `files` that go with them; returns the card with all checksums.

    Weights are in half precision, or in the form that the network asks for (`stored`); whole unless `half`.
    """
    import tomli_w
    from safetensors.torch import save

    data = save(packed(net.state_dict(), getattr(net, "stored", "half") if half else "float"))
    files = files or {}
    rebuilt = {**card.net_options, **nets.card_options(net)}
    sums = {name: sha256(content).hexdigest() for name, content in files.items()}
    table = asdict(card) | {"sha256": sha256(data).hexdigest(), "net_options": rebuilt, "files": sums}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {WEIGHTS: data, **files}.items():
        (folder / name).write_bytes(content)
    (folder / CARD).write_text(
        tomli_w.dumps({key: value for key, value in table.items() if value is not None}), encoding="utf-8"
    )
    return read_card(folder)
