"""Several trainings under one command: recipes by a pattern, folds of a split, corpus against corpus or left out.

Each is a run of its own inside the common folder. The same command again goes on where it was stopped: finished
runs stay as they are, one that was cut off is resumed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from mer_batch.errors import UsageError, unknown_name
from mer_batch.files import whole_file
from mer_batch.tasks.recipe import differences, read_recipe, shipped_recipes
from mer_batch.tasks.task import load_task
from mer_batch.training.runs import folds, run, runfile
from mer_batch.training.runs.folds import Pooled, pooled

WILD: Final = "*?["
Way: TypeAlias = Literal["", "folds", "corpora", "leave-out"]
"""One run a recipe, one a fold of its split, or one a corpus: trained on it alone, or on all but it."""


@dataclass(frozen=True)
class Order:
    """What the trainings of one command share; `changes`, `tta`, `device`, `say` and `page` as for `run.train`."""

    device: str
    say: Callable[[str], None]
    changes: Mapping[str, Any] = field(default_factory=dict)
    tta: bool | str = False
    page: run.Page | None = None

    def trained(self, spec: str, folder: Path, more: Mapping[str, Any]) -> Path:
        """The finished run in `folder`: as it is, resumed, or new. Raises `UsageError` for one of other options."""
        changes = {**self.changes, **more}
        if not (folder / runfile.NAME).is_file():
            return self._train(spec, folder, None, changes)
        known = runfile.read(folder)
        for name, (old, new) in differences(known.options, read_recipe(spec, changes).options()).items():
            raise UsageError(f"{folder} was trained with {name} = {old}, not {new}; choose another --out")
        if known.state == runfile.FINISHED:
            self.say(f"{folder} is finished")
            return folder
        return self._train(None, None, folder, {})

    def _train(self, spec: str | None, out: Path | None, resume: Path | None, changes: Mapping[str, Any]) -> Path:
        self.say(f"{out or resume}:")
        return run.train(
            spec,
            out=out,
            resume=resume,
            tta=self.tta,
            device=self.device,
            changes=changes,
            say=self.say,
            page=self.page,
        )


def is_pattern(spec: str | None) -> bool:
    """Whether `spec` names recipes by a pattern such as `reference/cremad-*`."""
    return spec is not None and any(sign in spec for sign in WILD) and not Path(spec).is_file()


def train(spec: str | None, way: Way, order: Order, out: Path | None) -> tuple[Path, list[str]]:
    """Train every recipe that `spec` means, in one `way`; returns their folder and the lines of a table.

    The folder gets `folds.json`, `corpora.json`, `leave-out.json` or `recipes.json`; without `out` it is named by the
    command.
    Raises `UsageError` where there is nothing to choose from.
    """
    if spec is None:
        raise UsageError("--folds, --corpora and --leave-out need a recipe; --folds takes a pattern in quotes, too")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("several trainings run in one process; leave out torchrun")
    if not is_pattern(spec):
        folder = out or Path("runs") / f"{Path(spec).stem}-{way}"
        if way == "folds":
            return folder, _folds(spec, order, folder)[1]
        return folder, (_corpora if way == "corpora" else _left_out)(spec, order, folder)
    if way in ("corpora", "leave-out"):
        raise UsageError(f"--{way} takes one recipe, not a pattern")
    base = Path(spec).name.strip(f"{WILD}]-_") or "recipes"
    folder = out or Path("runs") / (f"{base}-{way}" if way else base)
    return folder, _recipes(spec, way, order, folder)


def _recipes(pattern: str, way: Way, order: Order, folder: Path) -> list[str]:
    found = [name for name in shipped_recipes() if fnmatchcase(name, pattern)]
    if not found:
        raise unknown_name("recipe", pattern, shipped_recipes())
    rows: dict[str, Pooled] = {}
    for name in found:
        place = folder / Path(name).name
        rows[name] = _folds(name, order, place)[0] if way == "folds" else pooled([order.trained(name, place, {})])
    reported = {name: read_recipe(name).reported for name in found}
    _write(
        folder / "recipes.json",
        {name: {"reported": dict(reported[name]), **row.as_json()} for name, row in rows.items()},
    )
    return list(_recipe_table(rows, reported))


def _recipe_table(rows: Mapping[str, Pooled], reported: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    wide = max(len(name) for name in rows)
    yield f"{'recipe':<{wide}}{'n':>7}{'reported':>10}{'ours':>8}{'95 % interval':>17}{'UAR':>8}{'NLL':>8}"
    for name, row in rows.items():
        theirs, scores = reported[name].get("accuracy"), row.scores
        low, high = scores.intervals["accuracy"]
        yield (
            f"{name:<{wide}}{scores.n:>7}{'-' if theirs is None else f'{theirs:.4f}':>10}"
            f"{scores.values['accuracy']:>8.4f}{f'{low:.3f} to {high:.3f}':>17}{scores.values['uar']:>8.4f}"
            f"{scores.values['nll']:>8.3f}"
        )
    for text in dict.fromkeys(str(facts["on"]) for facts in reported.values() if "on" in facts):
        yield f"reported: accuracy on {text}"
    least = {len(row.scores.present) for row in rows.values()}
    if len(least) == 1:
        classes = least.pop()
        yield f"NLL: mean -log p of the label in nats; even guesses cost ln {classes} = {math.log(classes):.3f}"
    for text in dict.fromkeys(f"ours: accuracy on {row.name}; intervals over {row.over}" for row in rows.values()):
        yield text


def _folds(spec: str, order: Order, folder: Path) -> tuple[Pooled, list[str]]:
    recipe = read_recipe(spec, order.changes)
    variants = load_task(recipe.task, recipe.data).folds()
    if len(variants) < 2:
        raise UsageError(
            "--folds needs a split with folds, such as --set data.split=speaker; the split of this recipe has none"
        )
    places = [order.trained(spec, folder / name, changes) for name, changes in variants.items()]
    whole, table = folds.summary(places)
    _write(folder / "folds.json", {"recipe": recipe.name, **table})
    return whole, list(folds.lines(whole, table))


def _corpora(spec: str, order: Order, folder: Path) -> list[str]:
    recipe = read_recipe(spec, order.changes)
    variants = load_task(recipe.task, recipe.data).corpora()
    if len(variants) < 2:
        raise UsageError("--corpora needs a recipe of two data sets at least, such as voice")
    places = {name: order.trained(spec, folder / f"from-{name}", changes) for name, changes in variants.items()}
    table = folds.crossed(places)
    _write(folder / "corpora.json", {"recipe": recipe.name, **table})
    return list(folds.crossed_lines(table))


def _left_out(spec: str, order: Order, folder: Path) -> list[str]:
    recipe = read_recipe(spec, order.changes)
    variants = load_task(recipe.task, recipe.data).left_out()
    if len(variants) < 2:
        raise UsageError("--leave-out needs a recipe of two data sets at least, such as voice")
    places = {name: order.trained(spec, folder / f"without-{name}", changes) for name, changes in variants.items()}
    table = folds.left_out(places)
    _write(folder / "leave-out.json", {"recipe": recipe.name, **table})
    return list(folds.left_out_lines(table))


def _write(path: Path, table: Mapping[str, Any]) -> None:
    with whole_file(path) as part:
        part.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
