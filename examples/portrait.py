"""A portrait that can be posed: cut-out, drawn expressions, mouth, brows and eyes.

The picture is `skimage.data.astronaut()`, NASA's portrait of Eileen Collins (public domain); all
coordinates are its pixels. A pose is a thin-plate spline through the landmarks of `poses.py`, a mouth
that closes or opens along a slit, and a little ink.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from PIL import Image
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates, zoom
from skimage import data, draw, restoration, segmentation

from poses import BROWS, LOWER, MEETING, MOUTH, UPPER, Array, Points, Pose, controls

WIDTH, HEIGHT = 400, 348
"""The part of the picture that is used, from its top left corner."""
SCALE: Final = 3
"""The picture is enlarged so many times once, so that sampling it stays sharp."""

# The person's outline, clockwise from the top of the hair; only seeds for the matte, 4 px off is fine.
OUTLINE: Final[Points] = (
    *((232, 15), (248, 17), (266, 24), (282, 35), (293, 52), (299, 70), (302, 86), (299, 105), (290, 117)),
    *((278, 129), (272, 136), (266, 136), (263, 146), (258, 160), (256, 173), (270, 181), (287, 198)),
    *((299, 220), (305, 236), (323, 244), (339, 259), (349, 278), (357, 307), (362, 332), (362, 345)),
    *((24, 345), (39, 297), (41, 287), (47, 275), (61, 251), (77, 235), (97, 220), (112, 206), (113, 199)),
    *((112, 188), (119, 185), (124, 174), (132, 163), (145, 153), (160, 149), (184, 148), (182, 131)),
    *((180, 131), (173, 126), (170, 119), (160, 108), (156, 96), (154, 83), (153, 69), (157, 57)),
    *((170, 46), (188, 38), (196, 29), (212, 21), (228, 16)),
)
SMILE_FOLDS: Final[tuple[Points, ...]] = (
    ((208, 122), (203, 129), (198, 134), (197, 138)),
    ((239, 122), (245, 130), (250, 136), (250, 142)),
)
FROWN_FOLDS: Final[tuple[Points, ...]] = (((221, 87), (222, 98)), ((230, 87), (229.5, 99)))
REGION: Final = (168, 68, 284, 194)
"""The part of the picture (left, top, right, bottom) that a pose may move."""


@dataclass(frozen=True)
class Warp:
    """Where every pixel of the posed portrait comes from: offsets on the whole pixels of `REGION`."""

    dx: Array
    dy: Array
    pose: Pose

    def source(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Coordinates in the photograph for posed coordinates, and how far inside the open mouth each lies."""
        at = [y - REGION[1], x - REGION[0]]
        sx = x + map_coordinates(self.dx, at, order=1, cval=0.0)
        sy = y + map_coordinates(self.dy, at, order=1, cval=0.0)
        return _slit(sx, sy, self.pose.gap)


def warp(pose: Pose) -> Warp:
    """The displacement of `pose`, fitted from posed landmarks back to the photograph."""
    before, after = controls(pose)
    left, top, right, bottom = REGION
    ys, xs = np.mgrid[top : bottom + 1 : 2, left : right + 1 : 2]
    spline = RBFInterpolator(after, before - after, kernel="thin_plate_spline", smoothing=0.05)
    field = spline(np.column_stack([xs.ravel(), ys.ravel()]).astype(float)).reshape(*xs.shape, 2)
    # Fade to nothing at the rim: a spline does not stop at its last landmark.
    rim = np.minimum.reduce([xs - left, right - xs, ys - top, bottom - ys]) / 10.0
    field *= np.clip(rim, 0, 1)[..., None]
    return Warp(_full(field[..., 0]), _full(field[..., 1]), pose)


def _full(coarse: Array) -> Array:
    height, width = REGION[3] - REGION[1] + 1, REGION[2] - REGION[0] + 1
    return np.asarray(zoom(coarse, (height / coarse.shape[0], width / coarse.shape[1]), order=1, grid_mode=False))


def _fall(distance: Array, flat: float, reach: float) -> Array:
    share = np.clip((distance - flat) / (reach - flat), 0, 1)
    return np.asarray(1 - share * share * (3 - 2 * share))


