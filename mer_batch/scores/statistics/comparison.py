"""Two readers of the same items: is the second one better?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mer_batch.labels import EMOTIONS
from mer_batch.scores.metrics import SCORES, confusion_matrix
from mer_batch.scores.shares import wilson
from mer_batch.scores.statistics.blocks import holm
from mer_batch.scores.statistics.intervals import ALPHA, as_row, percentile, run_spans
from mer_batch.scores.statistics.mcnemar import Detectable, McNemar, detectable, mcnemar
from mer_batch.scores.statistics.readings import Readings, Table, align
from mer_batch.scores.statistics.resampling import DRAWS, Resampled, resample
from mer_batch.scores.wording import p_text, points
from mer_batch.types import Interval
from mer_batch.wording import counted, listed, percent


@dataclass(frozen=True)
class ClassChange:
    """Recall of one emotion with `n` items by both readers; `p` is McNemar's, `holm` adjusted for all emotions."""

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
class Comparison:
    """What the second reader gains over the first on `n` items that both read; `units` items or groups were drawn.

    `scores` are those of both, `gains` paired differences, all with 95 % intervals over new items. `unmatched` are
    the items of each without a partner. `agreement` is the share of items that both read alike.
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
        {name: _gain(resampled.values[name], resampled.drawn[name]) for name in SCORES},
        float((table.readings[0] == table.readings[1]).mean()),
        mcnemar(right[0], right[1]),
        _classes(table, resampled),
        detectable(len(table.ids), float((right[0] != right[1]).mean())),
    )


def _gain(values: Any, drawn: Any) -> Interval:
    return percentile(float(values[1] - values[0]), drawn[:, 1] - drawn[:, 0])


def _classes(table: Table, resampled: Resampled) -> tuple[ClassChange, ...]:
    labels, right = np.unique(table.labels).tolist(), table.right
    own = {label: table.labels == label for label in labels}
    tests = [mcnemar(right[0, own[label]], right[1, own[label]]) for label in labels]
    rows = []
    for label, test, adjusted in zip(labels, tests, holm([test.p for test in tests]), strict=True):
        recall, drawn = resampled.recall[:, label], resampled.drawn_recall[:, :, label]
        first, second = (wilson(int(side.sum()), test.n) for side in right[:, own[label]])
        rows.append(ClassChange(EMOTIONS[label], test.n, first, second, _gain(recall, drawn), test.p, adjusted))
    return tuple(rows)


def _sentences(found: Comparison) -> Any:
    test, gain = found.test, found.gains["accuracy"]
    items = counted(found.n, "item")
    if found.agreement == 1:
        yield f"Both read all of the {items} alike."
        return
    if test.p < ALPHA and gain.value:
        better = "B" if gain.value > 0 else "A"
        yield (
            f"{better} is better: it is right on {points(abs(gain.value))} more of the {items} "
            f"({p_text(test.p)}, McNemar)."
        )
    else:
        yield f"There is no difference in accuracy that these {items} can show ({p_text(test.p)}, McNemar)."
        yield _detectable(found.detectable)
    yield from _others(found)
    yield from _groups(found)


def _detectable(found: Detectable) -> str:
    if found.gain is None:
        return "They are too few to find any gain of a reader so similar."
    return f"They would show a gain of {points(found.gain)} in {percent(found.power)} of cases."


def _others(found: Comparison) -> Any:
    uar = found.gains["uar"]
    decided = found.test.p < ALPHA
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
    gain = found.gains["accuracy"]
    if found.by is None or gain.low is None or gain.high is None:
        return
    if found.test.p < ALPHA and gain.low <= 0 <= gain.high:
        yield (
            f"McNemar's test takes items as independent; drawn by {found.by} ({found.units}), the gain in accuracy "
            "is not beyond chance."
        )
