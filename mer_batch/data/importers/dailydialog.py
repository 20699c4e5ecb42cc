"""DailyDialog (Li et al., arXiv:1710.03957): dialogues_train.txt, dialogues_emotion_train.txt and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from mer_batch.data.files import Files, open_files
from mer_batch.data.importers import Listing, importer
from mer_batch.data.importers.sentences import mark_copies, one_of, text_lines

PARTS: Final = ("train", "validation", "test")
LABELS: Final = ("no_emotion", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
END: Final = "__eou__"
"""What ends every turn."""


@importer(
    "dailydialog",
    title="DailyDialog, 102,968 turns of written dialogues, seven labels, English",
    modality="text",
    licence="DailyDialog: CC BY-NC-SA 4.0",
    get="get ijcnlp_dailydialog.zip from its authors' page (Yanran Li) and unpack it and the three zips in it",
)
def dailydialog(source: Path) -> Listing:
    """A folder or zip with dialogues_PART.txt and dialogues_emotion_PART.txt.

    Its official parts share turns and whole dialogues: those of the held-out parts are marked.
    """
    files = open_files(source)
    rows: list[tuple[str, ...]] = []
    skipped = 0
    for part in PARTS:
        found, odd = _part(files, part)
        rows, skipped = rows + found, skipped + odd
    table = pd.DataFrame(rows, columns=["id", "dialogue_id", "turn", "speaker", "text", "original_label", "split"])
    table["label"] = table["original_label"]
    mark_copies(table)
    return Listing(table, files.place, skipped={"dialogues whose turns and labels differ in number": skipped})


def _part(files: Files, part: str) -> tuple[list[tuple[str, ...]], int]:
    dialogues = text_lines(files, one_of(files, f"dialogues_{part}.txt"))
    emotions = text_lines(files, one_of(files, f"dialogues_emotion_{part}.txt"))
    rows: list[tuple[str, ...]] = []
    skipped = abs(len(dialogues) - len(emotions))
    for number, (dialogue, numbers) in enumerate(zip(dialogues, emotions, strict=False)):
        turns = [turn.strip() for turn in dialogue.split(END) if turn.strip()]
        labels = [LABELS[int(one)] for one in numbers.split() if one.isdecimal() and int(one) < len(LABELS)]
        if len(turns) != len(labels):
            skipped += 1
            continue
        rows += [
            (f"dd_{part}_{number}_{at}", f"{part}_{number}", str(at), "AB"[at % 2], turn, label, part)
            for at, (turn, label) in enumerate(zip(turns, labels, strict=True))
        ]
    return rows, skipped
