"""The fusion task: several modalities of one utterance, joined inside one network or after each was read.

`level = "features"` trains a network on sound and words together, as R4's published one (`fusion_features`);
`level = "readings"` trains a gate that weighs what finished models say (`fusion_readings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from mer_batch.errors import unknown_name
from mer_batch.tasks.task import Task

LEVELS: Final = {
    "features": "mer_batch.tasks.fusion_features",
    "readings": "mer_batch.tasks.fusion_readings",
}


def task(options: Mapping[str, Any]) -> Task:
    """The fusion task for a recipe's `[data]` table."""
    level = str(options.get("level", "readings"))
    if level not in LEVELS:
        raise unknown_name("level of fusion", level, LEVELS)
    rest = {key: value for key, value in options.items() if key != "level"}
    made: Task = import_module(LEVELS[level]).task(rest)
    return made
