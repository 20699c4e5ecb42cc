"""Items of a data set on a page: what comes out of the data address is what went in."""

from __future__ import annotations

import base64
import io
import re

import av
import numpy as np
import pytest
from PIL import Image

from mer_batch.pages.run.items import outline, picture, shown_items, sound, spectrogram, words
from mer_batch.tasks.task import LabelledSet
from mer_batch.types import SAMPLE_RATE, AudioWindow


def data(uri: str, kind: str) -> io.BytesIO:
    head, body = uri.split(",", 1)
    assert head == f"data:{kind};base64"
    return io.BytesIO(base64.b64decode(body))


def window(start: float, seconds: float, hertz: float) -> AudioWindow:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    return AudioWindow(start, start + seconds, wave, 1.0, -9.0, None)


def test_a_face_is_a_small_picture_of_itself() -> None:
    face = np.zeros((200, 400, 3), dtype=np.uint8)
    face[:, :200] = (255, 0, 0)
    made = Image.open(data(picture([face]).uri, "image/webp")).convert("RGB")
    assert made.size == (112, 56)
    left, right = made.getpixel((20, 28)), made.getpixel((90, 28))
    assert left[0] > 220
    assert left[1] < 40
    assert max(right) < 30


def test_a_small_face_keeps_its_size() -> None:
    assert Image.open(data(picture([np.zeros((48, 48, 3), np.uint8)]).uri, "image/webp")).size == (48, 48)


def test_a_voice_is_a_clip_of_all_its_windows_in_order() -> None:
    shown = sound([window(1.0, 1.0, 1000.0), window(0.0, 1.0, 250.0)])
    with av.open(data(shown.uri, "audio/mpeg")) as container:
        played = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
    assert len(played) / SAMPLE_RATE == pytest.approx(2.0, abs=0.2)
    for middle, hertz in ((0.5, 250), (1.5, 1000)):
        part = played[round((middle - 0.2) * SAMPLE_RATE) : round((middle + 0.2) * SAMPLE_RATE)]
        spectrum = np.abs(np.fft.rfft(part))
        assert spectrum.argmax() * SAMPLE_RATE / len(part) == pytest.approx(hertz, abs=10)


def test_a_spectrogram_is_bright_where_the_tone_is() -> None:
    image = spectrogram(np.concatenate([window(0, 1, 300.0).samples, window(0, 1, 3000.0).samples]))
    height, width, _ = image.shape
    assert (height, width) == (64, 1 + 2 * SAMPLE_RATE // 256)
    light = image.astype(int).sum(axis=2)
    first, second = (int(light[:, column].argmax()) for column in (width // 4, 3 * width // 4))
    assert first > 48, "low tones lie at the bottom"
    assert second < 32
    assert light[second, width // 4] < 0.3 * light[first, width // 4]
    shown = Image.open(data(sound([window(0.0, 1.0, 500.0)]).spectrogram, "image/webp"))
    assert shown.size == (1 + SAMPLE_RATE // 256, 64)


def test_the_outline_is_high_where_it_is_loud() -> None:
    loud = np.concatenate([np.zeros(1000), np.ones(1000)]).astype(np.float32)
    strokes = [float(top) for top in re.findall(r"M[\d.]+ ([\d.]+)V", outline(loud, strokes=10))]
    assert strokes == [49.0] * 5 + [2.0] * 5
    assert outline(np.zeros(0, np.float32)).count("M") == 1


def test_sentences_stay_text() -> None:
    assert words(["I <b>did</b>"]).text == "I <b>did</b>"


def test_parts_of_one_id_are_shown_together_and_unknown_ids_left_out() -> None:
    held = LabelledSet("toy", ["one", "two", "three"], [0, 0, 1], ["a", "a", "b"])
    found = shown_items("text", held, ["a", "gone"])
    assert {name: item.text for name, item in found.items()} == {"a": "one two"}
