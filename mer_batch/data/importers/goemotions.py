"""GoEmotions (Demszky et al., arXiv:2005.00547): train.tsv, dev.tsv, test.tsv and the names of its 28 labels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pandas as pd

from mer_batch.data.files import Files, open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.sentences import one_of
from mer_batch.errors import DataError

PARTS: Final = ("train", "dev", "test")
LABELS: Final = (
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
)
"""In the order of its numbers."""
GROUPS: Final = {
    "angry": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "sad": ("sadness", "disappointment", "embarrassment", "grief", "remorse"),
    "surprise": ("surprise", "realization", "confusion", "curiosity"),
    "neutral": ("neutral",),
}
"""Its authors' own groups (ekman_mapping.json); what is in none of them is happy."""


@importer(
    "goemotions",
    title="GoEmotions, 54,263 comments of a forum, 28 labels in seven groups, English",
    modality="text",
    licence="GoEmotions: CC BY 4.0 (Google)",
    get="get goemotions/data of the google-research repository on GitHub (train.tsv, dev.tsv, test.tsv)",
)
def goemotions(source: Path) -> Listing:
    """A folder or zip with the three tables. Comments whose labels fall in several groups have no label of ours."""
    files = open_files(source)
    return Listing(pd.concat([_part(files, part) for part in PARTS], ignore_index=True), files.place)


def group_of(fine: str) -> str:
    """The one of our seven labels to whose group a label of the set belongs."""
    return next((group for group, names in GROUPS.items() if fine in names), "happy")


def _part(files: Files, part: str) -> pd.DataFrame:
    name = one_of(files, f"{part}.tsv")
    try:
        table = pd.read_csv(
            io.BytesIO(files.read(name)), sep="\t", header=None, names=["text", "numbers", "id"], dtype=str,
            keep_default_na=False,
        )  # fmt: skip
        fine = [[LABELS[int(number)] for number in numbers.split(",")] for numbers in table["numbers"]]
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise DataError(f"{name} is no table of text, numbers of labels from 0 to 27, and id: {error}") from error
    groups = [set(map(group_of, names)) for names in fine]
    return pd.DataFrame(
        {
            "id": table["id"],
            "text": table["text"],
            "label": [next(iter(group)) if len(group) == 1 else "" for group in groups],
            "original_label": ["|".join(names) for names in fine],
            "split": part,
        }
    )