def _slit(x: Array, y: Array, gap: float) -> tuple[Array, Array, Array]:
    """Slide the lips over the teeth: above the opening from the upper lip, below it from the lower one."""
    middle, half, height, slope = MOUTH
    t = (x - middle) / half
    bow = np.clip(1 - t * t, 0, None)
    round_bow = np.sqrt(bow)
    base = height + slope * t
    smile = LOWER - UPPER
    # Lips that close meet at MEETING; lips that open further do it by the lower one, as jaws do.
    share = min(gap / smile, 1.0)
    up, low = MEETING + (UPPER - MEETING) * share, MEETING + (LOWER - MEETING) * share
    # A smile hangs like a parabola; what opens beyond it is an ellipse.
    wide = max(gap - smile, 0.0)
    above = base + up * bow - 0.25 * wide * round_bow - y
    below = y - base - low * bow - 0.75 * wide * round_bow
    shifted = y - ((up - UPPER) * bow - 0.25 * wide * round_bow) * _fall(above, 4.0, 13.0) * (above >= 0)
    shifted -= ((low - LOWER) * bow + 0.75 * wide * round_bow) * _fall(below, 6.0, 30.0) * (below > 0)
    return x, shifted, np.where(bow > 0, np.minimum(-above, -below), -9.0)


class Portrait:
    """The cut-out person, ready to be posed and sampled."""

    def __init__(self) -> None:
        astronaut: Any = data.astronaut  # untyped there
        picture = astronaut()[:HEIGHT, :WIDTH].astype(np.float64) / 255
        # One bar of one-pixel noise in the matte is visible; two are not: blur it by half a pixel.
        self.matte = gaussian_filter(_matte(picture), 0.6)
        smooth = restoration.inpaint_biharmonic(picture, _strokes(SMILE_FOLDS, 2.2) > 0.4, channel_axis=-1)
        self._photo = _enlarge(picture)
        self._smooth = _enlarge(np.clip(smooth, 0, 1))
        self._masks = {
            "folds": _enlarge(np.clip(_strokes(SMILE_FOLDS, 2.6) * 1.6, 0, 1)),
            "ink": _enlarge(_strokes(BROWS, 1.1)),
            "furrow": _enlarge(_strokes(FROWN_FOLDS, 1.3)),
            "lips": _enlarge(_lips()),
            "cheeks": _enlarge(_cheeks()),
        }

    def sample(self, warped: Warp, x: Array, y: Array) -> tuple[Array, Array]:
        """Colour (..., 3) and opacity (...) of the posed portrait at coordinates `x`, `y`."""
        colour = self._rgb(self._photo, x, y)
        left, top, right, bottom = REGION
        near = (x > left) & (x < right) & (y > top) & (y < bottom)
        sx, sy, inside = warped.source(x[near], y[near])
        colour[near] = self._face(warped.pose, sx, sy, inside)
        x, y = x.copy(), y.copy()
        x[near], y[near] = sx, sy
        return colour, np.asarray(map_coordinates(self.matte, [y, x], order=1, cval=0.0))

    def _face(self, pose: Pose, x: Array, y: Array, inside: Array) -> Array:
        folds = self._read(self._masks["folds"], x, y) * pose.folds
        colour = _mix(self._rgb(self._photo, x, y), self._rgb(self._smooth, x, y), folds)
        dark = 0.5 * pose.ink * self._read(self._masks["ink"], x, y)
        dark += 0.32 * pose.furrow * self._read(self._masks["furrow"], x, y)
        colour *= (1 - np.clip(dark, 0, 0.8))[..., None]
        # Less light on skin takes blue first and red last; grey shadows would look like bruises.
        for name, depth, tint in (("lips", 0.32, (0.45, 1.2, 1.05)), ("cheeks", 0.16, (0.8, 1.0, 1.6))):
            shade = 1 - depth * pose.dull * self._read(self._masks[name], x, y)
            colour *= shade[..., None] ** np.array(tint)
        return _paint_mouth(colour, x, y, inside, pose)

    def _rgb(self, picture: Array, x: Array, y: Array) -> Array:
        return np.stack([self._read(picture[..., c], x, y) for c in range(3)], axis=-1)

    def _read(self, plane: Array, x: Array, y: Array) -> Array:
        at = [y * SCALE + (SCALE - 1) / 2, x * SCALE + (SCALE - 1) / 2]
        return np.asarray(map_coordinates(plane, at, order=1, mode="nearest"))


