"""Losses, mixing and schedules against known values and against torch's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from mer_batch.errors import UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.tasks.options import DistillOptions, TrainOptions
from mer_batch.training.fitting.losses import class_weights, cross_entropy, distillation, focal, smooth, total_loss
from mer_batch.training.fitting.mixing import Batch, cutmix, mix, mixup
from mer_batch.training.fitting.schedules import make_schedule
from mer_batch.training.runs.teachers import soften

FER2013 = {
    "angry": 3995, "disgust": 436, "fear": 4097, "happy": 7215, "neutral": 4965, "sad": 4830, "surprise": 3171,
}  # fmt: skip


@pytest.fixture
def scores() -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    return torch.randn(40, 7, generator=chance), torch.randint(7, (40,), generator=chance)


def test_balanced_class_weights_are_those_of_the_literature() -> None:
    labels = torch.repeat_interleave(torch.arange(7), torch.tensor([FER2013[name] for name in EMOTIONS]))
    weights = dict(zip(EMOTIONS, class_weights(labels, 1.0).tolist(), strict=True))
    assert len(labels) == 28_709
    assert weights["happy"] == pytest.approx(0.5684, abs=5e-5)
    assert weights["disgust"] == pytest.approx(9.4066, abs=5e-5)
    assert class_weights(labels, 0.0).tolist() == [1.0] * 7
    assert class_weights(labels, 0.5)[3].item() == pytest.approx(math.sqrt(0.5684), abs=1e-4)
    assert torch.isfinite(class_weights(torch.zeros(5, dtype=torch.long), 1.0)).all(), "classes without examples"


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_cross_entropy_is_torchs(scores: tuple[torch.Tensor, torch.Tensor], share: float) -> None:
    logits, labels = scores
    targets = smooth(functional.one_hot(labels, 7).float(), share)
    ours = cross_entropy(logits, targets, torch.ones(7))
    torch.testing.assert_close(ours, functional.cross_entropy(logits, labels, label_smoothing=share, reduction="none"))
    weights = torch.linspace(0.5, 2, 7)
    weighted = functional.cross_entropy(logits, targets, weight=weights, reduction="none")
    torch.testing.assert_close(cross_entropy(logits, targets, weights), weighted)


def test_focal_loss_spares_what_is_read_well(scores: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = scores
    hard, ones = functional.one_hot(labels, 7).float(), torch.ones(7)
    plain = functional.cross_entropy(logits, labels, reduction="none")
    shares = logits.softmax(dim=1).gather(1, labels[:, None])[:, 0]
    torch.testing.assert_close(focal(logits, hard, ones, 0.0), plain)
    torch.testing.assert_close(focal(logits, hard, ones, 2.0), (1 - shares) ** 2 * plain)
    soft = torch.full((40, 7), 1 / 7)
    by_class = torch.stack([focal(logits, functional.one_hot(torch.full((40,), k), 7), ones, 2.0) for k in range(7)])
    torch.testing.assert_close(focal(logits, soft, ones, 2.0), by_class.mean(dim=0))


def test_focal_loss_has_finite_gradients_where_it_is_sure() -> None:
    logits = torch.tensor([[60.0, -60, 0, 0, 0, 0, 0]], requires_grad=True)
    focal(logits, torch.eye(7)[:1], torch.ones(7), 0.5).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_distillation_is_zero_for_the_teacher_itself(scores: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, _ = scores
    taught = soften(logits.softmax(dim=1), 4.0)
    torch.testing.assert_close(taught, (logits / 4).softmax(dim=1))
    torch.testing.assert_close(distillation(logits, taught, 4.0), torch.zeros(40), atol=1e-5, rtol=0)
    assert (distillation(-logits, taught, 4.0) > 0).all()


def test_all_losses_add_up(scores: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = scores
    output = torch.cat([logits, torch.zeros(40, 2)], dim=1)
    batch = Batch(output, torch.eye(7)[labels], torch.tensor([[1.0, 0.0]]).expand(40, 2), torch.full((40, 7), 1 / 7))
    options = TrainOptions(auxiliary=0.5, label_smoothing=0.0)
    taught = DistillOptions(("x",), weight=0.25, temperature=1.0)
    expected = 0.75 * functional.cross_entropy(logits, labels, reduction="none") + 0.5 * math.log(2)
    expected = expected + 0.25 * distillation(logits, torch.full((40, 7), 1 / 7), 1.0)
    torch.testing.assert_close(total_loss(output, batch, torch.ones(7), options, taught), expected)


def batch_of(shape: tuple[int, ...]) -> Batch:
    """Example k is full of k, has class k, and the teacher's and auxiliary targets say so too."""
    n = shape[0]
    inputs = torch.arange(n).float().view(n, *[1] * (len(shape) - 1)).expand(shape)
    return Batch(inputs, torch.eye(7)[:n], torch.eye(n), torch.eye(7)[:n])


