"""Architectures and their registry.

An architecture is one function in one file of this folder, registered under a name:

    @register("tiny-cnn")
    def tiny_cnn(classes: int, width: int = 8) -> nn.Module: ...

Every keyword beside `classes` is an option that recipes and model cards can set. Families of networks that
others define are named `torchvision:NAME` and `hf:NAME`; each is one module with `build` and `input_of`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from mer_batch.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from torch import nn

    Builder = Callable[..., nn.Module]
    Wanted = Callable[..., Mapping[str, Any]]

FAMILIES: Final = {"torchvision": "mer_batch.nets.zoo", "hf": "mer_batch.nets.tuned"}
"""Prefix of a name to the module that builds such networks."""
_BUILDERS: dict[str, Builder] = {}
_WANTED: dict[str, Wanted] = {}


def register(name: str, wanted: Wanted | None = None) -> Callable[[Builder], Builder]:
    """Decorator that makes an architecture known under `name`; `wanted` tells its `input_of` from its options."""

    def add(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"architecture {name!r} is registered twice")
        _BUILDERS[name] = builder
        if wanted is not None:
            _WANTED[name] = wanted
        return builder

    return add


def names() -> list[str]:
    """The names of all registered architectures."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return sorted(_BUILDERS)


def build(name: str, classes: int, **options: object) -> nn.Module:
    """A fresh network by name. Raises `UsageError` for an unknown name or option, `ModelError` for absent weights."""
    if family := _family(name):
        net: nn.Module = family.build(name.partition(":")[2], classes, **options)
        return net
    return _registered(name, options)(classes=classes, **options)


def input_of(name: str, **options: object) -> dict[str, Any]:
    """What a network wants of its input, as far as it is known before training: keys of a card's input section.

    For pictures any of `size`, `channels`, `mean` and `std`; for sound `sample_rate`; for text `tokenizer` and
    `vocabulary`; `words`, the size of a vocabulary. A task takes it over with `Task.adapt`. Raises what `build`
    raises.
    """
    if family := _family(name):
        wanted: dict[str, Any] = family.input_of(name.partition(":")[2], **options)
        return wanted
    known = inspect.signature(_registered(name, options)).parameters
    if "words" in known:
        return {"words": options.get("words", known["words"].default)}
    if name in _WANTED:
        return dict(_WANTED[name](**options))
    if "channels" not in known:
        return {}
    channels: Any = options.get("channels", known["channels"].default)
    if "weights" in known and options.get("weights", "none") != "none":
        return import_module("mer_batch.nets.pretrained").imagenet_input(channels)  # type: ignore[no-any-return]
    return {"channels": channels}


def card_options(net: nn.Module) -> Mapping[str, Any]:
    """Options that a model card needs beside the recipe's, so that `build` makes `net` without the original."""
    found: Mapping[str, Any] = getattr(net, "card_options", {})
    return found


def _family(name: str) -> ModuleType | None:
    prefix, colon, _ = name.partition(":")
    if not colon:
        return None
    if prefix not in FAMILIES:
        raise unknown_name("family of networks", prefix, FAMILIES)
    return import_module(FAMILIES[prefix])


def _registered(name: str, options: Mapping[str, object]) -> Builder:
    known = names()
    if name not in _BUILDERS:
        raise unknown_name("architecture", name, [*known, *(f"{family}:NAME" for family in FAMILIES)])
    builder = _BUILDERS[name]
    accepted = [option for option in inspect.signature(builder).parameters if option != "classes"]
    for option in options:
        if option not in accepted:
            raise UsageError(f"architecture {name!r} has no option {option!r}; it has {', '.join(accepted) or 'none'}")
    return builder
