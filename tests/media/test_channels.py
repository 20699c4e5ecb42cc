"""The mix must not lose a voice: channels are judged before they are mixed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import clips
from channels import heard, near, on, speech, voice, wav
from mer_batch.media import load_audio, probe, read_audio
from mer_batch.media.mixing import mixed
from mer_batch.types import SAMPLE_RATE, Samples

Pieces = list[tuple[int, Samples]]


@pytest.fixture(scope="module")
def spoken() -> Samples:
    return voice()


@pytest.fixture(scope="module")
def sentences() -> Samples:
    return voice(0, 12)


def table(mix: Samples, channels: Samples) -> Samples:
    return np.concatenate([mix[:, None], channels], axis=1)


def averaged(channels: Samples) -> Samples:
    return table(channels.mean(axis=1), channels)


def joined(pieces: Iterator[tuple[int, Samples]]) -> Samples:
    return np.concatenate([samples for _, samples in pieces])


def rich(seconds: float, seed: int) -> Samples:
    """Chords with overtones that fade, as plucked strings do."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    notes = []
    for _ in range(round(seconds / 0.5)):
        pitch = 110 * 2 ** (rng.integers(0, 24) / 12)
        notes.append(sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8)) * np.exp(-4 * time))
    return np.concatenate(notes).astype(np.float32)


@pytest.mark.parametrize("count", range(2, 17))
def test_a_voice_on_any_one_channel(spoken: Samples, count: int) -> None:
    spoken = spoken[: 2 * SAMPLE_RATE]
    for place in range(count):
        channels = on(spoken, count, (place, 1 if (place + count) % 2 else -1))
        told: list[str] = []
        # As ffmpeg mixes what it takes for a bass channel: nothing of it is left.
        mix = channels[:, :2].mean(axis=1) if count > 2 else channels.mean(axis=1)
        result = joined(mixed([(0, table(mix, channels))], told.append))
        # The very samples of the channel, so the speech is where it is in a mono file of it.
        assert np.array_equal(np.abs(result), np.abs(spoken))
        assert told == [f"only one channel speaks; channel {place + 1} is used"]


