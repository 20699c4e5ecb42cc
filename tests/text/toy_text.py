"""The text sets in miniature: the same files and columns, sentences whose words give the label away."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from mer_batch.labels import EMOTIONS
from mer_batch.nets.wordpiece import SPECIAL

CLUES = {
    "angry": ["furious", "shut", "hate"],
    "disgust": ["gross", "puke", "yuck"],
    "fear": ["scared", "afraid", "help"],
    "happy": ["great", "love", "yay"],
    "neutral": ["table", "tuesday", "okay"],
    "sad": ["miss", "cry", "sorry"],
    "surprise": ["what", "wow", "really"],
}
FILLERS = ["the", "you", "we", "house", "with", "there", "again", "then", "john", "door"]
SPLITS = {
    "meld": ("train", "dev", "test"),
    "goemotions": ("train", "dev", "test"),
    "dailydialog": ("train", "validation", "test"),
}
EXTRA = {"dailydialog": {"text_in_train": "0", "dialogue_in_train": "0"}}
PIECES = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
"""A vocabulary's beginning: enough for every word of ASCII letters."""


def _rows(name: str, split: str, count: int, seed: int) -> list[dict[str, str]]:
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        emotion = EMOTIONS[number % len(EMOTIONS)]
        tokens = [rng.choice(CLUES[emotion]), *rng.sample(FILLERS, 5)]
        rng.shuffle(tokens)
        text = " ".join(tokens).capitalize() + rng.choice([".", "!", "?", ""])
        dialogue = "" if name == "goemotions" else f"{split}_{number // 4}"
        row = {"id": f"{name}_{split}_{number}", "dialogue_id": dialogue, "text": text}
        rows.append(row | {"label": emotion, "original_label": emotion} | EXTRA.get(name, {}))
    return rows


def make(folder: Path) -> Path:
    """A data folder for `MER_DATA` with three sets.

    The first dev sentence of MELD is also in its training part; the first test sentence of DailyDialog is flagged
    as a copy; a GoEmotions test sentence has no single label.
    """
    for seed, (name, splits) in enumerate(SPLITS.items()):
        (folder / "text" / name).mkdir(parents=True)
        parts = {split: _rows(name, split, 84, 10 * seed + at) for at, split in enumerate(splits)}
        if name == "meld":
            parts["train"][0]["text"] = parts["dev"][0]["text"].upper() + "!!"
        if name == "dailydialog":
            parts["test"][0]["text_in_train"] = "1"
        if name == "goemotions":
            parts["test"][0] |= {"label": "", "original_label": "anger|joy"}
        for split, rows in parts.items():
            with (folder / "text" / name / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
    return folder


def vocabulary(path: Path) -> Path:
    """A vocabulary with all words of the toy sentences."""
    known = sorted({*FILLERS, *(clue for clues in CLUES.values() for clue in clues)})
    path.write_text("\n".join([*PIECES, *".!?", *known]) + "\n", encoding="utf-8")
    return path
