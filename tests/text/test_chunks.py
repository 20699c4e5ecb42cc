"""Speech packed for a recognizer, words mapped back, utterances cut."""

from __future__ import annotations

import pytest

from mer_batch.text.chunks import CHUNK, LONGEST, Chunk, Word, cut, sentences


def word(start: float, text: str, length: float = 0.3) -> Word:
    return Word(start, start + length, f" {text}", 0.9)


def test_short_regions_share_a_chunk_without_the_silence() -> None:
    chunks = cut([(1.0, 2.0), (100.0, 103.0)], duration=200.0)
    assert chunks == [Chunk(((0.8, 2.2), (99.8, 103.2)))]
    assert chunks[0].duration == pytest.approx(4.8)


def test_padding_joins_near_regions_and_stays_in_the_file() -> None:
    assert cut([(0.1, 1.0), (1.3, 2.0)], duration=2.1) == [Chunk(((0.0, 2.1),))]


def test_no_chunk_is_longer_than_a_recognizer_hears() -> None:
    chunks = cut([(0.0, 95.0), (97.0, 105.0), (110.0, 140.0)], duration=300.0)
    assert max(chunk.duration for chunk in chunks) <= CHUNK + 1e-6
    covered = sorted(piece for chunk in chunks for piece in chunk.pieces)
    assert covered[0][0] == 0.0
    assert covered[-1][1] == pytest.approx(140.2)
    assert sum(end - start for start, end in covered) == pytest.approx(95.2 + 8.4 + 30.4)


def test_no_speech_no_chunks() -> None:
    assert cut([], duration=60.0) == []


def test_times_are_mapped_back_and_a_word_at_a_seam_stays_in_its_piece() -> None:
    chunk = Chunk(((10.0, 12.0), (50.0, 51.0)))
    assert chunk.to_media(0.5, 1.0) == (10.5, 11.0)
    assert chunk.to_media(1.5, 2.0) == (11.5, 12.0)
    assert chunk.to_media(2.0, 2.5) == (50.0, 50.5)
    assert chunk.to_media(9.0, 9.5) == (51.0, 51.0)


def test_utterances_end_at_sentences_and_pauses() -> None:
    heard = [
        word(0, "Hello."),
        word(0.4, "Mr."),
        word(0.8, "Bean"),
        word(1.2, "here"),
        word(3.0, "again?”"),
        word(3.4, "Yes"),
    ]
    texts = ["".join(item.text for item in group).strip() for group in sentences(heard)]
    assert texts == ["Hello.", "Mr. Bean here", "again?”", "Yes"]


def test_utterances_do_not_grow_without_end() -> None:
    groups = sentences([word(number * 0.4, "la") for number in range(200)])
    assert max(group[-1].end - group[0].start for group in groups) <= LONGEST
    assert sum(len(group) for group in groups) == 200


def test_no_words_no_utterances() -> None:
    assert sentences([]) == []
