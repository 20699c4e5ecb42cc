"""How much the face reader loses on pictures unlike FER2013's, and how many faces a second it reads.

python benchmarks/robustness.py [--model DIR] [--limit N]

The validation part of FER2013 (public test), enlarged to colour crops of 144 px, is framed, turned, lit, blurred,
compressed and tinted otherwise; accuracy and UAR beside those of the pictures as they are. Nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter

import record
from mer_batch.classifier import Classifier
from mer_batch.readers import load_classifier
from mer_batch.scores.metrics import confusion_matrix, scores_from_confusion
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.task import load_task

SIDE = 144
Change = Callable[[Image.Image], Image.Image]


def framed(zoom: float, right: float = 0.0, down: float = 0.0) -> Change:
    """A crop whose side is the picture's times `zoom`, moved by shares of the side; edges are continued."""

    def change(picture: Image.Image) -> Image.Image:
        border = SIDE // 2
        wide = Image.fromarray(np.pad(np.asarray(picture), ((border, border), (border, border), (0, 0)), mode="edge"))
        half, x, y = SIDE * zoom / 2, border + SIDE * (0.5 + right), border + SIDE * (0.5 + down)
        return wide.crop((round(x - half), round(y - half), round(x + half), round(y + half)))

    return change


def compressed(quality: int) -> Change:
    """JPEG at a quality."""

    def change(picture: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return change


def tinted(picture: Image.Image) -> Image.Image:
    """Warm light: red up, blue down."""
    return Image.fromarray(np.clip(np.asarray(picture) * np.array([1.15, 1.0, 0.75]), 0, 255).astype(np.uint8))


def shaded(picture: Image.Image) -> Image.Image:
    """Light from one side: the left third as bright as the right."""
    ramp = np.linspace(0.33, 1.0, SIDE)[None, :, None]
    return Image.fromarray((np.asarray(picture) * ramp).astype(np.uint8))


CHANGES: dict[str, Change] = {
    "colour crop of 144 px": lambda picture: picture,
    "framed 15 % closer": framed(0.85),
    "framed 15 % wider": framed(1.15),
    "moved by 8 %": framed(1.0, 0.08, 0.08),
    "turned by 15 degrees": lambda picture: picture.rotate(15, Image.Resampling.BILINEAR),
    "half as bright": lambda picture: ImageEnhance.Brightness(picture).enhance(0.5),
    "half the contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.5),
    "light from one side": shaded,
    "warm tint": tinted,
    "blurred, radius 4 px of 144": lambda picture: picture.filter(ImageFilter.GaussianBlur(4)),
    "JPEG, quality 10": compressed(10),
    "face of 24 px": lambda picture: picture.resize((24, 24), Image.Resampling.BOX),
}


def pictures() -> tuple[list[np.ndarray], np.ndarray]:
    """The validation pictures (RGB uint8) and their labels."""
    recipe = read_recipe("fer")
    labelled = load_task(recipe.task, recipe.data).held_out("validation")
    return list(labelled.items), np.asarray(labelled.labels)


def read(reader: Classifier, items: list[np.ndarray], labels: np.ndarray) -> dict[str, float]:
    """Accuracy and UAR."""
    scores = scores_from_confusion(confusion_matrix(labels, reader.predict(items).argmax(axis=1)))
    return {name: round(scores[name], 4) for name in ("accuracy", "uar")}


def faces_a_second(reader: Classifier, items: list[np.ndarray]) -> float:
    """Median of three readings of 512 crops, after one to warm up, on two threads."""
    torch.set_num_threads(2)
    return round(512 / record.timed({"reader": lambda: reader.predict(items[:512])})["reader"].middle, 1)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument(
        "--limit", type=int, default=0, help="Read about so many pictures, spread over the classes; 0 for all."
    )
    arguments = parser.parse_args()
    reader = load_classifier("face", arguments.model, "cpu")
    items, labels = pictures()
    every = -(-len(items) // arguments.limit) if arguments.limit else 1
    items, labels = items[::every], labels[::every]
    found = {"as they are, grey, 48 px": read(reader, items, labels)}
    large = [Image.fromarray(item).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for item in items]
    for name, change in CHANGES.items():
        found[name] = read(reader, [np.asarray(change(picture)) for picture in large], labels)
    for name, row in found.items():
        print(f"{name:<30} accuracy {row['accuracy']:.4f}  UAR {row['uar']:.4f}", flush=True)
    speed = faces_a_second(reader, [np.asarray(picture) for picture in large[:512]])
    print(f"{speed} faces a second on two threads (crops of {SIDE} px)")
    record.write("robustness", {"pictures": len(items), "readings": found, "faces_a_second": speed})


if __name__ == "__main__":
    main()
