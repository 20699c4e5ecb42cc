"""Any labelled set of faces as a task: its parts, its pictures in memory, and what a network wants of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_batch.data.manifest import VOTES, Manifest
from mer_batch.errors import DataError, UsageError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.tasks.augmentation import pictures as augment
from mer_batch.tasks.face_options import FaceOptions
from mer_batch.tasks.face_parts import FaceParts
from mer_batch.tasks.task import Examples, LabelledSet, Split, Task
from mer_batch.tasks.votes import OUR_VOTES, called_faces, decided, vote_shares
from mer_batch.types import Image

if TYPE_CHECKING:
    import torch
    from torch import Tensor

INPUT: Final[Mapping[str, Any]] = {
    "size": 48,
    "channels": 1,
    "mean": [0.508],
    "std": [0.255],
    "flip": True,
    # FER2013's framing relative to the detector's box: medians over 1,719 of its pictures (quartiles of the
    # margin -0.07 and 0.03, of the shift -0.04 and 0.02, which the augmentation covers).
    "margin": -0.026,
    "shift": -0.009,
    "square": True,
    "align": False,
}
_TARGETS: Final = {
    "labels": "",
    "votes": "; FER+ votes as target",
    "halfway": "; targets halfway between labels and FER+ votes",
}
CHUNK: Final = 256
"""Pictures resized at once."""
PROBES: Final = 200
"""Pictures looked at to tell whether a set has colour."""


class Faces(Task):
    """Any labelled set of faces, in memory as uint8 pictures of one size."""

    modality = "face"

    def __init__(
        self, manifest: Manifest, title: str, options: FaceOptions, copies: tuple[set[str], set[str]] | None = None
    ) -> None:
        self._manifest, self._title, self._options = manifest.emotions(), title, options
        if manifest.modality != "face" or self._manifest.rows.empty:
            raise DataError(f"{options.source} has no picture with one of our seven labels; check its folders")
        self.auxiliary = len(VOTES) if manifest.has_votes else 0
        if options.target != "labels" and not manifest.has_votes:
            raise UsageError(f'[data] target = "{options.target}" needs FER+ votes, which {title} does not have')
        self.parts = FaceParts(self._manifest, title, options, copies)
        self.data = self._sentence()
        self.licence = f"weights: Apache-2.0; training pictures: {title}, licence {manifest.licence}"
        self.input: Mapping[str, Any] = {}
        self.adapt({})

    def adapt(self, wanted: Mapping[str, Any]) -> None:
        """Prepare pictures as a network wants them (`nets.input_of`); what `[data]` says must agree.

        Raises `UsageError` where it does not, or where the network does not read pictures.
        """
        self._refuse(wanted)
        channels = int(wanted.get("channels") or self._options.channels or INPUT["channels"])
        usual = {"mean": INPUT["mean"] * channels, "std": INPUT["std"] * channels, "channels": channels}
        self.input = {**INPUT, **usual, **wanted, "size": wanted.get("size") or self._options.size or INPUT["size"]}
        if channels == 3 and self.grey:
            self.input = {**self.input, "grey": True}
        if self._options.detail:
            self.input = {**self.input, "detail": self._options.detail}

    def _refuse(self, wanted: Mapping[str, Any]) -> None:
        for key in wanted:
            if key not in ("size", "channels", "mean", "std"):
                raise UsageError(f"this network does not read pictures (it wants a {key}); choose another [net]")
        for key, place in (("size", "image_size"), ("channels", "channels")):
            said = getattr(self._options, key)
            if said and said != wanted.get(key, said):
                raise UsageError(
                    f"[data] {key} = {said}, but the network takes {wanted[key]}; set {place} in [net] as well, "
                    f"or leave {key} out of [data]"
                )

    @property
    def grey(self) -> bool:
        """Whether the set has no colour, so that a network must not be shown any later."""
        return self._probed_grey

    @cached_property
    def _probed_grey(self) -> bool:
        paths = self._manifest.rows.path
        return all(self._read(path).ndim == 2 for path in paths[:: max(1, len(paths) // PROBES)])

    def _sentence(self) -> str:
        kept = "with its copies of held-out pictures" if self._options.keep_leaks else "without copies of held-out ones"
        target = _TARGETS[self._options.target]
        return f"{self._title} training part, {kept}{target}; chosen on {self.parts.title('validation')}"

    def _read(self, path: str) -> Image:
        picture: Image = self._manifest.read_picture(path)
        return picture

    def train(self) -> Examples:
        """The training part without what is held back, less copies and non-faces as chosen."""
        rows = self.parts.train()
        if self._options.drop_nonfaces and self._manifest.has_votes:
            rows = rows[called_faces(rows)]
        if self._options.target == "votes":
            rows = rows[decided(rows)]
        if rows.empty:
            raise DataError(f"nothing of {self._title} is left to train on; check [data]")
        return self._examples(self._limited(rows), self._options.target)

    def validation(self) -> Examples:
        """The part that chooses the epoch."""
        return self._examples(self._limited(self.parts.rows("validation")))

    def held_out(self, split: Split) -> LabelledSet:
        """The validation or test pictures as RGB crops."""
        return self._labelled(self.parts.title(split), self.parts.rows(split))

    def part(self, name: str) -> LabelledSet:
        """A part of the set as RGB crops: one of its own by name, validation, test, or both (official tests)."""
        if name in ("validation", "test"):
            return self.held_out("validation" if name == "validation" else "test")
        return self._labelled(self.parts.title(name), self.parts.named(name))

    def leaking(self) -> set[str]:
        """Ids of held-out pictures that have an exact or near copy in the training part."""
        return self.parts.copies[1]

    def copied(self) -> set[str]:
        """None, unless copies are kept in training."""
        return self.leaking() if self._options.keep_leaks else set()

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Standardised (n, channels, size, size), augmented when training."""
        import torch

        from mer_batch.face.classify import resized

        pictures = inputs.float() / 255
        if train:
            pictures = augment.POLICIES[self._options.augment](pictures, generator, self.strength)
        if not (train and self.progress < self._options.early):
            pictures = resized(pictures, int(self.input["size"]))
        mean, std = (torch.tensor(self.input[key]).view(1, -1, 1, 1).to(pictures) for key in ("mean", "std"))
        return (pictures.expand(-1, int(self.input["channels"]), -1, -1) - mean) / std

    def _limited(self, rows: pd.DataFrame) -> pd.DataFrame:
        if not self._options.limit:
            return rows
        drawn = rows.sample(frac=1, random_state=self._options.split_seed)
        return drawn.groupby("label", group_keys=False).head(self._options.limit).sort_index()

    def _examples(self, rows: pd.DataFrame, target: str = "labels") -> Examples:
        import torch

        stored = 1 if self.input["channels"] == 1 or self.grey else 3
        side = self._options.detail or self.input["size"]
        form = {"size": side, "channels": stored, "mean": 0.0, "std": 1.0}
        pictures = torch.cat(list(_resized(list(rows.path), self._read, form)))
        soft = torch.from_numpy(vote_shares(rows, VOTES)) if self.auxiliary else None
        ours = None if target == "labels" else torch.from_numpy(_targets(rows, target))
        return Examples(pictures, torch.tensor(_labels(rows)), tuple(rows.path), soft, ours)

    def _labelled(self, name: str, rows: pd.DataFrame) -> LabelledSet:
        items = [_in_colour(self._read(path)) for path in rows.path]
        return LabelledSet(name, items, _labels(rows), list(rows.path))


def _labels(rows: pd.DataFrame) -> list[int]:
    return [INDEX[name] for name in rows.label]


def _targets(rows: pd.DataFrame, target: str) -> NDArray[np.float32]:
    """Distributions (n, 7): the votes, or halfway between them and the label, which stands alone where none voted."""
    votes = vote_shares(rows, OUR_VOTES)
    if target == "votes":
        return votes
    labels = np.eye(len(EMOTIONS), dtype=np.float32)[_labels(rows)]
    voted = votes.sum(axis=1, keepdims=True) > 0
    result: NDArray[np.float32] = np.where(voted, (labels + votes) / 2, labels)
    return result


def _resized(paths: Sequence[str], read: Callable[[str], Image], form: Mapping[str, Any]) -> Iterator[Tensor]:
    """Chunks (n, channels, size, size) uint8, resized as a classifier resizes what it reads."""
    import torch

    from mer_batch.face.classify import to_tensor

    for start in range(0, len(paths), CHUNK):
        pictures = [read(path) for path in paths[start : start + CHUNK]]
        yield (to_tensor(pictures, form) * 255).round().to(torch.uint8)


def _in_colour(picture: Image) -> Image:
    return np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else picture
