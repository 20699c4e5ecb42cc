"""Where words come from, in which order, and what happens when they cannot be had."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest

from mer_batch.errors import ModelError, UsageError
from mer_batch.media import ffmpeg_path, probe
from mer_batch.text import asr
from mer_batch.text.chunks import Word
from mer_batch.text.recognizer import Phrase, Recognizer
from mer_batch.text.transcribe import find_words
from mer_batch.types import SAMPLE_RATE, Media, Samples

SRT = "1\n00:00:00,500 --> 00:00:02,000\nI am fine.\n\n2\n00:00:05,000 --> 00:00:06,000\nAre you?\n"


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *arguments], check=True)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """Eight seconds whose level rises by a tenth every second, so that a sample tells its time."""
    path = tmp_path_factory.mktemp("sound") / "ramp.wav"
    _ffmpeg("-f", "lavfi", "-i", "aevalsrc=floor(t)/10:s=16000:d=8", "-c:a", "pcm_s16le", str(path))
    return probe(path)


@pytest.fixture
def subtitled(tmp_path: Path) -> Media:
    (tmp_path / "words.srt").write_text(SRT)
    path = tmp_path / "clip.mkv"
    silence = ["-f", "lavfi", "-i", "anullsrc=r=16000:d=8"]
    _ffmpeg(*silence, "-i", str(tmp_path / "words.srt"), "-metadata:s:s:0", "language=eng", str(path))
    return probe(path)


class Fake(Recognizer):
    """Hears what it is given and keeps the sound."""

    def __init__(self, *phrases: Phrase, language: str = "en") -> None:
        self.phrases, self.language = list(phrases), language
        self.sounds: list[Samples] = []
        self.languages: list[str | None] = []
        self.prompts: list[str | None] = []

    def hear(
        self, samples: Samples, language: str | None, prompt: str | None = None
    ) -> tuple[list[Phrase], str | None]:
        self.sounds.append(samples)
        self.languages.append(language)
        self.prompts.append(prompt)
        return self.phrases, language or self.language


def said(start: float, text: str) -> Phrase:
    words = [
        Word(start + 0.2 * place, start + 0.2 * place + 0.2, f" {word}", 0.8) for place, word in enumerate(text.split())
    ]
    return Phrase(start, words[-1].end, tuple(words))


def use(monkeypatch: pytest.MonkeyPatch, recognizer: Recognizer) -> None:
    monkeypatch.setattr(asr, "load", lambda name, device: recognizer)
    monkeypatch.setattr(asr, "choose", lambda name, language: "whisper:base" if name == "auto" else name)


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, device: str) -> Recognizer:
        raise AssertionError("no recognizer may be loaded here")

    monkeypatch.setattr(asr, "load", load)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def urlopen(*arguments: object, **options: object) -> object:
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)


def test_a_transcript_file_comes_first(subtitled: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch)
    path = tmp_path / "mine.srt"
    path.write_text(SRT.replace("fine", "here"))
    words = find_words(subtitled, transcript=path, speech=[(0, 8)], language="en")
    assert [item.text for item in words.utterances] == ["I am here.", "Are you?"]
    assert {item.language for item in words.utterances} == {"en"}
    assert "mine.srt" in words.source


def test_subtitles_in_the_file_come_next(subtitled: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch)
    words = find_words(subtitled, transcript=None, speech=[(0, 8)], language="de", span=(4.0, None))
    assert [(item.text, item.language) for item in words.utterances] == [("Are you?", "eng")]
    assert words.source == "subtitles in the file"


def test_words_behind_the_end_of_the_file_are_said(sound: Media, tmp_path: Path) -> None:
    path = tmp_path / "mine.srt"
    path.write_text(SRT + "\n3\n00:00:08,000 --> 00:00:09,000\nToo late.\n")
    (told,) = find_words(sound, transcript=path, speech=[]).notices
    assert told == "transcript mine.srt: 1 of 3 utterances lies behind the end of the file (8.0 s) and is left out"
    path.write_text(SRT.replace("00:00:0", "10:00:0"))
    (told,) = find_words(sound, transcript=path, speech=[]).notices
    assert "none of its words lies inside the file (0 to 8.0 s); they begin at 36000.5 s" in told


def test_what_was_assumed_of_a_transcript_is_said(sound: Media, tmp_path: Path) -> None:
    path = tmp_path / "mine.srt"
    path.write_bytes(SRT.replace("I am", "I’m").encode("cp1252") + b"\n3\n00:00:0x --> 00:00:07,000\nLost.\n")
    words = find_words(sound, transcript=path, speech=[])
    assert [item.text for item in words.utterances] == ["I’m fine.", "Are you?"]
    assert "Windows-1252" in words.notices[0]
    assert "line 10" in words.notices[1]


@pytest.fixture
def forced(subtitled: Media) -> Media:
    return replace(subtitled, subtitles=(replace(subtitled.subtitles[0], dispositions=("default", "forced")),))


def test_forced_subtitles_are_all_only_where_they_cover_the_speech(
    forced: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(said(0.2, "One two."))
    use(monkeypatch, fake)
    for speech in ([(0.5, 2.0)], [(0.5, 2.0), (5.0, 5.5)], None, []):
        assert find_words(forced, transcript=None, speech=speech).source == "subtitles in the file"
    heard = find_words(forced, transcript=None, speech=[(0.5, 1.0), (2.5, 8.0)])
    assert heard.source != "subtitles in the file"
    assert "subtitle track 0 (eng, forced) may hold only parts of what is said" in heard.notices
    refused = find_words(forced, transcript=None, speech=[(2.5, 8.0)], asr="none")
    assert refused.source == "subtitles in the file"
    asked = find_words(forced, transcript=None, speech=[(2.5, 8.0)], subtitle_track="0")
    assert [item.text for item in asked.utterances] == ["I am fine.", "Are you?"]


def test_a_subtitle_track_can_be_chosen(subtitled: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch)
    assert (
        find_words(subtitled, transcript=None, speech=[(0, 8)], subtitle_track="en").source == "subtitles in the file"
    )
    with pytest.raises(UsageError, match=r"Known: 0 \(eng\)"):
        find_words(subtitled, transcript=None, speech=[(0, 8)], subtitle_track="fr")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"speech": [(0, 8)], "asr": "none"}, "no transcript (--asr none)"),
        ({"speech": []}, "no speech"),
        ({"speech": [(6, 7)], "span": (0.0, 5.0)}, "no speech"),
    ],
)
def test_without_need_no_recognizer_is_loaded(
    sound: Media, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], reason: str
) -> None:
    refuse(monkeypatch)
    words = find_words(sound, transcript=None, **options)
    assert words.utterances == ()
    assert words.notice is None
    assert [gap.reason for gap in words.gaps] == [reason]
    assert words.gaps[0].end == min(sound.duration, options.get("span", (0, 8))[1])


def test_a_file_without_sound_has_no_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch)
    _ffmpeg("-f", "lavfi", "-i", "color=size=32x32:duration=1:rate=5", str(tmp_path / "mute.mkv"))
    words = find_words(probe(tmp_path / "mute.mkv"), transcript=None, speech=None)
    assert [gap.reason for gap in words.gaps] == ["no audio"]


def test_only_speech_is_heard_and_words_return_to_their_times(sound: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(said(0.2, "One two."), said(1.6, "Three four"))
    use(monkeypatch, fake)
    reached: list[float] = []
    words = find_words(sound, transcript=None, speech=[(1.2, 2.2), (5.2, 6.0)], on_progress=reached.append)
    assert [(round(item.start, 3), round(item.end, 3), item.text) for item in words.utterances] == [
        (1.2, 1.6, "One two."),
        (5.2, 5.6, "Three four"),
    ]
    (heard,) = fake.sounds
    assert len(heard) == round(2.6 * SAMPLE_RATE)
    assert heard[SAMPLE_RATE // 2] == pytest.approx(0.1, abs=1e-3)
    assert heard[-SAMPLE_RATE // 2] == pytest.approx(0.5, abs=1e-3)
    assert words.utterances[0].language == "en"
    assert words.utterances[0].confidence == pytest.approx(0.8)
    assert reached == [pytest.approx(6.2)]
    assert words.gaps == ()


def test_the_detected_language_is_kept_for_later_chunks(sound: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.text.chunks.CHUNK", 3.0)
    fake = Fake(said(0.5, "Hallo"), language="de")
    use(monkeypatch, fake)
    words = find_words(sound, transcript=None, speech=[(0.2, 2.5), (3.0, 5.0)])
    assert fake.languages == [None, "de"]
    assert {item.language for item in words.utterances} == {"de"}


def test_a_prompt_reaches_every_chunk_and_makes_other_words(sound: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer_batch.text.chunks.CHUNK", 3.0)
    fake = Fake(said(0.5, "Siobhan"))
    use(monkeypatch, fake)
    options: dict[str, Any] = {"transcript": None, "speech": [(0.2, 2.5), (3.0, 5.0)]}
    find_words(sound, **options, prompt="An interview with Siobhan.")
    assert fake.prompts == ["An interview with Siobhan."] * 2
    find_words(sound, **options, prompt="")
    assert fake.prompts[2:] == [None, None]
    refuse(monkeypatch)
    find_words(sound, **options)
    with pytest.raises(AssertionError, match="no recognizer"):
        find_words(sound, **options, prompt="Another.")


def test_speech_without_trusted_words_is_a_gap_with_its_reason(sound: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Fake(Phrase(0.0, 1.0, (), "the transcription repeats itself")))
    words = find_words(sound, transcript=None, speech=[(1.2, 2.0), (5.2, 6.0)])
    assert words.utterances == ()
    assert [(round(gap.start, 1), gap.reason) for gap in words.gaps] == [
        (1.0, "the transcription repeats itself"),
        (5.0, "no words recognized"),
    ]


def test_a_transcript_is_made_once(sound: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Fake(said(0.2, "One two."), Phrase(1.6, 2.0, (), "the transcription is too unsure")))
    first = find_words(sound, transcript=None, speech=[(1.2, 4.0)], language="en")
    refuse(monkeypatch)
    assert find_words(sound, transcript=None, speech=[(1.2, 4.0)], language="en") == first
    with pytest.raises(AssertionError, match="no recognizer"):
        find_words(sound, transcript=None, speech=[(1.2, 4.0)], language="de")


def test_auto_offline_goes_on_and_says_what_to_do(sound: Media, offline: None) -> None:
    words = find_words(sound, transcript=None, speech=[(1, 2)])
    assert words.utterances == ()
    assert words.notice is not None
    assert f"mer models fetch {asr.default()}" in words.notice
    assert "--transcript FILE" in words.notice
    assert "\n" not in words.notice
    assert [gap.reason for gap in words.gaps] == ["no transcript"]


def test_a_recognizer_asked_for_by_name_must_be_there(sound: Media, offline: None) -> None:
    with pytest.raises(ModelError, match=r"no route to host.*mer models fetch whisper:tiny"):
        find_words(sound, transcript=None, asr="whisper:tiny", speech=[(1, 2)])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("whisper:bse", "Did you mean 'base'"),
        ("whisper:no/such.pt", "checkpoint file 'no/such.pt'"),
        ("wisper:base", "Known: auto, faster-whisper:NAME, none, whisper:NAME"),
        ("whisper", "unknown speech recognizer"),
    ],
)
def test_unknown_names_list_the_known(sound: Media, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_words(sound, transcript=None, asr=name, speech=[(1, 2)])


def test_a_file_that_is_no_checkpoint_is_refused(sound: Media, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match="cannot be used as a model of whisper"):
        find_words(sound, transcript=None, asr=f"whisper:{path}", speech=[(1, 2)])


def test_whisper_itself_transcribes(sound: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from text import toy_whisper

    path = toy_whisper.write(tmp_path / "toy.pt", " Well, hello there. Are you happy now?", 1.6)
    options: dict[str, Any] = {"transcript": None, "asr": f"whisper:{path}", "speech": [(1.2, 2.8)], "device": "cpu"}
    words = find_words(sound, **options)
    assert [item.text for item in words.utterances] == ["Well, hello there.", "Are you happy now?"]
    assert {item.language for item in words.utterances} == {"en"}
    assert all(1.0 <= item.start <= item.end <= 3.0 for item in words.utterances)
    assert all(item.confidence is not None and item.confidence > 0.9 for item in words.utterances)
    assert words.source == f"whisper:{path}"
    assert {item.source for item in words.utterances} == {"whisper:toy.pt"}  # no folders in reports
    refuse(monkeypatch)
    assert find_words(sound, **options) == words


def test_whisper_leaves_the_threads_of_the_process_alone(tmp_path: Path, one_thread: None) -> None:
    """Its alignment is compiled by numba, whose threads become those of torch."""
    import torch

    from text import toy_whisper

    recognizer = asr.load(f"whisper:{toy_whisper.write(tmp_path / 'toy.pt', ' Hi there.', 1.6)}", "cpu")
    recognizer.hear(np.zeros(2 * SAMPLE_RATE, dtype=np.float32), None)
    assert torch.get_num_threads() == 1


def test_whisper_itself_is_given_the_prompt(tmp_path: Path) -> None:
    from text import toy_whisper

    path = toy_whisper.write(tmp_path / "toy.pt", " Hi there.", 1.6)
    recognizer = asr.load(f"whisper:{path}", "cpu")
    quiet = np.zeros(2 * SAMPLE_RATE, dtype=np.float32)
    phrases, language = recognizer.hear(quiet, None)
    assert [word.text for phrase in phrases for word in phrase.words] == [" Hi", " there."]
    assert language == "en"
    # The toy says what belongs to a place, and a prompt comes before: its five tokens move the words away.
    prompted, _ = recognizer.hear(quiet, None, "One two three four")
    assert prompted != phrases


def _fake_library(phrases: Sequence[SimpleNamespace]) -> SimpleNamespace:
    class WhisperModel:
        def __init__(self, name: str, **options: object) -> None:
            assert options["device"] == "cpu"
            self.model = SimpleNamespace(is_multilingual=True)

        def transcribe(self, audio: Samples, **options: object) -> tuple[Any, SimpleNamespace]:
            assert audio.dtype == np.float32
            assert options["initial_prompt"] in (None, "Oh dear me.")
            return iter(phrases), SimpleNamespace(language=options["language"] or "en")

    def download_model(name: str, **options: object) -> str:
        raise FileNotFoundError

    return SimpleNamespace(
        available_models=lambda: ["tiny", "base"], WhisperModel=WhisperModel, download_model=download_model
    )


def test_faster_whisper_is_read_alike(sound: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        SimpleNamespace(start=0.2, end=0.5, word=" Oh", probability=0.9),
        SimpleNamespace(start=0.5, end=0.9, word=" dear.", probability=0.7),
    ]
    scores = {"avg_logprob": -0.2, "no_speech_prob": 0.0, "compression_ratio": 1.0}
    segment = SimpleNamespace(start=0.2, end=0.9, text=" Oh dear.", words=words, **scores)
    monkeypatch.setitem(sys.modules, "faster_whisper", _fake_library([segment]))
    chosen = {"asr": "faster-whisper:tiny", "prompt": "Oh dear me.", "device": "cpu"}
    found = find_words(sound, transcript=None, speech=[(1.2, 2.2)], **chosen)
    assert [(round(item.start, 3), item.text, item.language) for item in found.utterances] == [(1.2, "Oh dear.", "en")]
    assert found.utterances[0].confidence == pytest.approx(0.8)
    with pytest.raises(UsageError, match=r"Did you mean 'tiny'"):
        asr.check("faster-whisper:tinny")


def test_without_faster_whisper_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ModelError, match=r"pip install 'mer-batch\[faster-whisper\]'"):
        asr.check("faster-whisper:base")


def test_fetch_needs_something_to_fetch() -> None:
    with pytest.raises(UsageError, match="unknown speech recognizer 'none'"):
        asr.fetch("none")
