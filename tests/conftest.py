"""Shared fixtures. Tests that need the shared data skip, saying why, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["read_pages"]
ROOT = Path(__file__).resolve().parent.parent


REAL_DATA = Path(os.environ.get("MER_DATA") or ROOT.parent / "shared" / "data")
"""Where this project's real sets lie; only tests know it. Users' sets lie where `mer data list` says."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the caches and data sets of the person who runs it."""
    monkeypatch.setenv("MER_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
    monkeypatch.delenv("MER_DATA", raising=False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets, `MER_DATA` or ../shared/data."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real data not found at {REAL_DATA}; set MER_DATA to run this test")
    return REAL_DATA
