"""A second file, or the same one as other models read it, beside the first: its lanes on the same time axis."""

from __future__ import annotations

from typing import Any

from mer_batch.report.lanes import page_data
from mer_batch.types import Timeline
from mer_batch.wording import person_name

AGAIN = "second reading"
"""What lanes are called that are of the same file."""


def with_second(data: dict[str, Any], first: Timeline, second: Timeline) -> dict[str, Any]:
    """The data of a page with the lanes of `second`; whose each was there stands under `beside`."""
    other, name = page_data(second), second.media.path.name
    mark = AGAIN if name == first.media.path.name else name
    taken = {lane["person"] for lane in data["lanes"]}
    lanes = []
    for lane in other["lanes"]:
        called = f"{person_name(lane['person'])} ({mark})"
        while called in taken:
            called += "'"
        taken.add(called)
        lanes.append({**lane, "beside": person_name(lane["person"]), "person": called})
    return {**data, "duration": max(data["duration"], other["duration"]), "lanes": [*data["lanes"], *lanes]}
