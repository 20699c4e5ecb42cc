"""The three networks of MTCNN, run in batches over frames and crops.

The networks and their weights are those inside facenet-pytorch; the cascade around them follows
Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(arXiv:1604.02878). Here boxes are continuous pixel coordinates (left, top, right, bottom), and every
stage works on all frames of a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from mer_batch.face import mtcnn
from mer_batch.face.operators import batched_nms
from mer_batch.face.views import Views

if TYPE_CHECKING:
    from torch import nn

THRESHOLDS: Final = (0.6, 0.7, 0.7)
"""Scores a candidate needs in P-Net, R-Net and O-Net: the defaults of facenet-pytorch."""
CELL: Final = 12
"""P-Net looks at windows of 12 pixels."""
_STRIDE: Final = 2  # P-Net looks at every second pixel of a pyramid level
_SHRINK: Final = 0.709  # from one pyramid level to the next: half the area
_CROPS: Final = 256  # crops in one pass of R-Net or O-Net, to bound memory


@dataclass(frozen=True)
class Candidates:
    """Boxes (k, 4) in pixels, scores (k,), the frame each belongs to (k,), landmarks (k, 5, 2)."""

    boxes: Tensor
    scores: Tensor
    frame: Tensor
    points: Tensor

    def pick(self, keep: Tensor) -> Candidates:
        """Those that an index or a mask selects."""
        return Candidates(self.boxes[keep], self.scores[keep], self.frame[keep], self.points[keep])


class Cascade:
    """P-Net, R-Net and O-Net on one device. Pictures come as `Views`."""

    def __init__(self, device: torch.device, thresholds: tuple[float, float, float] = THRESHOLDS) -> None:
        self.device = device
        self.thresholds = thresholds
        self._pnet, self._rnet, self._onet = (mtcnn.load(name, device) for name in ("pnet", "rnet", "onet"))

    @torch.inference_mode()
    def detect(self, views: Views, min_face: float) -> Candidates:
        """All faces of at least `min_face` pixels."""
        return self.locate(views, self.filter(views, self.propose(views, min_face)))

    @torch.inference_mode()
    def propose(self, views: Views, min_face: float) -> Candidates:
        """P-Net over the image pyramid."""
        sizes = _pyramid(views.height, views.width, min_face)
        seen = [self._seen(level, first) for first, levels in views.pyramids(sizes) for level in levels]
        count = torch.tensor([len(rows) for rows in seen], device=self.device)
        if not int(count.sum()):
            return _nothing(self.device)
        rows = torch.cat(seen)
        frame = rows[:, 0].long()
        level = torch.arange(len(seen), device=self.device).repeat_interleave(count) % len(sizes)
        scale = (views.width_height / torch.tensor(sizes, device=self.device)[level].flip(1)).repeat(1, 2)
        corner = rows[:, [2, 1]].repeat(1, 2) * _STRIDE
        corner[:, 2:] += CELL
        # The regression travels in the place of the landmarks, which P-Net does not give.
        points = torch.nn.functional.pad(rows[:, 4:], (0, 6)).view(-1, 5, 2)
        apart = Candidates(corner * scale, rows[:, 3], frame * len(sizes) + level, points)
        apart = apart.pick(_best(apart, 0.5))
        merged = replace(apart, frame=apart.frame // len(sizes))
        # R-Net need not see twice what two levels agree on: a quarter less to do, and as many found on media/stills.
        merged = merged.pick(_best(merged, 0.5))
        return _moved(merged, merged.points.flatten(1)[:, :4])

    def _seen(self, level: Tensor, first: int) -> Tensor:
        """Where the P-Net sees a face in pictures (n, 3, h, w), of which one is the number `first`.

        Rows of (frame, row, column, odds, regression in 4 numbers).
        """
        moves, odds = self._pnet(level)
        frame, row, column = (odds[:, 1] >= self.thresholds[0]).nonzero().unbind(1)
        places = torch.stack([frame + first, row, column, odds[frame, 1, row, column]], 1)
        return torch.cat([places, moves[frame, :, row, column]], 1)

    @torch.inference_mode()
    def filter(self, views: Views, candidates: Candidates) -> Candidates:
        """R-Net on every candidate."""
        if not len(candidates.scores):
            return candidates
        boxes = _whole(_squared(candidates.boxes), views)
        moves, odds = _run(self._rnet, views.crops(boxes, candidates.frame, 24), 2)
        found = Candidates(boxes, odds[:, 1], candidates.frame, candidates.points)
        passed = found.scores > self.thresholds[1]
        found, moves = found.pick(passed), moves[passed]
        keep = _best(found, 0.7)
        return _moved(found.pick(keep), moves[keep])

    @torch.inference_mode()
    def locate(self, views: Views, candidates: Candidates) -> Candidates:
        """O-Net on every candidate that passed R-Net: the faces, best first."""
        found = self.answer(views, candidates)
        found = found.pick(found.scores > self.thresholds[2])
        return found.pick(_without_nested(found))

    @torch.inference_mode()
    def answer(self, views: Views, candidates: Candidates) -> Candidates:
        """O-Net's box, score and landmarks for every candidate, in order, whatever its score."""
        if not len(candidates.scores):
            return candidates
        boxes = _whole(_squared(candidates.boxes), views)
        moves, points, odds = _run(self._onet, views.crops(boxes, candidates.frame, 48), 3)
        corner, size = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None]
        landmarks = corner + torch.stack([points[:, :5], points[:, 5:]], 2) * size
        return _moved(Candidates(boxes, odds[:, 1], candidates.frame, landmarks), moves)


