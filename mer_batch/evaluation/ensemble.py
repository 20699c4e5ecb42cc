"""Several models as one: the mean of their calibrated probabilities, and what that gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from mer_batch.nets.store import find_model, read_card
from mer_batch.scores.metrics import Ints, drawn_confusions, draws_of, scores_from_confusions
from mer_batch.tasks.reading import LEAST, Reading, Shares
from mer_batch.types import TaskName

GAINS = ("accuracy", "uar")
"""Scores whose differences are told."""


def modality_of(spec: str) -> TaskName:
    """What a model folder, run folder or shipped model reads."""
    return read_card(find_model("face", spec)).modality


def mean(members: Sequence[Shares]) -> Shares:
    """The mean of members' probabilities, each (n, 7)."""
    result: Shares = np.mean(np.stack(members), axis=0)
    return result


def logs(shares: Shares) -> Shares:
    """Logarithms of probabilities, kept finite, as calibration takes them."""
    result: Shares = np.log(np.maximum(shares, LEAST))
    return result


def agreement(members: Sequence[Shares]) -> dict[str, float]:
    """Share of items on which all members read the same, and the mean over pairs of members."""
    readings = [shares.argmax(axis=1) for shares in members]
    pairs = [float((one == other).mean()) for one, other in combinations(readings, 2)]
    return {
        "all": float(np.all([one == readings[0] for one in readings], axis=0).mean()),
        "pairs": float(np.mean(pairs)) if pairs else 1.0,
    }


def gain(
    truth: Ints,
    ours: Shares,
    others: Sequence[Shares],
    draws: int = 1000,
    seed: int = 0,
    names: Sequence[str] = GAINS,
) -> dict[str, tuple[float, float, float]]:
    """By how much `ours` beats the mean of `others`: (value, low, high) for accuracy and UAR, or the scores `names`.

    The interval is a 95 % paired bootstrap: both sides are scored on the same draws of items.
    """
    readings = [shares.argmax(axis=1) for shares in (ours, *others)]
    whole = _difference(truth, readings, np.arange(len(truth))[None], names)
    rows = [_difference(truth, readings, pick, names) for pick in draws_of(len(truth), draws, seed)]
    result = {}
    for name, value in whole.items():
        low, high = np.percentile(np.concatenate([row[name] for row in rows]), [2.5, 97.5])
        result[name] = (float(value[0]), float(low), float(high))
    return result


def _difference(truth: Ints, readings: Sequence[Ints], pick: Ints, names: Sequence[str]) -> Mapping[str, Shares]:
    """First reading's scores (k,) less the mean of the others', in k draws of items (k, n)."""
    scores = [scores_from_confusions(drawn_confusions(truth, reading, pick)) for reading in readings]
    return {name: scores[0][name] - np.mean([score[name] for score in scores[1:]], axis=0) for name in names}


def joined(readings: Sequence[Reading]) -> Reading:
    """Readings of several sets, in the same views, as one; equal ids of different sets stay apart."""
    starts = np.cumsum([0, *(len(reading) for reading in readings)])
    return Reading(
        name=" and ".join(reading.name for reading in readings),
        ids=tuple(name for reading in readings for name in reading.ids),
        labels=np.concatenate([reading.labels for reading in readings]),
        which=np.concatenate([reading.which + start for reading, start in zip(readings, starts, strict=False)]),
        logits=np.concatenate([reading.logits for reading in readings], axis=1),
        groups={
            name: tuple(value for reading in readings for value in reading.groups[name])
            for name in readings[0].groups
            if all(name in reading.groups for reading in readings)
        },
    )
