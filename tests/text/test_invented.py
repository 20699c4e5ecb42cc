"""What a recognizer invents is told from what it hears."""

from __future__ import annotations

import pytest

from mer_batch.text.openai_whisper import phrase_of


@pytest.mark.parametrize(
    ("text", "scores", "problem"),
    [
        (" Fine.", (0.1, -0.3, 1.1), ""),
        (" ...", (0.1, -0.3, 1.1), "the recognizer heard no words"),
        (" Thanks for watching.", (0.9, -1.1, 1.1), "the recognizer heard no speech"),
        (" Fine.", (0.9, -0.2, 1.1), ""),
        (" Fine.", (0.1, -2.0, 1.1), "the transcription is too unsure"),
        (" No no no no no no no.", (0.1, -0.1, 2.6), "the transcription repeats itself"),
    ],
)
def test_what_counts_as_invented(text: str, scores: tuple[float, float, float], problem: str) -> None:
    segment = dict(zip(("no_speech_prob", "avg_logprob", "compression_ratio"), scores, strict=True))
    phrase = phrase_of({"start": 0.0, "end": 1.0, "text": text, "words": [], **segment})
    assert phrase.problem == problem


@pytest.mark.parametrize(
    ("pace", "heard"),
    [
        pytest.param(0.4, True, id="as people talk"),
        pytest.param(0.19, True, id="as fast as they can"),
        pytest.param(0.05, False, id="what nobody can say"),
    ],
)
def test_words_faster_than_anybody_speaks_are_invented(pace: float, heard: bool) -> None:
    said = ["Dogs", "are", "sitting", "by", "the", "door."]
    words = [
        {"start": pace * at, "end": pace * (at + 1), "word": f" {word}", "probability": 0.9}
        for at, word in enumerate(said)
    ]
    scores = {"no_speech_prob": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.0}
    phrase = phrase_of({"start": 0.0, "end": 6 * pace, "text": " ".join(said), "words": words, **scores})
    assert len(phrase.words) == (6 if heard else 0)
    assert bool(phrase.problem) is not heard


def test_short_words_are_not_judged_by_their_pace() -> None:
    scores = {"no_speech_prob": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.0}
    words = [{"start": 0.0, "end": 0.02, "word": " Okay.", "probability": 0.9}]
    assert phrase_of({"start": 0.0, "end": 0.02, "text": " Okay.", "words": words, **scores}).words
