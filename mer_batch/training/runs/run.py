"""A training run: a folder with its recipe, checkpoint, metrics and, at the end, the model and its report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from mer_batch import nets
from mer_batch.errors import MerError
from mer_batch.files import check_folder
from mer_batch.labels import EMOTIONS
from mer_batch.tasks.task import Examples, Task, load_task
from mer_batch.tasks.views import views_for
from mer_batch.training.fitting import distributed, loop, record
from mer_batch.training.fitting.distributed import World
from mer_batch.training.fitting.state import Job
from mer_batch.training.runs import runfile
from mer_batch.training.runs.lock import alone
from mer_batch.training.runs.parents import check_teachers, find_parent, transplant
from mer_batch.training.runs.plan import Plan, new_plan, resume_plan

if TYPE_CHECKING:
    from torch import Tensor, nn

Say: TypeAlias = Callable[[str], None]
Page: TypeAlias = Callable[[Path, Task], object]
"""What writes the page of a finished run, from its folder and its task."""


def train(
    spec: str | None,
    *,
    out: Path | None,
    resume: Path | None,
    tta: bool | str,
    device: str,
    changes: Mapping[str, Any],
    say: Say,
    parent: str | None = None,
    page: Page | None = None,
) -> Path:
    """Run the recipe `spec` to its end and return the run folder, which then holds `model/`.

    `changes` replace options of the recipe ("train.epochs": 3). With `resume` the run in that folder goes on,
    by its own recipe where `spec` is None; `parent` is a run or model whose weights a new run starts from.
    `tta` is False, True or the name of the views that the test set is also scored with.
    `page` is called when the model is written; if it fails, that is told and fails no run.
    Raises `UsageError` for a folder that already holds a run, and for changes that a run cannot take.
    """
    with distributed.joined(device) as (world, where):
        tell = say if world.is_first else _silent
        if resume is not None:
            plan = resume_plan(spec, resume, changes, out, parent)
        else:
            plan = new_plan(spec, world.from_first(time.strftime("%Y%m%d-%H%M%S")), changes, out, parent)
        task, examples, validation = _load(plan, world, where, tta)
        plan.run.counts = {"train": counts(examples), "validation": counts(validation)}
        world.gathered(None)  # all have read the folder before the first writes to it
        with _recorded(plan, world, where, tell):
            job = _job(plan, task, examples, world, where, tell)
            net = loop.fit(job, validation, plan.folder, plan.saved, lambda row: _heard(plan, world, row, tell))
            if world.is_first:
                _finish(plan, task, net, where, tta, tell, page)
    return plan.folder


def _silent(_line: str) -> None:
    """What the processes beside the first say."""


def _load(plan: Plan, world: World, device: torch.device, tta: bool | str) -> tuple[Task, Examples, Examples]:
    """The task and its examples; whatever does not fit is found here, before the run folder is touched.

    What options and headers tell is told before the data are read, which may take minutes.
    """
    recipe = plan.recipe
    check_folder(plan.folder)
    task = load_task(recipe.task, recipe.data)
    task.adapt(nets.input_of(recipe.net, **recipe.net_options))
    if tta:
        views_for(task.modality, tta)
    loop.check_options(recipe, task, device)
    if recipe.distill is not None:
        check_teachers(recipe)
    train = task.train()
    loop.check(Job(recipe, task, train, device, world))
    return task, train, task.validation()


def counts(examples: Examples) -> dict[str, int]:
    """Items of each label; pieces and repeats of one item count once."""
    labels = dict(zip(examples.ids, examples.labels.tolist(), strict=True)).values()
    found = Counter(labels)
    return {name: found[place] for place, name in enumerate(EMOTIONS) if found[place]}


def _job(plan: Plan, task: Task, train: Examples, world: World, device: torch.device, say: Say) -> Job:
    """The training with its examples cleaned, its teachers heard and its parent's weights, as the recipe says."""
    recipe, folder = plan.recipe, plan.folder
    if recipe.clean is not None:
        from mer_batch.training.fitting import crossfit

        kept = crossfit.believed(recipe, task, train, device, folder, say) if world.is_first else None
        kept = world.from_first(kept)
        assert kept is not None
        plan.run.dropped, train = len(train) - len(kept), train.take(kept)
    teacher = None
    if recipe.distill is not None:
        from mer_batch.training.runs import teachers

        teacher = world.from_first(teachers.teach(recipe, train, folder, device, say) if world.is_first else None)
    job = Job(recipe, task, train, device, world, teacher)
    return Job(recipe, task, train, device, world, teacher, _inherited(plan, job, say))


