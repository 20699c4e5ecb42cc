"""Parts of facenet-pytorch, without importing the package.

`import facenet_pytorch` brings torchvision and with it torch's compiler, which takes longer than all the rest of
a start. Nothing here needs either: `folder` says where the package lies, `module` loads one of its modules alone.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Final

from mer_batch.errors import ModelError

_ALONE: Final = "facenet_pytorch_models"


def folder() -> Path:
    """The folder of the installed package. Raises `ModelError` where it is not installed."""
    package = find_spec("facenet_pytorch")
    if package is None or package.origin is None:
        raise ModelError("facenet-pytorch is not installed; run: pip install facenet-pytorch")
    return Path(package.origin).parent


def module(name: str) -> ModuleType:
    """A module of `facenet_pytorch.models`, such as `inception_resnet_v1`, and only what it imports itself.

    Raises `ModelError` where the package is not installed.
    """
    if _ALONE not in sys.modules:
        # A package without an __init__.py over the same files: relative imports inside them find their way.
        spec = ModuleSpec(_ALONE, None, is_package=True)
        spec.submodule_search_locations = [str(folder() / "models")]
        sys.modules[_ALONE] = module_from_spec(spec)
    return import_module(f"{_ALONE}.{name}")
