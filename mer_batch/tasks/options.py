"""What a recipe can set, section by section: every field is a key of the table that its class names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

from mer_batch.errors import UsageError, unknown_name
from mer_batch.labels import EMOTIONS, canonical
from mer_batch.scores.calibration import CalibrateOptions

LOSSES: Final = ("cross-entropy", "focal")
OPTIMIZERS: Final = ("sgd", "adamw", "adam")
SCHEDULES: Final = ("cosine", "step", "plateau")
CLEANINGS: Final = ("noise_rate", "confident_joint")
PRECISIONS: Final = ("auto", "fp32", "bf16")
SELECTORS: Final = ("accuracy", "uar", "macro_f1", "weighted_f1")
_NOT_NEGATIVE: Final = (
    *("gamma", "class_weights", "mixup", "cutmix", "auxiliary", "weight_decay", "strength", "decay"),
    *("calm", "patience", "decay_patience", "micro_batch", "checkpoint_every", "seed", "versions"),
)
SAMPLINGS: Final = ("none", "balanced", "even", "focus", "adaptive")


@dataclass(frozen=True)
class TrainOptions:
    """`[train]`: how a network is fitted."""

    epochs: int = 30
    """Passes over the training examples."""
    batch_size: int = 128
    """Examples per optimizer step, over all processes."""
    micro_batch: int = 0
    """Largest part of a batch that passes the network at once (gradients are accumulated); 0 = all of it."""
    optimizer: str = "sgd"
    """sgd (Nesterov, momentum 0.9), adamw, or adam (decay as an L2 term in the gradient)."""
    lr: float = 0.05
    """Peak learning rate."""
    weight_decay: float = 5e-4
    """Decay of weight matrices and kernels; biases and normalisation are spared."""
    schedule: str = "cosine"
    """cosine (to zero), step, or plateau (on the validation loss), each after the warm-up."""
    warmup: float = 0.1
    """Share of all steps in which the rate rises."""
    milestones: tuple[int, ...] = ()
    """step: epochs after which the rate is multiplied by `decay`."""
    decay_every: int = 10
    """step: as `milestones`, every so many epochs; used where there are no milestones."""
    decay: float = 0.1
    """step and plateau: factor of a decay of the rate."""
    decay_patience: int = 5
    """plateau: epochs without a lower validation loss before a decay."""
    loss: str = "cross-entropy"
    """cross-entropy, or focal (Lin et al., arXiv:1708.02002)."""
    gamma: float = 2.0
    """focal: how much less an example counts that is already read well."""
    label_smoothing: float = 0.1
    """Share of the target spread over all classes."""
    class_weights: float = 0.0
    """Exponent of inverse class frequency in the loss: 0 = none, 1 = balanced, n / (7 n_c)."""
    mixup: float = 0.0
    """Beta parameter of mixup (Zhang et al., arXiv:1710.09412); 0 = off."""
    cutmix: float = 0.0
    """Beta parameter of CutMix (Yun et al., arXiv:1905.04899); 0 = off."""
    cutmix_share: float = 0.5
    """Share of the batches that CutMix takes where mixup is on too."""
    auxiliary: float = 0.0
    """Weight of the auxiliary soft targets in the loss."""
    ema: float = 0.0
    """Decay of the moving average of weights that is evaluated and shipped; 0 = off."""
    clip: float = 5.0
    """Largest gradient norm."""
    strength: float = 1.0
    """Strength of augmentation, 0 to 1."""
    versions: int = 0
    """For a network whose frozen part comes first: how many augmented versions of each example that part hears, once,
    before what is trained learns from what it heard, beside the example as it is; 0 = new ones every epoch."""
    centred: bool = False
    """Whether the mean of what was heard of a person is taken from each of their examples, so that what is learned is
    how voices change and not whose they are; needs `versions`. What is read is never centred."""
    calm: int = 0
    """Last epochs with weak augmentation, so that the network ends on pictures like the real ones."""
    patience: int = 0
    """Epochs without a better validation score before stopping; 0 = never."""
    select: str = "accuracy"
    """Validation score that chooses the epoch: accuracy, uar, macro_f1 or weighted_f1."""
    precision: str = "auto"
    """auto (bf16 where a GPU has it), fp32 or bf16."""
    checkpoint_every: int = 100
    """Batches between two checkpoints; one more is written after every epoch. 0 = only that one."""
    keep_checkpoints: bool = False
    """Keep every checkpoint under `checkpoints/`, so that a run can be resumed from any of them."""
    seed: int = 42
    """Seed of weights, order and augmentation."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "lr", "clip", "decay_every"):
            if not getattr(self, name) > 0:
                raise UsageError(f"[train] {name} must be positive, got {getattr(self, name)}")
        for name in ("label_smoothing", "warmup", "cutmix_share", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"[train] {name} must be between 0 and 1, got {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise UsageError(f"[train] {name} must not be negative, got {getattr(self, name)}")
        if self.centred and not self.versions:
            raise UsageError("[train] centred needs versions, what a frozen encoder heard")
        _known("optimizer", self.optimizer, OPTIMIZERS)
        _known("schedule", self.schedule, SCHEDULES)
        _known("loss", self.loss, LOSSES)
        _known("precision", self.precision, PRECISIONS)
        _known("score", self.select, SELECTORS)


@dataclass(frozen=True)
class SamplingOptions:
    """`[sampling]`: how often the examples of each class are drawn."""

    kind: str = "none"
    """none (each example once an epoch), balanced (classes equally often), even (every class of every set equally
    often, where a task has several sets), focus (the classes of `focus` more often) or adaptive (after each epoch, the
    classes of lowest F1 on validation more often)."""
    raise_: float = 3.0
    """`raise`: how much more often an example of a class in focus is drawn."""
    classes: int = 2
    """adaptive: how many classes are in focus."""
    focus: tuple[str, ...] = ()
    """focus: the classes."""

    def __post_init__(self) -> None:
        _known("[sampling] kind", self.kind, SAMPLINGS)
        if not self.raise_ > 0:
            raise UsageError(f"[sampling] raise must be positive, got {self.raise_}")
        if self.classes < 1:
            raise UsageError(f"[sampling] classes must be positive, got {self.classes}")
        for name in self.focus:
            if canonical(name) is None:
                raise unknown_name("class in [sampling] focus", name, EMOTIONS)
        if (self.kind == "focus") != bool(self.focus):
            raise UsageError('[sampling] kind = "focus" and a list focus = [...] of classes belong together')


@dataclass(frozen=True)
class DistillOptions:
    """`[distill]`: learn from trained networks too (Hinton et al., arXiv:1503.02531)."""

    teachers: tuple[str, ...] = ()
    """Run folders or model folders; their probabilities are averaged."""
    weight: float = 0.5
    """Share of the teachers in the loss."""
    temperature: float = 2.0
    """How much the teachers' probabilities are softened."""

    def __post_init__(self) -> None:
        if not self.teachers:
            raise UsageError("[distill] needs teachers = [RUN, ...]")
        if not 0 <= self.weight <= 1:
            raise UsageError(f"[distill] weight must be between 0 and 1, got {self.weight}")
        if not self.temperature > 0:
            raise UsageError(f"[distill] temperature must be positive, got {self.temperature}")


@dataclass(frozen=True)
class CleanOptions:
    """`[clean]`: leave out examples whose labels are probably wrong (confident learning, arXiv:1911.00068)."""

    folds: int = 5
    """Parts of the training examples, each read by a network that did not see it."""
    epochs: int = 10
    """Epochs of each of these networks."""
    method: str = "noise_rate"
    """How much is left out: noise_rate or confident_joint (see `cleaning.find_label_issues`)."""

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise UsageError(f"[clean] folds must be 2 or more, got {self.folds}")
        if self.epochs < 1:
            raise UsageError(f"[clean] epochs must be positive, got {self.epochs}")
        _known("[clean] method", self.method, CLEANINGS)


Section = TypeVar("Section", TrainOptions, SamplingOptions, DistillOptions, CleanOptions, CalibrateOptions)
_KINDS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "str": (str, "a text"),
    "tuple[int, ...]": (int, "a list of whole numbers"),
    "tuple[str, ...]": (str, "a list of texts"),
}


