"""What is believed of a recognizer that writes English for every language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mer_batch.text.chunks import Word
from mer_batch.text.english import NOT_ENGLISH, believed, clearly, faster
from mer_batch.text.recognizer import REPEATS, Phrase
from mer_batch.types import SAMPLE_RATE

LONG = "We walked along the river until it was too dark to see"
OTHER = "He talked about a winter and said that it was so cold"


def said(text: str, sure: float, start: float = 0.0) -> Phrase:
    words = tuple(Word(start + at / 4, start + at / 4 + 0.2, f" {word}", sure) for at, word in enumerate(text.split()))
    return Phrase(start, words[-1].end, words)


def kept(phrases: Sequence[Phrase], *again: Phrase, declared: bool = False, known: bool = False) -> list[bool]:
    found = believed(phrases, lambda: again, declared, known)
    assert [(one.start, one.end) for one in found] == [(one.start, one.end) for one in phrases]
    assert all(one.words or one.problem for one in found)
    return [bool(one.words) for one in found]


def test_clear_english_is_not_heard_twice() -> None:
    def never() -> list[Phrase]:
        raise AssertionError("nothing is to be heard again")

    assert believed([said(LONG, 0.95)], never, False) == [said(LONG, 0.95)]
    assert believed([said(LONG, 0.55)], never, True) == [said(LONG, 0.55)]


def test_words_that_nobody_is_sure_of_are_left_out_with_the_reason() -> None:
    (phrase,) = believed([said(LONG, 0.6)], lambda: [said(LONG, 0.6)], False)
    assert (phrase.words, phrase.problem) == ((), NOT_ENGLISH)
    assert kept([said(LONG, 0.45)], declared=True) == [False]


@pytest.mark.parametrize(
    ("again", "believe"), [(LONG, True), (LONG.upper() + "!", True), (OTHER, False), ("Oh.", False)]
)
def test_doubtful_words_must_be_heard_again(again: str, believe: bool) -> None:
    assert kept([said(LONG, 0.8)], said(again, 0.8)) == [believe]


def test_a_chunk_may_change_its_language() -> None:
    phrases = [said(LONG, 0.97), said(OTHER, 0.5, start=6.0)]
    assert kept(phrases, said(LONG, 0.97), said(OTHER, 0.5)) == [True, False]


def test_a_phrase_that_is_not_heard_again_goes_alone() -> None:
    phrases = [said(LONG, 0.85), said("Nobody knows that", 0.8, start=6.0)]
    assert kept(phrases, said(LONG, 0.85), said("Come on over", 0.8)) == [True, False]


def test_few_words_need_more_unless_the_file_is_english() -> None:
    phrase = said("Let us go again", 0.72)
    assert kept([phrase], phrase) == [False]
    assert kept([phrase], phrase, known=True) == [True]


def test_copies_tell_nothing() -> None:
    """Whisper repeats itself with a probability near one: what it is sure of is the copy."""
    once = "Mohoo, let's go with it again"
    phrases = [said(once, 0.72), said(once, 0.99, start=3.0)]
    assert kept(phrases, *phrases) == [False, False]
    assert not clearly(phrases)
    assert clearly([said(LONG, 0.8)])


def test_a_loop_in_a_doubtful_chunk_is_no_english_either() -> None:
    loop = Phrase(0.0, 4.0, (), REPEATS)
    found = believed([loop, said(OTHER, 0.5, start=5.0)], lambda: [], False)
    assert [one.problem for one in found] == [NOT_ENGLISH, NOT_ENGLISH]
    found = believed([loop, said(LONG, 0.95, start=5.0)], lambda: [], False)
    assert [one.problem for one in found] == [REPEATS, ""]


def test_faster_sound_is_shorter_and_higher() -> None:
    at = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 460 * at).astype(np.float32)
    quick = faster(tone)
    assert (len(quick), quick.dtype) == (round(0.92 * SAMPLE_RATE), np.float32)
    assert np.argmax(np.abs(np.fft.rfft(quick))) == pytest.approx(460, abs=1)
