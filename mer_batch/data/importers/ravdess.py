"""RAVDESS speech (Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391): 03-01-06-01-02-01-12.wav."""

from __future__ import annotations

import re
from pathlib import Path

from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.named import by_names

# Modality (03 = sound only), channel (01 = speech), emotion, intensity, sentence, repetition, actor.
PATTERN = r"^03-01-(0[1-8])-(0[12])-(0[12])-(0[12])-(0[1-9]|1\d|2[0-4])$"
LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SENTENCES = ("Kids are talking by the door", "Dogs are sitting by the door")


@importer(
    "ravdess",
    title="RAVDESS speech, 1,440 clips of 24 actors and two sentences, eight labels, English",
    modality="voice",
    licence="RAVDESS: CC BY-NC-SA 4.0, other licences from the authors",
    get="get Audio_Speech_Actors_01-24.zip of RAVDESS from Zenodo (record 1188976)",
)
def ravdess(source: Path) -> Listing:
    """Any tree or the zip; songs and video files are left out. Calm becomes neutral, with its own name kept."""
    return by_names(source, PATTERN, _columns)


def _columns(match: re.Match[str]) -> dict[str, str]:
    return {
        "label": LABELS[int(match[1]) - 1],
        "speaker": f"ravdess_{match[5]}",
        "sex": "m" if int(match[5]) % 2 else "f",
        "sentence": SENTENCES[int(match[3]) - 1],
        "intensity": "normal" if match[2] == "01" else "strong",
        "repetition": match[4],
    }
