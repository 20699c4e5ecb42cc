"""The report of a training run: one self-contained page and its pictures, from the run folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mer_batch import __version__
from mer_batch.errors import MerError
from mer_batch.files import whole_file
from mer_batch.labels import COLOURS, EMOTIONS
from mer_batch.pages.run import charts, errors, maps, origin, phases, words
from mer_batch.pages.run.data import Run, Scored, read_info, read_run
from mer_batch.pages.run.items import Shown, shown_items
from mer_batch.report.charts import Matrix
from mer_batch.report.html import page_policy, script_json, template
from mer_batch.resources import data_dir
from mer_batch.scores import plots
from mer_batch.wording import counted, percent, printable

if TYPE_CHECKING:
    from mer_batch.tasks.task import Task

NAME: Final = "report.html"
SCRIPTS: Final = ("run.js", "run_map.js")
STYLES: Final = ("report.css", "run.css", "run_map.css")
HIDDEN: Final = "They were left out on request (--no-pictures); the names of the files stand here instead."
ABSENT: Final = "The data set is not at hand, so the names of the files stand here instead of what is in them."


def write_run_report(folder: Path, task: Task | None, *, pictures: bool = True) -> Path:
    """Write report.html, curves.png, confusion_*.png, reliability.png and, where the run has maps, tsne.png.

    All of them land in the run folder; returns the page.

    The page is made from what the folder holds, however little; `task` gives the items that it shows as pictures,
    clips or sentences, which `pictures=False` leaves out. Raises `UsageError` where `folder` is no run,
    `DataError` where it is damaged.
    """
    run = read_run(folder)
    _draw(run)
    items, absent = _items(run, task, pictures)
    with whole_file(folder / NAME) as part:
        part.write_text(_page(run, items, absent), encoding="utf-8", newline="\n")
    return folder / NAME


def load_run_task(folder: Path) -> Task | None:
    """The task of a run by its effective options, None where its data set is not at hand."""
    from mer_batch.tasks.recipe import read_recipe
    from mer_batch.tasks.task import load_task

    info = read_info(folder)
    try:
        if info.get("options"):
            return load_task(str(info.get("task")), info["options"].get("data") or {})
        recipe = read_recipe(str(folder / "recipe.toml"))
        return load_task(recipe.task, recipe.data)
    except (MerError, OSError):
        return None


def _draw(run: Run) -> None:
    plots.curves_png(run.folder / "curves.png", run.rows)
    maps.draw(run)
    judged = run.judged
    if judged is None:
        return
    title = words.set_name(run, judged)
    title = title[0].upper() + title[1:]
    plots.confusion_png(run.folder / "confusion_counts.png", judged.scores.confusion, False, title)
    plots.confusion_png(run.folder / "confusion_normalised.png", judged.scores.confusion, True, title)
    read = judged.predictions
    plots.reliability_png(run.folder / "reliability.png", read.labels, judged.before, read.probabilities)


def _items(run: Run, task: Task | None, pictures: bool) -> tuple[Mapping[str, Shown], str]:
    """The items that the page shows, by id, and why there are none."""
    judged = run.judged
    if judged is None or run.modality is None:
        return {}, ""
    if not pictures:
        return {}, HIDDEN
    read = judged.predictions
    cases = [*errors.worst_errors(read), *errors.least_sure(read), *errors.clearest(read)]
    try:
        held_out = None if task is None else task.held_out("test" if judged is run.test else "validation")
    except (MerError, OSError):
        held_out = None
    found = shown_items(run.modality, held_out, [case.id for case in cases]) if held_out else {}
    return found, "" if found or not cases else ABSENT


def _page(run: Run, items: Mapping[str, Shown], absent: str) -> str:
    script = f"(() => {{\n{_joined(SCRIPTS)}\n}})();"
    shown = maps.shown(run)
    chosen = plots.best_epoch(run.rows)
    values = {
        **_head(run),
        "curves": charts.curves(run.rows, chosen, words.selected(run)),
        "chosen": chosen,
        "epoch_table": _epoch_table(run),
        **_course(run),
        "judged": None if run.judged is None else _judged(run, run.judged, items),
        "absent": absent,
        "parts": words.part_rows(run),
        "views": words.view_rows(run),
        "views_name": run.card.views if run.card else "",
        "scores": words.score_rows(run),
        "over_groups": words.over_groups(run),
        "counts": words.count_rows(run),
        "unit": words.UNITS.get(run.modality or "", "item"),
        **origin.context(run),
        "css": _joined(STYLES),
        "colours": COLOURS,
        "emotions": EMOTIONS,
        "js": script,
        "policy": page_policy([script]),
        "data_json": script_json({"epochs": charts.readout(run.rows), "maps": shown.data if shown else None}),
        "maps": shown,
        "version": __version__,
    }
    return printable(template("run.html.j2").render(values))


def _joined(names: tuple[str, ...]) -> str:
    """Files of the page's look, one after the other."""
    return "\n".join((data_dir("templates") / name).read_text(encoding="utf-8") for name in names)


