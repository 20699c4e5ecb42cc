"""Shared fixtures. Tests that need the shared data skip, saying why, where it is absent."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the caches of the person who runs it."""
    monkeypatch.setenv("MER_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def no_empty_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transforms of a batch of no rows fail here on every processor, as some do on some."""
    import torch
    from torch.nn import functional

    def strict(change: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(change)
        def checked(rows: Any, *rest: Any, **named: Any) -> Any:
            assert len(rows), f"{change.__name__} of no rows"
            return change(rows, *rest, **named)

        return checked

    wanted = [(torch.fft, name) for name in ("fft", "ifft", "rfft", "irfft")] + [(torch, "stft"), (torch, "istft")]
    resampling = ("affine_grid", "grid_sample", "interpolate")
    for module, name in [*wanted, *((functional, name) for name in resampling)]:
        monkeypatch.setattr(module, name, strict(getattr(module, name)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets, `MER_DATA` or ../shared/data."""
    folder = Path(os.environ.get("MER_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set MER_DATA to run this test")
    return folder
