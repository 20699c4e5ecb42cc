"""Which examples an epoch draws, alone and inside the loop."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from mer_batch.errors import UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.tasks.options import SamplingOptions, section
from mer_batch.training.fitting.sampling import draw, f1_by_class, next_focus
from toy_training import Clouds, toy_fit, toy_recipe

LABELS = torch.repeat_interleave(torch.arange(7), torch.tensor([400, 50, 400, 800, 400, 400, 400]))


def counts(options: SamplingOptions, focus: tuple[str, ...] = ()) -> dict[str, int]:
    order = draw(LABELS, options, focus, torch.Generator().manual_seed(0))
    assert len(order) == len(LABELS)
    return dict(zip(EMOTIONS, torch.bincount(LABELS[order], minlength=7).tolist(), strict=True))


def test_without_weights_every_example_comes_once() -> None:
    order = draw(LABELS, SamplingOptions(), (), torch.Generator().manual_seed(0))
    assert sorted(order.tolist()) == list(range(len(LABELS)))


def test_balanced_classes_come_equally_often() -> None:
    found = counts(SamplingOptions(kind="balanced"))
    assert all(abs(count - len(LABELS) / 7) < 80 for count in found.values()), found


def test_classes_in_focus_come_more_often() -> None:
    found = counts(SamplingOptions(kind="focus", raise_=4.0, focus=("fear", "sad")), ("fear", "sad"))
    assert found["fear"] / found["angry"] == pytest.approx(4, rel=0.2)
    assert found["sad"] / found["neutral"] == pytest.approx(4, rel=0.2)
    assert found["happy"] / found["angry"] == pytest.approx(2, rel=0.25)


def test_the_weakest_classes_are_next_in_focus() -> None:
    f1 = {"angry": 0.5, "disgust": 0.2, "fear": 0.3, "happy": 0.9, "neutral": 0.3}
    assert next_focus(SamplingOptions(kind="adaptive"), f1) == ("disgust", "fear")
    assert next_focus(SamplingOptions(kind="adaptive", classes=3), f1) == ("disgust", "fear", "neutral")
    assert next_focus(SamplingOptions(kind="focus", focus=("sadness",)), f1) == ("sad",)
    assert next_focus(SamplingOptions(), f1) == ()


def test_f1_leaves_out_absent_classes() -> None:
    table = np.zeros((7, 7), dtype=np.int64)
    table[0, 0], table[0, 1], table[1, 1] = 3, 1, 4
    assert f1_by_class(table) == {"angry": pytest.approx(6 / 7), "disgust": pytest.approx(8 / 9)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "adaptiv"}, "Did you mean 'adaptive'"),
        ({"kind": "focus"}, "belong together"),
        ({"focus": ["sad"]}, "belong together"),
        ({"kind": "focus", "focus": ["sadd"]}, "unknown class in"),
        ({"kind": "adaptive", "raise": 0}, "must be positive"),
        ({"kind": "adaptive", "raises": 3}, "Did you mean 'raise'"),
        ({"kind": "adaptive", "classes": 1.5}, "must be a whole number"),
    ],
)
def test_wrong_options_are_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        section(SamplingOptions, "sampling", table)


def test_each_epoch_focuses_on_what_validation_found_weak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mer_batch.training.fitting import loop

    drawn: list[torch.Tensor] = []
    real = loop._step

    def seen(job: object, state: object, places: torch.Tensor, weights: torch.Tensor) -> None:
        drawn.append(places)
        real(job, state, places, weights)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", seen)
    recipe = toy_recipe(train={"epochs": 5, "batch_size": 64}, sampling={"kind": "adaptive", "raise": 5.0})
    saved = toy_fit(recipe, tmp_path / "run", task=Clouds(per_class=64))
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["focus"] == []
    for before, after in pairwise(rows):
        weakest = sorted(before["per_class"], key=before["per_class"].__getitem__)[:2]
        assert set(after["focus"]) == set(weakest)
    weakest = sorted(rows[-1]["per_class"], key=rows[-1]["per_class"].__getitem__)[:2]
    assert set(saved["focus"]) == set(weakest)
    labels = Clouds(per_class=64).train().labels
    for epoch, row in enumerate(rows):
        found = torch.bincount(labels[torch.cat(drawn[epoch * 7 : epoch * 7 + 7])], minlength=7)
        raised = [EMOTIONS.index(name) for name in row["focus"]]
        others = [place for place in range(7) if place not in raised]
        if raised:
            assert found[raised].float().mean() > 3 * found[others].float().mean()
        else:
            assert found.tolist() == [64] * 7
    assert {"disgust", "fear"} & set(rows[-1]["focus"]), "the two clouds that lie together are the hardest"
