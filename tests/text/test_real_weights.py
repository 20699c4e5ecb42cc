"""Whisper's real weights, which the extra `words` brings: what is said, where nothing is, and by both libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest

import openai_checkpoint
import sounds
from mer_batch.media import probe, read_audio, read_subtitles
from mer_batch.scores.word_errors import normal
from mer_batch.text import asr
from mer_batch.text.recognizer import Recognizer
from mer_batch.text.transcribe import Words, find_words
from mer_batch.types import SAMPLE_RATE, Media, Samples

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "interview.mp4"
SPAN = (3.3, 6.9)
"""Seconds of the example in which a few sentences are said."""


@pytest.fixture(scope="module")
def ears(weights: Path) -> Recognizer:
    return asr.load(asr.CARRIED, "cpu")


@pytest.fixture
def use(weights: Path, ears: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is loaded once, and no hub is asked."""
    monkeypatch.setattr(asr, "choose", lambda name, language: asr.CARRIED)
    monkeypatch.setattr(asr, "load", lambda name, device: ears)


@pytest.fixture(scope="module")
def example() -> Media:
    """The example without its subtitles."""
    return replace(probe(EXAMPLE), subtitles=())


@pytest.fixture(scope="module")
def speech() -> list[tuple[float, float]]:
    """When somebody speaks in `SPAN`, by the subtitles."""
    said = read_subtitles(probe(EXAMPLE), None, None).utterances
    return [(one.start, one.end) for one in said if SPAN[0] <= one.start and one.end <= SPAN[1]]


@pytest.fixture(scope="module")
def truth() -> str:
    return normal("I am so happy! This is wonderful news, I love it!", "en")


def errors(truth: str, words: Words) -> float:
    return float(jiwer.wer(truth, normal(" ".join(one.text for one in words.utterances), "en")))


def test_the_example_without_subtitles_has_its_words(
    example: Media, speech: list[tuple[float, float]], truth: str, use: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = find_words(example, transcript=None, speech=speech, span=SPAN)
    assert errors(truth, words) == 0
    assert words.source == "faster-whisper:tiny.en"
    assert {one.source for one in words.utterances} == {"faster-whisper:tiny.en"}
    assert {one.language for one in words.utterances} == {"en"}
    times = [time for one in words.utterances for time in (one.start, one.end)]
    assert times == sorted(times)
    assert all(any(a - 0.25 <= one.start < one.end <= b + 0.25 for a, b in speech) for one in words.utterances)

    def never(*_: object) -> Recognizer:
        raise AssertionError("what was heard is kept")

    monkeypatch.setattr(asr, "load", never)
    assert find_words(example, transcript=None, speech=speech, span=SPAN) == words


@pytest.mark.parametrize("noise", [sounds.silence, sounds.hiss, sounds.rumble, sounds.chord, sounds.song])
def test_nothing_is_said_where_nobody_speaks(
    noise: Callable[[float], Samples], use: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the search for speech was wrong and took all of it."""
    path = tmp_path / "noise.wav"
    sounds_to_file(path, noise(8.0))
    assert find_words(probe(path), transcript=None, speech=None).utterances == ()


def sounds_to_file(path: Path, samples: Samples) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


@pytest.mark.parametrize("name", ["emodb_03a01Fa_happiness.wav", "wt_bonjour_vous_allez_bien.mp3"])
def test_no_english_is_invented_for_another_language(shared_data: Path, use: None, name: str) -> None:
    media = probe(shared_data / "media" / "speech" / name)
    speech = [(0.0, min(media.duration, 4.0))]
    words = find_words(media, transcript=None, speech=speech)
    assert words.utterances == ()
    (notice,) = words.notices
    assert "faster-whisper:tiny.en hears English only" in notice
    assert f"mer models fetch {asr.default()}" in notice


def test_a_prompt_changes_what_is_heard(ears: Recognizer, sound: Samples) -> None:
    def text(prompt: str | None) -> str:
        return "".join(word.text for phrase in ears.hear(sound, "en", prompt)[0] for word in phrase.words)

    assert text(None)[1:2] == "I"
    assert text("i was so happy. it was wonderful. i loved it") != text(None)


@pytest.fixture(scope="module")
def sound(example: Media) -> Samples:
    """The sentences with their pauses."""
    blocks = [samples for _, samples in read_audio(example, *SPAN, None)]
    return np.concatenate(blocks)


def test_both_libraries_hear_the_same(
    weights: Path, ears: Recognizer, sound: Samples, truth: str, tmp_path: Path
) -> None:
    other = asr.load(f"whisper:{openai_checkpoint.convert(weights, tmp_path / 'tiny.en.pt')}", "cpu")
    assert other.english_only
    assert ears.english_only
    heard: list[list[Any]] = [
        [word for phrase in one.hear(sound, "en")[0] for word in phrase.words] for one in (ears, other)
    ]
    texts = [normal("".join(word.text for word in words), "en") for words in heard]
    assert texts == [truth, truth]
    pairs = [(a, b) for a, b in zip(*heard, strict=False) if normal(a.text, "en") == normal(b.text, "en")]
    assert len(pairs) == 11
    assert np.median([abs(a.start - b.start) for a, b in pairs]) < 0.15
