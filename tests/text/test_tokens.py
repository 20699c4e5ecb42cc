"""Tokens: spellings of one sentence agree, hashing is stable and bounded."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.errors import ModelError
from mer_batch.text.tokens import PIECES, Tokenizer, spoken, words


@pytest.mark.parametrize(
    "text", ["I don't know!", "I DON’T know !", "i dont know!", "I don ' t  know!", "I don't\nknow!"]
)
def test_spellings_of_one_sentence_agree(text: str) -> None:
    assert words(text) == ["i", "dont", "know", "!"]


def test_stretched_letters_and_marks_are_cut() -> None:
    assert words("Nooooo!!!!! so “good”…") == ["noo", "!!", "so", "good", ".."]


def test_spoken_keeps_words_masks_and_emoji_only() -> None:
    assert spoken(words("Well, [NAME] - you did it?! 😂")) == ["well", "[name]", "you", "did", "it", "😂"]


def test_hashes_are_the_ones_that_shipped_models_were_trained_with() -> None:
    row = Tokenizer(length=3, buckets=1000, opening="<film>").encode([["hello", "ab"]])[0]
    assert row.tolist() == [218, 405, 913, 323, 839, 204, 778, 845, 951, 0, 0, 66]


def test_encoding_pads_with_zero_and_keeps_the_end_of_long_sentences() -> None:
    tokenizer = Tokenizer(length=4, buckets=500)
    table = tokenizer.encode([["a"], ["one", "two", "three", "four", "five"], []])
    assert table.shape == (3, 4 * PIECES)
    assert table.max() < 500
    assert not table[0, 2 * PIECES :].any()
    assert np.array_equal(table[1], tokenizer.encode([["three", "four", "five"]])[0])
    assert table[2, :1].all()
    assert not table[2, PIECES:].any()


def test_the_opening_says_whether_punctuation_was_written() -> None:
    bare, written = Tokenizer().encode([["so", "what"], ["so", "what", "?"]])
    assert bare[0] != written[0]
    assert np.array_equal(bare[PIECES : 3 * PIECES], written[PIECES : 3 * PIECES])


def test_openings_differ() -> None:
    film, forum = (Tokenizer(opening=name).encode([["fine"]]) for name in ("<film>", "<forum>"))
    assert not np.array_equal(film, forum)


def test_the_card_decides_and_must_be_complete() -> None:
    card = {"length": 8, "buckets": 64, "prefix": 3, "suffix": 2, "opening": "<x>", "languages": ["en"]}
    assert Tokenizer.from_card(card) == Tokenizer(8, 64, 3, 2, "<x>")
    with pytest.raises(ModelError, match=r"lacks input\.buckets"):
        Tokenizer.from_card({"length": 8})
    with pytest.raises(ModelError, match="positive"):
        Tokenizer.from_card({**card, "length": 0})
