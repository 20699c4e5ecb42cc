"""The answer of a study in plain sentences, with what it cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mer_batch.scores.plots import SCORES
from mer_batch.scores.statistics.effect import Pair
from mer_batch.scores.statistics.intervals import ALPHA
from mer_batch.scores.statistics.study import Average, Study
from mer_batch.scores.wording import p_text, points, span_text
from mer_batch.wording import counted, listed, percent


@dataclass(frozen=True)
class Recommendation:
    """The batch size of the highest mean; `matters` tells whether batch sizes differ beyond chance.

    `as_good` are those that are not known to be worse, the recommended one among them.
    """

    batch_size: int
    matters: bool
    as_good: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def recommend(study: Study) -> Recommendation:
    """The best mean, and the batch sizes that neither the test over all nor the one of the pair tells from it."""
    best = max(study.configurations, key=lambda found: found.scores[study.score].mean).batch_size
    if study.effect is None or study.effect.p >= ALPHA:
        return Recommendation(best, False, study.batch_sizes)
    worse = {other for pair in study.effect.pairs if (other := _beaten(pair, best)) is not None}
    return Recommendation(best, True, tuple(size for size in study.batch_sizes if size not in worse))


def _beaten(pair: Pair, best: int) -> int | None:
    """The batch size of a pair that is worse than the best one beyond chance."""
    if pair.holm >= ALPHA or best not in (pair.first, pair.second):
        return None
    return pair.first if pair.second == best else pair.second


def sentences(study: Study) -> list[str]:
    """The answer first, then what was recommended, what moves the score, and what stays hard."""
    return [text for text in (_answer(study), _advice(study), _spread(study), _gain(study), _hard(study)) if text]


def as_json(study: Study) -> dict[str, Any]:
    """The words about a study, for JSON."""
    return {"verdict": sentences(study), "limits": limits(study), "recommended": recommend(study).as_json()}


def _answer(study: Study) -> str:
    name, found = SCORES[study.score], study.effect
    if found is None:
        return (
            f"Whether the batch size matters cannot be told: {counted(len(study.runs), 'run')} over "
            f"{counted(len(study.seeds), 'seed')} and {counted(len(study.batch_sizes), 'batch size')}, "
            "and a test needs at least two seeds that ran at least two batch sizes."
        )
    tried = f"{p_text(found.p)}, permutation test over {len(found.seeds)} seeds"
    if found.p >= ALPHA:
        text = f"There is no difference in {name} between batch sizes that these runs and this test set can show"
        limit = ""
        if found.smallest_gain is not None:
            limit = (
                f" One batch size would have to gain {points(found.smallest_gain)} over another to be found "
                "in 80 % of such studies."
            )
        return f"{text} ({tried}).{limit}"
    return f"The batch size matters for {name} on this test set ({tried})."


def _advice(study: Study) -> str:
    found = recommend(study)
    best = study.configuration(found.batch_size).scores[study.score]
    text = f"The highest mean is that of batch size {found.batch_size}: {mean_text(best)}."
    others = [str(size) for size in found.as_good if size != found.batch_size]
    if len(study.batch_sizes) == 1:
        return text
    if not found.matters:
        return f"{text} As no batch size is known to be better, take the one that trains fastest or fits the memory."
    if others:
        sizes = f"Batch size {others[0]} is" if len(others) == 1 else f"Batch sizes {listed(others)} are"
        return f"{text} {sizes} not known to be worse."
    return f"{text} Each other batch size is worse beyond chance (paired t tests, Holm)."


def _spread(study: Study) -> str:
    found = study.variance.get(study.score)
    if found is None or found.seed is None:
        return ""
    names = {"seed": "the seed", "batch_size": "the batch size", "rest": "what neither explains"}
    shares = found.shares
    told = [f"{percent(shares[name])} from {words}" for name, words in names.items() if name in shares]
    zero = f" ({', '.join(names[name] for name in found.truncated)}: estimated below 0, set to 0)"
    return (
        f"Of the variance of a single run's {SCORES[study.score]} on a new test set of {counted(study.n, 'item')}, "
        f"{percent(shares['test'])} comes from the choice of the items, {listed(told)}"
        f"{zero if found.truncated else ''}. {_again(found.seed + (found.rest or 0.0))}"
    )


def _again(variance: float) -> str:
    """What training again does, given the variance between such runs on one test set."""
    if not variance:
        return "Seeds move the score no more than luck with the items explains."
    return (
        f"Training again with another seed moves a run by {points(variance**0.5)} (standard deviation), luck with "
        "the items aside: a smaller gain of a single run is no finding."
    )


def _gain(study: Study) -> str:
    found = study.detectable
    if found is None:
        return ""
    share = f"{percent(found.discordance)} of items"
    if found.gain is None:
        return f"Two runs that differ on {share} cannot be told apart on {counted(found.n, 'item')} by McNemar's test."
    return (
        f"Of two runs that differ by their seed alone, only one is right on {share}. At that rate McNemar's test finds "
        f"a gain in accuracy of {points(found.gain)} in {percent(found.power)} of test sets of "
        f"{counted(found.n, 'item')}, and a smaller one less often."
    )


def _hard(study: Study) -> str:
    lines = []
    if study.classes:
        worst = study.classes[0]
        lines.append(
            f"The hardest class is {worst.label}: {percent(worst.mean.value)} of its {counted(worst.n, 'item')} are "
            f"found on average, {percent(worst.lowest)} to {percent(worst.highest)} by run."
        )
    if study.confusions and len(study.runs) > 1:
        pair = study.confusions[0]
        lines.append(
            f"{pair.label.capitalize()} read as {pair.reading} is among the five most frequent errors of {pair.runs} "
            f"of {pair.of} runs ({percent(pair.share)} of {pair.label})."
        )
    if len(study.runs) > 1 and study.items.never_right:
        lines.append(f"{counted(study.items.never_right, 'item')} of {study.n:,} are read wrong by every run.")
    return " ".join(lines)


def limits(study: Study) -> list[str]:
    """Where few seeds, few groups or missing runs limit what was found."""
    return list(_limits(study))


def _limits(study: Study) -> Iterator[str]:
    seeds = len(study.seeds)
    if seeds == 1:
        yield "One seed tells nothing about the spread between seeds; differences may be luck."
    else:
        low, high = _sd_factors(seeds)
        yield (
            f"With {seeds} seeds a standard deviation between seeds is known only up to a factor of "
            f"{low:.1f} to {high:.1f} (95 % interval, normal scores)."
        )
    if study.effect is not None:
        yield from _test_limits(study)
    if len(study.configurations) > 1:
        yield (
            "The test set ranks the configurations, so the score of the highest one is slightly too good; "
            "a choice that must hold elsewhere is made on validation data."
        )
    if study.by is not None:
        yield (
            f"Intervals and tests over items take whole groups ({study.by}, {study.units}) as the unit; McNemar's "
            "tests of single seeds take items as independent."
        )
    missing = len(study.seeds) * len(study.batch_sizes) - len(study.runs)
    if missing:
        yield f"{counted(missing, 'run')} of the grid {'is' if missing == 1 else 'are'} missing; tests use whole seeds."


def _test_limits(study: Study) -> Iterator[str]:
    found = study.effect
    assert found is not None
    if found.least_wilcoxon > ALPHA:
        yield (
            f"With {len(found.seeds)} seeds the smallest two-sided p of Wilcoxon's test is {found.least_wilcoxon:g}: "
            "it cannot find any pair of batch sizes to differ, so pairs are judged by paired t tests, which take "
            "differences as normal."
        )
    if 1 / found.arrangements > ALPHA:
        yield (
            f"There are only {found.arrangements} arrangements of the runs, so the permutation test cannot go below "
            f"p = {1 / found.arrangements:g}."
        )


def _sd_factors(n: int) -> tuple[float, float]:
    from scipy.stats import chi2

    low, high = (float(((n - 1) / chi2.ppf(q, n - 1)) ** 0.5) for q in (1 - ALPHA / 2, ALPHA / 2))
    return low, high


def mean_text(found: Average) -> str:
    """The mean with the interval over new seeds and items, and the spread between seeds."""
    spread = "" if found.sd is None else f", standard deviation {points(found.sd)} between seeds"
    return f"{span_text(found.over_both.span)} over new seeds and new items{spread}"
