"""The words of a data set: every clip heard once, the rest remembered."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import sounds
import toy_voice
from mer_batch.data import transcribing as transcribe_set
from mer_batch.data.manifest import Manifest, read_manifest
from mer_batch.errors import UsageError
from mer_batch.text import asr, cache
from mer_batch.text.chunks import Word
from mer_batch.text.recognizer import Phrase, Recognizer
from mer_batch.text.transcribe import Request
from mer_batch.types import SAMPLE_RATE, Samples


class Counting(Recognizer):
    """Says how many tenths of a second of sound it hears, and how often it was asked."""

    def __init__(self, most: int = 1000) -> None:
        self.asked, self.most = 0, most

    def hear(
        self, samples: Samples, language: str | None, prompt: str | None = None
    ) -> tuple[list[Phrase], str | None]:
        if self.asked == self.most:
            raise KeyboardInterrupt
        self.asked += 1
        seconds = len(samples) / SAMPLE_RATE
        text = f" {round(10 * seconds)}" + (f" {prompt}" if prompt else "")
        return [Phrase(0.0, seconds, (Word(0.0, seconds, text, 0.9),))], language or "en"


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return listen(monkeypatch, Counting())


def listen(monkeypatch: pytest.MonkeyPatch, ears: Counting) -> Counting:
    monkeypatch.setattr(asr, "load", lambda name, device: ears)
    monkeypatch.setattr(transcribe_set, "SpeechDetector", lambda model: sounds.Loud())
    return ears


@pytest.fixture
def clips(tmp_path: Path) -> Manifest:
    """One clip a class and split of two sets, two of them the same sound."""
    manifest = read_manifest(toy_voice.make(tmp_path / "data") / "speech" / "ravdess")
    rows = manifest.rows.groupby(["label", "split"]).head(1).reset_index(drop=True)
    (folder := tmp_path / "clips").mkdir()
    for name in ["a.wav", "b.wav", "c.wav"]:
        (folder / name).write_bytes(manifest.read_bytes(rows["path"][0 if name != "c.wav" else 1]))
    (folder / "silent.wav").write_bytes(toy_voice.wav(sounds.silence(1.0)))
    (folder / "broken.wav").write_bytes(b"no sound")
    table = pd.DataFrame({"path": ["a.wav", "b.wav", "c.wav", "silent.wav", "broken.wav"], "label": "neutral"})
    table.assign(speaker="one", text=["True words", "", "Others", "Nothing", "-"]).to_csv(
        folder / "manifest.csv", index=False
    )
    return read_manifest(folder)


def run(manifest: Manifest, **request: str) -> tuple[list[transcribe_set.Transcript], list[str]]:
    problems: list[str] = []
    found = transcribe_set.transcribe_set(
        manifest, Request(**{"asr": "whisper:base", **request}), lambda stage, done: None, problems.append
    )
    return list(found), problems


def test_every_clip_has_its_words_and_what_is_known_of_it(clips: Manifest, ears: Counting) -> None:
    found, problems = run(clips)
    assert [one.clip for one in found] == ["clips/a", "clips/b", "clips/c", "clips/silent"]
    assert found[0].text == found[1].text
    assert int(found[0].text) > 10
    assert [one.truth for one in found] == ["True words", None, "Others", "Nothing"]
    assert {one.speaker for one in found} == {"one"}
    assert (found[3].text, found[3].language) == ("", None)
    assert found[0].language == "en"
    assert len(problems) == 1
    assert "broken.wav" in problems[0]


def test_equal_sounds_are_heard_once_and_silence_never(clips: Manifest, ears: Counting) -> None:
    run(clips)
    assert ears.asked == 2


def test_only_what_decides_the_words_makes_them_anew(clips: Manifest, ears: Counting) -> None:
    first, _ = run(clips)
    assert run(clips)[0] == first
    assert ears.asked == 2
    prompted, _ = run(clips, prompt="Anna")
    assert ears.asked == 4
    assert prompted[0].text == f"{first[0].text} Anna"


def test_an_interrupted_run_goes_on(clips: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch, Counting(most=1))
    with pytest.raises(KeyboardInterrupt):
        run(clips)
    again = listen(monkeypatch, Counting())
    found, _ = run(clips)
    assert again.asked == 1
    assert all(one.text for one in found[:3])


def test_no_recognizer_is_loaded_where_nothing_must_be_heard(
    clips: Manifest, ears: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(clips)
    monkeypatch.setattr(asr, "load", lambda name, device: pytest.fail("loaded again"))
    assert len(run(clips)[0]) == 4
    assert len(cache.recall_all()) == 3  # two sounds and a silence


def test_pictures_have_no_words(tmp_path: Path) -> None:
    (tmp_path / "set" / "happy").mkdir(parents=True)
    (tmp_path / "set" / "happy" / "1.png").write_bytes(b"")
    with pytest.raises(UsageError, match="set holds pictures"):
        run(read_manifest(tmp_path / "set"))
