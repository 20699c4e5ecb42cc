"""The three networks of MTCNN, run in batches over frames and crops.

The networks and their weights are those inside facenet-pytorch; the cascade around them follows
Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(arXiv:1604.02878). Here boxes are continuous pixel coordinates (left, top, right, bottom), and every
stage works on all frames of a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mer_batch.face import mtcnn
from mer_batch.face.levels import CELL, Levels
from mer_batch.face.operators import batched_nms

if TYPE_CHECKING:
    from torch import nn

THRESHOLDS: Final = (0.6, 0.7, 0.7)
"""Scores a candidate needs in P-Net, R-Net and O-Net: the defaults of facenet-pytorch."""
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
    """P-Net, R-Net and O-Net on one device. Frames are `Levels`."""

    def __init__(self, device: torch.device, thresholds: tuple[float, float, float] = THRESHOLDS) -> None:
        self.device = device
        self.thresholds = thresholds
        self._pnet, self._rnet, self._onet = (mtcnn.load(name, device) for name in ("pnet", "rnet", "onet"))

    @torch.inference_mode()
    def detect(self, frames: Levels, min_face: float) -> Candidates:
        """All faces of at least `min_face` pixels."""
        return self.locate(frames, self.filter(frames, self.propose(frames, min_face)))

    @torch.inference_mode()
    def propose(self, frames: Levels, min_face: float) -> Candidates:
        """P-Net over the image pyramid."""
        levels = []
        for height, width in _pyramid(*frames.sizes[0], min_face):
            level = self._propose_level(frames, height, width)
            levels.append(level.pick(_best(level, 0.5)))
        if not levels:
            return _nothing(self.device)
        merged = _concatenate(levels)
        merged = merged.pick(_best(merged, 0.7))
        # The regression travels in the place of the landmarks, which P-Net does not give.
        return _moved(merged, merged.points.flatten(1)[:, :4])

    def _propose_level(self, frames: Levels, height: int, width: int) -> Candidates:
        large = [level for level, size in enumerate(frames.sizes) if size[0] >= height and size[1] >= width]
        picture = interpolate(frames[large[-1] if large else 0], size=(height, width), mode="area")
        moves, odds = self._pnet(picture.contiguous(memory_format=torch.channels_last))
        where = (odds[:, 1] >= self.thresholds[0]).nonzero()
        frame, row, column = where.unbind(1)
        rows, columns = frames.sizes[0]
        scale = torch.tensor([columns / width, rows / height], device=self.device).repeat(2)
        corner = torch.stack([column, row], 1).repeat(1, 2) * _STRIDE
        corner[:, 2:] += CELL
        points = torch.zeros(len(where), 10, device=self.device)
        points[:, :4] = moves[frame, :, row, column]
        return Candidates(corner * scale, odds[frame, 1, row, column], frame, points.view(-1, 5, 2))

    @torch.inference_mode()
    def filter(self, frames: Levels, candidates: Candidates) -> Candidates:
        """R-Net on every candidate."""
        if not len(candidates.scores):
            return candidates
        boxes = _clipped(_squared(candidates.boxes), frames)
        moves, odds = _run(self._rnet, _crops(frames, boxes, candidates.frame, 24), 2)
        found = Candidates(boxes, odds[:, 1], candidates.frame, candidates.points)
        passed = found.scores > self.thresholds[1]
        found, moves = found.pick(passed), moves[passed]
        keep = _best(found, 0.7)
        return _moved(found.pick(keep), moves[keep])

    @torch.inference_mode()
    def locate(self, frames: Levels, candidates: Candidates) -> Candidates:
        """O-Net on every candidate that passed R-Net: the faces, best first."""
        found = self.answer(frames, candidates)
        found = found.pick(found.scores > self.thresholds[2])
        return found.pick(_without_nested(found))

    @torch.inference_mode()
    def answer(self, frames: Levels, candidates: Candidates) -> Candidates:
        """O-Net's box, score and landmarks for every candidate, in order, whatever its score."""
        if not len(candidates.scores):
            return candidates
        boxes = _clipped(_squared(candidates.boxes), frames)
        moves, points, odds = _run(self._onet, _crops(frames, boxes, candidates.frame, 48), 3)
        corner, size = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None]
        landmarks = corner + torch.stack([points[:, :5], points[:, 5:]], 2) * size
        return _moved(Candidates(boxes, odds[:, 1], candidates.frame, landmarks), moves)


def _pyramid(height: int, width: int, min_face: float) -> list[tuple[int, int]]:
    """Sizes at which a face of at least `min_face` pixels fills P-Net's window."""
    sizes = []
    scale = CELL / min_face
    while min(height, width) * scale >= CELL:
        sizes.append((int(height * scale + 1), int(width * scale + 1)))
        scale *= _SHRINK
    return sizes


def _run(net: nn.Module, crops: Tensor, outputs: int) -> list[Tensor]:
    parts = [net(crops[start : start + _CROPS]) for start in range(0, len(crops), _CROPS)]
    return [torch.cat([part[index] for part in parts]) for index in range(outputs)]


def _crops(frames: Levels, boxes: Tensor, frame: Tensor, size: int) -> Tensor:
    """Crops (k, 3, size, size), each cut from the smallest level that still has its detail."""
    side = (boxes[:, 2:] - boxes[:, :2]).max(1).values
    depth = (side / size).clamp(min=1).log2().long().clamp(max=len(frames) - 1)
    crops = torch.empty(len(boxes), 3, size, size, device=frames.device)
    for level in sorted(set(depth.tolist())):
        mine = depth == level
        regions = torch.cat([frame[mine, None].to(boxes), boxes[mine] / 2**level], 1)
        crops[mine] = frames.crops(level, regions, size)
    # Pooling is four times faster on a CPU when the channels of a pixel lie side by side.
    return crops.contiguous(memory_format=torch.channels_last)


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


def _clipped(boxes: Tensor, frames: Levels) -> Tensor:
    """Boxes cut at the frame's edges (but never thinner than a pixel)."""
    limit = frames.width_height.to(torch.int64)
    low = boxes[:, :2].clamp(min=0).minimum(limit - 1)
    return torch.cat([low, boxes[:, 2:].minimum(limit).maximum(low + 1)], 1)


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


def _concatenate(parts: list[Candidates]) -> Candidates:
    return Candidates(
        torch.cat([part.boxes for part in parts]),
        torch.cat([part.scores for part in parts]),
        torch.cat([part.frame for part in parts]),
        torch.cat([part.points for part in parts]),
    )


def _nothing(device: torch.device) -> Candidates:
    empty = torch.zeros(0, device=device)
    return Candidates(empty.view(0, 4), empty, torch.zeros(0, dtype=torch.long, device=device), empty.view(0, 5, 2))


@lru_cache(maxsize=2)
def load_cascade(device: torch.device) -> Cascade:
    """The three networks on a device, loaded once a process; they hold no state."""
    return Cascade(device)
