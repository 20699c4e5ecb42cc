"""How readable a face is: size, sharpness, pose, light, and how much of it is in the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.face.crop import crop_face
from mer_batch.face.detect import Detection, area
from mer_batch.types import FaceQuality, Image

UNREADABLE_SIZE: Final = 16.0
"""Faces whose shorter side is under this many pixels are not read at all."""
_SMALL: Final = 32.0
_BLURRED: Final = 60.0
_DARK: Final = 45.0
_PROFILE: Final = 45.0
_CUT_OFF: Final = 0.85
_GREY_CROP: Final = {"size": 48, "margin": 0.0}

# A generic head in millimetres (x right, y down, z away from the viewer): eyes, nose tip, mouth
# corners. Widths and heights are the median landmarks of this detector on 1,719 upright FER2013
# faces, scaled to 63 mm between the pupils; the nose tip lies 28 mm before the eyes.
_HEAD: Final = np.array(
    [(-31.5, 0.0, 0.0), (31.5, 0.0, 0.0), (0.0, 36.0, -28.0), (-26.0, 67.0, -4.0), (26.0, 67.0, -4.0)]
)


def assess(image: Image, face: Detection) -> FaceQuality:
    """The quality of a face in its full-resolution frame; see `FaceQuality` for the units."""
    height, width = image.shape[:2]
    size = min((face.box[2] - face.box[0]) * width, (face.box[3] - face.box[1]) * height)
    grey = crop_face(image, face.box, _GREY_CROP).astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    sharpness, light = _laplacian_variance(grey), float(grey.mean())
    yaw, pitch, roll = pose([(x * width, y * height) for x, y in face.landmarks])
    inside = share_inside(face)
    wrong = {
        "small": size < _SMALL,
        "blurred": sharpness < _BLURRED,
        "profile": abs(yaw) > _PROFILE,
        "dark": light < _DARK,
        "cut off": inside < _CUT_OFF,
    }
    score = (
        _ramp(size, UNREADABLE_SIZE / 2, 48)
        * (0.4 + 0.6 * _ramp(sharpness, 0, 2 * _BLURRED))
        * (0.2 + 0.8 * _ramp(math.cos(math.radians(min(abs(yaw), 90))), 0.3, 0.9))
        * (0.3 + 0.7 * _ramp(light, 10, _DARK))
        * _ramp(inside, 0.4, 0.95)
        * _ramp(face.score, 0.5, 0.95)
    )
    flags = tuple(name for name, holds in wrong.items() if holds)
    return FaceQuality(float(size), sharpness, yaw, pitch, roll, float(score), flags)


def share_inside(face: Detection) -> float:
    """The share of the box that lies in the picture."""
    left, top, right, bottom = face.box
    wide, tall = min(right, 1.0) - max(left, 0.0), min(bottom, 1.0) - max(top, 0.0)
    return max(wide, 0.0) * max(tall, 0.0) / area(face.box)


def pose(landmarks: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from five landmarks in pixels.

    The generic head is fitted to the points under scaled orthographic projection by least squares
    (the first step of POSIT, DeMenthon & Davis 1995). Positive: turned to the viewer's right,
    looking up, tilted clockwise. Good to some ten degrees: heads differ.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    points = points - points.mean(0)
    head = _HEAD - _HEAD.mean(0)
    fit, *_ = np.linalg.lstsq(head, points, rcond=None)
    left, _, right = np.linalg.svd(fit.T, full_matrices=False)
    rows = left @ right
    rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
    return _angles(rotation)


def _angles(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Yaw, pitch and roll of Rz(roll) @ Rx(pitch) @ Ry(yaw), with the signs of `pose`."""
    pitch = -math.asin(float(np.clip(rotation[2, 1], -1, 1)))
    yaw = -math.atan2(-rotation[2, 0], rotation[2, 2])
    roll = math.atan2(-rotation[0, 1], rotation[1, 1])
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def _laplacian_variance(grey: NDArray[np.float32]) -> float:
    middle = grey[1:-1, 1:-1]
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float(edges.var())


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, linear between."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
