"""The story of the example clip: who shows what when, where the person is, and the truth of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from poses import POSES, Pose

TRANSITION: Final = 0.24
"""Seconds from one expression to the next, centred on the stated time."""
SPOKEN: Final = 4.5
"""How far the loudest syllable of a sentence opens the mouth, in pixels of the portrait."""
JAW_SHARE: Final = 0.4
"""How far the chin goes with it."""
HALF_HEAD: Final = 45.0
"""Half the width of the face in pixels of the portrait."""
HALF_BODY: Final = 205.0
"""From the middle of the face to the farther end of the shoulders."""


@dataclass(frozen=True)
class Line:
    """A sentence to be spoken, what its words read as, and how espeak-ng says it."""

    start: float
    emotion: str
    text: str
    speed: int
    pitch: int
    level: float


@dataclass(frozen=True)
class Plan:
    """Everything that happens, in seconds."""

    name: str = "interview"
    width: int = 640
    height: int = 360
    fps: float = 25.0
    duration: float = 24.0
    # "surprise" goes on across the cut: a cut alone is no change of expression.
    states: tuple[tuple[float, str], ...] = (
        *((0.0, "neutral"), (3.2, "happy"), (6.8, "sad"), (11.4, "neutral"), (15.8, "surprise"), (21.2, "angry")),
    )
    leave: tuple[float, float] = (9.2, 11.0)
    back: tuple[float, float] = (11.9, 13.7)
    cut: float = 18.6
    lines: tuple[Line, ...] = (
        Line(0.4, "neutral", "The meeting starts at nine in room two.", 155, 45, 0.10),
        Line(3.5, "happy", "I am so happy! This is wonderful news, I love it!", 180, 70, 0.13),
        Line(7.1, "sad", "I feel so sad. I cried all night.", 150, 25, 0.06),
        Line(13.4, "neutral", "The report has four pages.", 160, 45, 0.10),
        Line(16.1, "surprise", "Oh wow! What a surprise!", 175, 80, 0.13),
        Line(21.4, "angry", "I am furious! This is so unfair, I hate it!", 195, 50, 0.16),
    )


FULL: Final = Plan()


def quick_plan() -> Plan:
    """The same story in a quarter of the time, small and silent."""
    part = 0.25
    return replace(
        FULL,
        width=320,
        height=180,
        fps=12.5,
        duration=FULL.duration * part,
        states=tuple((time * part, state) for time, state in FULL.states),
        leave=(FULL.leave[0] * part, FULL.leave[1] * part),
        back=(FULL.back[0] * part, FULL.back[1] * part),
        cut=FULL.cut * part,
        lines=(),
    )


def _ease(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def pose_at(plan: Plan, time: float, loudness: float) -> Pose:
    """The expression at `time`, with the mouth moved by the voice (`loudness` 0..1)."""
    pose = POSES[plan.states[0][1]]
    for change, state in plan.states[1:]:
        share = _ease((time - change) / TRANSITION + 0.5)
        pose = pose.towards(POSES[state], share)
    # A shut mouth opens when it speaks, a wide open one closes; the jaw goes with it.
    way = loudness * (-SPOKEN if pose.gap > 8 else SPOKEN)
    return replace(pose, gap=pose.gap + way, chin=pose.chin + JAW_SHARE * way, teeth=pose.teeth * (1 - loudness / 2))


@dataclass(frozen=True)
class View:
    """How the portrait lies in the frame: `x`, `y` of the face in the frame, pixels per portrait pixel."""

    x: float
    y: float
    scale: float
    angle: float
    mirrored: bool


def view_at(plan: Plan, time: float) -> View:
    """Slow sway, nod and zoom; out to the left, in again from the left; another framing after the cut."""
    seconds = time * FULL.duration / plan.duration
    unit = plan.width / FULL.width
    away = _ease((time - plan.leave[0]) / (plan.leave[1] - plan.leave[0]))
    away -= _ease((time - plan.back[0]) / (plan.back[1] - plan.back[0]))
    after = time >= plan.cut - 1e-6
    sway, nod = 7 * math.sin(seconds * 1.2), 3.5 * math.sin(seconds * 1.7 + 1)
    scale = (2.15 if after else 1.7) * (1 + 0.05 * math.sin(seconds * 0.7))
    x = (385 if after else 330) + sway - 720 * away
    return View(x * unit, (175 + nod) * unit, scale * unit, 0.025 * math.sin(seconds), after)


def absence(plan: Plan) -> dict[str, float]:
    """When the face leaves and returns: its middle crosses the rim, and nothing of the person is seen."""
    times = np.arange(round(plan.duration * plan.fps)) / plan.fps
    views = [view_at(plan, float(time)) for time in times]
    outside = times[[view.x < 0 for view in views]]
    no_face = times[[view.x < -HALF_HEAD * view.scale for view in views]]
    nobody = times[[view.x < -HALF_BODY * view.scale for view in views]]
    spans = {"half_face": outside, "no_face": no_face, "nobody": nobody}
    found = {}
    for name, span in spans.items():
        found[f"{name}_from"], found[f"{name}_until"] = round(span[0], 3), round(span[-1] + 1 / plan.fps, 3)
    return {name: float(value) for name, value in found.items()}


def rows(plan: Plan) -> list[dict[str, Any]]:
    """Stretches of one expression in view. Only the first appearance is sure to be "Person 1"."""
    away = absence(plan)
    edges = sorted({time for time, _ in plan.states} | {away["half_face_from"], away["half_face_until"], plan.cut})
    table = []
    for start, end in zip(edges, [*edges[1:], plan.duration], strict=True):
        if away["half_face_from"] <= start < away["half_face_until"]:
            continue
        state = [name for time, name in plan.states if time <= start][-1]
        person = "Person 1" if end <= away["half_face_from"] else ""
        table.append({"start": start, "end": end, "person": person, "emotion": state})
    return table


def changes(plan: Plan) -> list[dict[str, Any]]:
    """Changes of expression in full view."""
    away = absence(plan)
    pairs = zip(plan.states, plan.states[1:], strict=False)
    seen = [(old, new) for old, new in pairs if not away["half_face_from"] <= new[0] < away["half_face_until"]]
    return [{"time": new[0], "from": old[1], "to": new[1], "seconds": TRANSITION} for old, new in seen]