def section(kind: type[Section], name: str, table: object) -> Section:
    """The options of the recipe table `name`. Raises `UsageError` for unknown keys and values that do not fit."""
    if not isinstance(table, Mapping):
        raise UsageError(f"[{name}] must be a table")
    types = {field.name.rstrip("_"): (field.name, str(field.type)) for field in fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in types:
            raise unknown_name(f"[{name}] option", str(key), types)
        field_name, wanted = types[key]
        values[field_name] = _fitting(f"[{name}] {key}", value, wanted)
    return kind(**values)


def as_table(options: Section) -> dict[str, Any]:
    """The options as the recipe table that they came from, defaults included."""
    return {
        key.rstrip("_"): list(value) if isinstance(value, tuple) else value for key, value in asdict(options).items()
    }


def _fitting(name: str, value: Any, wanted: str) -> Any:
    if wanted == "Mapping[str, float]":
        if not isinstance(value, Mapping):
            raise UsageError(f"{name} must be a table of numbers, got {value!r}")
        return {str(key): _fitting(f"{name}.{key}", item, "float") for key, item in value.items()}
    kind, words = _KINDS[wanted]
    many = wanted.startswith("tuple")
    if many and not isinstance(value, (list, tuple)):
        raise UsageError(f"{name} must be {words}, got {value!r}")
    for item in value if many else [value]:
        if not isinstance(item, kind) or (isinstance(item, bool) and kind is not bool):
            raise UsageError(f"{name} must be {words}, got {value!r}")
    if many:
        return tuple(value)
    return float(value) if wanted == "float" else value


def _known(kind: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise unknown_name(kind, name, known)