def _pyramid(height: int, width: int, min_face: float) -> list[tuple[int, int]]:
    """Sizes at which a face of at least `min_face` pixels fills P-Net's window."""
    sizes = []
    scale = CELL / min_face
    while min(height, width) * scale >= CELL:
        sizes.append((_even(height * scale), _even(width * scale)))
        scale *= _SHRINK
    return sizes


def _even(size: float) -> int:
    """An even number near a size or the next, since the P-Net is faster on pictures with even sides."""
    return 2 * round((size + 1) / 2)


def _run(net: nn.Module, crops: Tensor, outputs: int) -> list[Tensor]:
    parts = [net(crops[start : start + _CROPS]) for start in range(0, len(crops), _CROPS)]
    return [torch.cat([part[index] for part in parts]) for index in range(outputs)]


def _best(candidates: Candidates, limit: float) -> Tensor:
    """Indices, best first, of the boxes that no better one of the same frame overlaps by more than `limit`."""
    # Frames are told apart by moving their boxes. In float32 that rounds them, and many of P-Net's overlap by just the
    # limit: a picture would have other faces beside other pictures.
    return batched_nms(candidates.boxes.double(), candidates.scores.double(), candidates.frame, limit)


def _squared(boxes: Tensor) -> Tensor:
    """Boxes grown to squares around their centres."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(1, keepdim=True).values / 2
    return torch.cat([centre - half, centre + half], 1)


def _whole(boxes: Tensor, views: Views) -> Tensor:
    """Boxes on whole pixels, cut at the picture's edges (but never thinner than a pixel)."""
    low = boxes[:, :2].round().clamp(min=0).minimum(views.width_height - 1)
    return torch.cat([low, boxes[:, 2:].round().minimum(views.width_height).maximum(low + 1)], 1)


def _moved(candidates: Candidates, moves: Tensor) -> Candidates:
    """Boxes corrected by a network's regression, given in fractions of the box."""
    size = (candidates.boxes[:, 2:] - candidates.boxes[:, :2]).repeat(1, 2)
    return Candidates(candidates.boxes + moves * size, candidates.scores, candidates.frame, candidates.points)


def _without_nested(candidates: Candidates, limit: float = 0.7) -> Tensor:
    """Indices, best first, of boxes whose overlap with a better one is under `limit` of the smaller box."""
    boxes = candidates.boxes
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    share = (high - low).clamp(min=0).prod(2) / torch.minimum(area[:, None], area[None]).clamp(min=1e-6)
    clash = ((share > limit) & (candidates.frame[:, None] == candidates.frame[None])).cpu()
    keep: list[int] = []
    for index in candidates.scores.argsort(descending=True).tolist():
        if not clash[index, keep].any():
            keep.append(index)
    return torch.tensor(keep, dtype=torch.long, device=boxes.device)


def _nothing(device: torch.device) -> Candidates:
    empty = torch.zeros(0, device=device)
    return Candidates(empty.view(0, 4), empty, torch.zeros(0, dtype=torch.long, device=device), empty.view(0, 5, 2))


@lru_cache(maxsize=2)
def load_cascade(device: torch.device) -> Cascade:
    """The three networks on a device, loaded once a process; they hold no state."""
    return Cascade(device)
