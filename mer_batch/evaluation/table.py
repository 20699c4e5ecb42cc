"""An evaluation as text for a terminal of 100 columns, and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mer_batch.evaluation.result import Evaluation, Result
from mer_batch.files import whole_file
from mer_batch.scores import predictions
from mer_batch.scores.groups import plural
from mer_batch.scores.metrics import SCORES, Scores
from mer_batch.scores.wording import HEADS, confusion_lines
from mer_batch.tasks.parts import ALL, BOTH, WITHOUT


def as_text(found: Evaluation) -> str:
    """Tables of scores, calibration, classes and confusions, with 95 % intervals in brackets."""
    blocks = [_head(found), _scores(found), _calibration(found), _ensemble(found), _classes(found)]
    blocks += [confusion_lines(found.main.scores, shares) for shares in (False, True)]
    return "\n\n".join("\n".join(block) for block in map(list, blocks) if block)


def _head(found: Evaluation) -> Iterator[str]:
    scores, several = found.main.scores, len({result.part.name for result in found.results}) > 1
    yield f"{found.name}: n = {len(found.ids) if several else scores.n}, {len(scores.present)} classes"
    yield found.tally.sentence()
    if several:
        yield f"classes and confusions: {found.main.part.name} (n = {scores.n})"
    models = f"ensemble of {len(found.members)}" if found.members else f"model {found.request.models[0]}"
    views = f"; test-time augmentation: {found.views}" if found.views else ""
    bias = "; class biases" if any(found.bias) else ""
    yield f"{models}; temperature {found.temperature:g}{bias}{views}"


def _scores(found: Evaluation) -> Iterator[str]:
    yield f"{'':<22}{'n':>6}" + "".join(f"{HEADS[name]:>18}" for name in SCORES)
    for result in found.results:
        yield from _row(result)
        yield from _over_groups(result)
        if result.plain is not None and result.part.items == ALL:
            yield f"{'  one view':<22}{'':>6}" + "".join(_value(result.plain, name) for name in SCORES)


def _row(result: Result) -> Iterator[str]:
    name = result.part.name if result.part.items == ALL else f"  {result.part.items}"
    yield f"{name[:22]:<22}{result.scores.n:>6}" + "".join(_value(result.scores, name) for name in SCORES)


def _over_groups(result: Result) -> Iterator[str]:
    """The intervals over new speakers or the like, where there are several; the numbers above are over new items."""
    own = result.scores.grouped
    if own is not None:
        spans = (tuple(map(_short, own.intervals[name])) if name in own.intervals else ("", "") for name in SCORES)
        told = "".join(f"{f'({low}-{high})' if low else '':>18}" for low, high in spans)
        yield f"{f'    over new {plural(own.by)}'[:22]:<22}{own.units:>6}{told}"


def _value(scores: Scores, name: str) -> str:
    value, low, high = map(_short, (scores.values[name], *scores.intervals[name]))
    return f"{value} ({low}-{high})".rjust(18)


def _short(share: float) -> str:
    """A share in four signs, .123 or 1.00, so that columns stay apart."""
    return "1.00" if f"{share:.3f}" == "1.000" else f"{share:.3f}".removeprefix("0")


def _calibration(found: Evaluation) -> Iterator[str]:
    yield (
        f"{'calibration':<22}{'ECE before':>11}{'after':>8}{'debiased':>10}{'95 % interval':>18}"
        f"{'NLL before':>12}{'after':>8}"
    )
    for result in found.results:
        name = result.part.name if result.part.items == ALL else f"  {result.part.items}"
        values, (low, high) = result.scores.values, result.scores.intervals["ece_debiased"]
        ece = f"{values['ece_before']:>11.4f}{values['ece']:>8.4f}{values['ece_debiased']:>10.4f}"
        loss = f"{values['nll_before']:>12.4f}{values['nll']:>8.4f}"
        yield f"{name[:22]:<22}{ece}{f'{low:.4f} to {high:.4f}':>18}{loss}"


def _ensemble(found: Evaluation) -> Iterator[str]:
    for member in found.members:
        yield f"member {member.model}: accuracy {member.accuracy:.4f}, UAR {member.uar:.4f}"
    if found.agreement:
        yield f"members agree: all on {found.agreement['all']:.1%}, two of them on {found.agreement['pairs']:.1%}"
    for other, spans in found.gains.items():
        parts = [f"{HEADS[name]} {v:+.4f} ({low:+.4f} to {high:+.4f})" for name, (v, low, high) in spans.items()]
        yield f"gain over {other}:"
        yield f"  {', '.join(parts)}"
    for (one, other), spans in found.twins.items():
        parts = [f"{HEADS[name]} {v:+.3f} ({low:+.3f} to {high:+.3f})" for name, (v, low, high) in spans.items()]
        yield f"{one} against {other}:"
        yield f"  {', '.join(parts[:2])}"
        yield f"  {', '.join(parts[2:])}"


def _classes(found: Evaluation) -> Iterator[str]:
    main = found.main
    twin = next((r for r in found.results if r.part.name == main.part.name and r.part.items == WITHOUT), None)
    extra = f"{WITHOUT + ': n':>19}{'recall':>8}{'F1':>6}" if twin else ""
    yield "classes, most confusing first"
    yield f"{'class':<9}{'n':>6}{'precision':>10}{'recall':>8}{'95 % interval':>16}{'F1':>7}  {'taken for':<9}{extra}"
    for label in main.scores.ranked:
        row, (low, high) = main.scores.per_class[label], main.scores.recall_intervals[label]
        line = f"{label:<9}{row['support']:6.0f}{row['precision']:10.3f}{row['recall']:8.3f}"
        line += f"{f'{low:.3f} to {high:.3f}':>16}{row['f1']:7.3f}  {main.scores.taken_for[label]:<9}"
        other = twin.scores.per_class.get(label) if twin else None
        yield (line + (f"{other['support']:19.0f}{other['recall']:8.3f}{other['f1']:6.3f}" if other else "")).rstrip()


def write_json(found: Evaluation, path: Path) -> None:
    """All scores, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(found.as_json(), indent=1) + "\n", encoding="utf-8")


def write_files(found: Evaluation, folder: Path) -> None:
    """`scores.json`, `predictions/PART.parquet` for each part, and the figures of the main part."""
    from mer_batch.scores.plots import confusion_png, reliability_png

    write_json(found, folder / "scores.json")
    for result in found.results:
        where = result.part.where
        if result.part.items == ALL and (result.part.name != BOTH or len(found.results) == 1):
            predictions.write(
                folder / "predictions" / f"{result.part.name.replace(' ', '-')}.parquet",
                [name for name, kept in zip(found.ids, where, strict=True) if kept],
                found.labels[where],
                found.after[where],
                groups={name: np.array(values)[where].tolist() for name, values in found.groups.items()},
                set=found.name,
                part=result.part.name,
                models=list(found.request.models),
                temperature=found.temperature,
                bias=list(found.bias),
                views=found.views,
            )
    where, whole = found.main.part.where, found.main.scores.n == len(found.ids)
    title = found.name if whole else f"{found.modality}: {found.main.part.title} part"
    confusion_png(folder / "confusion_counts.png", found.main.scores.confusion, False, title)
    confusion_png(folder / "confusion_normalised.png", found.main.scores.confusion, True, title)
    reliability_png(folder / "reliability.png", found.labels[where], found.before[where], found.after[where])
