"""Does fusion help? Each modality alone, the pool, and the gate on the same pairs, with paired tests.

The readers are those of `mer analyze`: calibrated readings alone, pooled by reliability x quality, and pooled by the
weights of a gate. Fusion helps where it is better than every single modality, which one is best being known to nobody
beforehand; the tests against all of them are adjusted together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.classifier import calibrated
from mer_batch.errors import UsageError
from mer_batch.fusion.learned import POOL, Gate, load_gate
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import find_model, read_card
from mer_batch.scores import predictions
from mer_batch.scores.groups import unit
from mer_batch.scores.metrics import Scores, score
from mer_batch.scores.statistics.blocks import holm
from mer_batch.scores.statistics.comparison import Comparison, compare
from mer_batch.scores.statistics.readings import Readings
from mer_batch.tasks import reads
from mer_batch.tasks.recipe import read_recipe
from mer_batch.tasks.task import LabelledSet, Split, load_task
from mer_batch.types import MODALITIES, Floats

Shares = NDArray[np.float64]
NAMES: Final = {"face": "face alone", "voice": "voice alone", "text": "words alone"}
POOLED: Final = "pooled"
GATED: Final = "gated"
GOOD: Final = 0.7
"""Quality of a voice from which on it counts as good, where weights by quality are told."""


@dataclass(frozen=True)
class Row:
    """One reader on one kind of pairs; `read` is how many of them it has evidence for."""

    name: str
    read: int
    scores: Scores
    probabilities: Shares


@dataclass(frozen=True)
class Test:
    """What the second reader gains over the first; `p` is adjusted after Holm for all tests of the part.

    It is that of a t test over new speakers where there are several, else McNemar's over these clips.
    """

    first: str
    second: str
    comparison: Comparison
    p: float
    speakers: tuple[int, int] | None
    """For how many speakers the second one is right more often, and less often; None where they are not known."""

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {"first": self.first, "second": self.second, "p_holm": self.p, "speakers": self.speakers} | (
            self.comparison.as_json()
        )


@dataclass(frozen=True)
class Part:
    """One kind of pairs: readers, tests, and the mean share of the voice where it is good and where it is poor."""

    name: str
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    groups: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    tests: tuple[Test, ...]
    voice_share: Mapping[str, tuple[float, float]]

    @property
    def singles(self) -> tuple[Row, ...]:
        """The modalities alone."""
        return tuple(row for row in self.rows if row.name in NAMES.values())

    @property
    def best_single(self) -> str:
        """The modality alone that is right most often on these pairs."""
        return max(self.singles, key=lambda row: row.scores.values["accuracy"]).name


@dataclass(frozen=True)
class Study:
    """Everything that was found, by kind of pairs. `model` names the gate, empty without one."""

    model: str
    split: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def weighs(spec: str) -> bool:
    """Whether `spec` names a gate, or what counts without one: the shipped gate or the pool."""
    if spec in ("default", POOL):
        return True
    return read_card(find_model("fusion", spec)).input.get("level") == "readings"


def study(spec: str = "default", split: Split = "test", device: str = "auto", recipe: str = "fusion") -> Study:
    """Score and test all readers on the pairs of a gate's own recipe, or of `recipe` where there is no gate."""
    from mer_batch.tasks.recipe import recipe_of

    gate = load_gate(spec, device)
    data = read_recipe(recipe).data if gate is None else recipe_of("fusion", spec).data
    task = load_task("fusion", data)
    if task.input.get("level") != "readings":
        raise UsageError(f"the recipe {recipe} joins features; fusion of readings is told of gates")
    prior, found = _prior(task.held_out("validation").labels), task.held_out(split)
    kinds = list(dict.fromkeys(found.groups["set"]))
    parts = tuple(_part(kind, prior, found, gate) for kind in kinds)
    notes = list(_notes(gate, task.input, spec, split))
    if split == "test":
        model = POOL if gate is None else gate.card.sha256
        notes.append(reads.note(found.name, [str(one) for one in found.ids], model, "evaluate").sentence(found.name))
    return Study("" if gate is None else spec, split, parts, tuple(notes))


def _notes(gate: Gate | None, made: Mapping[str, Any], spec: str, split: Split) -> Iterator[str]:
    if gate is None and spec != POOL:
        yield "no gate is shipped, so mer analyze pools by reliability and quality; mer train fusion makes one"
    if gate is not None and (strangers := gate.strangers(made["models"])):
        yield f"the gate has learned from other {' and '.join(strangers)} models than these; train it again"
    if split == "validation":
        yield "these pairs chose the gate's epoch: take its scores as optimistic"


