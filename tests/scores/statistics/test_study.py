"""A study of toy runs finds what was put into them and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mer_batch.errors import DataError, UsageError
from mer_batch.scores import predictions as files
from mer_batch.scores.statistics import verdict
from mer_batch.scores.statistics.errors import items, persistent
from mer_batch.scores.statistics.study import Study, study
from mer_batch.scores.statistics.variance import variance
from toy_grid import SEEDS, SIZES, predictions, table, trials


@pytest.fixture(scope="module")
def null() -> Study:
    return study(trials())


@pytest.fixture(scope="module")
def better() -> Study:
    return study(trials((0, 0, 0, 0.06)), draws=500)


def test_no_effect_is_found_where_there_is_none(null: Study) -> None:
    assert null.effect is not None
    assert null.effect.p > 0.05
    assert (null.effect.exact, null.effect.arrangements, null.effect.least_wilcoxon) == (True, 331_776, 0.0625)
    assert not verdict.recommend(null).matters
    assert verdict.recommend(null).as_good == SIZES
    assert verdict.sentences(null)[0].startswith(
        "There is no difference in accuracy between batch sizes that these runs"
    )
    assert all(pair.holm > 0.05 and min(pair.mcnemar_holm) > 0.05 for pair in null.effect.pairs)
    assert any("0.0625: it cannot find any pair" in limit for limit in verdict.limits(null))


def test_an_effect_is_found_where_there_is_one(better: Study) -> None:
    assert better.effect is not None
    assert better.effect.p < 0.01
    assert (verdict.recommend(better).batch_size, verdict.recommend(better).as_good) == (64, (64,))
    assert verdict.sentences(better)[0].startswith("The batch size matters for accuracy")
    for pair in better.effect.pairs:
        assert (pair.second == 64) == (pair.holm < 0.05)
        assert pair.wilcoxon >= 0.0625
        if pair.second == 64:
            assert pair.gain.span.low < 0.06 < pair.gain.span.high  # type: ignore[operator]
    shares = better.variance["accuracy"].shares
    assert max(shares, key=lambda name: shares[name]) == "batch_size"
    assert sum(shares.values()) == pytest.approx(1)


def test_everything_is_there_and_fits_json(null: Study) -> None:
    found = json.loads(json.dumps(null.as_json(), allow_nan=False))
    assert len(found["runs"]) == 20
    assert len(found["run_pairs"]) == 190
    assert [row["batch_size"] for row in found["configurations"]] == list(SIZES)
    assert found["seeds"] == list(SEEDS)
    for row in found["configurations"]:
        spans = row["scores"]["accuracy"]
        assert spans["sd"] > 0
        for name in ("over_seeds", "over_items", "over_both"):
            assert spans[name]["low"] < spans["mean"] < spans[name]["high"]
    assert found["confusions"][0] | {"share": 0, "lowest": 0, "highest": 0, "of_errors": 0} == {
        "label": "fear", "reading": "sad", "runs": 20, "of": 20,
        "share": 0, "lowest": 0, "highest": 0, "of_errors": 0,
    }  # fmt: skip
    assert sum(found["items"][name] for name in ("always_right", "never_right", "depends")) == found["n"] == 1400


def test_it_is_the_same_again_from_parquet(null: Study, tmp_path: Path) -> None:
    again = []
    for seed, size, read in trials():
        path = files.write(tmp_path / f"{size}-{seed}.parquet", read.ids, read.labels, read.probabilities)
        again.append((seed, size, files.read(path)))
    assert study(again).as_json() == null.as_json()


def test_order_of_items_and_runs_does_not_matter(null: Study) -> None:
    shuffled = []
    for number, (seed, size, read) in enumerate(trials()):
        order = np.random.default_rng(number).permutation(len(read))
        ids = tuple(read.ids[place] for place in order)
        shuffled.append((seed, size, replace(read, ids=ids, labels=read.labels[order],
                                             probabilities=read.probabilities[order])))  # fmt: skip
    found = study(shuffled, draws=50)
    assert found.effect.p == null.effect.p  # type: ignore[union-attr]
    assert found.run_pairs[7].p == null.run_pairs[7].p
    assert [row.mean.value for row in found.classes] == [row.mean.value for row in null.classes]


def test_a_part_of_the_grid_says_what_it_cannot_tell() -> None:
    runs = trials(n=210)
    one_size = study([run for run in runs if run[1] == 8], draws=50)
    assert one_size.effect is None
    assert "cannot be told" in verdict.sentences(one_size)[0]
    assert one_size.variance["uar"].batch_size is None
    single = study(runs[:1], draws=50)
    assert (single.detectable, single.configurations[0].scores["uar"].over_seeds.low) == (None, None)
    assert any("One seed" in limit for limit in verdict.limits(single))
    missing = study(runs[:-1], draws=50)
    assert missing.effect is not None
    assert missing.effect.seeds == SEEDS[:-1]
    assert any("1 run of the grid is missing" in limit for limit in verdict.limits(missing))
    for found in (one_size, single, missing):
        json.dumps(found.as_json(), allow_nan=False)


def test_runs_that_do_not_fit_are_refused() -> None:
    runs = trials(n=70)
    seed, size, read = runs[1]
    moved = replace(read, labels=np.roll(read.labels, 1))
    short = replace(read, ids=read.ids[1:], labels=read.labels[1:], probabilities=read.probabilities[1:])
    for wrong, message in (
        ([], "at least one run"),
        ([runs[0], runs[0]], "batch 8, seed 42 is there twice"),
        ([runs[0], (seed, size, moved)], "labels disagree on 70 of 70 items: 'item-0' is angry in batch 8, seed 42"),
        ([runs[0], (seed, size, short)], "read different items: 1 of batch 8, seed 42"),
    ):
        with pytest.raises(DataError, match=message):
            study(wrong)
    with pytest.raises(UsageError, match="unknown score 'f1'"):
        study(runs, "f1")
    with pytest.raises(DataError, match="no column 'speaker'"):
        study(runs, by="speaker")


def test_groups_widen_intervals() -> None:
    runs = [
        (seed, size, replace(read, groups={"speaker": tuple(str(place // 100) for place in range(700))}))
        for seed, size, read in trials(n=700)
    ]
    found = study(runs, by="speaker", draws=200)
    assert (found.units, found.by) == (7, "speaker")
    assert any("take whole groups" in limit for limit in verdict.limits(found))


def test_variance_finds_the_components() -> None:
    rng = np.random.default_rng(0)
    places = np.arange(20).reshape(5, 4)
    truth, sums = {"seed": 4.0, "rest": 1.0, "test": 3.0}, dict.fromkeys(("seed", "batch_size", "rest", "test"), 0.0)
    for _ in range(300):
        common, own = rng.normal(0, 2**0.5, 1), rng.normal(0, 1, 20)  # luck with the items: 2 for all, 1 of each run
        values = rng.normal(0, 2, 5).repeat(4) + rng.normal(0, 1, 20) + common + own
        drawn = rng.normal(0, 2**0.5, (200, 1)) + rng.normal(0, 1, (200, 20))
        found = variance(places, values, drawn, 1.0)
        assert all(part >= 0 for part in found.parts.values())
        for name, value in found.parts.items():
            sums[name] += value / 300
    assert sums["test"] == pytest.approx(truth["test"], rel=0.05)
    assert sums["seed"] == pytest.approx(truth["seed"], rel=0.15)
    assert sums["rest"] == pytest.approx(truth["rest"], rel=0.15)
    assert sums["batch_size"] < 0.3, "only what setting negative estimates to 0 leaves"


def test_truncation_is_told() -> None:
    values = np.array([0.1, 0.3, 0.3, 0.1])
    found = variance(np.arange(4).reshape(2, 2), values, np.zeros((9, 4)), 1.0)
    assert found.truncated == ("seed", "batch_size")
    assert (found.seed, found.batch_size, found.rest) == (0, 0, pytest.approx(0.04))


def test_persistent_confusions_by_hand() -> None:
    first, second = np.zeros((2, 7, 7), dtype=np.int64)
    first[0, 0], first[0, 1], first[0, 2] = 5, 4, 1
    second[0, 0], second[0, 1], second[3, 2] = 8, 2, 2
    found = persistent(np.stack([first, second]), most=1)
    assert [(row.label, row.reading, row.runs) for row in found] == [("angry", "disgust", 2), ("happy", "fear", 1)]
    assert (found[0].lowest, found[0].highest, found[0].share) == (0.2, 0.4, pytest.approx(0.3))
    assert found[0].of_errors == pytest.approx(6 / 9)


def test_items_by_hand() -> None:
    labels = np.array([0, 0, 0, 0])
    found = items(table(labels, np.array([[0, 0, 1, 1], [0, 1, 0, 2]])))
    assert (found.always_right, found.never_right, found.depends, found.never) == (1, 1, 2, ("3",))


def test_perfect_runs_have_no_errors_to_speak_of() -> None:
    labels = np.arange(70) % 7
    found = study([(seed, size, predictions(labels, labels)) for seed in (1, 2, 3) for size in (8, 16)], draws=50)
    assert found.effect is not None
    assert (found.effect.p, found.effect.f, found.confusions) == (1, None, ())
    assert found.configurations[0].scores["accuracy"].over_both.span.high == 1
    json.dumps(found.as_json(), allow_nan=False)
