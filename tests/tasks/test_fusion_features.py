"""Clips with their words: the published TESS systems of text and of both, on made clips under official names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import toy_voice
from mer_batch import nets
from mer_batch.errors import DataError, ModelError, UsageError
from mer_batch.fusion.spoken import UNKNOWN, Spoken
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import read_card, save_model
from mer_batch.nets.tess_reference import unpack
from mer_batch.pages.run.items import shown_items
from mer_batch.pages.run.page import write_run_report
from mer_batch.readers import load_classifier
from mer_batch.scores import predictions
from mer_batch.tasks.fusion import task
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.voice_splits import COPY, frozen
from mer_batch.training import representations
from mer_batch.training.runs import run as runs
from mer_batch.types import AudioWindow
from toy_training import mer

WORDS = ("back", "bar", "base", "bath", "beg", "boat")
FUSION = {
    "level": "features", "sets": ["tess"], "split": "random", "partial": True, "augment": "none",
    "features": ["mfcc", "mfcc-delta"], "coefficients": 13, "trim_db": 25, "seconds": 2.0, "pad": "frames",
}  # fmt: skip
TEXT = {"level": "features", "inputs": "words", "sets": ["tess"], "split": "random", "partial": True}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TESS as a small tree of tones, of which the pitch tells the emotion."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    table = frozen("tess")
    assert table is not None
    folder = root / "speech" / "tess"
    (folder / "clips").mkdir(parents=True)
    rows = []
    for clip in table.index.str.removeprefix("tess/"):
        speaker, word, label = clip.split("_")
        if word in WORDS:
            emotion = "surprise" if label == "ps" else label
            sound = toy_voice.tone(EMOTIONS.index(emotion), 0.5, rng)
            (folder / "clips" / f"{clip}.wav").write_bytes(toy_voice.wav(sound))
            rows.append((f"clips/{clip}.wav", emotion, f"tess_{speaker}", word))
    pd.DataFrame(rows, columns=["path", "label", "speaker", "sentence"]).to_csv(folder / "manifest.csv", index=False)
    return root


@pytest.fixture
def data(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MER_DATA", str(made))
    return made


@pytest.mark.parametrize("name", ["reference/tess-text", "reference/tess-fusion"])
def test_inputs_of_every_recipe_fit_its_network(name: str, data: Path) -> None:
    recipe = read_recipe(name, {"data.partial": True, "data.limit": 1})
    clips = task(recipe.data)
    clips.adapt(nets.input_of(recipe.net, **recipe.net_options))
    examples = clips.validation()
    net = nets.build(recipe.net, classes=7, **recipe.net_options).eval()
    with torch.inference_mode():
        scores = net(clips.prepare(examples.inputs, False, torch.Generator()))
    assert scores.shape == (len(examples), 7)
    assert sum(value.numel() for value in net.parameters()) in (684_488, 1_501_129)
    assert set(clips.input["words"]["vocabulary"]) <= {"say", "the", "word", *WORDS}


def test_words_travel_beside_the_features_of_the_same_clip(data: Path) -> None:
    clips = task(FUSION)
    clips.adapt({"words": 363})
    examples = clips.train()
    inputs = clips.prepare(examples.inputs, True, torch.Generator())
    table, numbers = unpack(inputs)
    assert table.shape[1:] == (26, 63)
    vocabulary = clips.input["words"]["vocabulary"]
    for name, row in zip(examples.ids, numbers, strict=True):
        said = [vocabulary[number - 2] for number in row[:4]]
        assert said == ["say", "the", "word", name.split("_")[1]]
        assert (row[4:] == 0).all()
    assert (table[:, :, 0] != 0).any(dim=1).all()


def test_words_of_the_test_do_not_enter_the_vocabulary(data: Path) -> None:
    clips = task({**TEXT, "split": "sentence"})
    clips.adapt({"words": 363})
    known = set(clips.input["words"]["vocabulary"])
    heard = {name.split("_")[1] for name in clips.train().ids}
    new = {item.words.removesuffix(".").split()[-1] for item in clips.held_out("test").items}
    assert known == {"say", "the", "word"} | heard
    assert new.isdisjoint(heard)
    assert new
    forgetful = task({**TEXT, "word_dropout": 0.5})
    forgetful.adapt({"words": 363})
    rows = forgetful.prepare(forgetful.train().inputs, True, torch.Generator().manual_seed(0))
    assert 0.3 < (rows[:, :4] == UNKNOWN).float().mean() < 0.7
    assert (rows[:, 4:] == 0).all()


def test_every_split_of_the_voice_task_is_there(data: Path) -> None:
    doubled = task({**TEXT, "split": "doubled"})
    test = doubled.held_out("test")
    assert doubled.leaking() & set(test.ids)
    assert any(name.endswith(COPY) for name in test.ids)
    assert all(
        item.words.split()[-1] == f"{name.split('_')[1]}." for name, item in zip(test.ids, test.items, strict=True)
    )
    assert list(task({**TEXT, "split": "speaker"}).folds()) == ["fold-0", "fold-1"]
    assert len(task({**TEXT, "split": "sentence"}).folds()) == 6
    for fold in (0, 1):
        speakers = task({**TEXT, "split": "speaker", "fold": fold})
        who = [{name.split("/")[1][:3] for name in ids} for ids in (_ids(speakers), speakers.held_out("test").ids)]
        assert who[0].isdisjoint(who[1])


def _ids(clips: object) -> tuple[str, ...]:
    clips.adapt({"words": 363})  # type: ignore[attr-defined]
    return clips.train().ids  # type: ignore[attr-defined]


def test_words_of_a_recognizer_are_read_instead(data: Path, tmp_path: Path) -> None:
    clips = task(TEXT)
    rows = clips._clips.sets.rows  # type: ignore[attr-defined]
    path = tmp_path / "transcriptions.json"
    path.write_text(json.dumps({clip: f"Stay the {'word' if 'back' in clip else 'bird'}!" for clip in rows["clip"]}))
    heard = task({**TEXT, "transcripts": str(path)})
    heard.adapt({"words": 363})
    assert set(heard.input["words"]["vocabulary"]) == {"stay", "the", "word", "bird"}
    assert {item.words for item in heard.held_out("test").items} <= {"Stay the word!", "Stay the bird!"}
    path.write_text("{}")
    with pytest.raises(DataError, match="mer data transcribe"):
        task({**TEXT, "transcripts": str(path)}).held_out("test")


def test_speech_and_words_train_to_a_model_with_maps(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "fusion.toml"
    options = [f"{key} = {json.dumps(value)}" for key, value in FUSION.items()]
    recipe.write_text(
        'task = "fusion"\n[net]\nname = "tess-fusion"\nfeatures = 26\n[train]\nepochs = 6\nbatch_size = 8\n'
        'warmup = 0.0\noptimizer = "adam"\nlr = 2e-3\n[data]\n' + "\n".join(options)
    )
    folder = runs.train(
        str(recipe),
        out=tmp_path / "run",
        resume=None,
        tta=False,
        device="cpu",
        changes={},
        say=lambda _line: None,
        page=write_run_report,
    )
    card = read_card(folder / "model")
    assert (card.modality, card.input["level"]) == ("fusion", "features")
    assert card.scores["uar"] > 0.4, "the pitch tells the emotion"
    maps = representations.read(folder)
    assert maps is not None
    assert [layer.name for layer in maps.layers] == ["speech", "words", "speech and words"]
    assert maps.layers[0].purity > maps.layers[1].purity
    stored = predictions.read(folder / "predictions" / "test.parquet")
    assert set(maps.ids) == set(stored.ids)
    page = (folder / "report.html").read_text()
    assert page.count('class="map"') == 3
    assert "Say the word" in page
    assert "<audio" in page
    assert (folder / "tsne.png").stat().st_size > 1000
    reader = load_classifier("fusion", str(folder), "cpu")
    item = task(FUSION).held_out("test").items[0]
    silent = Spoken(AudioWindow(0, 1, np.zeros(16_000, np.float32), 1.0, -60.0, None), item.words)
    assert not np.allclose(reader.scores([item]), reader.scores([silent]))
    code, output = mer("evaluate", "fusion", "--model", folder, "--device", "cpu")
    assert code == 0, output
    assert "test clips (split by random) of tess" in output


def test_words_alone_are_at_chance_and_the_page_says_so(data: Path, tmp_path: Path) -> None:
    changes = {"data.partial": True, "train.epochs": 1}
    folder = runs.train(
        "reference/tess-text", out=tmp_path / "run", resume=None, tta=False, device="cpu", changes=changes,
        say=lambda _line: None, page=write_run_report,
    )  # fmt: skip
    assert read_card(folder / "model").scores["accuracy"] < 0.35
    page = (folder / "report.html").read_text()
    assert "not beyond chance, 1 in 7" in page
    assert "ln 7 = 1.946" in page


def test_an_item_is_shown_as_sound_with_its_words() -> None:
    window = AudioWindow(0, 1, np.full(16_000, 0.1, np.float32), 1.0, -20.0, None)
    held_out = task_items([Spoken(window, "Say the word back.")])
    shown = shown_items("fusion", held_out, ["a"])["a"]
    assert (shown.kind, shown.text) == ("sound", "Say the word back.")
    assert shown.uri.startswith("data:audio/mpeg")


def task_items(items: list[Spoken]) -> object:
    from mer_batch.tasks.task import LabelledSet

    return LabelledSet("toys", items, [0], ["a"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"level": "pixels"}, "features, readings"),
        ({**FUSION, "inputs": "speech"}, "words"),
        ({**FUSION, "features": [], "pad": "around"}, "needs features"),
        ({**FUSION, "reading": "windows"}, "all of it"),
        ({**TEXT, "length": 0}, "positive"),
        ({**TEXT, "word_dropout": 1.0}, "between 0 and 1"),
        ({**TEXT, "transcript": "x"}, "transcript"),
    ],
)
def test_wrong_options_are_told(data: Path, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task(wrong)


def test_what_does_not_go_together_is_told(data: Path, tmp_path: Path) -> None:
    clips = task(TEXT)
    with pytest.raises(UsageError, match="vocabulary"):
        clips.adapt({})
    with pytest.raises(UsageError, match="cannot blend"):
        runs.train(
            "reference/tess-text", out=tmp_path / "run", resume=None, tta=False, device="cpu",
            changes={"data.partial": True, "train.mixup": 0.2}, say=lambda _line: None,
        )  # fmt: skip
    net = nets.build("tess-words", classes=7, words=4)
    card = {"level": "features", "words": {"length": 3, "vocabulary": ["a", "b", "c", "d"]}}
    from mer_batch.nets.store import ModelCard

    save_model(tmp_path / "m", net, ModelCard("m", "fusion", "tess-words", {"words": 4}, card, "toys", "none"))
    with pytest.raises(ModelError, match="larger than its network"):
        load_classifier("fusion", str(tmp_path / "m"), "cpu")
