"""The verdict on a training run, in plain words, and its numbers as texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import numpy as np

from mer_batch.labels import EMOTIONS, VERBS
from mer_batch.pages.run.charts import NAMES
from mer_batch.pages.run.data import Run, Scored
from mer_batch.pages.run.errors import confused_pairs
from mer_batch.report.confusion import SCORE_WORDS
from mer_batch.scores.groups import plural
from mer_batch.scores.metrics import SCORES, Scores
from mer_batch.tasks.parts import WITHOUT
from mer_batch.wording import counted, listed, percent

EXTRA_WORDS: Final = {
    "ece": "Calibration error (ECE)",
    "ece_debiased": "ECE without what chance adds",
    "ece_before": "ECE before calibration",
    "nll": "Mean −log p of the label, nats",
}
SHORT: Final = {**NAMES, "ece": "ECE"}
UNITS: Final = {"face": "picture", "voice": "clip", "text": "sentence"}
STATES: Final = {
    "running": "This run is still going on, or was killed; what stands here is what it has left so far.",
    "failed": "This run failed; what stands here is what it left. Go on with",
    "interrupted": "This run was interrupted; what stands here is what it left. Go on with",
}


def verdict(run: Run) -> list[str]:
    """What was trained on what, how good it is, how that is known, and what it is bad at: one paragraph each."""
    judged = run.judged
    if judged is None:
        return [_made(run), _chosen(run) or "No epoch has ended yet.", "It has not been scored yet."]
    return [
        " ".join(_score_sentences(run, judged)),
        " ".join(part for part in (_made(run), _chosen(run), leakage(run)) if part),
        " ".join(_weakness(judged)),
    ]


def _score_sentences(run: Run, judged: Scored) -> Iterator[str]:
    scores, unit = judged.scores, UNITS.get(run.modality or "", "item")
    yield (
        f"On {set_name(run, judged)} it gives the annotators’ label to {_share(scores, 'accuracy')} "
        f"of {counted(scores.n, unit)}."
    )
    often = int(scores.confusion.sum(axis=1).argmax())
    floor = scores.confusion.sum(axis=1).max() / scores.n
    yield f"Always saying {EMOTIONS[often]} would reach {percent(float(floor))}."
    yield f"Its mean recall of the emotions (UAR) is {_share(scores, 'uar')}.{chance(scores)}"
    if judged is run.validation:
        yield "This set also chose the epoch and the temperature, so the score is too good; a test set is missing."


def chance(scores: Scores) -> str:
    """What it means that readings are no better than guesses; empty where they are better."""
    classes = len(scores.present)
    if scores.intervals["uar"][0] > 1 / classes + 1e-9:
        return ""
    return (
        f" That is not beyond chance, 1 in {classes}: nothing shows that what it reads tells these emotions apart. Its "
        f"mean −log p of the label is {scores.values['nll']:.3f} nats; to guess evenly costs ln {classes} = "
        f"{np.log(classes):.3f}."
    )


def set_name(run: Run, judged: Scored) -> str:
    """The name of a set, such as "FER2013 private test"."""
    if judged.name and judged.name not in ("test", "validation"):
        return judged.name
    if judged is run.test:
        return (run.card.confusion_source if run.card else "") or "the test set"
    return "the validation set"


def _share(scores: Scores, name: str) -> str:
    value, span = scores.values[name], scores.intervals.get(name)
    if span is None:
        return f"{100 * value:.1f} %"
    return f"{100 * value:.1f} % (95 % interval {100 * span[0]:.1f} to {100 * span[1]:.1f} %)"


def net_name(run: Run) -> str:
    """The architecture, "network" while unknown."""
    return str(run.option("net", "name") or (run.card.net if run.card else "") or "network")


def _made(run: Run) -> str:
    data = run.card.data if run.card else ""
    return f"The network is {net_name(run)}" + (f", trained on: {data}." if data else ".")


def _chosen(run: Run) -> str:
    from mer_batch.scores.plots import best_epoch

    chosen, select = best_epoch(run.rows), selected(run)
    if chosen is None:
        return ""
    best = next(row.get(select) for row in run.rows if row["epoch"] == chosen)
    value = f" of {best:.3f}" if isinstance(best, (int, float)) else ""
    where = f" ({set_name(run, run.validation)})" if run.validation and run.validation.name else ""
    return (
        f"Epoch {chosen} of {run.rows[-1]['epoch']} was chosen for its {_lower(select)}{value} "
        f"on validation data{where}; the test set had no part in that."
    )


def selected(run: Run) -> str:
    """The score that chose the epoch."""
    name = str(run.option("train", "select", "accuracy"))
    return name if name in SCORES else "accuracy"


def _lower(name: str) -> str:
    words = SCORE_WORDS[name]
    return words[0].lower() + words[1:]


def leakage(run: Run) -> str:
    """Whether training saw copies of test items; empty where nothing is known of copies."""
    if run.option("data", "keep_leaks"):
        return (
            "Not leakage-free: copies of test items stayed in the training data (keep_leaks), as in much of the "
            f"literature, so the scores are too good.{_without_leaks(run)}"
        )
    if run.modality != "face" or not run.info.get("options"):
        return ""
    return "Leakage-free: what is known to copy a validation or test item was left out of the training data."


def _without_leaks(run: Run) -> str:
    parts = [(name, row) for name, row in (run.card.evaluations if run.card else {}).items() if name.endswith(WITHOUT)]
    if not parts:
        return ""
    name, row = parts[-1]
    return f" On the items without a copy ({name}) its accuracy is {row['accuracy']:.3f}."


def _weakness(judged: Scored) -> Iterator[str]:
    scores = judged.scores
    worst = min(scores.per_class, key=lambda name: scores.per_class[name]["f1"])
    row, (low, high) = scores.per_class[worst], scores.recall_intervals[worst]
    yield (
        f"It is worst at {worst}: it finds {percent(row['recall'])} ({100 * low:.0f} to {percent(high)}) "
        f"of what is labelled {worst}, "
        f"and is right in {percent(row['precision'])} of what it reads as {worst}."
    )
    pairs = confused_pairs(scores.confusion)
    if pairs:
        pair = pairs[0]
        taken = f"{pair.first} and {pair.second} for each other" if pair.back else f"{pair.first} for {pair.second}"
        yield (
            f"It mostly takes {taken} "
            f"({percent(pair.of_errors)} of its {counted(scores.n - int(np.trace(scores.confusion)), 'error')})."
        )
    yield (
        f"Its probabilities are off by {100 * scores.values['ece']:.1f} points on average "
        f"({100 * scores.values['ece_before']:.1f} before calibration)."
    )


def score_rows(run: Run) -> list[dict[str, str]]:
    """A row a score, with a value and its interval on each set; every further score of the card after them."""
    sets = {"test": run.test, "validation": run.validation}
    rows = []
    for name in (*SCORES, "ece", "ece_debiased", "ece_before", "nll"):
        row = {"name": SCORE_WORDS.get(name, EXTRA_WORDS.get(name, name))}
        for key, scored in sets.items():
            value, span = ("", "") if scored is None else _cells(scored.scores, name)
            row |= {key: value, f"{key}_span": span}
        rows.append(row)
    return rows


def _cells(scores: Scores, name: str) -> tuple[str, str]:
    span = scores.intervals.get(name)
    return f"{scores.values[name]:.3f}", f"{span[0]:.3f} to {span[1]:.3f}" if span else ""


def over_groups(run: Run) -> str:
    """The intervals over new speakers or the like, where the test has several; empty else."""
    own = run.test.scores.grouped if run.test else None
    if own is None:
        return ""
    told = [
        f"{SCORE_WORDS.get(name, name)} {own.intervals[name][0]:.3f} to {own.intervals[name][1]:.3f}"
        for name in SCORES
        if name in own.intervals
    ]
    return f"Items of one {own.by} are alike. Over new {plural(own.by)} ({own.units} are here): {listed(told)}."


def part_rows(run: Run) -> list[tuple[str, str, list[str]]]:
    """(part, items, scores) of the parts of the held-out data that the card tells, such as those without leaks."""
    found = run.card.evaluations if run.card else {}
    return [
        (name, f"{row['n']:,.0f}" if "n" in row else "", [_number(row.get(score)) for score in (*SCORES, "ece")])
        for name, row in found.items()
    ]


def view_rows(run: Run) -> list[tuple[str, str]]:
    """Scores with test-time augmentation."""
    found = run.card.scores if run.card else {}
    return [(SHORT.get(name[:-4], name[:-4]), _number(v)) for name, v in found.items() if name.endswith("_tta")]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def count_rows(run: Run) -> list[tuple[str, list[tuple[str, int]]]]:
    """How many items each label has in the training, validation and test data, as (text, per cent), and the sums.

    Empty for a run that did not note its training data.
    """
    noted = run.info.get("counts") or {}
    tables = [noted.get("train") or {}, *(_counts(scored) for scored in (run.validation, run.test))]
    tables[1] = tables[1] or noted.get("validation") or {}
    if not tables[0]:
        return []
    sums = [sum(table.values()) for table in tables]
    rows = [(name, [_count(table, name) for table in tables]) for name in EMOTIONS]
    return [*rows, ("all", [(f"{n:,}" if n else "–", 0) for n in sums])]


def _count(table: Mapping[str, int], name: str) -> tuple[str, int]:
    return f"{table.get(name, 0):,}", round(100 * table.get(name, 0) / max(sum(table.values()), 1))


def _counts(scored: Scored | None) -> dict[str, int]:
    if scored is None:
        return {}
    sums = scored.scores.confusion.sum(axis=1).tolist()
    return {name: count for name, count in zip(EMOTIONS, sums, strict=True) if count}


def class_rows(judged: Scored) -> list[dict[str, str]]:
    """The emotions, worst F1 first, with an interval of the recall and what they are mostly taken for."""
    rows = []
    scores = judged.scores
    for name in scores.ranked:
        row, other = scores.per_class[name], scores.taken_for[name]
        n, (low, high) = int(row["support"]), scores.recall_intervals[name]
        taken = int(scores.confusion[EMOTIONS.index(name), EMOTIONS.index(other)]) if other else 0
        rows.append(
            {
                "name": name,
                "n": f"{n:,}",
                "precision": f"{row['precision']:.3f}",
                "recall": f"{row['recall']:.3f}",
                "span": f"{low:.2f} to {high:.2f}",
                "f1": f"{row['f1']:.3f}",
                "width": str(round(100 * row["f1"])),
                "instead": other,
                "instead_share": percent(taken / n) if other else "",
            }
        )
    return rows


def reads_as(run: Run) -> str:
    """The verb for a reading of this modality."""
    return VERBS.get(run.modality or "", "reads as")


def duration(seconds: float) -> str:
    """Seconds as a reader would say them: "48 s", "12 min", "3 h 05 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def moment(text: str) -> str:
    """An ISO time as a reader would write it; left alone when it is none."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d at %H:%M}"
    except ValueError:
        return text