def _part(kind: str, prior: Shares, found: LabelledSet, gate: Gate | None) -> Part:
    tested = found.take([place for place, name in enumerate(found.groups["set"]) if name == kind])
    tables = np.stack(tested.items)
    labels = np.asarray(tested.labels, dtype=np.int64)
    readers = _readers(tables, prior, gate).items()
    groups = {name: tuple(values) for name, values in tested.groups.items()}
    rows = tuple(Row(name, read, score(labels, shares, groups=groups), shares) for name, (read, shares) in readers)
    part = Part(kind, tuple(tested.ids), labels, groups, rows, (), _voice_shares(tables, gate))
    return replace(part, tests=_tests(part))


def _prior(labels: Sequence[int]) -> Shares:
    """What is said where there is no reading: how frequent labels are on validation pairs, (7,)."""
    counts = np.bincount(np.asarray(labels), minlength=len(EMOTIONS)) + 1.0
    result: Shares = counts / counts.sum()
    return result


def _readers(tables: Floats, prior: Shares, gate: Gate | None) -> dict[str, tuple[int, Shares]]:
    """What every reader makes of tables (n, 3, 9): how many it reads, and probabilities (n, 7)."""
    found: dict[str, tuple[int, Shares]] = {}
    for place, name in enumerate(MODALITIES):
        there = tables[:, place, -1] > 0
        if there.any():
            logs = np.where(there[:, None], tables[:, place, : len(EMOTIONS)], np.log(prior))
            found[NAMES[name]] = int(there.sum()), calibrated(logs)
    found[POOLED] = len(tables), pooled(tables)
    if gate is not None:
        found[GATED] = len(tables), calibrated(gate.logs(tables))
    return found


def pooled(tables: Floats) -> Shares:
    """The pool of tables (n, 3, 9) by their own weights, (n, 7)."""
    weights = tables[..., -1].astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    return calibrated((weights[..., None] * tables[..., : len(EMOTIONS)]).sum(axis=1))


def _tests(part: Part) -> tuple[Test, ...]:
    known = {row.name: row for row in part.rows}
    pairs = [(single.name, fused) for fused in (POOLED, GATED) if fused in known for single in part.singles]
    if GATED in known:
        pairs.append((POOLED, GATED))
    shared = unit(part.groups)
    by = shared[0] if shared is not None and shared[1].max() > 0 else None
    found = [compare(_as_readings(part, known[a]), _as_readings(part, known[b]), by) for a, b in pairs]
    adjusted = holm([one.p for one in found])
    return tuple(
        Test(a, b, one, p, _by_speaker(part, known[a], known[b]))
        for (a, b), one, p in zip(pairs, found, adjusted, strict=True)
    )


def _as_readings(part: Part, row: Row) -> Readings:
    return Readings(row.name, part.ids, part.labels, row.probabilities.argmax(axis=1), part.groups)


def _by_speaker(part: Part, first: Row, second: Row) -> tuple[int, int] | None:
    speakers = np.array(part.groups.get("speaker", ()))
    if not all(speakers) or len(np.unique(speakers)) < 2:
        return None
    right = [(row.probabilities.argmax(axis=1) == part.labels).astype(float) for row in (first, second)]
    gains = [float((right[1] - right[0])[speakers == one].mean()) for one in np.unique(speakers)]
    return sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)


def _voice_shares(tables: Floats, gate: Gate | None) -> dict[str, tuple[float, float]]:
    """Mean share of the voice beside other evidence, where its quality is `GOOD` and where not, by reader."""
    place = MODALITIES.index("voice")
    several = (tables[..., -1] > 0).sum(axis=1) > 1
    beside = several & (tables[:, place, -1] > 0)
    good = tables[:, place, -2] >= GOOD
    if not (beside & good).any() or not (beside & ~good).any():
        return {}
    weights = tables[..., -1] / tables[..., -1].sum(axis=1, keepdims=True)
    shares = {POOLED: weights[:, place]} | ({} if gate is None else {GATED: gate.shares(tables)[:, place]})
    return {
        name: (float(found[beside & good].mean()), float(found[beside & ~good].mean()))
        for name, found in shares.items()
    }


def write_predictions(found: Study, folder: Path) -> None:
    """`predictions/KIND-READER.parquet` of every reader and kind of pairs, for mer compare."""
    for part in found.parts:
        for row in part.rows:
            name = f"{part.name} {row.name}".replace(" ", "-")
            predictions.write(
                folder / "predictions" / f"{name}.parquet",
                part.ids,
                part.labels,
                row.probabilities,
                groups=part.groups,
                set=f"{part.name} pairs",
                split=found.split,
            )
