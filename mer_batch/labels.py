"""The emotion vocabulary: the only place where names, order, colours and coordinates stand."""

from __future__ import annotations

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The canonical order of every probability vector in the project."""

INDEX: Final = {name: position for position, name in enumerate(EMOTIONS)}

ALIASES: Final = {
    "anger": "angry",
    "ang": "angry",
    "mad": "angry",
    "disgusted": "disgust",
    "dis": "disgust",
    "fearful": "fear",
    "fea": "fear",
    "scared": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "hap": "happy",
    "joy": "happy",
    "joyful": "happy",
    "calm": "neutral",
    "neu": "neutral",
    "no_emotion": "neutral",
    "none": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
    "ps": "surprise",
    "pleasant surprise": "surprise",
    "pleasant_surprise": "surprise",
}
"""Data-set names (lower case) to ours. Callers keep the original name beside the mapped one."""

COLOURS: Final = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "neutral": "#999999",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
}
"""Okabe-Ito colours, safe for colour-blind readers (Okabe & Ito, 2008)."""

ADJECTIVES: Final = {
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}
"""How a sentence says it: "looks surprised"."""

VERBS: Final = {"face": "looks", "voice": "sounds", "text": "reads as"}
"""How a report speaks of a reading: never "is"."""

VALENCE_AROUSAL: Final = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "neutral": (0.00, 0.00),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
}
"""Category coordinates (valence, arousal) in [-1, 1].

Source: Russell & Mehrabian (1977), "Evidence for a three-factor theory of emotions",
Journal of Research in Personality 11, 273-294, table of mean ratings for angry, disgusted,
fearful (terrified), happy, sad and surprised; neutral is the origin by definition.
"""


def canonical(name: str) -> str | None:
    """The canonical emotion for a data-set name, or None when it has no counterpart."""
    key = name.strip().lower()
    if key in INDEX:
        return key
    return ALIASES.get(key)
