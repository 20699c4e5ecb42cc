"""Which examples an epoch draws, and how often: by class, by what validation says, or each once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer_batch.labels import EMOTIONS, INDEX, canonical
from mer_batch.tasks.options import SamplingOptions


def draw(
    labels: Tensor,
    options: SamplingOptions,
    focus: tuple[str, ...],
    generator: torch.Generator,
    shares: Tensor | None = None,
) -> Tensor:
    """The places (n,) of the examples of an epoch, in order; `shares` (n,) are those of `Examples`.

    Examples of the classes in `focus` are drawn `raise` times as often as others. Without any weighting each
    example comes once; else examples are drawn with replacement and an epoch stays as long as it was.
    """
    if options.kind == "even" and shares is not None:
        return torch.multinomial(shares, len(labels), replacement=True, generator=generator)
    if options.kind not in ("balanced", "even") and not focus:
        return torch.randperm(len(labels), generator=generator)
    weights = class_factors(labels, options, focus)[labels]
    return torch.multinomial(weights, len(labels), replacement=True, generator=generator)


def class_factors(labels: Tensor, options: SamplingOptions, focus: tuple[str, ...]) -> Tensor:
    """Weight (7,) of one example of each class in the draw."""
    if options.kind in ("balanced", "even"):  # without sets, even is balanced
        return 1 / torch.bincount(labels, minlength=len(EMOTIONS)).clamp(min=1).double()
    factors = torch.ones(len(EMOTIONS), dtype=torch.float64)
    factors[[INDEX[name] for name in focus]] = options.raise_
    return factors


def first_focus(options: SamplingOptions) -> tuple[str, ...]:
    """The classes in focus before anything is known of the validation."""
    names = {canonical(name) for name in options.focus}
    return tuple(name for name in EMOTIONS if name in names)


def next_focus(options: SamplingOptions, f1: Mapping[str, float]) -> tuple[str, ...]:
    """The classes in focus after an epoch with these validation F1 scores: when adaptive, the weakest."""
    if options.kind != "adaptive":
        return first_focus(options)
    return tuple(sorted(f1, key=lambda name: (f1[name], INDEX[name]))[: options.classes])


def f1_by_class(counts: NDArray[np.int64]) -> dict[str, float]:
    """F1 of every class that has examples, from a confusion matrix (7, 7) with the labels as rows."""
    sums = counts.sum(axis=1) + counts.sum(axis=0)
    return {
        name: float(2 * counts[place, place] / sums[place])
        for place, name in enumerate(EMOTIONS)
        if counts[place].sum()
    }
