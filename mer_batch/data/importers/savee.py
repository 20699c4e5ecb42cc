"""SAVEE (Haq & Jackson 2009): DC/a01.wav as distributed, DC_a01.wav in flat copies."""

from __future__ import annotations

import re
from pathlib import Path

from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.named import by_names

PATTERN = r"(?:^|/)(DC|JE|JK|KL)[_/](sa|su|a|d|f|h|n)(\d{2})$"
LABELS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}


@importer(
    "savee",
    title="SAVEE, 480 clips of four men, seven labels, English",
    modality="voice",
    licence="SAVEE: free for research, by registration with the authors; see their page",
    get="register with the University of Surrey for SAVEE and unpack AudioData/",
)
def savee(source: Path) -> Listing:
    """AudioData/SPEAKER/a01.wav or SPEAKER_a01.wav. Sentences are numbered within an emotion, the same for all."""
    return by_names(source, PATTERN, _columns, whole_path=True)


def _columns(match: re.Match[str]) -> dict[str, str]:
    code = match[2].lower()
    speaker = f"savee_{match[1].upper()}"
    return {"label": LABELS[code], "speaker": speaker, "sex": "m", "sentence": f"{code}{match[3]}"}
