"""CARER (Saravia et al. 2018): train.txt, val.txt, test.txt with lines `text;label`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mer_batch.data.files import open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.sentences import one_of, text_lines

PARTS = ("train", "val", "test")


@importer(
    "carer",
    title="CARER, 20,000 posts, six labels by hashtags, English",
    modality="text",
    licence="CARER: for education and research",
    get="get train.txt, val.txt and test.txt of the emotion dataset (dair-ai) as its authors link them",
)
def carer(source: Path) -> Listing:
    """A folder or zip with the three files. Love becomes happy, with its own name kept."""
    files = open_files(source)
    rows = []
    for part in PARTS:
        lines = [line.rpartition(";") for line in text_lines(files, one_of(files, f"{part}.txt")) if line]
        rows += [
            (f"carer_{part}_{number}", text, "happy" if label == "love" else label, label, part)
            for number, (text, _, label) in enumerate(lines)
        ]
    return Listing(pd.DataFrame(rows, columns=["id", "text", "label", "original_label", "split"]), files.place)