LAYOUTS = {
    "mono": (1, None, 0),
    "front right alone": (1, 0x2, 0),
    "stereo": (2, 0x3, 1),
    "two without a layout": (2, None, 0),
    "left and bass": (2, 0x9, 1),
    "sides alone": (2, 0x600, 0),
    "2.1": (3, 0xB, 2),
    "three without a layout": (3, None, 2),
    "quad": (4, 0x33, 3),
    "five without a layout": (5, None, 4),
    "5.1, centre": (6, 0x3F, 2),
    "5.1, bass": (6, 0x3F, 3),
    "5.1(side)": (6, 0x60F, 5),
    "7.1": (8, 0x63F, 6),
    "eleven without a layout": (11, None, 9),
    "sixteen without a layout": (16, None, 15),
    "twenty without a layout": (20, None, 11),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_voice_in_any_layout(tmp_path: Path, spoken: Samples, name: str) -> None:
    count, mask, place = LAYOUTS[name]
    told: list[str] = []
    result = heard(wav(tmp_path / "a.wav", on(spoken, count, (place, -1)), mask=mask), told)
    assert np.allclose(np.abs(result), np.abs(spoken), atol=1e-4)
    assert told == ([] if count == 1 else [f"only one channel speaks; channel {place + 1} is used"])


def test_a_voice_in_a_layout_with_coding(tmp_path: Path, each_ffmpeg: Callable[[], None], spoken: Samples) -> None:
    source = wav(tmp_path / "a.wav", spoken)
    centre = clips.make(tmp_path / "a.m4a", "-i", f"{source}", "-af", "pan=5.1|FC=c0", "-c:a", "aac", "-b:a", "192k")
    crowd = clips.make(tmp_path / "b.mka", "-i", f"{source}", "-af", "pan=hexadecagonal|WR=c0", "-c:a", "pcm_s24le")
    each_ffmpeg()
    assert near(speech(heard(centre)), speech(spoken))
    assert near(speech(heard(crowd)), speech(spoken))


def test_inverted_stereo(tmp_path: Path, each_ffmpeg: Callable[[], None], spoken: Samples) -> None:
    source = wav(tmp_path / "a.wav", spoken)
    invert = ("-af", "pan=stereo|c0=c0|c1=-1*c0", "-c:a", "aac", "-b:a", "96k")
    path = clips.make(tmp_path / "b.m4a", "-i", f"{source}", *invert)
    each_ffmpeg()
    told: list[str] = []
    assert near(speech(heard(path, told)), speech(spoken))
    assert told == ["the channels cancel each other in a mix; channel 1 is used"]


@pytest.mark.parametrize("factor", [-0.95, -0.8, -0.5, -2.0])
def test_channels_that_cancel_in_part(spoken: Samples, factor: float) -> None:
    quiet = spoken / 2
    result = joined(mixed([(0, averaged(on(quiet, 2, (0, 1), (1, factor))))]))
    assert np.array_equal(np.abs(result), np.abs(quiet))


@pytest.mark.parametrize("noise", [0.003, 0.05])
def test_channels_that_cancel_with_noise_of_their_own(sentences: Samples, noise: float) -> None:
    rng = np.random.default_rng(0)
    channels = on(sentences, 2, (0, 1), (1, -1)) + rng.normal(0, noise, (len(sentences), 2)).astype(np.float32)
    result = joined(mixed([(0, averaged(channels))]))
    assert np.array_equal(np.abs(result), np.abs(channels[:, 0]))


@pytest.mark.parametrize("late", [1, 2])
def test_channels_that_cancel_one_a_little_late(spoken: Samples, late: int) -> None:
    channels = np.stack([spoken, -np.roll(spoken, late)], axis=1)
    result = joined(mixed([(0, averaged(channels))]))
    assert near(speech(result), speech(spoken))


@pytest.mark.parametrize(("first", "last"), [(0.4, 1.2), (4.0, 5.0), (6, 12)])
def test_channels_that_cancel_for_a_while(sentences: Samples, first: float, last: float) -> None:
    right = sentences.copy()
    right[round(first * SAMPLE_RATE) : round(last * SAMPLE_RATE)] *= -1
    told: list[str] = []
    result = joined(mixed([(0, averaged(np.stack([sentences, right], axis=1)))], told.append))
    assert near(speech(result), speech(sentences))
    [sentence] = told
    assert sentence.startswith("the channels cancel each other in a mix; channel 1 is used")


@pytest.mark.parametrize("beside", ["noise", "hum", "music"])
@pytest.mark.parametrize("count", [2, 11])
def test_a_voice_beside_other_sound(count: int, beside: str) -> None:
    sentences = voice(0, 6.5)
    n, rng = len(sentences), np.random.default_rng(count)
    time = np.arange(n) / SAMPLE_RATE
    hum = 0.2 * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 12))
    sounds = {
        "noise": lambda at: rng.normal(0, 0.1, n),
        "hum": lambda at: hum,
        "music": lambda at: 0.3 * rich(n / SAMPLE_RATE, at)[:n],
    }
    channels = np.stack([sounds[beside](at) for at in range(count)], axis=1).astype(np.float32)
    channels[:, count - 1] = sentences
    result = joined(mixed([(0, averaged(channels))]))
    found = speech(result)
    for start, end in speech(sentences):
        covered = sum(max(0, min(end, b) - max(start, a)) for a, b in found)
        assert covered > 0.9 * (end - start)


def two_people() -> tuple[Samples, Samples, Samples]:
    """Two voices of the example, the second after the first, and both as one sound."""
    first, second = voice(0, 7), voice(13, 18.5)
    a = np.concatenate([first, np.zeros(len(second) + SAMPLE_RATE, dtype=np.float32)])
    b = np.zeros_like(a)
    b[-len(second) :] = second
    return a, b, a + b


@pytest.mark.parametrize("count", [2, 11])
@pytest.mark.parametrize("sign", [1, -1])
def test_two_people_on_two_channels_are_both_heard(count: int, sign: int) -> None:
    a, b, both = two_people()
    channels = on(a, count, (0, 1)) + on(b, count, (count - 1, sign))
    told: list[str] = []
    result = joined(mixed([(0, averaged(channels))], told.append))
    assert near(speech(result), speech(both))
    assert told
    assert all(str(channel) in told[0] for channel in (1, count))


def test_two_people_at_once_are_both_kept() -> None:
    a, b = voice(0, 10), voice(12, 22)
    result = joined(mixed([(0, averaged(on(a, 16, (2, 1)) + on(b, 16, (9, 1))))]))
    middle = slice(3 * SAMPLE_RATE, 5 * SAMPLE_RATE)
    assert np.corrcoef(result[middle], (a + b)[middle])[0, 1] > 0.99


