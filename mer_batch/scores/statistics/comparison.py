"""Two readers of the same items: is the second one better?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from mer_batch.labels import EMOTIONS
from mer_batch.scores.groups import Effect, effect, plural, unit
from mer_batch.scores.metrics import SCORES, confusion_matrix
from mer_batch.scores.shares import wilson
from mer_batch.scores.statistics.blocks import holm
from mer_batch.scores.statistics.intervals import ALPHA, as_row, effect_of, gain, percentile, run_spans
from mer_batch.scores.statistics.mcnemar import Detectable, McNemar, detectable, mcnemar
from mer_batch.scores.statistics.readings import Readings, Table, align
from mer_batch.scores.statistics.resampling import DRAWS, Resampled, resample
from mer_batch.scores.wording import p_text, points
from mer_batch.types import Interval
from mer_batch.wording import counted, listed, percent


@dataclass(frozen=True)
class ClassChange:
    """Recall of one emotion with `n` items by both readers; `holm` is `p` adjusted for all emotions.

    `p` is McNemar's over items, and that of Student's t over whole groups (1 where only one has the emotion).
    """

    label: str
    n: int
    first: Interval
    second: Interval
    gain: Interval
    p: float
    holm: float

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {name: as_row(getattr(self, name)) for name in ("first", "second", "gain")}


@dataclass(frozen=True)
class Beside:
    """The gain in accuracy over `units` new groups of items, such as speakers, where items were compared."""

    by: str
    units: int
    gain: Effect

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {"by": self.by, "units": self.units, "gain": as_row(self.gain.difference()), "p": self.gain.p}


@dataclass(frozen=True)
class Comparison:
    """What the second reader gains over the first on `n` items that both read; `units` items or groups were drawn.

    `scores` are those of both, `gains` paired differences, all with 95 % intervals over new items, or over new groups
    where `by` names what these are. `test` takes items as independent; `over_groups` is the gain in accuracy with its
    error over groups, None where they are not drawn or there is but one. `beside` is the same where items were
    compared although groups are known. `unmatched` are the items of each without a
    partner. `agreement` is the share of items that both read alike.
    """

    names: tuple[str, str]
    n: int
    units: int
    by: str | None
    unmatched: tuple[int, int]
    scores: tuple[Mapping[str, Interval], Mapping[str, Interval]]
    gains: Mapping[str, Interval]
    agreement: float
    test: McNemar
    classes: tuple[ClassChange, ...]
    detectable: Detectable
    over_groups: Effect | None = None
    beside: Beside | None = None

    @property
    def p(self) -> float:
        """The p that decides: over groups where they are drawn, else McNemar's; 1 where one group cannot tell."""
        if self.by is None:
            return self.test.p
        return 1.0 if self.over_groups is None else self.over_groups.p

    @property
    def how(self) -> str:
        """The test behind `p` in words."""
        return "McNemar" if self.by is None else f"t test over {self.units} {plural(self.by)}"

    @property
    def verdict(self) -> str:
        """The answer in a sentence or two."""
        return " ".join(_sentences(self))

    def as_json(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "verdict": self.verdict,
            "names": self.names,
            "n": self.n,
            "units": self.units,
            "by": self.by,
            "unmatched": self.unmatched,
            "scores": [{name: as_row(span) for name, span in side.items()} for side in self.scores],
            "gains": {name: as_row(span) for name, span in self.gains.items()},
            "agreement": self.agreement,
            "mcnemar": self.test.as_json(),
            "p": self.p,
            "over_groups": self.beside.as_json() if self.beside else None,
            "test": self.how,
            "classes": [change.as_json() for change in self.classes],
            "detectable": self.detectable.as_json(),
        }


def compare(first: Readings, second: Readings, by: str | None = None, draws: int = DRAWS, seed: int = 0) -> Comparison:
    """Compare two readers on the items of both, matched by id.

    `by` names a column, such as speaker, whose items are not independent: then whole groups are drawn. Raises
    `DataError` where no id is common or labels disagree.
    """
    table = align([first, second], by)
    resampled = resample(table, draws, seed)
    right = table.right
    spans = [
        run_spans(resampled, side, confusion_matrix(table.labels, readings))
        for side, readings in enumerate(table.readings)
    ]
    return Comparison(
        (first.name, second.name),
        len(table.ids),
        resampled.units,
        by,
        (table.unmatched[0], table.unmatched[1]),
        (spans[0], spans[1]),
        {name: gain(resampled, name, 0, 1) for name in SCORES},
        float((table.readings[0] == table.readings[1]).mean()),
        mcnemar(right[0], right[1]),
        _classes(table, resampled),
        detectable(len(table.ids), float((right[0] != right[1]).mean())),
        effect_of(resampled, "accuracy", [1], 0) if resampled.grouped else None,
        _beside(first, second) if by is None else None,
    )


