"""The leakage gate: `mer data check` on the very split that a grid trains and tests on, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mer_batch.data.check import check
from mer_batch.tasks.task import Task


@dataclass(frozen=True)
class Gate:
    """What was checked, and what leaks from training into the test, one sentence each; none = no leak was found."""

    checked: tuple[str, ...]
    leaks: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def gate(task: Task, on_progress: Callable[[str, float], None]) -> Gate:
    """Look for copies and shared groups across the parts of a task's split. Raises what `mer data check` raises."""
    checked, leaks = [], []
    for manifest, groups in task.manifests():
        found = check(manifest, list(groups), None, on_progress)
        kept = f", {' and '.join(groups)} kept apart" if groups else ""
        checked.append(f"{manifest.name}: {len(manifest.rows):,} items, copies{kept}")
        leaks += [f"{manifest.name}: {finding.text}" for finding in found.findings if finding.level == "leak"]
    test = task.held_out("test")
    copied = len(task.copied() & set(test.ids))
    if not checked:
        checked.append(f"{test.name}: {len(set(test.ids)):,} items, copies that its task knows of")
    if copied and not leaks:
        leaks.append(f"{copied:,} of {len(set(test.ids)):,} test items have a copy in the training data")
    return Gate(tuple(checked), tuple(leaks))
