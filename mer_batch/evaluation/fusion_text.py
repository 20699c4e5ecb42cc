"""What a study of fusion found, as text for a terminal of 100 columns: scores, paired tests and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from mer_batch.evaluation.fusion import GATED, GOOD, POOLED, Part, Study, Test
from mer_batch.evaluation.statistics.intervals import ALPHA
from mer_batch.evaluation.statistics.verdict import p_text, points
from mer_batch.evaluation.table import HEADS
from mer_batch.report.words import percent

WIDTH: Final = 100
ABOUT: Final = {
    "spoken": "a clip and its own words; the actors say the same words in every emotion",
    "matched": "a clip with a sentence and a face of the same label by other people: the most that fusion can gain",
}


def as_text(found: Study) -> str:
    """Kind by kind: the table of readers, the tests, and whether fusion helps."""
    blocks = ["\n".join(_part(part)) for part in found.parts]
    return "\n\n".join([*(f"note: {note}" for note in found.notes), *blocks])


def _part(part: Part) -> Iterator[str]:
    yield f"{part.name} pairs, n = {len(part.ids)}: {ABOUT[part.name.split()[0]]}"
    yield (
        f"{'':<13}{'read':>6}"
        + "".join(f"{HEADS[name]:>18}" for name in ("accuracy", "uar"))
        + (f"{HEADS['weighted_f1']:>13}{'NLL':>8}{'ECE':>8}")
    )
    for row in part.rows:
        values, spans = row.scores.values, row.scores.intervals
        shares = (f"{values[name]:.3f} ({spans[name][0]:.2f}-{spans[name][1]:.2f})" for name in ("accuracy", "uar"))
        yield (
            f"{row.name:<13}{row.read:>6}"
            + "".join(f"{text:>18}" for text in shares)
            + (f"{values['weighted_f1']:>13.3f}{values['nll']:>8.3f}{values['ece']:>8.3f}")
        )
    yield from (_test(test) for test in part.tests)
    for name, (good, poor) in part.voice_share.items():
        yield f"share of the voice, {name}: {good:.2f} where its quality is {GOOD} or more, else {poor:.2f}"
    yield from wrap(verdict(part), WIDTH)


def _test(test: Test) -> str:
    gain = test.comparison.gains["accuracy"]
    span = "" if gain.low is None or gain.high is None else f" ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    people = "" if test.speakers is None else f"; speakers better {test.speakers[0]}, worse {test.speakers[1]}"
    return (
        f"{test.second} over {test.first}: {100 * gain.value:+.1f} points{span}, "
        f"McNemar {p_text(test.comparison.test.p)}, Holm {p_text(test.p)}{people}"
    )


def verdict(part: Part) -> str:
    """Whether fusion helps on these pairs, in a sentence or two."""
    tests = {(test.first, test.second): test for test in part.tests}
    told = []
    for name in (POOLED, GATED):
        test = tests.get((part.best_single, name))
        if test is not None:
            told.append(_helps(name, part.best_single, test))
    between = tests.get((POOLED, GATED))
    if between is not None:
        told.append(_gate_helps(between))
    return " ".join(told)


def _helps(name: str, single: str, test: Test) -> str:
    gain = test.comparison.gains["accuracy"].value
    if test.p >= ALPHA:
        return f"That {name} readings are better than {single}, or worse, cannot be shown here ({p_text(test.p)})."
    better = "better" if gain > 0 else "worse"
    whether = "Fusion helps" if gain > 0 else "Fusion harms"
    return f"{whether}: {name} readings are {better} than {single} by {points(abs(gain))} ({p_text(test.p)})."


def _gate_helps(test: Test) -> str:
    gain = test.comparison.gains["accuracy"].value
    right = percent(test.comparison.agreement)
    if test.p >= ALPHA:
        return f"The gate is not shown to differ from the pool in accuracy ({p_text(test.p)}; both read {right} alike)."
    return f"The gate is {'better' if gain > 0 else 'worse'} than the pool by {points(abs(gain))} ({p_text(test.p)})."
