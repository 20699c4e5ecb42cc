"""TESS (Pichora-Fuller & Dupuis 2020, doi:10.5683/SP2/E8H2MF): OAF_back_angry.wav."""

from __future__ import annotations

import re
from pathlib import Path

from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.named import by_names

PATTERN = r"^(OAF?|YAF)_([a-z]+)_(angry|disgust|fear|happy|neutral|ps|pleasant_surprised?|sad)$"


@importer(
    "tess",
    title="TESS, 2,800 words by two speakers, seven labels, English",
    modality="voice",
    licence="TESS: usually quoted as CC BY-NC-ND 4.0; see the authors' page",
    get="get the Toronto emotional speech set from the University of Toronto's Dataverse (Borealis)",
)
def tess(source: Path) -> Listing:
    """Any tree; folders are not looked at, so that the doubled tree of a well-known copy counts once."""
    return by_names(source, PATTERN, _columns)


def _columns(match: re.Match[str]) -> dict[str, str]:
    speaker = "YAF" if match[1].upper() == "YAF" else "OAF"  # one file of the original is named OA_bite_neutral
    label = "ps" if match[3].lower().startswith("p") else match[3].lower()
    return {"label": label, "speaker": f"tess_{speaker}", "sex": "f", "sentence": match[2].lower()}
