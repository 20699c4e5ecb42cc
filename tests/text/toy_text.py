"""MELD and GoEmotions in miniature: the same files and columns, sentences whose words give the label away."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from mer_batch.labels import EMOTIONS

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


def _rows(name: str, split: str, count: int, seed: int) -> list[dict[str, str]]:
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        emotion = EMOTIONS[number % len(EMOTIONS)]
        tokens = [rng.choice(CLUES[emotion]), *rng.sample(FILLERS, 5)]
        rng.shuffle(tokens)
        text = " ".join(tokens).capitalize() + rng.choice([".", "!", "?", ""])
        rows.append({"id": f"{name}_{split}_{number}", "text": text, "label": emotion, "original_label": emotion})
    return rows


def make(folder: Path) -> Path:
    """A data folder for `MER_DATA` with both sets; the first dev sentence of MELD is also in its training part."""
    for seed, name in enumerate(("meld", "goemotions")):
        (folder / "text" / name).mkdir(parents=True)
        parts = {split: _rows(name, split, 84, 10 * seed + at) for at, split in enumerate(("train", "dev", "test"))}
        if name == "meld":
            parts["train"][0]["text"] = parts["dev"][0]["text"].upper() + "!!"
        for split, rows in parts.items():
            with (folder / "text" / name / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
    return folder
