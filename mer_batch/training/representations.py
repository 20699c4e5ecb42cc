"""What the layers of a network make of a labelled set: their outputs, and maps of them in the plane by t-SNE.

A network that can be looked at names its layers in `represents`: {"speech": "encoder.speech"}. Maps show neighbours,
not distances, so the share of neighbours with the same label, taken before the map is drawn, is told beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import Classifier
from mer_batch.errors import DataError
from mer_batch.files import whole_file
from mer_batch.tasks.reading import CHUNK
from mer_batch.tasks.task import LabelledSet

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float64]
NAME: Final = "tsne.parquet"
KEY: Final = b"mer"
PERPLEXITY: Final = 30.0
MOST: Final = 2000
"""Items of a map; more of them take minutes and hide each other."""
LEAST: Final = 5
NEIGHBOURS: Final = 10
ALIKE: Final = 1e-6
"""Spread of outputs, relative to their size, under which all items count as represented alike."""


@dataclass(frozen=True)
class Map:
    """One layer's map: places (n, 2) of the items, None where the layer represents all of them alike.

    `purity` is the share of an item's nearest neighbours, in the layer's own space, that have its label; `chance` is
    what that would be for neighbours drawn at random.
    """

    name: str
    places: Floats | None
    purity: float
    chance: float


@dataclass(frozen=True)
class Maps:
    """The maps of a network's layers, all of the same items, in the order of `ids`."""

    ids: tuple[str, ...]
    layers: tuple[Map, ...]


def can_map(reader: Classifier[Any]) -> bool:
    """Whether the network of a reader names layers that represent."""
    return bool(getattr(getattr(reader, "net", None), "represents", None))


def maps(reader: Classifier[Any], labelled: LabelledSet, seed: int = 0) -> Maps:
    """Maps of at most `MOST` items of a set, chosen by chance where there are more."""
    ids, labels, vectors = outputs(reader, labelled)
    kept = np.arange(len(ids))
    if len(ids) > MOST:
        kept = np.sort(np.random.default_rng(seed).choice(len(ids), MOST, replace=False))
    layers = [_map(name, rows[kept], labels[kept], seed) for name, rows in vectors.items()]
    return Maps(tuple(ids[place] for place in kept), tuple(layers))


def outputs(reader: Classifier[Any], labelled: LabelledSet) -> tuple[list[str], NDArray[np.int64], dict[str, Floats]]:
    """Distinct ids, their labels (n,) and the outputs (n, d) of every layer; parts of one id are averaged."""
    net: nn.Module = reader.net  # type: ignore[attr-defined]
    with _captured(net) as heard:
        for start in range(0, len(labelled.items), CHUNK):
            reader.scores(labelled.items[start : start + CHUNK])
    order = {name: place for place, name in enumerate(dict.fromkeys(labelled.ids))}
    which = np.array([order[name] for name in labelled.ids])
    labels = np.zeros(len(order), dtype=np.int64)
    labels[which] = np.asarray(labelled.labels)
    return list(order), labels, {name: _means(np.concatenate(parts), which) for name, parts in heard.items()}


@contextmanager
def _captured(net: nn.Module) -> Iterator[dict[str, list[Floats]]]:
    """Collect what the layers that represent put out while the block runs."""
    layers: Mapping[str, str] = net.represents  # type: ignore[assignment]
    heard: dict[str, list[Floats]] = {name: [] for name in layers}

    def listener(name: str) -> Any:
        return lambda _layer, _given, made: heard[name].append(made.detach().flatten(1).double().cpu().numpy())

    hooks = [net.get_submodule(place).register_forward_hook(listener(name)) for name, place in layers.items()]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _means(rows: Floats, which: NDArray[np.int64]) -> Floats:
    sums = np.zeros((which.max() + 1, rows.shape[1]))
    np.add.at(sums, which, rows)
    return sums / np.bincount(which)[:, None]


def _map(name: str, rows: Floats, labels: NDArray[np.int64], seed: int) -> Map:
    counts = np.bincount(labels)
    chance = float((counts * (counts - 1)).sum() / max(len(labels) * (len(labels) - 1), 1))
    spread = np.abs(rows - rows.mean(axis=0)).max(initial=0.0)
    if len(rows) < LEAST or spread <= ALIKE * max(float(np.abs(rows).max(initial=0.0)), 1e-12):
        return Map(name, None, chance, chance)
    return Map(name, tsne(rows, seed), purity(rows, labels), chance)


def tsne(rows: Floats, seed: int = 0) -> Floats:
    """Places (n, 2) of rows (n, d): t-SNE (van der Maaten & Hinton 2008, JMLR 9, 2579-2605), perplexity 30.

    With fewer than 91 rows the perplexity is a third of them.
    """
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    made: Floats = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(rows).astype(np.float64)
    return made


def purity(rows: Floats, labels: NDArray[np.int64], neighbours: int = NEIGHBOURS) -> float:
    """Mean share of the nearest `neighbours` of each row that have its label."""
    from sklearn.neighbors import NearestNeighbors

    count = min(neighbours, len(rows) - 1)
    near = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors(return_distance=False)
    return float((labels[near] == labels[:, None]).mean())


def write(folder: Path, found: Maps) -> None:
    """Write `tsne.parquet` to a run folder: a row an item, columns of places by layer."""
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, Sequence[Any]] = {"id": list(found.ids)}
    for layer in found.layers:
        if layer.places is not None:
            columns |= {f"{layer.name} {axis}": row.tolist() for axis, row in zip("xy", layer.places.T, strict=True)}
    facts = [{"name": layer.name, "purity": layer.purity, "chance": layer.chance} for layer in found.layers]
    with whole_file(folder / NAME) as partial:
        parquet.write_table(pa.table(columns).replace_schema_metadata({KEY: json.dumps(facts).encode()}), partial)


def read(folder: Path) -> Maps | None:
    """The maps of a run folder, None where there are none. Raises `DataError` for a damaged file."""
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / NAME
    if not path.is_file():
        return None
    try:
        table = parquet.read_table(path)
        facts = json.loads(table.schema.metadata[KEY])
        return Maps(tuple(table["id"].to_pylist()), tuple(_read_map(table, fact) for fact in facts))
    except (OSError, pa.ArrowInvalid, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: {str(error)[:100]}") from error


def _read_map(table: Any, fact: Mapping[str, Any]) -> Map:
    name = str(fact["name"])
    columns = [f"{name} x", f"{name} y"]
    drawn = all(column in table.column_names for column in columns)
    places = np.stack([table[column].to_numpy() for column in columns], axis=1) if drawn else None
    return Map(name, places, float(fact["purity"]), float(fact["chance"]))
