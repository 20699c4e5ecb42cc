"""FER+ votes (Barsoum et al., arXiv:1608.01041) as targets, and what they say against a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer_batch.data.manifest import VOTES

OUR_VOTES: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""Columns of FER+ votes in the order of `labels.EMOTIONS`; contempt, unknown and NF have no counterpart."""


def vote_shares(rows: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float32]:
    """Votes (n, columns) as shares of their sum; rows of zeros where there are none."""
    votes = rows[list(columns)].fillna(0).to_numpy(np.float32)
    shares: NDArray[np.float32] = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    return shares


def called_faces(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which pictures (n,) most voters took for a face."""
    # FER2013's pictures without votes are those that all voters called no face, two of 175 excepted.
    shares = vote_shares(rows, VOTES)
    result: NDArray[np.bool_] = (shares[:, VOTES.index("NF")] <= 0.5) & (shares.sum(axis=1) > 0)
    return result


def decided(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Where most votes are for something, and some for one of our emotions."""
    most = vote_shares(rows, VOTES).argmax(axis=1)
    undecided = np.isin(most, [VOTES.index("unknown"), VOTES.index("NF")])
    result: NDArray[np.bool_] = ~undecided & (vote_shares(rows, OUR_VOTES).sum(axis=1) > 0)
    return result