def _beside(first: Readings, second: Readings) -> Beside | None:
    known = unit(first.groups) or unit(second.groups)
    if known is None or known[1].max() < 1:
        return None
    resampled = resample(align([first, second], known[0]), draws=1)
    found = effect_of(resampled, "accuracy", [1], 0) if resampled.units > 1 else None
    return None if found is None else Beside(known[0], resampled.units, found)


def _classes(table: Table, resampled: Resampled) -> tuple[ClassChange, ...]:
    labels, right = np.unique(table.labels).tolist(), table.right
    own = {label: table.labels == label for label in labels}
    rows = []
    for label in labels:
        sides = right[:, own[label]]
        spans = [wilson(int(side.sum()), sides.shape[1]) for side in sides]
        found = _grouped_class(table, resampled, label) if resampled.grouped else None
        if found is None:
            drawn = resampled.drawn_recall[:, 1, label] - resampled.drawn_recall[:, 0, label]
            change = percentile(spans[1].value - spans[0].value, drawn)
            rows.append(_Row(label, sides.shape[1], (spans[0], spans[1], change), mcnemar(sides[0], sides[1]).p))
        else:
            rows.append(_Row(label, sides.shape[1], *found))
    adjusted = holm([row.p for row in rows])
    return tuple(
        ClassChange(EMOTIONS[row.label], row.n, *row.spans, row.p, h) for row, h in zip(rows, adjusted, strict=True)
    )


class _Row(NamedTuple):
    label: int
    n: int
    spans: tuple[Interval, Interval, Interval]
    p: float


def _grouped_class(table: Table, resampled: Resampled, label: int) -> tuple[tuple[Interval, Interval, Interval], float]:
    """Recalls, gain and p of an emotion over the groups that have it."""
    assert table.groups is not None
    assert resampled.without_recall is not None
    sizes = np.bincount(table.groups[table.labels == label], minlength=resampled.units)
    there = sizes > 0
    values, without = resampled.recall[:, label], resampled.without_recall[there, :, label]
    columns = [
        (values[0], without[:, 0]),
        (values[1], without[:, 1]),
        (values[1] - values[0], without[:, 1] - without[:, 0]),
    ]
    first, second, change = (effect(float(value), rest, sizes[there]) for value, rest in columns)
    none = [Interval(float(value), None, None) for value, _ in columns]
    if first is None or second is None or change is None:
        return (none[0], none[1], none[2]), 1.0
    return (first.share(), second.share(), change.difference()), change.p


def _sentences(found: Comparison) -> Any:
    change = found.gains["accuracy"]
    items = counted(found.n, "item")
    if found.agreement == 1:
        yield f"Both read all of the {items} alike."
        return
    if found.p < ALPHA and change.value:
        better = "B" if change.value > 0 else "A"
        yield (
            f"{better} is better: it is right on {points(abs(change.value))} more of the {items} "
            f"({p_text(found.p)}, {found.how})."
        )
    else:
        yield f"There is no difference in accuracy that these {items} can show ({p_text(found.p)}, {found.how})."
        if found.by is None:
            yield _detectable(found.detectable)
    yield from _others(found)
    yield from _groups(found)


def _detectable(found: Detectable) -> str:
    if found.gain is None:
        return "They are too few to find any gain of a reader so similar."
    return f"They would show a gain of {points(found.gain)} in {percent(found.power)} of cases."


def _others(found: Comparison) -> Any:
    uar = found.gains["uar"]
    decided = found.p < ALPHA
    if uar.low is not None and uar.high is not None and uar.low * uar.high > 0 and not decided:
        better = "B" if uar.value > 0 else "A"
        yield (
            f"The mean recall of the emotions (UAR) of {better} is higher by {points(abs(uar.value))}, though "
            f"(95 % interval {points(min(abs(uar.low), abs(uar.high)))} or more)."
        )
    changed = [row for row in found.classes if row.holm < ALPHA]
    if changed:
        told = [f"{row.label} {100 * row.gain.value:+.1f}".replace("-", "\N{MINUS SIGN}") for row in changed]
        yield f"Recall of B differs beyond chance in {listed(told)} points (Holm)."


def _groups(found: Comparison) -> Any:
    if found.beside is not None:
        span, own = found.beside.gain.difference(), found.beside
        assert span.low is not None
        assert span.high is not None
        yield (
            f"That is about these {plural(own.by)}: over new ones ({own.units} are here) the gain of B lies between "
            f"{points(span.low)} and {points(span.high)} ({p_text(own.gain.p)}, t test)."
        )
    if found.by is None:
        return
    if found.over_groups is None:
        yield f"All items are of one {found.by}: what new {plural(found.by)} would show is not known."
    elif found.test.p < ALPHA <= found.p:
        yield (
            f"McNemar's test, which takes items as independent, would find one ({p_text(found.test.p)}): it speaks of "
            f"these {plural(found.by)} alone."
        )
