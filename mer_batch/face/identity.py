"""Telling whether two faces are one person: embeddings of faces, and looks (clothes, hair) within a shot."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.errors import ModelError
from mer_batch.face.crop import crop_face
from mer_batch.face.detect import Detection
from mer_batch.types import Box, Floats, Image

_EMBEDDING_CROP: Final = {"size": 160, "margin": 0.1}
_HUE_BINS: Final = 12
_BRIGHTNESS_BINS: Final = 8


class Embedder(ABC):
    """Turns faces into vectors whose Euclidean distance says how little alike two people look.

    `same` is the distance below which two people are one, each known by several pictures (see `people.number_people`).
    """

    name: ClassVar[str]
    same: ClassVar[float]

    @abstractmethod
    def cut(self, image: Image, face: Detection) -> Image:
        """A face out of its picture, as `embed` wants it: RGB, of one size."""

    @abstractmethod
    def embed(self, crops: Sequence[Image]) -> Floats:
        """Vectors, shape (n, d), for what `cut` gave."""


class FacenetEmbedder(Embedder):
    """InceptionResnetV1 of facenet-pytorch, trained on VGGFace2; its vectors have length 1."""

    name = "facenet"
    same = 0.89
    """A cosine of 0.6: stricter than the 1.1 of Schroff et al. (FaceNet, arXiv:1503.03832), because merging two people
    is worse than splitting one."""

    def __init__(self, device: str = "auto") -> None:
        from mer_batch.face import facenet
        from mer_batch.nets.device import pick_device

        self._device = pick_device(device)
        net = facenet.module("inception_resnet_v1").InceptionResnetV1(pretrained="vggface2")
        self._net = net.to(self._device).eval()

    def cut(self, image: Image, face: Detection) -> Image:
        """See `Embedder.cut`."""
        return crop_face(image, face.box, _EMBEDDING_CROP)

    def embed(self, crops: Sequence[Image]) -> Floats:
        """See `Embedder.embed`."""
        import torch

        pixels = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            vectors: Floats = self._net(((pixels - 127.5) / 128.0).to(self._device)).cpu().numpy()
        return vectors


def weights_file() -> Path:
    """Where facenet-pytorch keeps its VGGFace2 weights (107 MB): its `get_torch_home`, asked without loading torch."""
    home = os.environ.get("TORCH_HOME", Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch"))
    return Path(home).expanduser() / "checkpoints" / "20180402-114759-vggface2.pt"


def fetch() -> None:
    """Download the weights ahead of a run. Raises `ModelError` where they cannot be had."""
    try:
        FacenetEmbedder("cpu")
    except (OSError, RuntimeError) as error:  # URLError and HTTPError are OSErrors
        reason = getattr(error, "reason", error)  # urllib wraps the cause of a failed connection
        line = getattr(reason, "strerror", None) or reason
        message = f"the face recognition weights cannot be had: {line}; connect and run `mer models fetch identity`"
        raise ModelError(message) from error


def look(image: Image, box: Box) -> NDArray[np.float64]:
    """Colours of the head and of what is worn below it, for telling people in one shot apart.

    Two histograms (hue weighted by saturation; brightness) for each of the two regions, each summing
    to one; a region outside the picture gives NaN. Changes with the light, so it means nothing across cuts.
    """
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    head = (left - 0.2 * wide, top - 0.3 * tall, right + 0.2 * wide, bottom)
    chest = (left - 0.4 * wide, bottom + 0.3 * tall, right + 0.4 * wide, bottom + 1.3 * tall)
    return np.stack([_colours(image, head), _colours(image, chest)])


def likeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """How alike two looks are, 0..1: the worse of the regions that both show."""
    shared = np.minimum(first, second).sum(1) / 2
    shared = shared[~np.isnan(shared)]
    return float(shared.min()) if len(shared) else 0.0


def _colours(image: Image, region: Box) -> NDArray[np.float64]:
    from PIL import Image as Pictures

    height, width = image.shape[:2]
    left, top = max(0, round(region[0] * width)), max(0, round(region[1] * height))
    right, bottom = min(width, round(region[2] * width)), min(height, round(region[3] * height))
    wanted = (region[2] - region[0]) * width * (region[3] - region[1]) * height
    if right - left < 4 or bottom - top < 4 or (right - left) * (bottom - top) < 0.4 * wanted:
        return np.full(_HUE_BINS + 1 + _BRIGHTNESS_BINS, np.nan)
    # Of a large region every few pixels tell the colours as well as all.
    step = max(min(bottom - top, right - left) // 96, 1)
    part = Pictures.fromarray(image[top:bottom:step, left:right:step]).resize((24, 24), Pictures.Resampling.BOX)
    hsv = np.asarray(part.convert("HSV")).reshape(-1, 3)
    hue = np.histogram(hsv[:, 0], _HUE_BINS, (0, 256), weights=hsv[:, 1] / 255)[0] / len(hsv)
    brightness = np.histogram(hsv[:, 2], _BRIGHTNESS_BINS, (0, 256))[0] / len(hsv)
    # What is not coloured has no hue: it shares one bin, or noise would decide.
    return np.concatenate([_smoothed(hue, "wrap"), [1 - hue.sum()], _smoothed(brightness, "edge")])


def _smoothed(histogram: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    """Neighbouring bins share, so that a small change of light stays small."""
    padded = np.pad(histogram, 1, mode=mode)  # type: ignore[call-overload]
    smooth: NDArray[np.float64] = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return smooth
