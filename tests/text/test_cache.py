"""The transcript cache: found again, never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mer_batch.text import cache


def test_entries_are_found_again_by_all_that_decides_them() -> None:
    key = cache.key_of(media="abc", asr="whisper:base", track=None, language="en")
    assert cache.recall(key) is None
    cache.remember(key, {"utterances": [], "note": "ü"})
    assert cache.recall(key) == {"utterances": [], "note": "ü"}
    assert cache.recall(cache.key_of(media="abc", asr="whisper:base", track=1, language="en")) is None
    assert cache.cache_file().name == "transcriptions.json"


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[]", b'{"version": 1, "entries": 3}', b'{"version": 99}'])
def test_a_corrupt_cache_is_ignored_and_rewritten(content: bytes) -> None:
    cache.cache_file().write_bytes(content)
    assert cache.recall("k") is None
    cache.remember("k", {"a": 1})
    assert cache.recall("k") == {"a": 1}
    assert json.loads(cache.cache_file().read_text(encoding="utf-8"))["version"] == cache.VERSION


def test_no_partial_file_stays_and_old_entries_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LIMIT", 2)
    for name in "abc":
        cache.remember(name, {"is": name})
    assert cache.recall("a") is None
    assert cache.recall("c") == {"is": "c"}
    assert [path.name for path in cache.cache_file().parent.iterdir()] == ["transcriptions.json"]


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MER_CACHE", str(tmp_path / "file"))
    cache.remember("k", {"a": 1})
    assert cache.recall("k") is None
