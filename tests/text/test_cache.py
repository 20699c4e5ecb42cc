"""The transcript cache: found again, never in the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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


WRITER = """
import sys
from mer_batch.text import cache
for number in range(5):
    cache.remember(f"{sys.argv[1]}-{number}", {"is": sys.argv[1]})
"""
STUCK = """
import json, time
from mer_batch.text import cache
cache.remember("before", {"is": 1})
whole = json.dumps
def half(*arguments, **options):
    place = cache.cache_file()
    place.with_name(place.name + ".partial").write_text('{"version": 2, "entr')
    print("writing", flush=True)
    time.sleep(60)
json.dumps = half
cache.remember("lost", {"is": 2})
"""


def test_processes_lose_nothing_of_each_other() -> None:
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(number)]) for number in range(4)]
    assert [process.wait(timeout=60) for process in started] == [0] * 4
    assert set(cache.recall_all()) == {f"{number}-{entry}" for number in range(4) for entry in range(5)}


def test_threads_lose_nothing_of_each_other() -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: cache.remember(str(number), {"is": number}), range(40)))
    assert len(cache.recall_all()) == 40


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_process_killed_while_it_writes_costs_only_its_entry() -> None:
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        os.kill(process.pid, signal.SIGKILL)
    began = time.monotonic()
    cache.remember("after", {"is": 3})
    assert time.monotonic() - began < cache.PATIENCE / 2, "the lock went with its holder"
    assert set(cache.recall_all()) == {"before", "after"}
    assert [path.name for path in cache.cache_file().parent.iterdir()] == ["transcriptions.json"]


def test_what_an_earlier_version_left_is_tidied() -> None:
    left = cache.cache_file().with_name("transcriptions.json.0123abcd.partial")
    left.write_text("{")
    cache.remember("k", {"a": 1})
    assert not left.exists()
