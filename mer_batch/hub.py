"""Any Hugging Face classifier as a reader: `hf:NAME`, through transformers (the extra `hub`).

Labels are mapped by `labels.canonical`; code that comes with a model is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, TypeAlias

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError, unknown_name
from mer_batch.labels import EMOTIONS, INDEX, canonical
from mer_batch.nets.device import pick_device
from mer_batch.nets.hub_files import fetch_model, fetch_processor
from mer_batch.nets.store import ModelCard
from mer_batch.types import MODALITIES, SAMPLE_RATE, AudioWindow, Floats, Image, Modality, TaskName

Inputs: TypeAlias = Mapping[str, Any]
Encode: TypeAlias = Callable[[Any, Sequence[Any]], Inputs]

BATCH: Final = 16
"""Items per call: these models are large."""
LEAST: Final = 1e-9
"""Probability given to an emotion that a model does not have, so that logarithms stay finite."""


def _encode_faces(processor: Any, items: Sequence[Image]) -> Inputs:
    result: Inputs = processor(images=[np.ascontiguousarray(item) for item in items], return_tensors="pt")
    return result


def _encode_voices(processor: Any, items: Sequence[AudioWindow]) -> Inputs:
    sounds = [item.samples for item in items]
    if processor.sampling_rate != SAMPLE_RATE:
        resample = import_module("scipy.signal").resample_poly
        sounds = [resample(sound, processor.sampling_rate, SAMPLE_RATE) for sound in sounds]
    result: Inputs = processor(sounds, sampling_rate=processor.sampling_rate, return_tensors="pt", padding=True)
    return result


def _encode_texts(processor: Any, items: Sequence[str]) -> Inputs:
    result: Inputs = processor(list(items), return_tensors="pt", padding=True, truncation=True)
    return result


_ENCODERS: Final[dict[TaskName, Encode]] = {"face": _encode_faces, "voice": _encode_voices, "text": _encode_texts}


class HubClassifier(Classifier[Any]):
    """A transformers classifier read in our seven emotions; `mapping` has one entry per output, None = left out."""

    def __init__(self, card: ModelCard, model: Any, processor: Any, mapping: Sequence[str | None]) -> None:
        self.card, self._model, self._processor = card, model, processor
        self._encode = _ENCODERS[card.modality]
        self._kept = [place for place, name in enumerate(mapping) if name is not None]
        self._sums = np.zeros((len(mapping), len(EMOTIONS)))
        for place, name in enumerate(mapping):
            if name is not None:
                self._sums[place, INDEX[name]] = 1.0

    def logits(self, items: Sequence[Any]) -> Floats:
        """Logarithms of the summed and renormalised probabilities, shape (n, 7)."""
        parts = [self._outputs(items[first : first + BATCH]) for first in range(0, len(items), BATCH)]
        shares = np.maximum(_probabilities(np.concatenate(parts), self._model.config, self._kept) @ self._sums, LEAST)
        result: Floats = np.log(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        return result

    def _outputs(self, items: Sequence[Any]) -> Any:
        import torch

        inputs = {key: value.to(self._model.device) for key, value in self._encode(self._processor, items).items()}
        with torch.inference_mode():
            return self._model(**inputs).logits.double().cpu().numpy()


def _probabilities(scores: Any, config: Any, kept: Sequence[int]) -> Any:
    """Probabilities (n, k) over the outputs in `kept`, zero elsewhere; independent outputs get a sigmoid each."""
    result = np.zeros_like(scores)
    chosen = scores[:, kept]
    if getattr(config, "problem_type", None) == "multi_label_classification":
        result[:, kept] = 1 / (1 + np.exp(-np.clip(chosen, -60, 60)))
    else:
        result[:, kept] = np.exp(chosen - chosen.max(axis=1, keepdims=True))
    return result / result.sum(axis=1, keepdims=True)


def load(modality: Modality, name: str, device: str = "auto") -> Classifier[Any]:
    """The reader `hf:NAME`, NAME being a model of the hub or a local folder.

    Raises `UsageError` for an unknown modality or device, `ModelError` when transformers is missing, the
    model cannot be had, or none of its labels is one of ours.
    """
    if modality not in _ENCODERS:
        raise unknown_name("modality", modality, MODALITIES)
    chosen = pick_device(device)
    model, processor = fetch_model(modality, name), fetch_processor(modality, name)
    outputs = model.config.num_labels
    names = [str(model.config.id2label.get(place, place)) for place in range(outputs)]
    card = _card(modality, name, names, model.config)
    return HubClassifier(card, model.to(chosen).eval(), processor, [canonical(label) for label in names])


def _card(modality: Modality, name: str, names: Sequence[str], config: Any) -> ModelCard:
    mapped = {label: canonical(label) for label in names}
    if not any(mapped.values()):
        raise ModelError(f"hf:{name} has none of our emotions among its labels: {', '.join(names[:30])}")
    notes = [f"hf:{name}, trained by others: see its page"]
    left_out = [label for label, emotion in mapped.items() if emotion is None]
    missing = [emotion for emotion in EMOTIONS if emotion not in mapped.values()]
    if left_out:
        notes.append(f"labels without a counterpart are left out and the rest renormalised: {', '.join(left_out)}")
    if missing:
        notes.append(f"it never reads {', '.join(missing)}")
    return ModelCard(
        name=f"hf:{name}",
        modality=modality,
        net=str(config.model_type),
        net_options={},
        input={},
        data="; ".join(notes),
        licence="see the model's page",
    )
