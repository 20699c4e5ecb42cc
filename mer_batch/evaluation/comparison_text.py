"""A comparison as text for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from mer_batch.scores.metrics import SCORES
from mer_batch.scores.statistics.comparison import Comparison
from mer_batch.scores.wording import HEADS, p_text
from mer_batch.types import Interval
from mer_batch.wording import counted

WIDTH = 100


def as_text(found: Comparison) -> str:
    """The verdict, then the scores of both, the items that they differ on, and the emotions."""
    blocks = [wrap(found.verdict, WIDTH), _head(found), _scores(found), _items(found), _classes(found)]
    return "\n\n".join("\n".join(block) for block in blocks)


def _head(found: Comparison) -> Iterator[str]:
    for letter, name, lost in zip("AB", found.names, found.unmatched, strict=True):
        tail = f" ({counted(lost, 'item')} without a partner left out)" if lost else ""
        room = WIDTH - len(tail) - 3
        yield f"{letter}  {name if len(name) <= room else '…' + name[1 - room :]}{tail}"
    drawn = f"; whole groups drawn: {found.by} ({found.units})" if found.by else ""
    yield f"{counted(found.n, 'item')} in both, read alike on {found.agreement:.1%}{drawn}"


def _scores(found: Comparison) -> Iterator[str]:
    yield f"{'95 % intervals':<15}" + "".join(f"{HEADS[name]:>21}" for name in SCORES)
    for letter, side in zip("AB", found.scores, strict=True):
        yield f"{letter:<15}" + "".join(f"{_share(side[name]):>21}" for name in SCORES)
    yield f"{'B gains, points':<15}" + "".join(f"{_gain(found.gains[name]):>21}" for name in SCORES)


def _items(found: Comparison) -> Iterator[str]:
    test = found.test
    yield f"{'':<10}{'B right':>10}{'B wrong':>10}"
    yield f"{'A right':<10}{test.both_right:>10,}{test.only_first:>10,}"
    yield f"{'A wrong':<10}{test.only_second:>10,}{test.both_wrong:>10,}"
    exact = "" if test.form == "exact" else f"; exact {p_text(test.exact)}"
    yield f"McNemar ({test.form}): {p_text(test.p)}{exact}"
    smallest = found.detectable
    if smallest.gain is None:
        yield "No gain could be found at this rate of disagreement: the items are too few."
    else:
        yield (
            f"Smallest gain found with probability {smallest.power:g} at {smallest.discordance:.1%} of items with one "
            f"right: {100 * smallest.gain:.1f} points"
        )


def _classes(found: Comparison) -> Iterator[str]:
    yield f"{'recall':<10}{'n':>7}{'A':>21}{'B':>21}{'B gains, points':>23}{'p (Holm)':>12}"
    for row in sorted(found.classes, key=lambda row: row.gain.value):
        p = p_text(row.holm).removeprefix("p ").removeprefix("= ")
        yield (f"{row.label:<10}{row.n:>7,}{_share(row.first):>21}{_share(row.second):>21}{_gain(row.gain):>23}{p:>12}")


def _share(span: Interval) -> str:
    return _with(span, 1, ".3f")


def _gain(span: Interval) -> str:
    return _with(span, 100, "+.1f")


def _with(span: Interval, scale: float, form: str) -> str:
    """A number with its interval, such as "0.612 (0.580-0.643)"."""
    value = _number(scale * span.value, form)
    if span.low is None or span.high is None:
        return value
    between = " to " if "+" in form else "-"
    return f"{value} ({_number(scale * span.low, form)}{between}{_number(scale * span.high, form)})"


def _number(value: float, form: str) -> str:
    # What rounds to nothing has no sign.
    text = f"{value:{form}}"
    return text.replace("-", "+") if float(text) == 0 else text
