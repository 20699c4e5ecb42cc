"""The face reader: crops to emotion scores, with the preprocessing that its card states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mer_batch.classifier import Classifier
from mer_batch.errors import ModelError
from mer_batch.nets.device import pick_device
from mer_batch.nets.store import ModelCard, load_net
from mer_batch.types import Floats, Image

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_BATCH = 64


def load(folder: Path, device: str = "auto") -> Classifier[Image]:
    """The face model in `folder` on `device`. Raises `ModelError` when it cannot be used."""
    import torch

    from mer_batch.nets.folded import folded

    where = pick_device(device)
    net, card = load_net(folder, where)
    # Channels last: convolutions of one channel each, as EfficientNet has them, take three quarters of the time so.
    return FaceClassifier(folded(net).to(memory_format=torch.channels_last), card, where)


class FaceClassifier(Classifier[Image]):
    """A network over face crops. Items are RGB crops of any size, framed by `crop.crop_face`."""

    def __init__(self, net: nn.Module, card: ModelCard, device: torch.device) -> None:
        if card.modality != "face":
            raise ModelError(f"model {card.name!r} reads {card.modality}, not faces")
        check_input(card.input)
        self.card = card
        self._net = net
        self._device = device

    def logits(self, items: Sequence[Image]) -> Floats:
        """See `Classifier.logits`. With `flip` in the card's input, mirrored crops are averaged in."""
        import torch

        parts: list[Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(items), _BATCH):
                batch = to_tensor(items[start : start + _BATCH], self.card.input).to(self._device)
                if self.card.input.get("flip", False):
                    # In one go: a small batch costs more a picture.
                    scores, mirrored = self._net(torch.cat([batch, batch.flip(3)])).split(len(batch))
                    scores = (scores + mirrored) / 2
                else:
                    scores = self._net(batch)
                parts.append(scores.float().cpu())
        result: Floats = torch.cat(parts).numpy()
        return result


def check_input(card_input: Mapping[str, Any]) -> None:
    """Raise `ModelError` unless a card's input section says what `to_tensor` needs."""
    channels = card_input.get("channels")
    if channels not in (1, 3):
        raise ModelError(f"the model card's input needs channels = 1 or 3, got {channels!r}")
    if not (isinstance(card_input.get("size"), int) and card_input["size"] > 0):
        raise ModelError(f"the model card's input needs a positive size in pixels, got {card_input.get('size')!r}")
    if not (isinstance(detail := card_input.get("detail", 0), int) and detail >= 0):
        raise ModelError(f"the model card's detail must be a number of pixels, got {detail!r}")
    for key in ("mean", "std"):
        if len(_per_channel(card_input, key)) != channels:
            raise ModelError(f"the model card's input needs {channels} value(s) for {key}")
    if min(_per_channel(card_input, "std")) <= 0:
        raise ModelError("the model card's input needs a positive std")


def to_tensor(crops: Sequence[Image], card_input: Mapping[str, Any]) -> Tensor:
    """Crops as the network takes them, shape (n, channels, size, size), float32. Training uses it too.

    Args:
        crops: uint8 arrays of shape (h, w), (h, w, 1) or (h, w, 3) in RGB, of any size.
        card_input: `size`, `channels` (1: ITU-R BT.601 luma; 3: grey is repeated), `mean` and `std`
            on the [0, 1] scale, a number or one per channel; `grey` (optional): the network has learned
            from grey pictures only, so colour is taken out before three channels are made; `detail`
            (optional): the side to which pictures are brought before `size`.
    """
    import torch

    channels, size = int(card_input["channels"]), int(card_input["size"])
    grey = channels == 1 or bool(card_input.get("grey"))
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for position, crop in enumerate(crops):
        by_shape.setdefault(crop.shape, []).append(position)
    result = torch.empty(len(crops), channels, size, size)
    for positions in by_shape.values():
        pixels = _coloured(np.stack([crops[i] for i in positions]), grey)
        pixels = resized(pixels, int(card_input.get("detail") or size))
        result[positions] = resized(pixels, size).expand(-1, channels, -1, -1)
    mean = torch.tensor(_per_channel(card_input, "mean")).view(1, -1, 1, 1)
    std = torch.tensor(_per_channel(card_input, "std")).view(1, -1, 1, 1)
    return (result - mean) / std


def _coloured(crops: Image, grey: bool) -> Tensor:
    """(n, h, w[, 1 or 3]) of 0..255 to (n, 1 or 3, h, w) of 0..1."""
    import torch

    pixels = torch.from_numpy(crops).float() / 255
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if grey and pixels.shape[3] == 3:
        pixels = (pixels @ torch.tensor([0.299, 0.587, 0.114]))[..., None]
    return pixels.permute(0, 3, 1, 2)


def resized(pixels: Tensor, size: int) -> Tensor:
    """Pictures (n, c, h, w) brought to (n, c, size, size): means of areas where they shrink, bilinear where not."""
    from torch.nn.functional import interpolate

    if pixels.shape[2:] == (size, size):
        return pixels
    if min(pixels.shape[2:]) >= size:
        return interpolate(pixels, size=(size, size), mode="area")
    return interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False)


def _per_channel(card_input: Mapping[str, Any], key: str) -> list[float]:
    value = card_input.get(key)
    channels = int(card_input["channels"])
    if isinstance(value, (int, float)):
        return [float(value)] * channels
    if isinstance(value, (list, tuple)):
        return [float(part) for part in value]
    raise ModelError(f"the model card's input needs {key}: a number or one per channel")