def _mix(a: Array, b: Array, share: Array) -> Array:
    return a + (b - a) * share[..., None]


def _paint_mouth(colour: Array, x: Array, y: Array, inside: Array, pose: Pose) -> Array:
    """The dark of an open mouth around the teeth, or the line between closed lips."""
    middle, half, height, slope = MOUTH
    t = (x - middle) / half
    bow = np.clip(1 - t * t, 0, None)
    hang = y - height - slope * t
    teeth = (hang > UPPER * bow - 0.4) & (hang < LOWER * bow + 0.2)
    hidden = np.clip(inside / 0.8 + 0.3, 0, 1) * np.where(teeth, 1 - pose.teeth, 1.0)
    hidden = np.where(bow > 0, hidden, 0.0) * min(1.0, pose.gap / 2)
    cavity = np.broadcast_to(np.array([0.22, 0.07, 0.07]), colour.shape)
    colour = _mix(colour, cavity, hidden)
    closed = 1 - min(1.0, pose.gap / 2)
    line = closed * 0.6 * np.exp(-((inside / 0.75) ** 2)) * np.sqrt(np.clip(bow, 0, 1))
    return np.asarray(colour * (1 - line)[..., None])


def _matte(picture: Array) -> Array:
    """Opacity of the person, by a random walk from the inside and the outside of the outline."""
    xs, ys = np.array(OUTLINE).T
    polygon2mask: Any = draw.polygon2mask  # untyped there
    inside = polygon2mask(picture.shape[:2], np.column_stack([ys, xs])).astype(np.float64)
    near = gaussian_filter(inside, 2.0)
    seeds = np.zeros(inside.shape, dtype=np.int32)
    seeds[near > 0.985], seeds[near < 0.015] = 1, 2
    # Rows under the outline never show.
    seeds[340:] = 2
    walk: Any = segmentation.random_walker(
        picture, seeds, beta=300, mode="cg_j", tol=1e-4, return_full_prob=True, channel_axis=-1
    )
    return np.asarray(np.clip((walk[0] - 0.35) / 0.6, 0, 1))


def _lips() -> Array:
    """The lips of the smile; stretched they shine, and the lower one's shine reads as teeth."""
    middle, half, height, slope = MOUTH
    ys, xs = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    t = (xs - middle) / half
    bow, hang = np.clip(1 - t * t, 0, None), ys - height - slope * t
    return np.asarray(gaussian_filter(((bow > 0) & (hang > -0.8) & (hang < 15.5 * bow)).astype(np.float64), 0.8))


def _cheeks() -> Array:
    """The light on the cheeks that a smile raises."""
    ys, xs = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    left, right = (np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 80) for x, y in ((199, 121), (246, 123)))
    return np.asarray(np.clip(left + right, 0, 1))


def _strokes(lines: tuple[Points, ...], width: float) -> Array:
    """A soft mask (HEIGHT, WIDTH) around polylines; `width` is the Gaussian's sigma."""
    ys, xs = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    nearest = np.full(xs.shape, np.inf)
    for line in lines:
        for (ax, ay), (bx, by) in pairwise(line):
            along = ((xs - ax) * (bx - ax) + (ys - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, (xs - ax - along * (bx - ax)) ** 2 + (ys - ay - along * (by - ay)) ** 2)
    return np.asarray(np.exp(-nearest / (2 * width**2)))


def _enlarge(plane: Array) -> Array:
    if plane.ndim == 3:
        return np.stack([_enlarge(plane[..., c]) for c in range(plane.shape[2])], axis=-1)
    size = (plane.shape[1] * SCALE, plane.shape[0] * SCALE)
    large = Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(large, dtype=np.float64), 0, 1)
