"""Architectures and their registry.

An architecture is one function in one file of this folder, registered under a name:

    @register("tiny-cnn")
    def tiny_cnn(classes: int, width: int = 8) -> nn.Module: ...

Every keyword beside `classes` is an option that recipes and model cards can set.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from mer_batch.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from torch import nn

    Builder = Callable[..., nn.Module]

_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Decorator that makes an architecture known under `name`."""

    def add(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"architecture {name!r} is registered twice")
        _BUILDERS[name] = builder
        return builder

    return add


def names() -> list[str]:
    """The names of all registered architectures."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return sorted(_BUILDERS)


def build(name: str, classes: int, **options: object) -> nn.Module:
    """A fresh network by name. Raises `UsageError` for an unknown name or option."""
    known = names()
    if name not in _BUILDERS:
        raise unknown_name("architecture", name, known)
    builder = _BUILDERS[name]
    accepted = [option for option in inspect.signature(builder).parameters if option != "classes"]
    for option in options:
        if option not in accepted:
            raise UsageError(f"architecture {name!r} has no option {option!r}; it has {', '.join(accepted) or 'none'}")
    return builder(classes=classes, **options)
