"""Utterances in, readings out: one observation per utterance, a gap with its reason where words do not suffice."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from mer_batch.classifier import Classifier
from mer_batch.nets.tokens import spoken, words
from mer_batch.nets.wordpiece import Line
from mer_batch.text.language import foreign
from mer_batch.types import Evidence, Gap, Observation, Utterance

FEW: Final = 3
"""Words below which an utterance is flagged short: alone they fit most emotions."""
SCALE: Final = 4.0
"""Words at which 1 - 1/e of the full quality is reached: 1 word 0.22, 4 words 0.63, 12 words 0.95."""
SURE: Final = 0.8
"""Recognizer confidence that counts as full; clean speech reaches it."""
NEAR: Final = 10.0
"""Seconds between two utterances beyond which the earlier one is no context of the later one."""
UNSURE: Final = 0.5
"""Recognizer confidence below which a transcript is flagged."""

# Sound descriptions of subtitles for the deaf, and songs: not what somebody says.
# Brackets are told apart by their depth: a pattern for them would begin anew at each that is never closed.
_CUE: Final = re.compile(r"\*[^*]*\*|[♪♫][^♪♫]*[♪♫]?|<[A-Za-z_]+>")
_BRACKETS: Final = {"]": "[", ")": "(", "）": "（", "】": "【", "］": "［"}


def said(text: str) -> str:
    """The words of an utterance without sound descriptions."""
    return " ".join(_CUE.sub(" ", _outside_brackets(text)).split())


def _outside_brackets(text: str) -> str:
    """`text` without what stands in brackets, in time linear in its length; one without its pair stays."""
    opened: dict[str, list[int]] = {opening: [] for opening in _BRACKETS.values()}
    depth = [0] * (len(text) + 1)
    for place, char in enumerate(text):
        if char in opened:
            opened[char].append(place)
        elif char in _BRACKETS and opened[_BRACKETS[char]]:
            depth[opened[_BRACKETS[char]].pop()] += 1
            depth[place + 1] -= 1
    inside = accumulate(depth)
    return "".join(" " if level else char for char, level in zip(text, inside, strict=False))


def read_words(
    utterances: Sequence[Utterance], classifier: Classifier[str], context: int = 0
) -> tuple[tuple[Observation, ...], tuple[Gap, ...]]:
    """Read the emotion of each utterance; its times and person are kept.

    `context` is how many utterances before it, by anybody, are read with one: each must end within `NEAR` seconds
    of the next, and no more count than the model was trained with (`input.context` of its card).

    Flags: `short`, `unsure transcript`. An utterance without words, or in a language that the model's
    card does not list under `input.languages`, becomes a gap (a card without that list takes any).
    """
    reasons = _reasons(utterances, classifier.card.input.get("languages"))
    readable = [utterance for utterance, reason in zip(utterances, reasons, strict=True) if not reason]
    reach = min(context, int(classifier.card.input.get("context", 0)))
    rows = classifier.predict([_line(readable, place, reach) for place in range(len(readable))])
    observations = tuple(
        _observe(utterance, tuple(float(value) for value in row)) for utterance, row in zip(readable, rows, strict=True)
    )
    gaps = tuple(
        Gap("text", utterance.start, utterance.end, reason, utterance.person)
        for utterance, reason in zip(utterances, reasons, strict=True)
        if reason
    )
    return observations, gaps


def _line(utterances: Sequence[Utterance], place: int, reach: int) -> Line:
    """An utterance with up to `reach` of those before it that are near."""
    first = place
    while place - first < reach and first and utterances[first].start - utterances[first - 1].end <= NEAR:
        first -= 1
    return Line(said(utterances[place].text), [said(utterance.text) for utterance in utterances[first:place]])


def _reasons(utterances: Sequence[Utterance], languages: Sequence[str] | None) -> list[str]:
    """Why each utterance cannot be read; empty where it can. Undeclared languages are judged together."""
    unknown = foreign([said(utterance.text) for utterance in utterances if utterance.language is None])
    return [_reason(utterance, utterance.language or unknown, languages) for utterance in utterances]


def _reason(utterance: Utterance, language: str | None, languages: Sequence[str] | None) -> str:
    if not _count(utterance):
        return "no words"
    if languages is not None and language is not None and _code(language) not in languages:
        return f"language not supported ({language}); this text model reads {', '.join(languages)}"
    return ""


def _code(language: str) -> str:
    """The two-letter code of en, eng, en-US or English; other names unchanged."""
    code = re.split(r"[-_]", language.strip().lower())[0]
    return {"eng": "en", "english": "en"}.get(code, code)


def _count(utterance: Utterance) -> int:
    return sum(any(letter.isalpha() for letter in token) for token in spoken(words(said(utterance.text))))


def _observe(utterance: Utterance, probabilities: tuple[float, ...]) -> Observation:
    count, confidence = _count(utterance), utterance.confidence
    quality = 1 - math.exp(-count / SCALE)
    flags = ["short"] if count < FEW else []
    if confidence is not None:
        quality *= min(1.0, max(0.0, confidence) / SURE)
        flags += ["unsure transcript"] if confidence < UNSURE else []
    return Observation(
        modality="text",
        start=utterance.start,
        end=utterance.end,
        person=utterance.person,
        probabilities=probabilities,
        quality=quality,
        flags=tuple(flags),
        evidence=Evidence(words=utterance.text),
    )
