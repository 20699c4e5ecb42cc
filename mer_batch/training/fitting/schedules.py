"""Schedules of the learning rate by name, as factors of the peak rate.

They know the position in training and nothing of the optimizer, so a rate, a length or a batch size that is
changed on resume takes effect at once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Final

from mer_batch.tasks.options import TrainOptions

THRESHOLD: Final = 1e-4
"""Share by which a validation loss must be lower to count, as in torch's ReduceLROnPlateau."""


class Schedule(ABC):
    """The factor of the peak rate at every step, after a linear warm-up that all schedules share."""

    def __init__(self, options: TrainOptions, steps: int) -> None:
        self.options, self.steps = options, steps
        self.rising = max(1, int(steps * options.epochs * options.warmup))

    def factor(self, step: float) -> float:
        """The factor at `step` (optimizer steps since the start); `steps` of them are an epoch."""
        return (step + 1) / self.rising if step < self.rising else self.after_warmup(step)

    @abstractmethod
    def after_warmup(self, step: float) -> float:
        """The factor at a step after the warm-up."""

    def epoch_ended(self, loss: float) -> None:  # noqa: B027 - most schedules do not listen
        """Hear the validation loss of an epoch."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027 - most schedules remember nothing
        """Go on from a `state`, which may be that of another schedule."""


class Cosine(Schedule):
    """Half a cosine to zero at the end (Loshchilov & Hutter, arXiv:1608.03983)."""

    def after_warmup(self, step: float) -> float:
        """The factor at a step after the warm-up."""
        whole = self.steps * self.options.epochs
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - self.rising) / max(1, whole - self.rising))))


class Step(Schedule):
    """A decay after each milestone, or every few epochs."""

    def after_warmup(self, step: float) -> float:
        """The factor at a step after the warm-up."""
        epoch = int(step // self.steps)
        marks = self.options.milestones
        decays = sum(epoch >= mark for mark in marks) if marks else epoch // self.options.decay_every
        return self.options.decay**decays


class Plateau(Schedule):
    """A decay whenever the validation loss has not fallen for more than a few epochs."""

    def __init__(self, options: TrainOptions, steps: int) -> None:
        super().__init__(options, steps)
        self._best, self._waited, self._decays = math.inf, 0, 0

    def after_warmup(self, _step: float) -> float:
        """The factor at a step after the warm-up."""
        return self.options.decay**self._decays

    def epoch_ended(self, loss: float) -> None:
        """Decay when the patience is over."""
        better = loss < self._best * (1 - THRESHOLD)
        self._best = loss if better else self._best
        self._waited = 0 if better else self._waited + 1
        if self._waited > self.options.decay_patience:
            self._decays, self._waited = self._decays + 1, 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"best": self._best, "waited": self._waited, "decays": self._decays}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`, which may be that of another schedule."""
        self._best = state.get("best", self._best)
        self._waited, self._decays = state.get("waited", 0), state.get("decays", 0)


_SCHEDULES: Final[dict[str, type[Schedule]]] = {"cosine": Cosine, "step": Step, "plateau": Plateau}


def make_schedule(options: TrainOptions, steps: int) -> Schedule:
    """The schedule that a recipe asks for; `steps` optimizer steps are an epoch."""
    return _SCHEDULES[options.schedule](options, steps)
