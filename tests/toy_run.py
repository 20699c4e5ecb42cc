"""A training run made by hand, whose page is known in advance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.scores import predictions
from mer_batch.training.fitting import record

READINGS = [
    # id, label, reading, its probability, runner-up and its probability
    ("a.png", "happy", "happy", 0.90, "neutral", 0.05),
    ("b.png", "happy", "happy", 0.40, "neutral", 0.35),
    ("c.png", "fear", "sad", 0.97, "angry", 0.02),
    ("d.png", "fear", "sad", 0.60, "fear", 0.30),
    ("e.png", "fear", "fear", 0.70, "sad", 0.20),
    ("f.png", "sad", "fear", 0.55, "sad", 0.40),
    ("g.png", "sad", "sad", 0.80, "fear", 0.10),
    ("h.png", "sad", "sad", 0.65, "fear", 0.30),
    ("i.png", "angry", "disgust", 0.50, "angry", 0.45),
    ("j.png", "angry", "angry", 0.75, "disgust", 0.20),
]
"""Ten items, four errors: three of them between fear and sad; the worst is c.png, the least sure right one b.png."""


def probabilities() -> np.ndarray[Any, np.dtype[np.float64]]:
    """The shares (10, 7) behind `READINGS`; what is left is spread over the other emotions."""
    table = np.zeros((len(READINGS), len(EMOTIONS)))
    for row, (_, _, first, high, second, low) in zip(table, READINGS, strict=True):
        row[:] = (1 - high - low) / (len(EMOTIONS) - 2)
        row[[INDEX[first], INDEX[second]]] = high, low
    return table


def rows(epochs: int = 10) -> list[dict[str, Any]]:
    """Two epochs of warm-up, then main; epoch 4 is the best, fear is in focus in epochs 3 and 4."""
    scores = [0.2, 0.3, 0.5, 0.62, *([0.6] * epochs)][:epochs]
    return [
        {
            "epoch": number,
            "step": 10 * number,
            "rate": 0.1,
            "loss": 2.0 / number,
            "validation_loss": 1.5,
            "accuracy": score,
            "uar": score - 0.05,
            "macro_f1": score - 0.04,
            "weighted_f1": score - 0.01,
            "per_class": dict.fromkeys(EMOTIONS, score),
            "focus": ["fear"] if number in (3, 4) else [],
            "phase": "warm-up" if number <= 2 else "main",
            "seconds": 30.0,
            "best": max(scores[:number]),
        }
        for number, score in enumerate(scores, 1)
    ]


def write_rows(folder: Path, made: list[dict[str, Any]]) -> None:
    """The rows as a training records them."""
    for row in made:
        record.epoch(folder, row)
    record.close()


def write_predictions(folder: Path, part: str, ids: list[str] | None = None, **meta: Any) -> None:
    """`READINGS` as the predictions of a part, by other ids if given."""
    labels = [INDEX[label] for _, label, *_ in READINGS]
    names = ids or [name for name, *_ in READINGS]
    predictions.write(folder / "predictions" / f"{part}.parquet", names, labels, probabilities(), **meta)


def info(**more: Any) -> dict[str, Any]:
    """run.json of a finished run."""
    return {
        "id": "a1b2c3",
        "name": "toy-run",
        "recipe": "toy",
        "task": "face",
        "parent": None,
        "started": "2026-01-02T03:04:05+00:00",
        "state": "finished",
        "epochs_done": 10,
        "changes": [{"epoch": 3, "step": 30, "option": "train.lr", "from": 0.1, "to": 0.05}],
        "options": {
            "task": "face",
            "net": {"name": "face-resnet"},
            "data": {"source": "fer2013"},
            "train": {"select": "accuracy", "epochs": 10},
        },
        "counts": {"train": {"angry": 30, "fear": 10}},
        "device": "cpu",
        "versions": {"torch": "2.9"},
        "seconds": 300.0,
        **more,
    }


def make_run(folder: Path, **more: Any) -> Path:
    """A whole run folder but for the model."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(info(**more)))
    write_rows(folder, rows())
    write_predictions(folder, "validation", set="toy validation", temperature=1.0)
    write_predictions(folder, "test", set="toy test", temperature=1.25)
    return folder
