"""PNG figures for papers and slides: confusion matrices, reliability diagrams, training curves.

Drawn through matplotlib's objects, without pyplot's global state, so that any thread may draw; the same numbers give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.files import whole_file
from mer_batch.labels import COLOURS, EMOTIONS
from mer_batch.scores.ece import expected_calibration_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS: Final = 15
INK: Final = "#1b1b1a"
SOFT: Final = "#5c5c58"
GRID: Final = "#e2e1dc"
SUNK: Final = "#f5f5f3"
ACCENT: Final = "#5a3fd0"
"""The page's own colours in daylight (templates/report.css)."""
SCORES: Final = {
    "accuracy": "accuracy",
    "uar": "mean recall (UAR)",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
}
_DASHES: Final = ("-", "--", "-.", ":")
_STYLE: Final[Mapping[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@dataclass(frozen=True)
class Bin:
    """Items whose largest probability lies in [low, high]: how sure the readings are and how often right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability_bins(truth: NDArray[Any], probabilities: NDArray[Any], bins: int = BINS) -> list[Bin]:
    """The bins that have items, least sure first, for labels (n,) and probabilities (n, 7).

    The bins are those of the expected calibration error (Guo et al., arXiv:1706.04599).
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        Bin(
            place / bins,
            (place + 1) / bins,
            int(chosen.sum()),
            float(confidence[chosen].mean()),
            float(correct[chosen].mean()),
        )
        for place in range(bins)
        if (chosen := which == place).any()
    ]


def stretches(rows: Sequence[Mapping[str, Any]], key: str) -> Iterator[tuple[Any, int, int]]:
    """Runs of neighbouring epochs with the same value of `key`: (value, first epoch, last epoch)."""
    for value, group in groupby(rows, lambda row: row.get(key)):
        epochs = [int(row["epoch"]) for row in group]
        yield value, epochs[0], epochs[-1]


def confusion_png(path: Path, counts: NDArray[Any], normalised: bool, title: str) -> None:
    """Draw counts (7, 7), rows = labels and columns = readings; `normalised` shows per cent of each row."""
    with _figure(path, (5.6, 5.2)) as figure:
        _matrix(figure.add_subplot(), counts, normalised, title)


def confusions_png(path: Path, counts: NDArray[Any], title: str) -> None:
    """Draw counts (7, 7) in both forms side by side: per cent of each label, and items."""
    with _figure(path, (10.8, 5.2)) as figure:
        for axes, normalised in zip(figure.subplots(1, 2), (True, False), strict=True):
            _matrix(axes, counts, normalised, title)


def _matrix(axes: Axes, counts: NDArray[Any], normalised: bool, title: str) -> None:
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, sums, out=np.zeros(counts.shape), where=sums > 0)
    axes.imshow(shares, cmap=_shades(), vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{100 * share:.0f}" if normalised else f"{int(counts[row, column]):,}"
        colour = "white" if share > 0.55 else INK if counts[row, column] else GRID
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=40, ha="right")
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("reading")
    axes.set_ylabel("label")
    axes.set_title(f"{title}\n{'% of each label' if normalised else 'items'}, n = {int(counts.sum()):,}")


def reliability_png(path: Path, truth: NDArray[Any], before: NDArray[Any], after: NDArray[Any]) -> None:
    """Draw how often readings are right against how sure they are.

    `truth` (n,) are labels, `before` and `after` (n, 7) probabilities before and after calibration.
    """
    with _figure(path, (5.2, 5.6)) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        top.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=":")
        top.annotate("as sure as right", (0.03, 0.035), rotation=45, rotation_mode="anchor", color=SOFT, fontsize=8)
        bottom.set_yscale("symlog", linthresh=10)
        for name, shares, colour, dash in (("before", before, SOFT, "--"), ("after", after, ACCENT, "-")):
            bins = reliability_bins(truth, shares)
            error = expected_calibration_error(truth, shares)
            label = f"{name} calibration: ECE {error:.3f}"
            sure, right = [part.confidence for part in bins], [part.accuracy for part in bins]
            top.plot(sure, right, dash, color=colour, marker="o", markersize=4, linewidth=1.4, label=label)
            middles = [(part.low + part.high) / 2 for part in bins]
            filled = {"color": colour, "alpha": 0.35} if name == "after" else {"fill": False, "edgecolor": colour}
            bottom.bar(middles, [part.count for part in bins], width=0.9 / BINS, linestyle=dash, **filled)
        top.legend(loc="upper left")
        top.set_ylabel("share that is right")
        top.set_title(f"Reliability, n = {len(truth):,}")
        top.set_ylim(0, 1)
        bottom.set_xlim(0, 1)
        bottom.set_xlabel("probability of the reading")
        bottom.set_ylabel("items")


