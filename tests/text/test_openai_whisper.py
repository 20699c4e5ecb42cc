"""Whisper's table of models, with the package loaded or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import whisper

from mer_batch.text import openai_whisper


@pytest.fixture(autouse=True)
def unread() -> Iterator[None]:
    openai_whisper._written.cache_clear()
    yield
    openai_whisper._written.cache_clear()


def test_names_and_addresses_are_the_packages_own(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = openai_whisper._addresses()
    monkeypatch.delitem(sys.modules, "whisper")
    assert openai_whisper._addresses() == loaded
    assert "whisper" not in sys.modules
    assert openai_whisper.Whisper.names() == whisper.available_models()


@pytest.mark.parametrize("source", ["from elsewhere import _MODELS", "_MODELS = dict(tiny='a')", ""])
def test_a_table_that_is_written_otherwise_is_asked_of_the_package(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "__init__.py").write_text(source)
    spec = ModuleSpec("whisper", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(openai_whisper, "find_spec", lambda name: spec)
    assert openai_whisper._written() == whisper._MODELS