def _inherited(plan: Plan, job: Job, say: Say) -> Mapping[str, Tensor] | None:
    """The weights of the parent that fit this network; None without a parent, or where a checkpoint goes on."""
    if plan.parent is None or plan.saved is not None:
        return None
    parent = find_parent(plan.parent)
    torch.manual_seed(plan.recipe.train.seed)
    own = nets.build(plan.recipe.net, classes=job.outputs, **plan.recipe.net_options).state_dict()
    weights, left = transplant(own, parent.weights)
    if left:
        note = f"not taken from {plan.parent}: {', '.join(left[:5])}{' ...' if len(left) > 5 else ''}"
        plan.run.notes.append(note)
        say(note)
    return weights


@contextmanager
def _recorded(plan: Plan, world: World, device: torch.device, say: Say) -> Iterator[None]:
    """Keep `run.json` true to what happens, and let no other process train in the folder."""
    if not world.is_first:
        yield
        return
    run, folder = plan.run, plan.folder
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        if not (folder / "recipe.toml").exists():
            (folder / "recipe.toml").write_text(plan.recipe.text, encoding="utf-8")
        run.state, run.reason, run.device, run.processes = runfile.RUNNING, "", str(device), world.size
        run.write(folder)
        record.hint(say)
        for change in plan.changes:
            say(f"changed {change['option']} from {change['from']} to {change['to']}")
        try:
            yield
            run.state = runfile.FINISHED
        except KeyboardInterrupt:
            if run.state != runfile.FINISHED:
                run.state = runfile.INTERRUPTED
                say(f"resume with: mer train --resume {folder}")
            raise
        except torch.OutOfMemoryError as error:
            run.state, run.reason = runfile.FAILED, "out of memory"
            raise MerError(f"{device} is out of memory; lower train.micro_batch (say, a quarter)") from error
        except OSError as error:
            run.state, run.reason = runfile.FAILED, error.strerror or str(error)
            raise MerError(
                f"{run.reason} ({error.filename or folder}); go on with mer train --resume {folder}"
            ) from error
        except Exception as error:
            run.state, run.reason = runfile.FAILED, one_line(error)
            raise
        finally:
            record.close()
            with suppress(MerError, OSError):  # where the disk is full there is a worse error on its way
                run.write(folder)


def _heard(plan: Plan, world: World, row: Mapping[str, Any], say: Say) -> None:
    """Note an epoch in `run.json` and tell it."""
    if not world.is_first:
        return
    run = plan.run
    run.epochs_done, run.best = row["epoch"], row["best"]
    run.seconds = round(sum(float(past["seconds"]) for past in record.read(plan.folder)), 1)
    run.write(plan.folder)
    focus = f"  focus {', '.join(row['focus'])}" if row["focus"] else ""
    say(
        f"epoch {row['epoch']}/{plan.recipe.train.epochs}  loss {row['loss']:.4f}  "
        f"validation loss {row['validation_loss']:.4f}  accuracy {row['accuracy']:.4f}  uar {row['uar']:.4f}  "
        f"best {row['best']:.4f}{focus}  {row['seconds']:.0f} s"
    )


def _finish(
    plan: Plan, task: Task, net: nn.Module, device: torch.device, tta: bool | str, say: Say, page: Page | None
) -> None:
    """Export the model, note its scores and have the page written, whose failure is told but fails no run."""
    from mer_batch.training.export import export

    card, _ = export(net, plan.recipe, task, plan.folder / "model", str(device), tta)
    for name, value in card.scores.items():
        say(f"{card.confusion_source}: {name} {value:g}")
    plan.run.scores, plan.run.state = dict(card.scores), runfile.FINISHED
    plan.run.write(plan.folder)
    if page is None:
        return
    try:
        page(plan.folder, task)
    except Exception as error:
        say(f"no report: {one_line(error)}")


def one_line(error: BaseException) -> str:
    """What an error says, without line breaks."""
    return " ".join(str(error).split())[:300] or type(error).__name__
