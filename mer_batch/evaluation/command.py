"""What `mer evaluate TASK` does: find the model and the set, read, score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mer_batch.classifier import load_classifier
from mer_batch.errors import unknown_name
from mer_batch.evaluation.metrics import Scores
from mer_batch.evaluation.run import evaluate
from mer_batch.evaluation.sets import load_set
from mer_batch.evaluation.tta import views_for
from mer_batch.training.recipe import read_recipe
from mer_batch.training.task import LabelledSet, load_task
from mer_batch.types import MODALITIES, Modality

RECIPES = {"face": "fer", "voice": "voice", "text": "text"}
"""The recipe whose test set a shipped model's card quotes."""


def evaluate_model(task: str, data: Path | None, model: str, tta: bool, device: str) -> tuple[str, Scores, list[str]]:
    """The set's name, the scores, and notes on what was left out."""
    if task not in MODALITIES:
        raise unknown_name("task", task, MODALITIES)
    modality: Modality = task
    views = views_for(modality) if tta else None
    reader = load_classifier(modality, model, device)
    labelled, notes = _labelled(modality, data, reader.card.input, device)
    return labelled.name, evaluate(reader, labelled, views), notes


def _labelled(
    modality: Modality, data: Path | None, card_input: Mapping[str, Any], device: str
) -> tuple[LabelledSet, list[str]]:
    if data is None:
        recipe = read_recipe(RECIPES[modality])
        return load_task(recipe.task, recipe.data).held_out("test"), []
    labelled, skipped = load_set(modality, data, card_input, device)
    notes = [f"{count} x label {name!r} left out: no counterpart" for name, count in sorted(skipped.items())]
    return labelled, notes
