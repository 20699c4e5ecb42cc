"""From utterances to observations: evidence kept, quality graded, what cannot be read is a gap."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mer_batch.classifier import Classifier
from mer_batch.nets.store import ModelCard
from mer_batch.nets.wordpiece import Line
from mer_batch.text.read import read_words, said
from mer_batch.types import Floats, Utterance


class Shouting(Classifier[str]):
    """Angry for what ends in an exclamation mark, neutral otherwise; remembers what it was given."""

    def __init__(self, languages: Sequence[str] | None = ("en",)) -> None:
        section = {} if languages is None else {"languages": list(languages)}
        self.card = ModelCard("toy", "text", "none", {}, section, "nothing", "none")
        self.seen: list[str] = []

    def logits(self, items: Sequence[str]) -> Floats:
        self.seen += items
        return np.array(
            [[9, 0, 0, 0, 0, 0, 0] if item.endswith("!") else [0, 0, 0, 0, 9, 0, 0] for item in items], np.float32
        )


def test_every_utterance_is_one_observation_with_its_words() -> None:
    utterances = [
        Utterance(1, 2, "Get out of my house!", "en", 0.9, "P1"),
        Utterance(2, 4, "It is on the table over there.", "en", 0.9),
    ]
    observations, gaps = read_words(utterances, Shouting())
    assert [(item.label, item.start, item.end, item.person) for item in observations] == [
        ("angry", 1, 2, "P1"),
        ("neutral", 2, 4, None),
    ]
    assert observations[0].evidence.words == "Get out of my house!"
    assert not gaps
    assert not observations[0].flags


def test_quality_rises_with_words_and_falls_with_doubt() -> None:
    texts = ["No", "No way", "No way in the world", "No way in the world that I do this again for you"]
    one, two, five, twelve = read_words([Utterance(0, 1, text, "en") for text in texts], Shouting())[0]
    assert one.quality < two.quality < five.quality < twelve.quality
    assert one.quality < 0.3
    assert twelve.quality > 0.9
    assert (one.flags, two.flags, five.flags) == (("short",), ("short",), ())
    doubtful = read_words([Utterance(0, 1, texts[2], "en", 0.3)], Shouting())[0][0]
    assert doubtful.quality == pytest.approx(five.quality * 0.3 / 0.8)
    assert doubtful.flags == ("unsure transcript",)


@pytest.mark.parametrize("text", ["", "...", "[Music]", "(door slams)", "♪ la la la ♪", "?!", "12"])
def test_an_utterance_without_words_is_a_gap(text: str) -> None:
    observations, gaps = read_words([Utterance(3, 4, text, "en", person="P2")], Shouting())
    assert not observations
    assert [(gap.modality, gap.start, gap.end, gap.reason, gap.person) for gap in gaps] == [
        ("text", 3, 4, "no words", "P2")
    ]


def test_sound_descriptions_do_not_reach_the_model() -> None:
    reader = Shouting()
    read_words([Utterance(0, 1, "[sighs] Well (laughs) fine", "en")], reader)
    assert reader.seen == ["Well fine"]
    assert said("♪ tune ♪ hello *cough*") == "hello"


def test_brackets_inside_brackets_and_without_a_pair() -> None:
    assert said("[a [b] c] Well (d (e)) fine") == "Well fine"
    assert said("（笑） Well 【音】") == "Well"
    assert said("Well [ fine ) so") == "Well [ fine ) so"
    assert said("<laughs> Well <unk> I <3 you") == "Well I <3 you"


@pytest.mark.parametrize("unit", ["[", "(", "*", "♪", "<", "<a", "[(", "[*"])
def test_brackets_that_are_never_closed_take_no_longer(unit: str) -> None:
    began = time.process_time()
    said(unit * 300_000 + "]" * 1000)
    assert time.process_time() - began < 6  # a pattern that begins anew at each takes minutes


def test_a_declared_foreign_language_is_a_gap_not_a_guess() -> None:
    utterances = [
        Utterance(0, 1, "Das ist gut", "de"),
        Utterance(1, 2, "That is good", "en-US"),
        Utterance(2, 3, "Fine by me", "eng"),
    ]
    observations, gaps = read_words(utterances, Shouting())
    assert [item.start for item in observations] == [1, 2]
    assert [gap.reason for gap in gaps] == ["language not supported (de); this text model reads en"]


def test_an_undeclared_foreign_transcript_is_found_as_a_whole() -> None:
    lines = ["Ich weiß nicht, was das soll.", "Und du?", "Wir haben das nicht mit der Frau auf dem Markt."]
    observations, gaps = read_words([Utterance(n, n + 1, line) for n, line in enumerate(lines)], Shouting())
    assert not observations
    assert len(gaps) == 3
    assert "(de)" in gaps[1].reason


def test_a_card_without_languages_takes_any() -> None:
    observations, gaps = read_words([Utterance(0, 1, "Das ist gut", "de")], Shouting(languages=None))
    assert len(observations) == 1
    assert not gaps


def test_nothing_said_is_nothing() -> None:
    assert read_words([], Shouting()) == ((), ())


class Remembering(Shouting):
    """Takes two utterances before each; remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.card = replace(self.card, input={"languages": ["en"], "context": 2})


def test_what_was_said_shortly_before_is_read_too() -> None:
    texts = ["One is here.", "[sighs] Two is here.", "(door slams)", "Three is here.", "Four is here."]
    starts = [0.0, 2.0, 4.0, 6.0, 6.0 + 2 + 10.5]
    utterances = [Utterance(start, start + 2, text, "en") for start, text in zip(starts, texts, strict=True)]
    reader = Remembering()
    read_words(utterances, reader, context=5)
    assert [(str(line), line.before) for line in reader.seen if isinstance(line, Line)] == [
        ("One is here.", ()),
        ("Two is here.", ("One is here.",)),
        ("Three is here.", ("One is here.", "Two is here.")),
        ("Four is here.", ()),
    ]


def test_context_is_asked_for_and_taken_by_readers_that_know_it() -> None:
    utterances = [Utterance(0, 1, "One is here.", "en"), Utterance(1, 2, "Two is here.", "en")]
    for reader, asked in ((Remembering(), 0), (Shouting(), 2)):
        read_words(utterances, reader, asked)
        assert [line.before for line in reader.seen if isinstance(line, Line)] == [(), ()]
