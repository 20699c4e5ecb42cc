"""Finding a reader by name: a shipped model, a model folder, or a model of a hub."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from mer_batch.classifier import Classifier
from mer_batch.files import known_sum
from mer_batch.nets.store import WEIGHTS, find_model, model_sum
from mer_batch.types import TaskName


def load_classifier(modality: TaskName, spec: str = "default", device: str = "auto") -> Classifier[Any]:
    """The reader of `modality` named by `spec`: default, a shipped name, a model folder, or hf:NAME.

    Raises `UsageError` for an unknown name and `ModelError` for a model that cannot be loaded.
    """
    if spec.startswith("hf:"):
        module = import_module("mer_batch.hub")
        reader: Classifier[Any] = module.load(modality, spec.removeprefix("hf:"), device)
        return reader
    module = import_module(f"mer_batch.{modality}.classify")
    reader = module.load(find_model(modality, spec), device)
    return reader


def shared_classifier(modality: TaskName, spec: str = "default", device: str = "auto") -> Classifier[Any]:
    """The same, loaded once a process for as long as the model stays as it is: files of a batch share it."""
    weights = "" if spec.startswith("hf:") else known_sum(find_model(modality, spec) / WEIGHTS)
    return _kept(modality, spec, device, f"{fingerprint(modality, spec)} {weights}")


@lru_cache(maxsize=6)
def _kept(modality: TaskName, spec: str, device: str, _as_it_is: str) -> Classifier[Any]:
    return load_classifier(modality, spec, device)


def fingerprint(modality: TaskName, spec: str = "default") -> str:
    """What tells the model that `spec` names from others: checksums, or the commit of a model of the hub.

    Raises `UsageError` and `ModelError` as `load_classifier` does.
    """
    if not spec.startswith("hf:"):
        return model_sum(find_model(modality, spec))
    from mer_batch.nets.hub_files import revision

    name = spec.removeprefix("hf:")
    return f"hf:{name}@{revision(name)}"
