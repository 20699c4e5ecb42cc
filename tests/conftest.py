"""Shared fixtures. Tests that need the shared data skip, saying why, where it is absent."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

import sharing

# Before anything loads a library of threads: toy networks gain nothing from them, and sums come out alike everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")
pytest_plugins = ["read_pages", "browser"]
ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("MER_DATA") or ROOT.parent / "shared" / "data")
"""Where this project's real sets lie; only tests know it. Users' sets lie where `mer data list` says."""


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures make for several tests leaves the caches of the person who runs them alone, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MER_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MER_READS", str(tmp_path_factory.mktemp("reads") / "test_reads.csv"))
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the caches and data sets of the person who runs it."""
    monkeypatch.setenv("MER_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
    monkeypatch.setenv("MER_READS", str(tmp_path_factory.mktemp("reads") / "test_reads.csv"))
    monkeypatch.delenv("MER_DATA", raising=False)
    if checks := sys.modules.get("mer_batch.checks"):
        monkeypatch.setattr(checks, "refused", {})


@pytest.fixture(autouse=True)
def _no_words_from_a_package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whisper's real weights, which the extra `words` installs, hear nothing in tests that do not ask for `weights`."""
    if "weights" not in request.fixturenames:
        monkeypatch.setattr("mer_batch.text.packaged.folder", lambda: None)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of Whisper's real weights."""
    pytest.importorskip("faster_whisper", reason="the extra words is not installed")
    from mer_batch.text import packaged

    folder = packaged.folder()
    if folder is None:
        pytest.skip(f"{packaged.PACKAGE} is not installed; run: {packaged.GET}")
    return folder


@pytest.fixture
def own_readers() -> Iterator[None]:
    """Models are loaded anew for the test and forgotten after it: what it does to their classes harms no other."""
    from mer_batch import readers

    readers._kept.cache_clear()
    yield
    readers._kept.cache_clear()


@pytest.fixture(autouse=True)
def _own_threads() -> Iterator[None]:
    """No test leaves torch with other threads than it found: the sums of the next ones would change with them."""
    before = _threads()
    yield
    if before:
        assert _threads() == before, "the threads of torch were changed and not set back"


def _threads() -> int:
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if hasattr(torch, "get_num_threads") else 0


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> sharing.Once:
    """`once(name, make)`: a folder that tests only read or copy, made by `make(folder)` once in a session.

    The processes of pytest-xdist share it.
    """
    base = tmp_path_factory.getbasetemp()
    return sharing.once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For results that are compared bit by bit."""
    with sharing.threads(1):
        yield


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
    if not REAL_DATA.is_dir():
        pytest.skip(f"real data not found at {REAL_DATA}; set MER_DATA to run this test")
    return REAL_DATA
