"""Near copies among many thumbnails.

Near copies are searched on the low frequencies of a cosine transform, the idea of perceptual hashing, but compared
by their correlation instead of a bit distance: one matrix product finds all pairs. Mirroring turns the sign of
the odd horizontal frequencies, so even and odd ones are multiplied apart and both cases cost one product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Numbers = NDArray[np.int64]

FREQUENCIES: Final = 8
"""Low frequencies kept in each direction."""
BLOCK: Final = 2048
"""Maps compared with all others at once: bounds the memory to BLOCK x n numbers."""
MOST: Final = 2_000_000
"""Candidates after which a search stops: the set is then a film rather than a collection."""


@dataclass(frozen=True)
class Pairs:
    """Positions of near copies (`first` < `second`), how alike they are (correlation), and whether mirrored."""

    first: Numbers
    second: Numbers
    score: Matrix
    mirrored: NDArray[np.bool_]
    complete: bool = True

    def __len__(self) -> int:
        return len(self.first)

    def take(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Only the chosen pairs."""
        return Pairs(self.first[chosen], self.second[chosen], self.score[chosen], self.mirrored[chosen], self.complete)


def candidates(maps: Matrix, least: float) -> Pairs:
    """Pairs of maps (n, height, width), mirrored or not, whose low frequencies correlate by `least` or more."""
    even, odd = _signatures(maps) if len(maps) else (np.zeros((0, 0), np.float32),) * 2
    found, count = [], 0
    for part in _blocks(even, odd, least):
        found.append(part)
        count += len(part[0])
        if count > MOST:
            break
    if not found:
        empty = np.zeros(0, dtype=np.int64)
        return Pairs(empty, empty, empty.astype(np.float32), empty.astype(bool))
    first, second, score, mirrored = (np.concatenate(column) for column in zip(*found, strict=True))
    return Pairs(first, second, score, mirrored, complete=count <= MOST)


def verified(maps: Matrix, pairs: Pairs, least: float) -> Pairs:
    """The pairs whose whole maps (n, height, width) correlate by `least` or more, scored by that."""
    score = np.zeros(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), BLOCK):
        part = slice(start, start + BLOCK)
        left, right = maps[pairs.first[part]], maps[pairs.second[part]].copy()
        turned = pairs.mirrored[part]
        right[turned] = right[turned, :, ::-1]
        score[part] = _correlation(left, right)
    kept = score >= least
    return Pairs(pairs.first, pairs.second, score, pairs.mirrored, pairs.complete).take(kept)


def _correlation(left: Matrix, right: Matrix) -> Matrix:
    left, right = _unit(left.reshape(len(left), -1)), _unit(right.reshape(len(right), -1))
    result: Matrix = np.einsum("ij,ij->i", left, right)
    return result


def _unit(rows: NDArray[np.generic]) -> Matrix:
    """Rows with mean 0 and length 1; constant rows become 0."""
    centred = rows.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    result: Matrix = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6)
    return result


def _signatures(maps: Matrix) -> tuple[Matrix, Matrix]:
    """Low frequencies without the mean, jointly of length 1: even and odd ones in the horizontal direction."""
    from scipy.fft import dct

    tall = dct(np.eye(maps.shape[1]), norm="ortho", axis=0)[:FREQUENCIES].astype(np.float32)
    wide = dct(np.eye(maps.shape[2]), norm="ortho", axis=0)[:FREQUENCIES].astype(np.float32)
    low = np.concatenate(
        [tall @ maps[start : start + BLOCK].astype(np.float32) @ wide.T for start in range(0, len(maps), BLOCK)]
    )
    low[:, 0, 0] = 0
    length = np.linalg.norm(low, axis=(1, 2), keepdims=True)
    low = np.divide(low, length, out=np.zeros_like(low), where=length > 1e-6)
    return low[:, :, 0::2].reshape(len(low), -1), low[:, :, 1::2].reshape(len(low), -1)


def _blocks(even: Matrix, odd: Matrix, least: float) -> Iterator[tuple[Numbers, Numbers, Matrix, NDArray[np.bool_]]]:
    for top in range(0, len(even), BLOCK):
        for side in range(top, len(even), BLOCK):
            rows, columns = slice(top, top + BLOCK), slice(side, side + BLOCK)
            same, turn = even[rows] @ even[columns].T, odd[rows] @ odd[columns].T
            alike = same + np.abs(turn)
            first, second = np.nonzero(alike >= least)
            wanted = second + side > first + top
            first, second = first[wanted], second[wanted]
            yield first + top, second + side, alike[first, second], turn[first, second] < 0
