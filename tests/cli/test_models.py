"""What `mer models` shows, fetches and verifies."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import metadata
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest
from typer.testing import CliRunner, Result

from mer_batch import inventory
from mer_batch.cli import app
from mer_batch.face import dlib_faces, identity
from mer_batch.nets import hub_files
from mer_batch.nets.store import WEIGHTS, built_in
from mer_batch.resources import cache_dir
from mer_batch.text import asr


def mer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def line_of(result: Result, name: str) -> str:
    (line,) = [line for line in result.output.splitlines() if line.split()[1:2] == [name]]
    return line


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def urlopen(*arguments: object, **options: object) -> object:
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setattr(identity, "FacenetEmbedder", urlopen)


@pytest.fixture(autouse=True)
def own_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test depends on what the person who runs it has fetched."""
    monkeypatch.setattr(identity, "weights_file", lambda: tmp_path / "faces.pt")
    monkeypatch.setattr(dlib_faces, "weights_file", lambda: None)


@pytest.fixture(autouse=True)
def own_whisper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same for recognizers, and whether faster-whisper is installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(asr, "installed", lambda: False)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights of whisper:tiny as a download leaves them, for a library whose tiny model is a small file."""
    import whisper

    digest = "2689367b205c16ce32ed4200942b8b8b1e262dfc70d9bc9fbc77c49699a4f1df"
    monkeypatch.setitem(whisper._MODELS, "tiny", f"https://example.org/{digest}/tiny.pt")
    path = cache_dir("whisper") / "tiny.pt"
    path.write_bytes(b"ok")
    return path


def test_list_shows_models_and_what_is_fetched_on_demand(tiny: Path) -> None:
    result = mer("list")
    assert result.exit_code == 0
    shown = [line.split()[0] for line in result.output.splitlines() if line[:1].strip()]
    assert shown == list(built_in())
    assert "absent" in line_of(result, "identity")
    assert "pip install face-recognition-models" in line_of(result, "identity")
    assert "mer models fetch whisper:base" in line_of(result, "whisper:base")
    assert str(tiny) in line_of(result, "whisper:tiny")
    assert "large-v3" in result.output
    assert "--asr auto takes whisper:tiny" in result.output


def test_list_shows_the_recognizer_that_a_package_carries(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr, "installed", lambda: True)
    result = mer("list")
    assert line_of(result, "faster-whisper:base").split()[0] == "absent"
    assert f"hears English words: {weights}" in line_of(result, "faster-whisper:tiny.en")
    assert "takes faster-whisper:base once it is fetched, till then faster-whisper:tiny.en" in result.output
    assert mer("check", "faster-whisper:tiny.en").exit_code == 0


def test_check_reports_on_all_and_is_content_without_optional_parts(tiny: Path) -> None:
    result = mer("check")
    assert result.exit_code == 0, result.output
    for name in ("ffmpeg", "face-detector", "speech-detector", *built_in(), "whisper:tiny"):
        assert line_of(result, name).split()[0] == "ok", name
    assert line_of(result, "whisper:base").split()[0] == "absent"


def test_a_damaged_download_is_found_and_the_cure_named(tiny: Path) -> None:
    tiny.write_bytes(b"half")
    result = mer("check")
    assert result.exit_code == 1
    assert line_of(result, "whisper:tiny").split()[0] == "DAMAGED"
    assert "run: mer models fetch whisper:tiny" in line_of(result, "whisper:tiny")


def test_a_changed_model_is_found_by_its_checksum(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, folder in built_in().items():
        shutil.copytree(folder, tmp_path / "models" / name)
    weights = tmp_path / "models" / "text" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    monkeypatch.setattr("mer_batch.nets.store.data_dir", lambda name: tmp_path / name)
    result = mer("check")
    assert result.exit_code == 1
    assert line_of(result, "text").split()[0] == "DAMAGED"
    assert line_of(result, "face").split()[0] == "ok"


def test_a_missing_program_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.media.binary.shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    result = mer("check", "ffmpeg")
    assert result.exit_code == 1
    assert "pip install imageio-ffmpeg" in result.output


def test_what_is_named_must_be_there(tiny: Path) -> None:
    assert mer("check", "whisper:tiny").exit_code == 0
    result = mer("check", "whisper:tiny", "identity")
    assert result.exit_code == 1
    assert line_of(result, "identity").split()[0] == "absent"


def test_a_model_folder_and_a_checkpoint_of_ones_own_are_read_whole(tmp_path: Path) -> None:
    from text import toy_whisper

    toy = toy_whisper.write(tmp_path / "toy.pt", " Hello.", 1.0)
    (tmp_path / "wrong.pt").write_bytes(b"not a checkpoint")
    folder = str(built_in()["text"])
    result = mer("check", folder, f"whisper:{toy}")
    assert result.exit_code == 0, result.output
    result = mer("check", f"whisper:{tmp_path / 'wrong.pt'}")
    assert result.exit_code == 1
    assert "cannot be used as a model of whisper" in result.output


def test_an_extra_that_is_missing_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(inventory.EXTRAS, "hub", ("no-such-package", "reads models"))
    result = mer("check", "hub")
    assert result.exit_code == 1
    assert "pip install 'mer-batch[hub]'" in result.output


def test_every_extra_of_the_installation_is_reported() -> None:
    declared = {name for name in metadata("mer-batch").get_all("Provides-Extra") or [] if name != "dev"}
    assert declared <= set(inventory.EXTRAS)


def test_fetch_brings_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[object] = []
    monkeypatch.setattr(identity, "fetch", lambda: brought.append("identity"))
    monkeypatch.setattr(asr, "fetch", brought.append)
    monkeypatch.setattr(hub_files, "fetch_model", lambda *call: brought.append(call))
    monkeypatch.setattr(hub_files, "fetch_processor", lambda *call: None)
    assert mer("fetch", "all").output.splitlines() == ["identity is ready", "whisper:base is ready"]
    assert mer("fetch", "whisper:tiny", "hf:some/model", "--as", "voice").exit_code == 0
    assert brought == ["identity", "whisper:base", "whisper:tiny", ("voice", "some/model", False)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["whisper:tiny"], "no route to host"),
        (["identity"], "cannot be had: no route to host; connect and run `mer models fetch identity`"),
        (["hf:some/model"], "add --as face, --as voice, --as text"),
        (["hf:some/model", "--as", "smell"], "unknown modality 'smell'"),
        (["wisper:tiny"], "unknown speech recognizer 'wisper:tiny'"),
        (["identities"], "Did you mean 'identity'"),
        (["whisper:tinny"], "Did you mean 'tiny'"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(arguments: list[str], message: str, offline: None) -> None:
    result = mer("fetch", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_model_of_the_hub_is_checked_without_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(hub_files, "fetch_model", lambda *call: asked.append(call))
    monkeypatch.setattr(hub_files, "fetch_processor", lambda *call: asked.append(call))
    assert mer("check", "hf:some/model", "--as", "face").exit_code == 0
    assert asked == [("face", "some/model", True)] * 2


def test_faster_whisper_models_are_verified_by_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digest = "2689367b205c16ce32ed4200942b8b8b1e262dfc70d9bc9fbc77c49699a4f1df"
    (blob := tmp_path / digest).write_bytes(b"ok")
    (snapshot := tmp_path / "models--owner--tiny" / "snapshots" / "abc").mkdir(parents=True)
    (snapshot / "model.bin").symlink_to(blob)

    def download_model(name: str, **options: object) -> str:
        assert options["local_files_only"]
        if name != "tiny":
            raise ValueError("not in the cache")
        return str(snapshot)

    library = SimpleNamespace(available_models=lambda: ["tiny", "base"], download_model=download_model)
    monkeypatch.setitem(sys.modules, "faster_whisper", library)
    assert "faster-whisper:tiny" in mer("list").output
    assert mer("check", "faster-whisper:tiny").exit_code == 0
    assert mer("check", "faster-whisper:base").exit_code == 1
    blob.write_bytes(b"half")
    result = mer("check", "faster-whisper:tiny")
    assert result.exit_code == 1
    assert "is damaged" in result.output
