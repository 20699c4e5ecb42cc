"""A sound heard at once is the same sound heard as a stream."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice import whole
from mer_batch.voice.activity import FRAME, KnownSpeech, SpeechDetector
from mer_batch.voice.windows import clip_windows
from sounds import hiss, silence, song


def syllables(seconds: float) -> Samples:
    """Tones of a voice's pitch that come and go, between silences."""
    return np.concatenate([silence(0.4), *[song(0.3), silence(0.2)] * round(seconds / 0.5), hiss(0.3)])


@pytest.mark.parametrize("length", [1, FRAME - 1, FRAME, FRAME + 1, 3 * SAMPLE_RATE, whole.PIECE * FRAME + 777])
def test_the_numbers_are_those_of_the_stream(length: int) -> None:
    sound = np.tile(syllables(2), 20)[:length]
    assert whole.speech_of(sound) == pytest.approx(whole._streamed(sound), abs=1e-4)


def test_windows_are_those_of_the_stream() -> None:
    sound = syllables(6)
    known = SpeechDetector(KnownSpeech(whole.speech_of(sound)))
    ours, streamed = clip_windows(sound, detector=known), clip_windows(sound)
    assert [(window.start, window.end) for window in ours] == [(window.start, window.end) for window in streamed]
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(ours, streamed, strict=True))


def test_a_network_that_is_built_otherwise_is_heard_as_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[object] = []

    def build() -> None:
        monkeypatch.setattr(whole.WholeNet, "__init__", lambda self, net: net.no_such_layer)
        found.append(whole._whole_net())
        found.append(whole.speech_of(hiss(0.1)))

    thread = threading.Thread(target=build)  # a thread of its own has no network yet
    thread.start()
    thread.join()
    assert found[0] is None
    assert found[1] == pytest.approx(whole._streamed(hiss(0.1)))
