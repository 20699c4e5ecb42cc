"""Maps of what a network's layers represent, for the page of its run: dots in a square, and what to say of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.labels import EMOTIONS
from mer_batch.pages.run.data import Run
from mer_batch.report.lanes import Json
from mer_batch.scores import plots
from mer_batch.scores.predictions import Predictions
from mer_batch.training import representations
from mer_batch.training.representations import Map, Maps
from mer_batch.wording import percent

PICTURE: Final = "tsne.png"
SIDE: Final = 1000
MARGIN: Final = 30
"""Side of a map and the least distance of a dot from its edge, in its own units."""


@dataclass(frozen=True)
class Dots:
    """One layer's map: `dots` are (x, y, emotion, whether it is read wrong); none where all items are alike."""

    title: str
    note: str
    dots: list[tuple[int, int, str, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """What the page shows: a map a layer, the emotions in them, and a text for every item."""

    maps: list[Dots]
    present: list[str]
    told: list[str]

    @property
    def data(self) -> Json:
        """What the script needs: places by map and the texts."""
        return {"places": [[[x, y] for x, y, _, _ in one.dots] for one in self.maps], "told": list(self.told)}


def shown(run: Run) -> Shown | None:
    """The maps of a run that has them and the predictions of the same items; else None."""
    found = _of(run)
    if found is None:
        return None
    maps, read, where = found
    labels, guesses = read.labels[where], read.probabilities[where].argmax(axis=1)
    shares = read.probabilities[where].max(axis=1)
    told = [
        f"{name}: labelled {EMOTIONS[label]}, read as {EMOTIONS[guess]} ({share:.2f})"
        for name, label, guess, share in zip(maps.ids, labels, guesses, shares, strict=True)
    ]
    layers = [_dots(layer, labels, guesses) for layer in maps.layers]
    return Shown(layers, [EMOTIONS[kind] for kind in np.unique(labels)], told)


def draw(run: Run) -> None:
    """Write tsne.png to the run folder, where there is a map to draw."""
    found = _of(run)
    if found is None:
        return
    maps, read, where = found
    drawn = [(layer.name, layer.places) for layer in maps.layers if layer.places is not None]
    if drawn:
        plots.maps_png(run.folder / PICTURE, drawn, read.labels[where])


def _of(run: Run) -> tuple[Maps, Predictions, NDArray[np.int64]] | None:
    """The maps, the test predictions, and the places in these of the items of the maps."""
    maps = representations.read(Path(run.folder))
    if maps is None or run.test is None:
        return None
    read = run.test.predictions
    places = {name: place for place, name in enumerate(read.ids)}
    if not all(name in places for name in maps.ids):
        return None
    return maps, read, np.array([places[name] for name in maps.ids], dtype=np.int64)


def _dots(layer: Map, labels: NDArray[np.int64], guesses: NDArray[np.int64]) -> Dots:
    title = layer.name[0].upper() + layer.name[1:]
    if layer.places is None:
        return Dots(title, "All items are represented alike: this layer tells none of them apart.")
    note = (
        f"{percent(layer.purity)} of an item’s {representations.NEIGHBOURS} nearest neighbours in this layer have its "
        f"label; drawn at random it would be {percent(layer.chance)}."
    )
    return Dots(title, note, list(_placed(layer.places, labels, guesses)))


def _placed(
    places: NDArray[np.float64], labels: NDArray[np.int64], guesses: NDArray[np.int64]
) -> Iterator[tuple[int, int, str, bool]]:
    """Places fitted into the square, one scale for both directions."""
    low, high = places.min(axis=0), places.max(axis=0)
    scale = (SIDE - 2 * MARGIN) / max(float((high - low).max()), 1e-9)
    middle = (low + high) / 2
    for (x, y), label, guess in zip(SIDE / 2 + scale * (places - middle) * (1, -1), labels, guesses, strict=True):
        yield round(float(x)), round(float(y)), EMOTIONS[label], bool(label != guess)