def curves_png(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw loss, rate and validation scores against epochs; phases are shaded, focus classes marked.

    `rows` are those of `training.record.read`; a run without an epoch gives an empty figure that says so.
    """
    focused = [row for row in rows if row.get("focus")]
    heights = [3, 2, 1.2, *([1.6] if focused else [])]
    with _figure(path, (7.2, 1.3 + 0.9 * sum(heights))) as figure:
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        if not rows:
            panels[0].set_title("No epoch has ended yet")
            return
        for number, axes in enumerate(panels):
            _phases(axes, rows, named=number == 0)
            axes.grid(axis="y", color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
        for name, dash in zip(SCORES, _DASHES, strict=True):
            _line(panels[0], rows, name, dash, ACCENT if name == "accuracy" else SOFT, SCORES[name])
        _mark_best(panels[0], rows)
        _legend(panels[0], loc="lower right", ncols=2)
        panels[0].set_ylabel("validation")
        _line(panels[1], rows, "loss", "-", INK, "training")
        _line(panels[1], rows, "validation_loss", "--", SOFT, "validation")
        _legend(panels[1], loc="upper right")
        panels[1].set_ylabel("loss")
        _line(panels[2], rows, "rate", "-", INK)
        panels[2].set_ylabel("rate")
        if focused:
            _focus(panels[3], focused)
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)
        panels[-1].set_xlim(rows[0]["epoch"] - 0.5, rows[-1]["epoch"] + 0.5)


def maps_png(path: Path, maps: Sequence[tuple[str, NDArray[Any]]], labels: NDArray[Any]) -> None:
    """Draw maps, each a title and places (n, 2), side by side; points are coloured by `labels` (n,)."""
    with _figure(path, (4.2 * len(maps), 4.6)) as figure:
        panels = figure.subplots(1, len(maps), squeeze=False)[0]
        for axes, (title, places) in zip(panels, maps, strict=True):
            for kind in np.unique(labels):
                own = places[labels == kind]
                axes.scatter(own[:, 0], own[:, 1], s=7, color=COLOURS[EMOTIONS[kind]], linewidths=0)
            axes.set_title(title)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_aspect("equal", adjustable="datalim")
            axes.spines[:].set_visible(True)
        names = [EMOTIONS[kind] for kind in np.unique(labels)]
        figure.legend(panels[0].collections, names, loc="outside lower center", ncols=len(names), markerscale=2)


def _legend(axes: Axes, **options: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)


def best_epoch(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The epoch whose score became the last `best`, None where none is told."""
    told = [row for row in rows if isinstance(row.get("best"), (int, float))]
    return next((int(row["epoch"]) for row in told if row["best"] == told[-1]["best"]), None)


def _mark_best(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    chosen = best_epoch(rows)
    if chosen is None:
        return
    value = next(row["best"] for row in rows if row["epoch"] == chosen)
    axes.plot([chosen], [value], "o", color=ACCENT, markersize=6, fillstyle="none", label=f"chosen: epoch {chosen}")


def _phases(axes: Axes, rows: Sequence[Mapping[str, Any]], named: bool) -> None:
    for number, (name, first, last) in enumerate(stretches(rows, "phase")):
        if number % 2:
            axes.axvspan(first - 0.5, last + 0.5, color=SUNK, zorder=0, linewidth=0)
        if named and name:
            axes.text(
                first - 0.4,
                1.02 + 0.07 * (number % 2),
                str(name),
                transform=axes.get_xaxis_transform(),
                fontsize=8,
                color=SOFT,
                va="bottom",
            )


def _line(
    axes: Axes, rows: Sequence[Mapping[str, Any]], name: str, dash: str, colour: str, label: str | None = None
) -> None:
    known = [(row["epoch"], row[name]) for row in rows if row.get(name) is not None]
    if known:
        axes.plot(*zip(*known, strict=True), dash, color=colour, linewidth=1.3, label=label)


def _focus(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for place, label in enumerate(EMOTIONS):
        epochs = [row["epoch"] for row in rows if label in row["focus"]]
        axes.broken_barh([(epoch - 0.45, 0.9) for epoch in epochs], (place - 0.4, 0.8), color=COLOURS[label])
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS, fontsize=7)
    axes.set_ylim(len(EMOTIONS) - 0.4, -0.6)
    axes.set_ylabel("focus")


def _shades() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", [SUNK, "#ab9bf4", ACCENT])


@contextmanager
def _figure(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """A figure of `size` inches that lands at `path` as PNG, whole, when the block ends well."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(dict(_STYLE)):
        made = Figure(figsize=size, dpi=150, layout="constrained")
        yield made
        with whole_file(path) as part:
            # The library writes its version into the file otherwise, and the bytes change with it.
            made.savefig(part, metadata={"Software": None})
