"""Word pieces: spelling, kinds, context and the card."""

from __future__ import annotations

import pytest

from mer_batch.errors import ModelError, UsageError
from mer_batch.nets.wordpiece import SPECIAL, UNKNOWN, Line, WordPiece, bare, padded, read_vocabulary
from text.toy_text import PIECES

WORDS = ["well", "door", "##bell", "[name]", "!", "?", "."]
VOCABULARY = [*PIECES, *WORDS]
FILM, FORUM, END = SPECIAL.index("<film>"), SPECIAL.index("<forum>"), SPECIAL.index("[SEP]")


def number(piece: str) -> int:
    return VOCABULARY.index(piece)


def test_a_word_takes_the_longest_pieces_first() -> None:
    reader = WordPiece(VOCABULARY)
    assert reader.word("doorbell") == (number("door"), number("##bell"))
    assert reader.word("dot") == (number("d"), number("##o"), number("##t"))
    assert reader.word("café") == reader.word("cafe")
    assert reader.word("[name]") == (number("[name]"),)
    assert reader.word("[religion]") == reader.word("religion")
    assert reader.word("!?") == (number("!"), number("?"))


@pytest.mark.parametrize("word", ["☃", "д", "a" * 41])
def test_what_cannot_be_spelt_is_one_unknown(word: str) -> None:
    assert WordPiece(VOCABULARY).word(word) == (UNKNOWN,)


def test_a_row_is_kind_sentence_and_what_was_said_before_it() -> None:
    reader = WordPiece(VOCABULARY, context=2)
    line = Line("Well!", ["a", "b", "c"], "forum")
    here = [number("well"), number("!"), END]
    assert reader.rows([line]) == [[FORUM, *here, number("c"), END, number("b"), END]]
    assert reader.rows([line], context=1) == [[FORUM, *here, number("c"), END]]
    assert reader.rows([line], context=0) == reader.rows([Line("Well!", kind="forum")]) == [[FORUM, *here]]
    assert reader.rows(["Well!"]) == [[FILM, *here]]
    assert WordPiece(VOCABULARY).rows([line]) == [[FORUM, *here]]


def test_long_sentences_and_contexts_keep_their_end() -> None:
    reader = WordPiece(VOCABULARY, length=2, context=2, around=3)
    row = reader.rows([Line("a b c", ["d e f g", "h i"])])[0]
    letters = [number(letter) for letter in "bc"], [number(letter) for letter in "hi"], [number("g")]
    assert row == [FILM, *letters[0], END, *letters[1], END, *letters[2], END]
    assert max(len(found) for found in reader.rows([Line("a " * 99, ["b " * 99] * 9)])) <= reader.longest


def test_a_line_is_its_text_to_readers_without_context() -> None:
    line = Line("So what?", ["Oh."], "chat")
    assert line == "So what?"
    assert (line.before, line.kind) == (("Oh.",), "chat")
    assert bare("I don't KNOW, well...") == "i dont know well"


def test_padding_fills_up_to_the_longest() -> None:
    assert padded([[3, 4], [5]]).tolist() == [[3, 4], [5, 0]]
    assert padded([[3]], width=3).tolist() == [[3, 0, 0]]
    assert padded([]).shape == (0, 1)


def test_the_card_says_how_to_read() -> None:
    reader = WordPiece(VOCABULARY, 10, 2, 7, "chat")
    content = "\n".join([*VOCABULARY, ""]).encode()
    again = WordPiece.from_card(reader.card(), content)
    line = Line("well doorbell!", ["a b c d e f g h i", "k"])
    assert again.rows([line]) == reader.rows([line])
    assert len(again) == len(VOCABULARY)
    with pytest.raises(ModelError, match=r"lacks input\.around"):
        WordPiece.from_card({"length": 8, "context": 0}, content)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="begins with"):
        WordPiece(VOCABULARY[1:])
    with pytest.raises(ModelError, match="kind of text"):
        WordPiece(VOCABULARY, kind="poem")
    with pytest.raises(UsageError, match="text_vocabulary"):
        read_vocabulary("text_vocabulari")


def test_the_shipped_vocabulary_spells_every_ascii_word() -> None:
    vocabulary = read_vocabulary("text_vocabulary")
    assert tuple(vocabulary[: len(SPECIAL)]) == SPECIAL
    assert len(set(vocabulary)) == len(vocabulary)
    reader = WordPiece(vocabulary)
    assert UNKNOWN not in reader.pieces("Qzxvkj jumped 4711 times, did 0xfe9? No! ;:-.")


def test_pieces_are_those_of_the_library() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = read_vocabulary("text_vocabulary")
    model = tokenizers.models.WordPiece(
        {piece: place for place, piece in enumerate(vocabulary)}, unk_token="[UNK]", max_input_chars_per_word=40
    )
    theirs = tokenizers.Tokenizer(model)
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    text = "unbelievable grandmothers tiptoed through extraordinarily muddy zugzwang backyards"
    assert WordPiece(vocabulary).pieces(text) == theirs.encode(text).ids
