"""Quality: pose from landmarks of a turned head, and a flag for each thing that can be wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from face.fakes import five_points
from mer_batch.face.detect import CascadeDetector, Detection
from mer_batch.face.quality import _HEAD, assess, pose, share_inside
from mer_batch.types import Box, Image


def _turned(yaw: float, pitch: float, roll: float, scale: float = 2.0) -> list[tuple[float, float]]:
    """The generic head turned by angles, seen from far away."""
    y, p, r = (math.radians(angle) for angle in (-yaw, -pitch, roll))
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    seen = (about_z @ about_x @ about_y @ _HEAD.T).T[:, :2] * scale + 300
    return [(float(a), float(b)) for a, b in seen]


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (40, 0, 0), (-60, 0, 0), (0, 25, 0), (0, -30, 0), (0, 0, 35), (30, -15, -20), (75, 10, 5)]
)
def test_pose_of_a_turned_head(angles: tuple[float, float, float]) -> None:
    assert pose(_turned(*angles)) == pytest.approx(angles, abs=1e-3)


def test_the_signs_of_pose() -> None:
    right = _turned(30, 0, 0)
    assert right[2][0] > (right[0][0] + right[1][0]) / 2, "turned to the viewer's right, the nose goes right"
    tilted = _turned(0, 0, 20)
    assert tilted[1][1] > tilted[0][1], "tilted clockwise, the right eye is lower"


def _face(box: Box, score: float = 1.0) -> Detection:
    return Detection(box, five_points(box), score)


def _noise(light: float = 128, spread: float = 60) -> Image:
    noise = np.random.default_rng(1).normal(light, spread, (200, 200, 3))
    return noise.clip(0, 255).astype(np.uint8)


def test_a_good_face_has_no_flags(portrait: Image) -> None:
    face = CascadeDetector("cpu").detect([portrait])[0][0]
    quality = assess(portrait, face)
    assert quality.flags == ()
    assert quality.score > 0.7
    assert quality.size == pytest.approx(100, abs=20)
    assert abs(quality.yaw) < 25
    assert abs(quality.roll) < 15


def test_a_mirrored_face_has_the_opposite_yaw_and_roll(portrait: Image) -> None:
    detector = CascadeDetector("cpu")
    mirrored = np.ascontiguousarray(portrait[:, ::-1])
    one, other = (assess(i, detector.detect([i])[0][0]) for i in (portrait, mirrored))
    assert one.yaw == pytest.approx(-other.yaw, abs=12)
    assert one.roll == pytest.approx(-other.roll, abs=6)


def test_each_flaw_has_its_flag_and_costs_score() -> None:
    box = (0.2, 0.2, 0.8, 0.8)
    good = assess(_noise(), _face(box))
    assert good.flags == ()
    flawed = {
        "small": assess(_noise(), _face((0.4, 0.4, 0.5, 0.5))),
        "blurred": assess(np.full((200, 200, 3), 128, np.uint8), _face(box)),
        "dark": assess(_noise(light=10, spread=30), _face(box)),
        "cut off": assess(_noise(), _face((0.7, 0.2, 1.3, 0.8))),
        "profile": assess(_noise(), Detection(box, tuple((x / 600, y / 600) for x, y in _turned(70, 0, 0)), 1.0)),
    }
    for flag, quality in flawed.items():
        assert flag in quality.flags
        assert quality.score < good.score
    assert assess(_noise(), _face(box, score=0.7)).score < good.score


def test_share_inside() -> None:
    assert share_inside(_face((0.1, 0.1, 0.5, 0.5))) == pytest.approx(1)
    assert share_inside(_face((-0.5, 0.1, 0.5, 0.5))) == pytest.approx(0.5)
    assert share_inside(_face((1.1, 0.1, 1.5, 0.5))) == 0
