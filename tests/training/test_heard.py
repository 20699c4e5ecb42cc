"""A frozen encoder hears every example a few times, and what lies behind it is trained on that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import toy_voice
from mer_batch import nets
from mer_batch.errors import UsageError
from mer_batch.readers import load_classifier
from mer_batch.tasks.options import SamplingOptions
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.voice import task
from mer_batch.training.fitting import heard, sampling
from mer_batch.training.fitting.state import Job
from mer_batch.training.runs import runfile
from toy_training import mer, run_of

RECIPE = """
task = "voice"
[data]
sets = [{sets}]
split = "speaker"
seconds = 1.0
level = true
[net]
name = "voice-encoder"
width = 48
heads = 2
blocks = 1
taps = [1]
frozen = {frozen}
hidden = 16
dropout = 0.0
[train]
versions = 2
epochs = {epochs}
batch_size = 16
optimizer = "adamw"
lr = 0.02
strength = 0.1
ema = 0.5
[sampling]
kind = "even"
"""


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("heard")
    found = toy_voice.make_set(root / "pair", 3), toy_voice.make_set(root / "trio", 3, per_label=1)
    return ", ".join(f'"{folder}"' for folder in found)


def written(place: Path, sets: str, epochs: int = 12, frozen: int = 1) -> Path:
    place.write_text(RECIPE.format(sets=sets, epochs=epochs, frozen=frozen))
    return place


def test_a_model_is_trained_on_what_was_heard_and_reads_sound(sets: str, tmp_path: Path) -> None:
    folder = run_of(written(tmp_path / "toy.toml", sets), tmp_path / "run")
    reader = load_classifier("voice", str(folder / "model"), "cpu")
    assert reader.card.scores["uar"] > 0.5, "the pitch of a tone tells its class"
    assert reader.card.input["level"]
    assert reader.card.net_options["start"] == ""


def test_a_run_that_was_cut_off_ends_with_the_same_weights(sets: str, tmp_path: Path) -> None:
    recipe = written(tmp_path / "toy.toml", sets, epochs=3)
    whole = run_of(recipe, tmp_path / "whole")
    part = run_of(written(tmp_path / "short.toml", sets, epochs=2), tmp_path / "part")
    code, output = mer("train", "--resume", part, "--epochs", "3", "--device", "cpu")
    assert code == 0, output
    assert runfile.read(part).epochs_done == 3
    states = [load_classifier("voice", str(run / "model"), "cpu").net.state_dict() for run in (whole, part)]  # type: ignore[attr-defined]
    first, second = (state["encoder.blocks.0.attn.query.weight"] for state in states)
    assert torch.equal(first, second), "the encoder is frozen"


def test_the_encoder_hears_other_versions_once(sets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read_recipe(str(written(tmp_path / "toy.toml", sets)))
    voice = task(recipe.data)
    train, validation = voice.train(), voice.validation()
    job, known = heard.heard(Job(recipe, voice, train, torch.device("cpu")), validation)
    assert job.train.inputs.shape == (3 * len(train), 1, 48)
    assert job.train.ids == train.ids * 3
    as_they_are, once, again = job.train.inputs.split(len(train))
    assert not torch.equal(as_they_are, once)
    assert not torch.equal(once, again)
    same, _ = heard.heard(Job(recipe, voice, train, torch.device("cpu")), validation)
    assert torch.equal(same.train.inputs, job.train.inputs)
    net = nets.build(recipe.net, classes=7, **recipe.net_options)
    assert known.inputs.shape == (len(validation), 1, 48)
    monkeypatch.setattr(net, "encoder", None)
    assert net(job.task.prepare(known.inputs, False, torch.Generator())).shape == (len(validation), 7)


def test_centring_leaves_no_difference_between_people() -> None:
    rng = torch.Generator().manual_seed(0)
    who = tuple("abc"[place % 3] for place in range(30))
    voices = torch.tensor([[0.0, 5.0], [3.0, -2.0], [-4.0, 1.0]])
    change = torch.randn(30, 1, 2, generator=rng)
    found = heard.centred(change + voices[[ord(name) - 97 for name in who]][:, None], who)
    for name in "abc":
        own = torch.tensor([other == name for other in who])
        assert torch.allclose(found[own].mean(0), found.mean(0), atol=1e-5)
        assert torch.allclose(found[own] - found[own].mean(0), change[own] - change[own].mean(0), atol=1e-5)
    with pytest.raises(UsageError, match="whose"):
        heard.centred(change, ())


def test_the_scale_is_that_of_all_people(sets: str, tmp_path: Path) -> None:
    recipe = read_recipe(str(written(tmp_path / "toy.toml", sets)), {"train.centred": True})
    voice = task(recipe.data)
    job, _ = heard.heard(Job(recipe, voice, voice.train(), torch.device("cpu")), voice.validation())
    plain, _ = heard.heard(
        Job(replace(recipe, train=replace(recipe.train, centred=False)), voice, voice.train(), torch.device("cpu")),
        voice.validation(),
    )
    assert job.weights is not None
    assert torch.allclose(job.weights["scale.running_var"], plain.train.inputs[:, 0].float().var(0), atol=1e-5)
    assert job.train.inputs.float().var(0).sum() < plain.train.inputs.float().var(0).sum()


def test_every_class_of_every_set_is_drawn_equally_often(sets: str, tmp_path: Path) -> None:
    recipe = read_recipe(str(written(tmp_path / "toy.toml", sets)))
    train = task(recipe.data).train()
    assert train.shares is not None
    drawn = torch.cat(
        [
            sampling.draw(train.labels, SamplingOptions("even"), (), torch.Generator().manual_seed(seed), train.shares)
            for seed in range(200)
        ]
    )
    pair = torch.tensor([name.startswith("pair/") for name in train.ids])
    assert pair.float().mean() > 0.6, "the larger set"
    assert abs(pair[drawn].float().mean() - 0.5) < 0.03
    counts = torch.bincount(train.labels[drawn], minlength=7) / len(drawn)
    assert (counts - 1 / 7).abs().max() < 0.02


def test_a_network_that_learns_from_its_first_layer_on_is_refused(sets: str, tmp_path: Path) -> None:
    code, output = mer("train", written(tmp_path / "toy.toml", sets, frozen=0), "--device", "cpu")
    assert code == 2
    assert "frozen" in output
    assert len(output.strip().splitlines()) == 1
