"""Hugging Face classifiers as networks that the training loop fine-tunes: `hf:NAME` in a recipe.

`hub.py` reads with such a model as it is; here it gets our head and our prepared inputs. A model folder
keeps the architecture as JSON, so that it loads without the original; code that comes with a model never runs.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, Final

import torch
from torch import Tensor, nn

from mer_batch.errors import ModelError, unknown_name
from mer_batch.labels import EMOTIONS, canonical
from mer_batch.nets.heads import last_layer, replace_layer, with_rows
from mer_batch.nets.hub_files import KINDS, fetch_model, fetch_processor, library, quietly, usable
from mer_batch.types import MODALITIES, SAMPLE_RATE, Modality

_MAPPINGS: Final[dict[Modality, str]] = {
    "face": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "voice": "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES",
    "text": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
}


class Tuned(nn.Module):
    """A transformers classifier of prepared inputs.

    face: pictures (n, channels, size, size), standardised; voice: waves (n, samples) at 16 kHz, each brought to
    mean 0 and spread 1 if `normalise`; text: token ids (n, length), filled up with the model's padding.
    """

    def __init__(self, model: nn.Module, modality: Modality, normalise: bool, image_size: int) -> None:
        super().__init__()
        self.model, self.modality, self.normalise, self.image_size = model, modality, normalise, image_size
        # Transformers of pictures learned positions for one size; most can spread them over another.
        spreads = "interpolate_pos_encoding" in inspect.signature(model.forward).parameters
        self._more = {"interpolate_pos_encoding": True} if image_size and spreads else {}

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (n, classes)."""
        if self.modality == "face":
            outputs = self.model(pixel_values=inputs, **self._more)
        elif self.modality == "voice":
            outputs = self.model(input_values=_normalised(inputs) if self.normalise else inputs)
        else:
            outputs = self.model(input_ids=inputs.long(), attention_mask=(inputs != self._padding()).long())
        result: Tensor = outputs.logits
        return result

    def _padding(self) -> int:
        padding: int | None = getattr(self.model.config, "pad_token_id", None)
        return -1 if padding is None else padding

    @property
    def card_options(self) -> dict[str, Any]:
        """What `build` needs to make this network without the original."""
        config: Any = self.model.config
        return {
            "config": config.to_json_string(use_diff=True),
            "modality": self.modality,
            "normalise": self.normalise,
            "image_size": self.image_size,
        }


def build(
    name: str, classes: int, modality: str = "", config: str = "", normalise: bool = False, image_size: int = 0
) -> nn.Module:
    """The model `name` of the hub, or of a local folder, with `classes` outputs.

    Rows of its head are kept, in our order, when its labels are our seven emotions; otherwise the head is new.

    Args:
        name: as on the hub, or a folder.
        classes: number of outputs, our seven first.
        modality: face, voice or text; "" takes what the model is made for.
        config: the architecture as JSON, as cards keep it: nothing is fetched, weights are random.
        normalise: whether waves are normalised, as cards keep it; without `config` the model's preprocessing says.
        image_size: side of the pictures in pixels; 0 = what the model was made for.

    Raises `ModelError` for a model that cannot be had or fine-tuned, `UsageError` for an unknown modality.
    """
    if config:
        model = _from_config(name, _modality(modality), config)
    else:
        kind = _kind(name, modality)
        model, normalise = fetch_model(kind, name), _wants_normalising(name, kind)
        modality = kind
    _take_head(name, model, classes)
    # Its masks of sound come from a generator that checkpoints do not keep.
    model.config.apply_spec_augment = False
    return Tuned(model, _modality(modality), bool(normalise), image_size)


def input_of(
    name: str, modality: str = "", config: str = "", image_size: int = 0, **_options: object
) -> dict[str, Any]:
    """Size, channels, mean and spread of pictures; sample rate of sound; tokenizer of text. Options as in `build`."""
    kind = _modality(modality) if config else _kind(name, modality)
    processor = fetch_processor(kind, name)
    if kind == "voice":
        return {"sample_rate": processor.sampling_rate}
    if kind == "text":
        return {"tokenizer": name}
    return _picture_input(name, processor) | ({"size": image_size} if image_size else {})


