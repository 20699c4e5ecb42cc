"""Word error rates with known counts."""

from __future__ import annotations

import pytest

from mer_batch.scores.word_errors import normal, word_errors


def test_errors_are_counted_by_kind() -> None:
    truths = ["Say the word back.", "Kids are talking by the door.", "Dogs are sitting."]
    heard = ["say the word bag", "Kids talking by the door", "Dogs are are sitting"]
    found = word_errors(truths, heard, ["en"] * 3, ["a", "a", "b"])
    assert (found.words, found.substituted, found.left_out, found.added) == (13, 1, 1, 1)
    assert (found.clips, found.exact, found.speakers) == (3, 0, 2)
    assert found.rate.value == pytest.approx(3 / 13)


def test_nothing_heard_is_all_left_out_and_more_than_all_can_be_wrong() -> None:
    assert word_errors(["one two"], [""], ["en"], [""]).rate.value == 1.0
    assert word_errors(["one"], ["two three"], [None], [""]).rate.value == 2.0


def test_the_interval_is_over_speakers() -> None:
    truths = ["a b c d"] * 40
    heard = ["a b c d"] * 20 + ["a b c x"] * 20
    by_clip = word_errors(truths, heard, [None] * 40, ["one"] * 40).rate
    by_speaker = word_errors(truths, heard, [None] * 40, ["one"] * 20 + ["two"] * 20).rate
    assert by_clip.value == by_speaker.value == 0.125
    assert by_clip.low is not None
    assert by_clip.high is not None
    assert 0.07 < by_clip.low < 0.125 < by_clip.high < 0.18
    # One of two speakers makes all the errors: of new ones next to nothing is known.
    assert by_speaker.low is not None
    assert by_speaker.high is not None
    assert by_speaker.low < 0.01
    assert by_speaker.high > 0.5


def test_one_clip_has_no_interval() -> None:
    assert word_errors(["one two"], ["one"], ["en"], ["a"]).rate.low is None


def test_there_must_be_words_to_compare_with() -> None:
    with pytest.raises(ValueError, match="no true words"):
        word_errors(["..."], ["one"], [None], [""])


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Kids aren't talking, um, by the door!", "en", "kids are not talking by the door"),
        ("Das schwarze Stück, Papier?", "de", "das schwarze stück papier"),
        ("  ", None, ""),
    ],
)
def test_texts_are_compared_without_their_looks(text: str, language: str | None, expected: str) -> None:
    assert normal(text, language) == expected