def test_silence_and_noise_stay_without_speech(tmp_path: Path) -> None:
    told: list[str] = []
    silent = heard(wav(tmp_path / "a.wav", np.zeros((3 * SAMPLE_RATE, 4), dtype=np.float32)), told)
    assert not silent.any()
    assert len(silent) == 3 * SAMPLE_RATE
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * SAMPLE_RATE).astype(np.float32)
    cancelled = heard(wav(tmp_path / "b.wav", on(noise, 2, (0, 1), (1, -1))), told)
    assert not speech(cancelled)
    assert told == []


def test_channels_that_agree_are_mixed_as_ever(tmp_path: Path, spoken: Samples) -> None:
    rng = np.random.default_rng(0)
    room = rng.normal(0, 0.01, (len(spoken), 2)).astype(np.float32)
    channels = on(spoken, 2, (0, 0.8), (1, 0.6)) + room
    told: list[str] = []
    result = joined(mixed([(0, averaged(channels))], told.append))
    assert np.array_equal(result, channels.mean(axis=1))
    assert told == []
    same = on(spoken, 2, (0, 1), (1, 1))
    assert np.array_equal(heard(wav(tmp_path / "a.wav", same), told), heard(wav(tmp_path / "b.wav", spoken), told))
    assert told == []


def test_the_answer_does_not_depend_on_pieces_or_blocks(tmp_path: Path, sentences: Samples) -> None:
    right = sentences.copy()
    right[5 * SAMPLE_RATE : 7 * SAMPLE_RATE] *= -1
    whole = averaged(np.stack([sentences, right], axis=1))
    steps = [0, 1000, 1001, 50_000, 90_123, 140_000, len(whole)]
    pieces = [(a, whole[a:b]) for a, b in itertools.pairwise(steps)]
    once = joined(mixed([(0, whole)]))
    assert np.array_equal(joined(mixed(pieces)), once)
    path = wav(tmp_path / "a.wav", whole[:, 1:])
    assert np.array_equal(heard(path, block=0.7), heard(path, block=30.0))
    # Read from within, the same channels are heard.
    assert np.allclose(load_audio(probe(path), 5.5, 6.5), heard(path)[88_000:104_000], atol=1e-4)


def test_sound_after_a_hole_is_judged_in_its_place(sentences: Samples) -> None:
    sound = averaged(on(sentences, 2, (0, 1), (1, -1)))
    late = 100 * SAMPLE_RATE + 77
    result = list(mixed([(0, sound), (late, sound)]))
    assert result[0][0] == 0
    assert any(position == late for position, _ in result)
    assert sum(len(samples) for _, samples in result) == 2 * len(sound)
    assert np.array_equal(np.abs(joined(iter(result))), np.abs(np.concatenate([sentences, sentences])))


def test_channels_may_change_within_a_file(tmp_path: Path) -> None:
    # A broadcast goes from 5.1 to stereo: the number of channels that is read stays what it was.
    parts = []
    for number, form in enumerate(("5.1|FL=c0|FR=c0|FC=c0", "stereo|c0=c0|c1=c0")):
        path = tmp_path / f"{number}.ts"
        options = ("-af", f"pan={form}", "-c:a", "ac3", "-f", "mpegts", "-output_ts_offset", str(2 * number))
        parts.append(clips.make(path, *clips.tone(2), *options).read_bytes())
    joined_up = tmp_path / "a.ts"
    joined_up.write_bytes(b"".join(parts))
    result = heard(joined_up)
    assert len(result) > 3.8 * SAMPLE_RATE
    assert np.abs(result[round(3 * SAMPLE_RATE) :]).max() > 0.05


def test_reading_many_channels_takes_constant_memory(tmp_path: Path) -> None:
    media = probe(wav(tmp_path / "a.wav", np.tile(on(voice(), 6, (0, 0.5), (3, -0.5)), (20, 1))))
    seen = []
    for _, samples in read_audio(media, block=5.0):
        assert len(samples) <= 5 * SAMPLE_RATE
        seen.append(clips.resident_bytes())
    # All channels at once would be 36 MB.
    assert seen[-1] - seen[3] < 15e6
