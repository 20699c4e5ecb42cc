"""Copies among pictures, and parts drawn so that no picture has a copy on the other side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mer_batch.data.copies import CANDIDATE, NEAR_PICTURE
from mer_batch.data.duplicates import candidates, verified
from mer_batch.data.pictures import pixel_hash
from mer_batch.types import Image

SIDE: Final = 48
"""Pixels of the small grey pictures that are compared."""
MOST: Final = 100_000
"""Pictures up to which near copies are searched: the search compares all pairs."""


def copy_groups(pictures: Iterable[Image]) -> NDArray[np.int64]:
    """A group number (n,) for each picture: exact and near copies, mirrored ones too, share theirs.

    Only exact copies are found among more than `MOST` pictures.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    exact, pairs = copy_pairs(pictures)
    size = int(exact.max(initial=-1)) + 1
    links = coo_matrix((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(size, size))
    groups: NDArray[np.int64] = connected_components(links, directed=False)[1][exact].astype(np.int64)
    return groups


def copy_pairs(pictures: Iterable[Image]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number (n,) for each picture that only its exact copies share, and pairs (2, k) of numbers of near copies."""
    hashes, maps = [], []
    for picture in pictures:
        hashes.append(f"{picture.shape}{pixel_hash(picture)}")
        maps.append(_small(picture))
    firsts, exact = np.unique(hashes, return_index=True, return_inverse=True)[1:]
    pairs = _near(np.stack(maps)[firsts]) if 1 < len(firsts) <= MOST else np.zeros((2, 0), dtype=np.int64)
    return exact.astype(np.int64), pairs


def _small(picture: Image) -> NDArray[np.float16]:
    from mer_batch.face.classify import to_tensor

    small = to_tensor([picture], {"size": SIDE, "channels": 1, "mean": 0.0, "std": 1.0})
    result: NDArray[np.float16] = small[0, 0].numpy().astype(np.float16)
    return result


def _near(maps: NDArray[Any]) -> NDArray[np.int64]:
    """Positions (2, k) of near copies."""
    exact = maps.astype(np.float32)
    pairs = verified(exact, candidates(exact, CANDIDATE), NEAR_PICTURE)
    return np.stack([pairs.first, pairs.second])


def draw_part(labels: NDArray[Any], groups: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Which examples (n,) make a random part of about `share` of each class; no group is cut in two."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=bool)
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    wanted = {label: round(share * count) for label, count in zip(*np.unique(labels, return_counts=True), strict=True)}
    for place in rng.permutation(len(members)):
        group = members[place]
        counts = dict(zip(*np.unique(labels[group], return_counts=True), strict=True))
        if all(wanted[label] >= count for label, count in counts.items()):
            chosen[group] = True
            for label, count in counts.items():
                wanted[label] -= count
    return chosen
