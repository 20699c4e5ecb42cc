"""The published voice systems by their recipes, on made clips under official names."""

from __future__ import annotations

import json
import shlex
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import toy_voice
from mer_batch import nets
from mer_batch.errors import DataError, UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.readers import load_classifier
from mer_batch.resources import data_dir
from mer_batch.scores import predictions
from mer_batch.tasks.recipe import read_recipe, shipped_recipes
from mer_batch.tasks.voice import task
from mer_batch.tasks.voice_splits import COPY, frozen
from mer_batch.training.runs import run as runs
from mer_batch.types import SAMPLE_RATE
from toy_training import mer

CREMAD = [name for name in shipped_recipes() if name.startswith("reference/cremad-")]
CODES = {"ANG": 0, "DIS": 1, "FEA": 2, "HAP": 3, "NEU": 4, "SAD": 5}
NAMES = ("angry", "disgust", "fear", "happy", "neutral", "sad")


def cremad_ids() -> list[str]:
    """A few official clips of every label in every part of the random split."""
    table = frozen("cremad")
    assert table is not None
    names = table.index.str.removeprefix("cremad/")
    rows = pd.DataFrame({"id": names, "code": names.str.split("_").str[2], "part": table["random"].to_numpy()})
    count = {"r": 6, "v": 1, "t": 2}
    return [name for (_, part), group in rows.groupby(["code", "part"]) for name in group["id"].head(count[part])]


def tess_ids() -> list[str]:
    table = frozen("tess")
    assert table is not None
    words = ("back", "bar", "base", "bath", "beg", "boat")
    return [name for name in table.index.str.removeprefix("tess/") if name.split("_")[1] in words]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CREMA-D and TESS as small trees of tones under official names."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, ids in (("cremad", cremad_ids()), ("tess", tess_ids())):
        folder = root / "speech" / name
        (folder / "clips").mkdir(parents=True)
        rows = []
        for clip in ids:
            first, second, third = clip.split("_")[:3]
            label = NAMES[CODES[third]] if name == "cremad" else {"ps": "surprise"}.get(third, third)
            kind = EMOTIONS.index(label)
            sound = toy_voice.tone(kind, 1.0, rng) * (0.2 + 0.25 * kind)
            (folder / "clips" / f"{clip}.wav").write_bytes(toy_voice.wav(sound.astype(np.float32)))
            rows.append((f"clips/{clip}.wav", label, f"{name}_{first}", second))
        table = pd.DataFrame(rows, columns=["path", "label", "speaker", "sentence"])
        table.to_csv(folder / "manifest.csv", index=False)
    return root


@pytest.fixture
def data(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(made))
    return made


@pytest.mark.parametrize("name", [*CREMAD, "reference/tess-speech"])
def test_inputs_of_every_recipe_fit_its_network(name: str, data: Path) -> None:
    recipe = read_recipe(name)
    voice = task({**recipe.data, "partial": True})
    examples = voice.validation()
    net = nets.build(recipe.net, classes=7, **recipe.net_options).eval()
    with torch.inference_mode():
        scores = net(voice.prepare(examples.inputs, False, torch.Generator()))
    assert scores.shape == (len(examples), 7)
    assert voice.input["features"] == list(recipe.data["features"])


def test_there_is_a_recipe_for_every_published_result() -> None:
    names = "energy", "zcr", "energy-zcr", "wide", "mfcc", "rolloff", "three", "picture", "paper"
    assert sorted(CREMAD) == sorted(f"reference/cremad-{name}" for name in names)


