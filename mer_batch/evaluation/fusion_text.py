"""What a study of fusion found, for a terminal of 100 columns and as JSON: scores, paired tests and a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, Final

from mer_batch.evaluation.fusion import GATED, GOOD, POOLED, Part, Study, Test
from mer_batch.scores.groups import plural
from mer_batch.scores.statistics.intervals import ALPHA
from mer_batch.scores.wording import HEADS, p_text, points
from mer_batch.wording import percent

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
        own = row.scores.grouped
        if own is not None:
            wide = (own.intervals.get(name) for name in ("accuracy", "uar"))
            told = "".join(f"{f'({span[0]:.2f}-{span[1]:.2f})' if span else '':>18}" for span in wide)
            yield f"{'  over new ' + plural(own.by):<19}{told}   ({own.units})"
    if part.rows and part.rows[0].scores.grouped is None:
        yield "One speaker, or nobody knows who speaks: intervals and tests are of these clips, not of new people."
    yield from (_test(test) for test in part.tests)
    for name, (good, poor) in part.voice_share.items():
        yield f"share of the voice, {name}: {good:.2f} where its quality is {GOOD} or more, else {poor:.2f}"
    yield from wrap(verdict(part), WIDTH)


def _test(test: Test) -> str:
    gain = test.comparison.gains["accuracy"]
    span = "" if gain.low is None or gain.high is None else f" ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    people = "" if test.speakers is None else f"; better for {test.speakers[0]}, worse for {test.speakers[1]}"
    return (
        f"{test.second} over {test.first}: {100 * gain.value:+.1f} points{span},\n"
        f"  {test.comparison.how} {p_text(test.comparison.p)}, Holm {p_text(test.p)}{people}"
    )


def verdict(part: Part) -> str:
    """Whether fusion helps on these pairs, in a sentence or two."""
    told = []
    for name in (POOLED, GATED):
        against = {test.first: test for test in part.tests if test.second == name and test.first != POOLED}
        if against:
            told.append(_helps(name, part.best_single, against))
    told += [_gate_helps(test) for test in part.tests if test.first == POOLED]
    return " ".join(told)


def _helps(name: str, best: str, against: Mapping[str, Test]) -> str:
    """Better than every single modality, worse than the best of them, or neither."""
    p, own = max(test.p for test in against.values()), against[best]
    if p < ALPHA and all(_gain(test) > 0 for test in against.values()):
        gain = f"{points(_gain(own))} above {best}"
        return f"Fusion helps: {name} readings are better than every single modality, {gain} ({p_text(p)})."
    if own.p < ALPHA and _gain(own) < 0:
        return f"Fusion harms: {name} readings are worse than {best} by {points(-_gain(own))} ({p_text(own.p)})."
    single = f"the best single modality ({best})"
    return f"That {name} readings are better than {single}, or worse, cannot be shown here ({p_text(p)})."


def _gain(test: Test) -> float:
    return test.comparison.gains["accuracy"].value


def _gate_helps(test: Test) -> str:
    gain = _gain(test)
    right = percent(test.comparison.agreement)
    if test.p >= ALPHA:
        return f"The gate is not shown to differ from the pool in accuracy ({p_text(test.p)}; both read {right} alike)."
    return f"The gate is {'better' if gain > 0 else 'worse'} than the pool by {points(abs(gain))} ({p_text(test.p)})."


def as_json(found: Study) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "model": found.model or None,
        "split": found.split,
        "notes": list(found.notes),
        "parts": {
            part.name: {
                "verdict": verdict(part),
                "best_single": part.best_single,
                "readers": {row.name: {"read": row.read, **row.scores.as_json()} for row in part.rows},
                "tests": [test.as_json() for test in part.tests],
                "voice_share": {name: list(shares) for name, shares in part.voice_share.items()},
            }
            for part in found.parts
        },
    }
