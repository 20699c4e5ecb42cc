"""The options of the face task: every field is a key of a recipe's `[data]` table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from mer_batch.errors import UsageError, unknown_name
from mer_batch.tasks.augmentation.pictures import POLICIES

TARGETS: Final = ("labels", "votes", "halfway")
SHARE: Final = 0.15
"""Share of the training part that is held back where a set has no part of its own."""


@dataclass(frozen=True)
class FaceOptions:
    """What a face network is trained on."""

    source: str = "fer2013"
    """A set by its name, such as fer2013, or a folder, zip or CSV: any tree [split/]label/file."""
    keep_leaks: bool = False
    """Train with the pictures that copy a held-out picture too, as the literature does."""
    drop_nonfaces: bool = True
    """Leave out training pictures that most FER+ votes call no face (sets with votes only)."""
    limit: int = 0
    """Pictures per class of the training and validation parts, drawn by `split_seed`; 0 = all."""
    size: int = 0
    """Side in pixels to which pictures are brought, once; 0 = what the network takes, else 48."""
    detail: int = 0
    """Side in pixels to which pictures are brought before they are enlarged to `size`, here and in use, so that none
    shows more than the training ones do; 0 = they are brought to `size` at once."""
    early: float = 0.0
    """Share of the epochs that train on pictures of `detail` pixels, which costs less, before those of `size`."""
    channels: int = 0
    """1 = grey, 3 = colour (or grey three times); 0 = what the network takes."""
    target: str = "labels"
    """labels; votes: the distribution of FER+ votes over our seven emotions; or halfway between the two."""
    validation: str | float = ""
    """A part of the set by name, or the share of the training part to hold back; "" = the set's own, else 0.15."""
    test: str | float = ""
    """As `validation`; "both" = public and private test together."""
    split_seed: int = 42
    """Seed of the parts that are drawn; apart from the training's seed, so that seeds compare on one split."""
    augment: str = "faces"
    """faces, wild, randaugment, r1 or none."""

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise unknown_name("target", self.target, TARGETS)
        if self.augment not in POLICIES:
            raise unknown_name("augmentation", self.augment, POLICIES)
        if self.channels not in (0, 1, 3):
            raise UsageError(f"[data] channels must be 1 or 3, got {self.channels}")
        if self.early and not self.detail:
            raise UsageError("[data] early needs detail: the side of the pictures that the first epochs train on")
        if not 0 <= self.early <= 1:
            raise UsageError(f"[data] early must be between 0 and 1, got {self.early}")
        for name in ("limit", "size", "detail"):
            if getattr(self, name) < 0:
                raise UsageError(f"[data] {name} must not be negative, got {getattr(self, name)}")
        for name in ("validation", "test"):
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not 0 < value < 0.9:
                raise UsageError(f"[data] {name} as a share must lie between 0 and 0.9, got {value}")


def read_options(table: Mapping[str, Any]) -> FaceOptions:
    """The options in a `[data]` table. Raises `UsageError` for unknown names and values of the wrong kind."""
    known = {field.name: field.default for field in fields(FaceOptions)}
    for key, value in table.items():
        if key not in known:
            raise unknown_name("[data] option", key, known)
        if not _fits(value, known[key], key):
            raise UsageError(f"[data] {key} = {value!r} is not of the right kind; the default is {known[key]!r}")
    return FaceOptions(**table)


def _fits(value: object, default: object, key: str) -> bool:
    if key in ("validation", "test"):
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return type(value) is type(default)
