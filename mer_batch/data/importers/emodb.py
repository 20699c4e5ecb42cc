"""EMO-DB (Burkhardt et al. 2005): 03a01Fa.wav."""

from __future__ import annotations

import re
from pathlib import Path

from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.named import by_names

PATTERN = r"^(\d{2})([ab]\d{2})([WLEAFTN])([a-f])$"
LABELS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
"""By the first letters of the German words: Wut, Langeweile, Ekel, Angst, Freude, Trauer."""
MEN = frozenset(("03", "10", "11", "12", "15"))


@importer(
    "emodb",
    title="EMO-DB, 535 clips of ten actors and ten sentences, seven labels, German",
    modality="voice",
    licence="EMO-DB: usually quoted as free for research or CC BY 4.0; see the authors' page",
    get="get the Berlin Database of Emotional Speech (wav/) from its authors or Zenodo",
)
def emodb(source: Path) -> Listing:
    """Any tree. Boredom is kept under its own name: it is none of our labels."""
    return by_names(source, PATTERN, _columns)


def _columns(match: re.Match[str]) -> dict[str, str]:
    return {
        "label": LABELS[match[3].upper()],
        "speaker": f"emodb_{match[1]}",
        "sex": "m" if match[1] in MEN else "f",
        "sentence": match[2].lower(),
    }