def _head(run: Run) -> dict[str, object]:
    meta = [str(run.info.get("task") or run.modality or ""), words.net_name(run), run.state]
    meta += [counted(len(run.rows), "epoch")] if run.rows else []
    notices = []
    if run.state in words.STATES:
        notices.append(words.STATES[run.state])
    if run.info.get("reason"):
        notices.insert(0, f"It failed: {run.info['reason']}.")
    return {
        "title": run.name,
        "meta": " · ".join(part for part in meta if part),
        "verdict": words.verdict(run),
        "notices": notices,
        "resume": f"mer train --resume {run.folder}" if run.state in ("interrupted", "failed") else "",
    }


def _course(run: Run) -> dict[str, object]:
    items = len(run.validation.predictions) if run.validation else 1000
    course = phases.Course(run.rows, words.selected(run), items)
    return {
        "phases": phases.phase_rows(course),
        "remarks": phases.remarks(course),
        "focus": phases.focus_words(run.rows),
    }


def _epoch_table(run: Run) -> list[dict[str, str]]:
    return [
        {
            "epoch": str(row["epoch"]),
            "phase": str(row.get("phase") or ""),
            **{name: f"{row[name]:.3f}" if row.get(name) is not None else "–" for name in (*plots.SCORES, "loss")},
            "rate": f"{row['rate']:.2g}" if row.get("rate") is not None else "–",
            "focus": ", ".join(row.get("focus") or ()),
            "seconds": f"{row['seconds']:.0f}" if row.get("seconds") is not None else "–",
        }
        for row in run.rows
    ]


@dataclass(frozen=True)
class _Shown:
    """A case with what the page shows of it."""

    case: errors.Case
    item: Shown | None


def _judged(run: Run, judged: Scored, items: Mapping[str, Shown]) -> dict[str, object]:
    read, counts = judged.predictions, judged.scores.confusion.tolist()
    matrix = Matrix(counts, "label", "reading", unit="items")
    pairs = errors.confused_pairs(judged.scores.confusion)
    return {
        "name": words.set_name(run, judged),
        "n": f"{judged.scores.n:,}",
        "classes": words.class_rows(judged),
        "counts": matrix.table("Items by label (rows) and reading (columns)"),
        "shares": matrix.table_of_shares("Each label’s items by reading, in % of the label"),
        "pairs": [_pair(number, pair) for number, pair in enumerate(pairs[:10], 1)],
        "reliability": charts.reliability(read.labels, judged.before, read.probabilities),
        "bar": charts.BAR,
        "ece": [f"{judged.scores.values[name]:.3f}" for name in ("ece_before", "ece")],
        "temperature": str(read.meta.get("temperature") or ""),
        "worst": [_Shown(case, items.get(case.id)) for case in errors.worst_errors(read)],
        "clearest": [_Shown(case, items[case.id]) for case in errors.clearest(read) if case.id in items],
        "unsure": [_Shown(case, items.get(case.id)) for case in errors.least_sure(read)],
        "verb": words.reads_as(run),
        "shown": len(items),
    }


def _pair(number: int, pair: errors.Pair) -> dict[str, object]:
    directions = [
        (pair.first, pair.second, pair.there, pair.there_share),
        (pair.second, pair.first, pair.back, pair.back_share),
    ]
    return {
        "rank": number,
        "pair": (pair.first, pair.second),
        "of_errors": percent(pair.of_errors),
        "directions": [
            f"{count:,} labelled {label} read as {reading} ({percent(share)} of {label})"
            for label, reading, count, share in directions
            if count and share is not None
        ],
    }
