"""Shared fixtures. Tests that need the shared data skip, saying why, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["read_pages"]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the caches of the person who runs it."""
    monkeypatch.setenv("MER_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets, `MER_DATA` or ../shared/data."""
    folder = Path(os.environ.get("MER_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set MER_DATA to run this test")
    return folder
