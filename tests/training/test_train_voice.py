"""Whole trainings of a toy network on toy speech, and the frozen parts of the real one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import toy_voice
from mer_batch.errors import DataError, UsageError
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.nets.store import read_card
from mer_batch.readers import load_classifier
from mer_batch.resources import data_dir
from mer_batch.scores import predictions
from mer_batch.scores.metrics import score
from mer_batch.tasks.augmentation import sound
from mer_batch.tasks.corpora import SETS
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.voice import pieces, spoken, task
from mer_batch.training.runs import runfile
from mer_batch.types import SAMPLE_RATE
from toy_training import mer, run_of

RECIPE = """
task = "voice"

[data]
sets = ["ravdess", "emovo"]
test = ["ravdess"]
split = "{split}"
seconds = 2.0

[net]
name = "voice-cnn"
widths = [4, 8, 8]
bands = 32
dropout = 0.0
masks = 0

[train]
epochs = 5
batch_size = 16
optimizer = "adamw"
lr = 0.02
select = "uar"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_voice.make(tmp_path_factory.mktemp("data"))


@pytest.fixture
def data(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(made))
    return made


def test_a_trained_model_reads_what_it_was_trained_on(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE.format(split=data / "split.csv"))
    folder = run_of(recipe, tmp_path / "run")
    reader = load_classifier("voice", str(folder / "model"), "cpu")
    assert reader.card.input == {"sample_rate": SAMPLE_RATE, "seconds": 2.0}
    assert reader.card.scores["n"] == len(EMOTIONS) * toy_voice.SPLITS["test"]
    assert reader.card.scores["uar"] > 0.5
    page = (folder / "report.html").read_text()
    for held in ('id="data"', 'class="spectrogram"', "<audio controls", 'class="wave"', "Clips of each label"):
        assert held in page
    assert "ravdess" in reader.card.confusion_source
    assert "emovo" not in reader.card.confusion_source


