"""Drawn expressions: hand-placed landmarks of the portrait and how each expression moves them.

Coordinates are pixels of `skimage.data.astronaut()` (512 x 512), x to the right and y down. They are
drawings of expressions; nobody felt anything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Points: TypeAlias = tuple[tuple[float, float], ...]

BROWS: Final[tuple[Points, ...]] = (
    ((190, 90), (197, 88), (205, 90), (214, 92.5)),
    ((238, 93.5), (245, 92), (254, 92.5), (262, 96)),
)
FRINGE: Final[Points] = ((197, 80), (207, 82), (217, 84), (228, 86), (239, 86), (252, 86))
# Never moved: hair line, nose, ears, face outline, neck.
FIXED: Final[Points] = (
    *((188, 72), (205, 77), (222, 80), (240, 82), (258, 84), (270, 92), (184, 92), (182, 110), (270, 112)),
    *((182, 131), (268, 131), (225, 104), (225, 114), (223, 126), (214, 128), (234, 129), (188, 160), (258, 160)),
    *((193, 118), (256, 120), (200, 178), (246, 178), (170, 70), (280, 70), (170, 190), (280, 190), (223, 190)),
)
MOUTH: Final = (223.6, 21.2, 140.4, 0.55)
"""Middle, half width, height of the corners and their slope per half width."""
UPPER, LOWER, MEETING = 3.5, 9.3, 5.1
"""How far the smile's upper lip, lower lip and closed line hang below the corners, in the middle."""


@dataclass(frozen=True)
class Pose:
    """What differs from the photograph, in pixels of the portrait; zero everywhere is the broad smile.

    Positive moves brows up, lids apart, mouth corners down and inwards, the chin down; `gap` is how
    far the lips are apart in the middle (the smile: 5.8). Shares (0..1): `teeth` seen, `folds` of
    the smile smoothed away, `ink` on brows, `furrow` between them, `dull` lips and cheeks.
    """

    brow_inner: float = 0.0
    brow_middle: float = 0.0
    brow_outer: float = 0.0
    brow_together: float = 0.0
    lid_upper: float = 0.0
    lid_lower: float = 0.0
    lid_outer: float = 0.0
    corner_down: float = 0.0
    corner_in: float = 0.0
    middle_down: float = 0.0
    lip_thick: float = 0.0
    chin: float = 0.0
    gap: float = 5.8
    teeth: float = 1.0
    folds: float = 0.0
    ink: float = 0.0
    furrow: float = 0.0
    dull: float = 0.0

    def towards(self, other: Pose, share: float) -> Pose:
        """This pose moved towards `other`; 0 is this one, 1 the other."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Pose(*(a + (b - a) * share for a, b in pairs))


POSES: Final = {
    "happy": Pose(),
    "neutral": Pose(
        lid_upper=-1.0, lid_lower=-0.5, corner_down=9.0, corner_in=2.5, middle_down=2.5, lip_thick=0.5, gap=0,
        folds=1.0, ink=0.3, dull=1.0,
    ),
    "sad": Pose(
        brow_inner=3.0, brow_middle=-1.5, brow_outer=-4.0, brow_together=1.5, lid_upper=-2.3, lid_lower=-0.7,
        lid_outer=-2.0, corner_down=13.0, corner_in=4.0, middle_down=1.0, lip_thick=0.4, chin=-1.0, gap=0,
        folds=1.0, ink=0.6, furrow=0.5, dull=1.0,
    ),
    "angry": Pose(
        brow_inner=-6.0, brow_middle=-3.5, brow_outer=1.5, brow_together=4.0, lid_upper=0.2, lid_lower=-0.8,
        corner_down=11.0, corner_in=5.5, middle_down=3.0, lip_thick=-0.4, chin=-1.0, gap=0, folds=0.3, ink=1.0,
        furrow=1.0, dull=1.0,
    ),
    "surprise": Pose(
        brow_inner=5.0, brow_middle=6.0, brow_outer=5.0, lid_upper=2.4, lid_lower=1.2, corner_down=7.5,
        corner_in=9.5, lip_thick=0.4, chin=5.0, gap=16.0, teeth=0.15, folds=1.0, ink=0.5,
    ),
}  # fmt: skip


def controls(pose: Pose) -> tuple[Array, Array]:
    """Landmarks before and after: two arrays (n, 2)."""
    moves: list[tuple[float, float, float, float]] = [(x, y, 0.0, 0.0) for x, y in FIXED]
    for side, brow in zip((1, -1), (BROWS[0], BROWS[1][::-1]), strict=True):
        lifts = (pose.brow_outer, pose.brow_middle, (pose.brow_middle + pose.brow_inner) / 2, pose.brow_inner)
        pulls = (0.0, 0.2, 0.6, 1.0)
        for (x, y), lift, pull in zip(brow, lifts, pulls, strict=True):
            moves.append((x, y, side * pull * pose.brow_together, -lift))
    for outer, upper, inner, lower in (
        ((193.6, 100.6), (202.5, 96.8), (214.2, 101.4), (203.5, 105.2)),
        ((259.0, 103.6), (247.0, 99.0), (236.2, 104.4), (247.0, 106.8)),
    ):
        moves.append((*outer, 0.0, -pose.lid_outer))
        moves.append((*upper, 0.0, -pose.lid_upper))
        # Lashes and the fold above them move with the lid, or they are smeared, and under a sinking brow.
        moves.append((upper[0], upper[1] - 2.5, 0.0, -pose.lid_upper - 0.6 * min(pose.brow_middle, 0.0)))
        moves.append((*inner, 0.0, 0.0))
        moves.append((*lower, 0.0, pose.lid_lower))
    # The fringe hangs just above the brows: it gives way when they rise and stays when they sink.
    fringe = 0.55 * max(pose.brow_inner, 0.0)
    moves.extend((x, y, 0.0, -fringe) for x, y in FRINGE)
    moves.extend(_mouth_moves(pose))
    moves.append((223.0, 177.0, 0.0, pose.chin))
    moves.append((206.0, 171.0, 0.0, pose.chin * 0.7))
    moves.append((241.0, 171.0, 0.0, pose.chin * 0.7))
    table = np.array(moves)
    return table[:, :2], table[:, :2] + table[:, 2:]


def _mouth_moves(pose: Pose) -> list[tuple[float, float, float, float]]:
    middle, half, height, slope = MOUTH
    moves = []
    for t in (-1.0, -0.55, 0.0, 0.55, 1.0):
        line = height + slope * t + MEETING * (1 - t * t)
        down = pose.corner_down * t * t + pose.middle_down * (1 - t * t)
        moves.append((middle + half * t, line, -t * pose.corner_in, down))
    thick = pose.lip_thick
    moves.append((middle, height - 0.5, 0.0, pose.middle_down - thick))
    return moves
