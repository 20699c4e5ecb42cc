"""Tokens: spellings of one sentence agree."""

from __future__ import annotations

import pytest

from mer_batch.nets.tokens import spoken, words


@pytest.mark.parametrize(
    "text", ["I don't know!", "I DON’T know !", "i dont know!", "I don ' t  know!", "I don't\nknow!"]
)
def test_spellings_of_one_sentence_agree(text: str) -> None:
    assert words(text) == ["i", "dont", "know", "!"]


def test_stretched_letters_and_marks_are_cut() -> None:
    assert words("Nooooo!!!!! so “good”…") == ["noo", "!!", "so", "good", ".."]


def test_spoken_keeps_words_masks_and_emoji_only() -> None:
    assert spoken(words("Well, [NAME] - you did it?! 😂")) == ["well", "[name]", "you", "did", "it", "😂"]