def _picture_input(name: str, processor: Any) -> dict[str, Any]:
    # A processor computes (255 * factor * x - mean) / spread for x in [0, 1]; a card leaves the factor out.
    factor = 255 * processor.rescale_factor if getattr(processor, "do_rescale", True) else 255
    wanted: dict[str, Any] = {"size": _side(name, processor), "channels": 3}
    mean, std = (processor.image_mean, processor.image_std) if processor.do_normalize else ([0.0] * 3, [1.0] * 3)
    return wanted | {"mean": [value / factor for value in mean], "std": [value / factor for value in std]}


def _side(name: str, processor: Any) -> int:
    cropped = getattr(processor, "do_center_crop", False) and getattr(processor, "crop_size", None)
    size = dict(cropped or processor.size)
    sides = {int(value) for key, value in size.items() if key in ("height", "width", "shortest_edge") and value}
    if len(sides) != 1:
        raise ModelError(f"hf:{name} wants pictures of {size}; only square ones can be prepared")
    return sides.pop()


def _modality(name: str) -> Modality:
    if name not in MODALITIES:
        raise unknown_name("modality", name, MODALITIES)
    return name


def _kind(name: str, modality: str) -> Modality:
    if modality:
        return _modality(modality)
    with usable("face, voice or text", name), quietly():
        config = library().AutoConfig.from_pretrained(name, trust_remote_code=False)
    auto = library().models.auto.modeling_auto
    for kind, mapping in _MAPPINGS.items():
        if config.model_type in getattr(auto, mapping):
            return kind
    raise ModelError(f"hf:{name} is of type {config.model_type!r}, which transformers cannot train as a classifier")


def _wants_normalising(name: str, modality: Modality) -> bool:
    if modality != "voice":
        return False
    processor = fetch_processor(modality, name)
    if type(processor).__name__ != "Wav2Vec2FeatureExtractor" or processor.sampling_rate != SAMPLE_RATE:
        raise ModelError(f"hf:{name} does not read plain waves at {SAMPLE_RATE} Hz; only such models can be fine-tuned")
    return bool(processor.do_normalize)


def _from_config(name: str, modality: Modality, text: str) -> Any:
    try:
        table = json.loads(text)
        config = library().AutoConfig.for_model(**table)
    except (ValueError, TypeError) as error:
        raise ModelError(f"the architecture of hf:{name} in the model card is malformed: {error}") from error
    with usable(modality, name), quietly():
        return getattr(library(), KINDS[modality][0]).from_config(config, trust_remote_code=False).float()


def _take_head(name: str, model: Any, classes: int) -> None:
    where, layer = last_layer(model)
    labels = [str(model.config.id2label.get(place, place)) for place in range(model.config.num_labels)]
    if layer.weight.shape[0] != len(labels):
        raise ModelError(f"hf:{name} does not end with one linear layer, so its head cannot be replaced")
    replace_layer(model, where, with_rows(layer, our_rows(labels), classes))
    ours = [*EMOTIONS, *(f"auxiliary {place}" for place in range(classes - len(EMOTIONS)))][:classes]
    model.config.id2label = dict(enumerate(ours))
    model.config.label2id = {label: place for place, label in enumerate(ours)}


def our_rows(labels: list[str]) -> list[int]:
    """The places of our seven emotions among a model's labels, in our order; empty unless each is there once."""
    mapped = [canonical(label) for label in labels]
    if any(mapped.count(emotion) != 1 for emotion in EMOTIONS):
        return []
    return [mapped.index(emotion) for emotion in EMOTIONS]


def _normalised(waves: Tensor) -> Tensor:
    centred = waves - waves.mean(dim=1, keepdim=True)
    return centred / torch.sqrt(centred.square().mean(dim=1, keepdim=True) + 1e-7)
