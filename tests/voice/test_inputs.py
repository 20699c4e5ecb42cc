"""How sound enters a network: where zeros go, and that a card says all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mer_batch import nets
from mer_batch.errors import ModelError, UsageError
from mer_batch.nets.store import ModelCard, save_model
from mer_batch.readers import load_classifier
from mer_batch.types import SAMPLE_RATE, AudioWindow, Samples
from mer_batch.voice.feature_options import FeatureOptions
from mer_batch.voice.features import features
from mer_batch.voice.inputs import LEVEL, VoiceInput

ENERGY: dict[str, Any] = {"seconds": 5.005, "features": ["rms"], "pad": "end"}
DERIVED: dict[str, Any] = {
    "seconds": 6.39,
    "features": ["mfcc", "mfcc-delta", "mfcc-delta2"],
    "coefficients": 40,
    "pad": "frames",
    "trim_db": 25,
}


def clip(seconds: float, silence: float = 0.0) -> Samples:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = 0.2 * np.sin(2 * np.pi * 200 * time) + np.random.default_rng(0).normal(0, 0.01, len(time))
    return np.pad(sound, round(silence * SAMPLE_RATE)).astype(np.float32)


def test_the_published_shapes_come_out() -> None:
    assert VoiceInput.read(ENERGY)(clip(2)).shape == (1, 157)
    assert VoiceInput.read(ENERGY)(clip(7)).shape == (1, 157)
    assert VoiceInput.read(DERIVED)(clip(2)).shape == (120, 200)
    assert VoiceInput.read(DERIVED)(clip(7)).shape == (120, 200)


@pytest.mark.parametrize("table", [ENERGY, DERIVED, {"seconds": 3.0}])
def test_a_batch_of_no_clips_has_its_shape(table: dict[str, Any]) -> None:
    form = VoiceInput.read(table)
    assert form.batch([]).shape == (0, *form.batch([clip(1)]).shape[1:])


def test_end_pads_the_sound_and_frames_the_features() -> None:
    quiet = VoiceInput.read(ENERGY | {"features": ["mfcc"]})(clip(2))
    assert (quiet[0, 100:] < -100).all(), "silence has its own MFCC"
    derived = VoiceInput.read(DERIVED)(clip(2, silence=1.0))
    frames = FeatureOptions().frames(2 * SAMPLE_RATE)
    assert (derived[:, frames + 8 :] == 0).all(), "silence was trimmed, then frames of zeros follow"
    assert (derived[0, : frames - 8] != 0).all()


def test_levelled_clips_look_alike() -> None:
    form = VoiceInput.read(ENERGY | {"level": True})
    loud, quiet = form(clip(2)), form(clip(2) * 0.01)
    np.testing.assert_allclose(loud, quiet, rtol=1e-4)
    assert loud[0, 20] == pytest.approx(LEVEL, rel=0.1)
    plain = VoiceInput.read(ENERGY)
    assert not np.allclose(plain(clip(2)), plain(clip(2) * 0.01))


@pytest.mark.parametrize("table", [ENERGY, DERIVED, {"seconds": 3.0}, {"seconds": 2.0, "level": True}])
def test_a_card_brings_the_same_input_back(table: dict[str, Any]) -> None:
    form = VoiceInput.read(table)
    assert VoiceInput.read(form.card()) == form
    assert form.card()["sample_rate"] == SAMPLE_RATE


def test_plain_sound_needs_no_more_than_its_length() -> None:
    assert VoiceInput.read({"seconds": 3.0}).card() == {"sample_rate": SAMPLE_RATE, "seconds": 3.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seconds": 0}, "positive"),
        ({"pad": "start"}, "around"),
        ({"pad": "frames"}, "needs features"),
        ({"features": "rms"}, "list"),
        ({"features": ["rmse"]}, "rolloff"),
        ({"hop": "many"}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_told(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        VoiceInput.read({"seconds": 3.0} | wrong)


def test_a_model_reads_windows_by_the_features_of_its_card(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nets.build("cremad-row", classes=7).eval()
    form = VoiceInput.read(ENERGY)
    options = {"features": 1}
    save_model(tmp_path, net, ModelCard("v", "voice", "cremad-row", options, form.card(), "none", "none"), half=False)
    reader = load_classifier("voice", str(tmp_path), "cpu")
    windows = [AudioWindow(0, s, clip(s), 1.0, -20, None) for s in (0.8, 3.0, 7.0)]
    table = np.stack(
        [features(np.pad(w.samples[:80_080], (0, max(80_080 - len(w.samples), 0))), ["rms"]) for w in windows]
    )
    with torch.inference_mode():
        expected = net(torch.from_numpy(table)).softmax(dim=1).numpy()
    assert reader.predict(windows) == pytest.approx(expected, abs=1e-5)


def test_a_card_with_unknown_features_is_refused(tmp_path: Path) -> None:
    table = VoiceInput.read(ENERGY).card() | {"features": ["loudness"]}
    save_model(tmp_path, nets.build("cremad-row", classes=7), ModelCard("v", "voice", "cremad-row", {}, table, "", ""))
    with pytest.raises(ModelError, match="loudness"):
        load_classifier("voice", str(tmp_path), "cpu")
