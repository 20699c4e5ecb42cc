"""The classification networks of torchvision by name: `torchvision:efficientnet_b0`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

from torch import nn

from mer_batch.errors import UsageError
from mer_batch.nets.heads import last_layer, replace_layer, widened
from mer_batch.nets.pretrained import forget_origin, imagenet_input, loading, take_channels, wants_weights

FIXED_SIZE: Final = {"vit": "image_size", "maxvit": "input_size"}
"""Networks that take one size of picture only, and what torchvision calls the option."""
AUXILIARY: Final = ("googlenet", "inception_v3")
"""Networks with side outputs while training, which are cut off; their weights want pictures in [-1, 1]."""


def build(
    name: str, classes: int, weights: str = "none", channels: int = 3, image_size: int = 0, **options: object
) -> nn.Module:
    """A network of torchvision that maps pictures (n, channels, h, w) to logits (n, classes).

    Args:
        name: as in `torchvision.models.list_models()`.
        classes: number of outputs.
        weights: "none", or "default" for those that torchvision recommends.
        channels: 3, or 1 for grey.
        image_size: side in pixels for networks that take one size only; 0 = torchvision's.
        options: anything else that torchvision's builder takes, such as `dropout`.

    Raises `UsageError` for an unknown name or option, `ModelError` for weights that cannot be had.
    """
    from torchvision import models

    _check(name)
    chosen = models.get_model_weights(name).DEFAULT if wants_weights(weights) else None
    given = {**options, **_size_option(name, image_size), **_side_outputs(name, chosen is not None)}
    if chosen is None:
        given["num_classes"] = classes
    try:
        with loading(name):
            net: nn.Module = models.get_model(name, weights=chosen, **given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"torchvision:{name} cannot be built so: {str(error).splitlines()[0]}") from error
    if chosen is not None:
        where, layer = last_layer(net)
        replace_layer(net, where, widened(layer, classes))
    return _fitted(net, channels)


def _fitted(net: nn.Module, channels: int) -> nn.Module:
    if hasattr(net, "transform_input"):
        vars(net)["transform_input"] = False  # it expects three channels; `input_of` says what it would have done
    take_channels(net, channels)
    forget_origin(net)
    if isinstance(size := getattr(net, "image_size", None), int):
        vars(net)["card_options"]["image_size"] = size
    return net


def input_of(
    name: str, weights: str = "none", channels: int = 3, image_size: int = 0, **_options: object
) -> dict[str, Any]:
    """Channels; mean and spread of pretrained weights; size where only one is taken."""
    from torchvision import models

    _check(name)
    pretrained = wants_weights(weights)
    usual = models.get_model_weights(name).DEFAULT.transforms()
    wanted: dict[str, Any] = {"channels": channels}
    if pretrained and name in AUXILIARY:
        wanted |= imagenet_input(channels, (0.5,) * 3, (0.5,) * 3)
    elif pretrained:
        wanted |= imagenet_input(channels, usual.mean, usual.std)
    if image_size:
        wanted["size"] = image_size
    elif name.split("_")[0] in FIXED_SIZE:
        wanted["size"] = usual.crop_size[0] if pretrained else 224
    return wanted


def _check(name: str) -> None:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        close = get_close_matches(name, known, n=4, cutoff=0.5) or ["resnet18", "efficientnet_b0", "vit_b_16"]
        raise UsageError(f"torchvision has no classification network {name!r}; it has {', '.join(close)} and others")


def _size_option(name: str, image_size: int) -> dict[str, Any]:
    if not image_size:
        return {}
    option = FIXED_SIZE.get(name.split("_")[0])
    if option is None:
        raise UsageError(f"torchvision:{name} takes pictures of any size: set size in [data], not image_size in [net]")
    return {option: (image_size, image_size) if option == "input_size" else image_size}


def _side_outputs(name: str, pretrained: bool) -> dict[str, Any]:
    # torchvision warns unless init_weights is said, and forbids it beside pretrained weights in some versions.
    if name not in AUXILIARY:
        return {}
    return {"aux_logits": False} if pretrained else {"aux_logits": False, "init_weights": False}