def test_energy_trains_to_a_model_that_reads_its_features(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "energy.toml"
    text = shipped_recipes()["reference/cremad-energy"].read_text()
    for old, new in (("epochs = 50", "epochs = 30"), ("batch_size = 128", "batch_size = 4")):
        assert old in text
        text = text.replace(old, new)
    recipe.write_text(text.replace('split = "random"', 'split = "random"\npartial = true'))
    folder = runs.train(
        str(recipe), out=tmp_path / "run", resume=None, tta=False, device="cpu", changes={}, say=lambda _line: None
    )
    reader = load_classifier("voice", str(folder / "model"), "cpu")
    assert reader.card.input["features"] == ["rms"]
    assert reader.card.input["pad"] == "end"
    assert reader.card.scores["uar"] > 0.5, "the tones of a class are equally loud"
    assert "random" in reader.card.confusion_source
    assert "heard" in reader.card.data


def test_every_reported_score_is_the_one_that_its_recipe_speaks_of() -> None:
    for name, path in shipped_recipes().items():
        reported = read_recipe(name).reported
        assert bool(reported) == name.startswith("reference/")
        if reported:
            assert reported.keys() == {"accuracy", "on"}
            assert f"{100 * reported['accuracy']:.2f} %" in path.read_text().partition("task =")[0]


def test_the_commands_beside_the_recipes_name_some_of_them() -> None:
    text = (data_dir("train") / "reference" / "README.md").read_text()
    named = [shlex.split(line)[2] for line in text.splitlines() if line.startswith("mer train")]
    assert "reference/cremad-*" in named
    assert len([name for name in CREMAD if fnmatchcase(name, "reference/cremad-*")]) == 9
    for pattern in named:
        assert any(fnmatchcase(name, pattern) for name in shipped_recipes()), pattern


@pytest.mark.usefixtures("unreported")
def test_from_the_published_files_to_the_table_with_one_command(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made clips under official names, imported and trained on by the commands of train/reference/README.md."""
    source = tmp_path / "CREMA-D"
    shutil.copytree(data / "speech" / "cremad" / "clips", source / "AudioWAV")
    actors = sorted({clip[:4] for clip in cremad_ids()})
    people = pd.DataFrame({"ActorID": actors, "Age": 30, "Sex": "Female"})
    people.to_csv(source / "VideoDemographics.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MER_DATA", str(tmp_path / "nothing"))
    assert mer("data", "import", "cremad", source, "--out", "cremad", "-q")[0] == 0
    command = ("train", "reference/cremad-energy*", "--set", 'data.sets=["cremad"]', "--set", "data.partial=true")
    code, output = mer(*command, "--set", "train.batch_size=8", "--epochs", 2, "--device", "cpu")
    assert code == 0, output
    table = json.loads(Path("runs/cremad-energy/recipes.json").read_text())
    count = 2 * len(CODES)
    assert {name: (row["reported"]["accuracy"], row["n"]) for name, row in table.items()} == {
        "reference/cremad-energy": (0.4487, count),
        "reference/cremad-energy-zcr": (0.4814, count),
    }
    for name, row in table.items():
        assert f"{name:<27}{count:>7}{row['reported']['accuracy']:>10.4f}{row['accuracy']:>8.4f}" in output
    assert "reported: accuracy on CREMA-D, random split" in output
    assert "ours: accuracy on test clips (split by random) of cremad; intervals over" in output
    stored = predictions.read(Path("runs/cremad-energy/cremad-energy/predictions/test.parquet"))
    assert all(name.startswith("cremad/1") for name in stored.ids)
    assert set(stored.groups["speaker"]) <= {f"cremad_{actor}" for actor in actors}


def test_a_set_without_some_of_its_clips_is_not_taken_for_whole(data: Path) -> None:
    with pytest.raises(DataError, match="partial = true"):
        task({"sets": ["cremad"], "split": "random"}).validation()


def test_a_set_whose_sound_is_missing_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "speech" / "cremad").mkdir(parents=True)
    monkeypatch.setenv("MER_DATA", str(tmp_path))
    with pytest.raises(DataError, match="mer data import cremad"):
        task({"sets": ["cremad"], "split": "random"})


def test_doubled_clips_are_known_to_leak(data: Path) -> None:
    voice = task({"sets": ["tess"], "split": "doubled", "partial": True, "reading": "clips"})
    test, train = voice.held_out("test"), voice.train()
    assert len(train) + len(voice.validation()) + len(test.items) == 2 * len(tess_ids())
    heard = {name.removesuffix(COPY) for name in train.ids}
    leaking = {name for name in test.ids if name.removesuffix(COPY) in heard}
    assert leaking
    assert leaking == voice.leaking() & set(test.ids)
    assert not task({"sets": ["tess"], "split": "speaker", "partial": True}).leaking()


def test_speakers_are_held_out_both_ways(data: Path) -> None:
    seen = []
    for fold in (0, 1):
        voice = task({"sets": ["tess"], "split": "speaker", "fold": fold, "partial": True, "reading": "clips"})
        who = [{name.split("/")[1][:3] for name in ids} for ids in (voice.train().ids, voice.held_out("test").ids)]
        assert who[0].isdisjoint(who[1])
        seen.append(who[1].pop())
    assert sorted(seen) == ["OAF", "YAF"]


def test_one_corpus_is_tested_and_the_others_train(data: Path) -> None:
    voice = task({"sets": ["tess"], "test": ["cremad"], "split": "corpus", "partial": True, "reading": "clips"})
    assert all(name.startswith("tess/") for name in (*voice.train().ids, *voice.validation().ids))
    assert all(name.startswith("cremad/") for name in voice.held_out("test").ids)
    assert "cremad" not in voice.data
    with pytest.raises(UsageError, match="others to train on"):
        task({"sets": ["tess"], "split": "corpus", "partial": True})


def test_an_imported_folder_is_found_by_its_path(data: Path, tmp_path: Path) -> None:
    folder = data / "speech" / "cremad"
    voice = task({"sets": [str(folder)], "split": "speaker", "partial": True})
    assert voice.train().ids[0].startswith("cremad/")


def test_features_of_augmented_sound_are_masked_and_repeat(data: Path) -> None:
    options = {"sets": ["tess"], "split": "random", "partial": True, "features": ["mfcc"], "level": True}
    voice = task({**options, "masks": 2, "pad": "frames", "limit": 1})
    inputs = voice.validation().inputs
    assert inputs.dtype == torch.int16
    first, again = (voice.prepare(inputs, True, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape[1:] == (20, 1 + 3 * SAMPLE_RATE // 512)
    plain = voice.prepare(inputs, False, torch.Generator())
    assert (first == 0).float().mean() > (plain == 0).float().mean() + 0.05
    assert (plain[:, :, -1] == 0).all(), "frames after the sound are zeros"
    assert (plain[:, 0, 0] != 0).all()
    with pytest.raises(UsageError, match="level = true"):
        task({**options, "level": False})


def test_coded_copies_are_further_examples(data: Path) -> None:
    options = {"sets": ["tess"], "split": "random", "partial": True, "limit": 1}
    plain, coded = (task({**options, "coded_copies": copies}).train() for copies in (0, 1))
    assert len(coded) == 2 * len(plain)
    assert coded.ids[0] == coded.ids[1] == plain.ids[0]
    assert torch.equal(coded.inputs[0], plain.inputs[0])
    assert not torch.equal(coded.inputs[1], plain.inputs[0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"augment": "heavy"}, "audiomentations"),
        ({"reading": "clip"}, "windows"),
        ({"fold": -1}, "from 0"),
        ({"fold": "one"}, "whole number"),
        ({"feature": ["rms"]}, "features"),
        ({"split": "speakers"}, "speaker"),
    ],
)
def test_wrong_options_are_told(data: Path, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task({"sets": ["tess"], "split": "random", **wrong})