def test_mixup_blends_targets_as_inputs() -> None:
    mixed = mixup(batch_of((7, 5)), 0.4, torch.Generator().manual_seed(3))
    torch.testing.assert_close(mixed.targets @ torch.arange(7.0), mixed.inputs[:, 0])
    torch.testing.assert_close(mixed.targets.sum(dim=1), torch.ones(7))
    assert mixed.soft is not None
    assert mixed.teacher is not None
    torch.testing.assert_close(mixed.soft, mixed.targets)
    torch.testing.assert_close(mixed.teacher, mixed.targets)
    assert (mixed.targets > 0).sum() > 7


@pytest.mark.parametrize("seed", range(8))
def test_cutmix_targets_are_areas(seed: int) -> None:
    mixed = cutmix(batch_of((7, 1, 10, 12)), 1.0, torch.Generator().manual_seed(seed))
    for place in range(7):
        pixels = mixed.inputs[place].long().flatten()
        torch.testing.assert_close(mixed.targets[place], torch.bincount(pixels, minlength=7) / 120.0)


def test_chance_chooses_between_mixup_and_cutmix() -> None:
    both = TrainOptions(mixup=1.0, cutmix=1.0, cutmix_share=0.25)
    cut = 0
    for seed in range(200):
        mixed = mix(batch_of((7, 1, 6, 6)), both, torch.Generator().manual_seed(seed))
        cut += bool((mixed.inputs == mixed.inputs.round()).all())
    assert 0.15 < cut / 200 < 0.4
    plain = batch_of((7, 1, 6, 6))
    assert mix(plain, TrainOptions(), torch.Generator()) is plain
    with pytest.raises(UsageError, match="cutmix needs pictures"):
        mix(batch_of((7, 20)), TrainOptions(cutmix=1.0), torch.Generator())


def rates(options: TrainOptions, steps: int) -> list[float]:
    schedule = make_schedule(options, steps)
    return [schedule.factor(step) for step in range(steps * options.epochs)]


def torchs(make: type, count: int, **rest: object) -> list[float]:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    scheduler, found = make(optimizer, **rest), []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_cosine_rises_and_ends_at_zero() -> None:
    found = rates(TrainOptions(epochs=10, warmup=0.1), 10)
    assert found[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert found[10:] == pytest.approx(torchs(torch.optim.lr_scheduler.CosineAnnealingLR, 90, T_max=90))


def test_step_decays_like_torchs() -> None:
    marks = TrainOptions(epochs=9, warmup=0, schedule="step", milestones=(2, 5), decay=0.5)
    assert rates(marks, 1) == pytest.approx(
        torchs(torch.optim.lr_scheduler.MultiStepLR, 9, milestones=[2, 5], gamma=0.5)
    )
    every = TrainOptions(epochs=9, warmup=0, schedule="step", decay_every=4)
    assert rates(every, 1) == pytest.approx(torchs(torch.optim.lr_scheduler.StepLR, 9, step_size=4))
    assert rates(every, 2)[:8] == [1.0] * 8, "an epoch is two steps"


def test_plateau_decays_like_torchs() -> None:
    chance = torch.Generator().manual_seed(0)
    losses = (2 - torch.linspace(0, 1, 40).sqrt() + 0.1 * torch.randn(40, generator=chance)).tolist()
    options = TrainOptions(epochs=40, warmup=0, schedule="plateau", decay=0.5, decay_patience=2)
    schedule = make_schedule(options, 1)
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    for loss in losses:
        schedule.epoch_ended(loss)
        theirs.step(loss)
        assert schedule.factor(1) == pytest.approx(optimizer.param_groups[0]["lr"])
    assert schedule.factor(1) < 0.2
    again = make_schedule(options, 1)
    again.restore(schedule.state())
    assert again.factor(1) == schedule.factor(1)
