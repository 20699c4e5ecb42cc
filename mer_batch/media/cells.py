"""Two seconds of a sound with all its channels, and where silero-vad hears speech on each."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mer_batch.media.silero import FRAME, load_silero
from mer_batch.types import SAMPLE_RATE

Table: TypeAlias = NDArray[np.float32]
Flags: TypeAlias = NDArray[np.bool_]

FRAMES: Final = 64
CELL: Final = FRAMES * FRAME
"""Samples judged at once (2.05 s)."""
WARM: Final = CELL // 2
"""Samples before a cell that the network hears first: it listens in context."""
FLOOR: Final = 1e-9
"""Power under which a channel is silent (-90 dBFS)."""
SPEECH: Final = 0.5
"""Probability from which a frame is speech."""


def _none() -> Flags:
    return np.zeros(FRAMES, dtype=bool)


@dataclass(slots=True)
class Cell:
    """`samples` (WARM + CELL, 1 + channels): the mix, then the channels; silence where there is none.

    `position` counts samples from time 0 to the end of the warm-up; `filled` are the parts that hold sound, as
    (first, end) counted from there. Once judged, `spoken`, `faint` and `lost` (FRAMES,) are the frames of speech,
    those of them that are weak in the mix, and those in which the mix is not heard to speak.
    """

    position: int
    samples: Table
    filled: list[tuple[int, int]] = field(default_factory=list)
    grams: Table | None = None
    heard: Table | None = None
    spoken: Flags = field(default_factory=_none)
    faint: Flags = field(default_factory=_none)
    lost: Flags = field(default_factory=_none)

    def products(self) -> Table:
        """(FRAMES, 1 + channels, 1 + channels): mean products of all pairs in each frame, mostly at 1 to 3 kHz."""
        if self.grams is None:
            # Floating point sound may be of any size; of what is above full scale only the proportions count.
            sound = self.samples[WARM - 5 :] / max(float(np.abs(self.samples).max()), 1)
            band = voice_band(sound).reshape(FRAMES, FRAME, -1)
            self.grams = np.matmul(band.transpose(0, 2, 1), band) / FRAME
        return self.grams

    def speech(self) -> Flags:
        """(FRAMES, channels): where each channel is heard to speak. The cell must have been listened to."""
        assert self.heard is not None
        return self.heard[:, 1:] >= SPEECH

    def powers(self) -> Table:
        """(FRAMES, 1 + channels)."""
        powers: Table = self.products().diagonal(axis1=1, axis2=2)
        return powers


def voice_band(samples: Table) -> Table:
    """The sound (n + 5, signals) without offset, hum and hiss, shape (n, signals): zeros at 0, 4 and 8 kHz."""
    pairs = samples[1:] + samples[:-1]
    return pairs[4:] - pairs[:-4]


def listen(cells: Sequence[Cell]) -> None:
    """Let silero-vad hear the mix and all channels of `cells`, side by side: many at once cost little more."""
    import torch

    rows: list[Table] = []
    for cell in cells:
        cell.heard = np.zeros((FRAMES, cell.samples.shape[1]), dtype=np.float32)
        rows += list(cell.samples.T[_live(cell)])
    if not rows:
        return
    if not hasattr(_kept, "model"):
        _kept.model = load_silero()
    sound = np.stack(rows)
    sound /= np.maximum(np.abs(sound).max(axis=1, keepdims=True), 1)
    _kept.model.reset_states()
    with torch.inference_mode():
        steps = torch.from_numpy(sound).view(len(rows), -1, FRAME).unbind(1)
        told = iter(torch.cat([_kept.model(step, SAMPLE_RATE) for step in steps], 1)[:, WARM // FRAME :].numpy())
    for cell in cells:
        assert cell.heard is not None
        for number in np.flatnonzero(_live(cell)):
            cell.heard[:, number] = next(told)


_kept = threading.local()
"""The network of each thread: loading it takes longer than listening to a clip; each call begins anew."""


def _live(cell: Cell) -> Flags:
    """(1 + channels,): which of the mix and the channels hold any sound."""
    live: Flags = np.asarray(cell.powers().mean(axis=0) > FLOOR)
    return live
