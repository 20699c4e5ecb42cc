"""EMOVO (Costantini et al. 2014): dis-f1-b1.wav."""

from __future__ import annotations

import re
from pathlib import Path

from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.named import by_names

PATTERN = r"^(dis|gio|neu|pau|rab|sor|tri)-([fm][123])-([a-z]+\d)$"
LABELS = {
    "dis": "disgust",
    "gio": "joy",
    "neu": "neutral",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
}
"""By the first letters of the Italian words: disgusto, gioia, neutro, paura, rabbia, sorpresa, tristezza."""


@importer(
    "emovo",
    title="EMOVO, 588 clips of six actors and 14 sentences, seven labels, Italian",
    modality="voice",
    licence="EMOVO: usually quoted as CC BY-NC-SA 4.0; see the authors' page",
    get="get EMOVO from its authors (Fondazione Ugo Bordoni)",
)
def emovo(source: Path) -> Listing:
    """Any tree. The two channels are two microphones apart: a mix of them sounds hollow."""
    return by_names(source, PATTERN, _columns)


def _columns(match: re.Match[str]) -> dict[str, str]:
    speaker = match[2].lower()
    return {
        "label": LABELS[match[1].lower()],
        "speaker": f"emovo_{speaker}",
        "sex": speaker[0],
        "sentence": match[3].lower(),
    }