@pytest.mark.usefixtures("unreported")
def test_views_and_corpora_by_the_command_line(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("toy.toml").write_text(RECIPE.format(split=data / "split.csv").replace('test = ["ravdess"]', ""))
    code, output = mer("train", "toy.toml", "--tta", "--out", "run", "--epochs", 3, "--device", "cpu")
    assert code == 0, output
    card = read_card(Path("run", "model"))
    count = len(EMOTIONS) * toy_voice.SPLITS["test"]
    assert card.views == "shifts"
    assert {"uar", "uar_tta"} < card.scores.keys()
    sizes = {title: row["n"] for title, row in card.evaluations.items() if title.startswith("test")}
    parts = {"test": 2 * count, "test, emovo": count, "test, ravdess": count}
    assert sizes == parts | {f"{title}, shifts views": n for title, n in parts.items()}
    assert runfile.read(Path("run")).counts == {
        "train": dict.fromkeys(EMOTIONS, 8),
        "validation": dict.fromkeys(EMOTIONS, 2),
    }
    for flags, views in (("--tta",), "shifts"), ((), None):
        code, output = mer(
            "evaluate", "voice", "--model", "run", *flags, "--json", "s.json", "--out", "out", "--device", "cpu"
        )
        assert code == 0, output
        # Messages are fitted to a terminal's width where there is one.
        assert max(len(line) for line in output.splitlines() if not line.startswith("mer: ")) <= 100
        table = json.loads(Path("s.json").read_text())
        assert table["views"] == views
        assert {(row["part"], row["items"]): row["n"] for row in table["parts"]} == {
            ("test", "all"): 2 * count, ("test", "emovo"): count, ("test", "ravdess"): count,
        }  # fmt: skip
    stored = predictions.read(Path("out", "predictions", "test.parquet"))
    assert stored.groups.keys() == {"set", "speaker"}
    assert set(stored.groups["speaker"]) == {"emovo_test", "ravdess_test"}
    for row in table["parts"][1:]:
        own = np.array(stored.groups["set"]) == row["items"]
        assert row["nll"] == score(stored.labels[own], stored.probabilities[own]).values["nll"]
    assert f"{card.evaluations['test, emovo']['uar']:.3f}".removeprefix("0") in output


def test_classes_are_ranked_most_confusing_first_with_what_they_are_taken_for() -> None:
    truth = np.array([INDEX[name] for name in ["angry"] * 3 + ["sad"] * 3 + ["happy"] * 2])
    reading = np.array([INDEX[name] for name in ["angry", "fear", "sad"] + ["happy", "happy", "sad"] + ["happy"] * 2])
    scores = score(truth, np.eye(7)[reading], draws=1)
    assert scores.ranked == ["sad", "angry", "happy"], "F1 2/5, 1/2 and 2/3"
    assert scores.taken_for == {"angry": "fear", "sad": "happy", "happy": ""}
    table = scores.as_json()
    assert table["ranked"] == scores.ranked
    assert {name: row["taken_for"] for name, row in table["per_class"].items()} == {
        "angry": "fear", "sad": "happy", "happy": None,
    }  # fmt: skip


def test_examples_hold_the_speech_of_their_part(data: Path) -> None:
    voice = task({"sets": ["ravdess"], "split": str(data / "split.csv")})
    train, validation = voice.train(), voice.validation()
    assert set(validation.ids) == {f"ravdess/validation-{name}-{n}" for name in EMOTIONS for n in range(1)}
    assert validation.inputs.dtype == torch.int16
    assert validation.inputs.shape == (7, 4 * SAMPLE_RATE)
    spoken_seconds = (validation.inputs != 0).sum(dim=1) / SAMPLE_RATE
    assert spoken_seconds.min() > 1.4
    assert spoken_seconds.max() < 1.9
    assert len(train) == 7 * (4 + 1), "a clip of 5.5 s is two examples"
    assert {int(label) for name, label in zip(train.ids, train.labels, strict=True) if "neutral" in name} == {
        INDEX["neutral"]
    }


def test_prepare_is_repeatable_and_only_training_changes_the_sound(data: Path) -> None:
    voice = task({"sets": ["ravdess"], "split": str(data / "split.csv"), "limit": 1})
    inputs = voice.validation().inputs
    first, second, third = (voice.prepare(inputs, True, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    plain = voice.prepare(inputs, False, torch.Generator())
    assert plain.shape == first.shape == (7, 3 * SAMPLE_RATE)
    middle = inputs[:, SAMPLE_RATE // 2 : -SAMPLE_RATE // 2].float()
    cosine = torch.nn.functional.cosine_similarity(plain, middle, dim=1)
    assert torch.allclose(cosine, torch.ones(7), atol=1e-5)


@pytest.mark.parametrize("wrong", [{"set": ["ravdess"]}, {"sets": ["radvess"]}, {"split": "voise"}])
def test_a_wrong_option_names_the_known_ones(data: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="Known"):
        task(wrong)


def test_a_clip_that_the_archive_lacks_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(data, tmp_path / "copy")
    for table in (copy / "speech" / "ravdess" / "manifest.csv", copy / "split.csv"):
        table.write_text(table.read_text().replace("validation-sad-0", "gone"))
    monkeypatch.setenv("MER_DATA", str(copy))
    with pytest.raises(DataError, match=r"gone\.wav"):
        task({"sets": ["ravdess"], "split": str(copy / "split.csv")}).validation()


def test_speech_is_cut_out_and_long_clips_are_split() -> None:
    rng = np.random.default_rng(0)
    clip = toy_voice.tone(2, 2.0, rng)
    assert len(clip) == 3 * SAMPLE_RATE
    assert len(spoken(clip)) / SAMPLE_RATE == pytest.approx(2.3, abs=0.05)
    assert len(spoken(clip * 0)) == len(clip)
    lengths = [
        [len(piece) / SAMPLE_RATE for piece in pieces(np.zeros(int(s * SAMPLE_RATE)), 4 * SAMPLE_RATE)]
        for s in (2, 4.5, 9)
    ]
    assert lengths == [[2], [4, 1.5], [4, 4, 3]]


def test_no_speaker_is_in_two_parts(shared_data: Path) -> None:
    parts = pd.read_csv(data_dir("train") / "splits" / "voice.csv").set_index("id")["split"]
    assert parts.index.is_unique
    tables = [pd.read_csv(shared_data / "speech" / name / "manifest.csv").assign(set=name) for name in SETS]
    rows = pd.concat(tables)
    rows["id"] = rows["set"] + "/" + rows["path"].str.removesuffix(".opus")
    rows = rows.join(parts, on="id", how="inner")
    assert len(rows) == len(parts)
    assert (rows.groupby("speaker")["split"].nunique() == 1).all()
    assert rows["source_sha256"].is_unique
    test = rows[(rows["set"] == "ravdess") & (rows["split"] == "test")]
    assert test.groupby("sex")["speaker"].nunique().to_dict() == {"f": 3, "m": 3}
    assert not ((rows["set"] == "emodb") & rows["label"].isin(["fear", "disgust"])).any()
    assert set(rows.loc[rows["split"] == "test", "set"]) == set(SETS)
    tess = rows[rows["set"] == "tess"].groupby("split")["sentence_or_word"].agg(set)
    assert not tess["train"] & tess["test"], "the speaker of the test says words that the other does not"


@pytest.fixture
def waves() -> torch.Tensor:
    rng = np.random.default_rng(0)
    clips = [toy_voice.tone(kind, 1.5, rng) for kind in range(4)]
    return torch.from_numpy(np.stack([np.pad(clip, 12_000) for clip in clips]))


def test_augmented_sound_keeps_its_silence_and_its_level(waves: torch.Tensor) -> None:
    out = sound.sound(waves, 48_000, torch.Generator().manual_seed(0))
    assert out.shape == (4, 48_000)
    assert torch.isfinite(out).all()
    assert ((out == 0).sum(dim=1) > 8_000).all(), "padding stays zero, noise does not fill it"
    rms = (out.square().sum(dim=1) / (out != 0).sum(dim=1)).sqrt()
    assert torch.allclose(rms, torch.full((4,), 0.05), rtol=0.02)


def test_resampling_moves_the_pitch_within_bounds(waves: torch.Tensor) -> None:
    def pitch(wave: torch.Tensor) -> float:
        spectrum = torch.fft.rfft(wave, n=1 << 17).abs()
        return float(spectrum.argmax()) * SAMPLE_RATE / (1 << 17)

    ratios = []
    for seed in range(12):
        out = sound.resample(waves[1:2], 48_000, torch.Generator().manual_seed(seed), amount=0.14)
        ratios.append(pitch(out[0]) / pitch(waves[1]))
    assert 0.85 < min(ratios) < 0.95
    assert 1.05 < max(ratios) < 1.15


def test_extent_is_where_the_sound_is() -> None:
    waves = torch.zeros(2, 100)
    waves[0, 10:30] = 1
    waves[1] = 1
    first, last = sound.extent(waves)
    assert first.flatten().tolist() == [10, 0]
    assert last.flatten().tolist() == [30, 100]


def test_noise_is_as_loud_as_the_sound(waves: torch.Tensor) -> None:
    noise = sound.noise(waves, torch.Generator().manual_seed(3))
    assert torch.allclose(noise.square().mean(dim=1).sqrt(), torch.full((4,), 0.05), rtol=0.35)
    assert torch.isfinite(noise).all()


def test_the_shipped_recipe_can_be_read() -> None:
    recipe = read_recipe("voice")
    assert recipe.task == "voice"
    assert recipe.train.select == "uar"
