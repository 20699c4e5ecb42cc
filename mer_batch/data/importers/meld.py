"""MELD (Poria et al., arXiv:1810.02508): train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mer_batch.data.files import open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.sentences import csv_rows, one_of

PARTS = ("train", "dev", "test")
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")


@importer(
    "meld",
    title="MELD, 13,708 utterances of a TV series, seven labels, English",
    modality="text",
    licence="MELD: GPL-3.0 of its repository; the words are dialogue of a TV series",
    get="get data/MELD of the MELD repository on GitHub (declare-lab), three files *_sent_emo.csv",
)
def meld(source: Path) -> Listing:
    """A folder or zip with the three tables."""
    files = open_files(source)
    found = []
    for part in PARTS:
        table = csv_rows(files, one_of(files, f"{part}_sent_emo.csv"), COLUMNS)
        dialogue = part + "_" + table["Dialogue_ID"]
        found.append(
            pd.DataFrame(
                {
                    "id": f"meld_{part}_dia" + table["Dialogue_ID"] + "_utt" + table["Utterance_ID"],
                    "dialogue_id": dialogue,
                    "turn": table["Utterance_ID"],
                    "speaker": table["Speaker"],
                    "text": table["Utterance"],
                    "label": table["Emotion"],
                    "original_label": table["Emotion"],
                    "split": part,
                }
            )
        )
    return Listing(pd.concat(found, ignore_index=True), files.place)
