"""What made a timeline: options, versions, models and the seconds that each stage took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mer_batch import __version__
from mer_batch.config import Options
from mer_batch.types import ModelUse, Provenance, TaskName

if TYPE_CHECKING:
    from mer_batch.nets.store import ModelCard

PACKAGES = ("torch", "facenet-pytorch", "silero-vad", "openai-whisper", "av", "numpy")


def provenance(options: Options, cards: Mapping[TaskName, ModelCard], seconds: Mapping[str, float]) -> Provenance:
    """What is to be kept of a run; `cards` are those of the models that took part."""
    return Provenance(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=__version__,
        options=as_table(options),
        packages=dict(_packages()),
        models=tuple(_use(modality, card) for modality, card in cards.items()),
        seconds=dict(seconds),
    )


@lru_cache(maxsize=1)
def _packages() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in PACKAGES)


def as_table(options: Options) -> dict[str, object]:
    """Options by name, as JSON takes them."""
    return {name: _plain(value) for name, value in asdict(options).items()}


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _use(modality: TaskName, card: ModelCard) -> ModelUse:
    return ModelUse(
        modality=modality,
        name=card.name,
        sha256=card.sha256,
        net=card.net,
        data=card.data,
        licence=card.licence,
        scores=card.scores,
        confusion=card.confusion,
        confusion_source=card.confusion_source,
        reliability=card.reliability,
    )
