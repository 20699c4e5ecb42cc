"""Where a mix of all channels would lose a voice, and which channels hold it.

Sound is judged in cells of two seconds on one fixed grid, each with the second before it, so that the answer
depends neither on where blocks end nor on where reading began. Where every channel sounds like the mix nothing
can be lost, and no network is asked; elsewhere silero-vad listens to the mix and to each channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mer_batch.media.cells import FLOOR, SPEECH, Cell, Flags, Table, listen

REACH: Final = 2
"""Cells to either side that a judgement looks at."""
SURE: Final = 0.8
"""Probability from which there is hardly a doubt."""
LEAST: Final = 4
"""Frames in a row in which speech is no longer heard as such (0.13 s); fewer are the edges of words."""
SHARE: Final = 0.25
"""Share of the speech nearby that may become much fainter: a short delay does so to a sound here and there."""
WORD: Final = 8
"""Frames in a row (0.26 s) that another channel must have for itself to be heard as well."""
WEAK: Final = 0.05
"""A voice is lost where it loses 13 dB; half of two channels loses 6 dB, the centre of 5.1 10 dB."""
AGAINST: Final = 0.5
"""Channels that have nothing in common keep 1/n of their mean power in a mix; these cancel half of that."""
DROWNED: Final = 0.4
"""A voice is lost where less than this share of the mix's power is its channel's."""
ALONE: Final = 1e-4
"""Where all other channels are 40 dB fainter they only make the one that speaks fainter."""
ALIKE: Final = 0.5
"""Correlation of the levels of two channels from which they hold the same voice, in either sign, late or noisy."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is heard in a cell: `weights` (1 + channels,) of the mix and the channels.

    `channels`, counted from 0, are those heard instead of the mix; `why` is the reason in a few words.
    """

    weights: Table
    channels: tuple[int, ...] = ()
    why: str = ""


def plain(width: int) -> Choice:
    """The mix alone, of `width` columns."""
    weights = np.zeros(width, dtype=np.float32)
    weights[0] = 1
    return Choice(weights)


def doubtful(cell: Cell) -> bool:
    """Whether a channel that is not silent is more than a part of the mix, or alone in it: then it could be lost."""
    total = cell.products().mean(axis=0)
    mix, own, common = total[0, 0], total.diagonal()[1:], total[0, 1:]
    live = own > FLOOR
    unlike = own * mix - np.square(common) > 0.01 * own * mix
    alone = np.sort(own)[-2] < ALONE * own.max()
    return bool(live.any() and (alone or (live & (unlike | (common <= 0) | (mix < WEAK * own))).any()))


def judge(cells: Sequence[Cell]) -> None:
    """Find the speech in `cells`, and what of it the mix loses; what agrees is not listened to."""
    listened = [cell for cell in cells if doubtful(cell)]
    listen(listened)
    for cell in listened:
        cell.spoken = np.asarray(cell.speech().any(axis=1))
        cell.faint = cell.spoken & _faint(cell)
        assert cell.heard is not None
        unheard, sure = cell.heard[:, 0] < SPEECH - 0.15, cell.heard[:, 1:].max(axis=1) >= SURE
        cell.lost = cell.spoken & unheard & (cell.faint | sure & (cell.heard[:, 0] <= 1 - SURE))


def _faint(cell: Cell) -> Flags:
    """(FRAMES,): where the mix holds little of the channels that speak."""
    speech, powers, common = cell.speech(), cell.powers(), cell.products()[:, 0, 1:]
    mix, own = powers[:, 0], powers[:, 1:]
    alike = np.square(common) / np.maximum(own * mix[:, None], 1e-30)
    # By its power as well: what comes twice, a little later, is unlike the mix and yet not drowned in it.
    share = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-30)
    drowned = np.where(speech, np.maximum(alike, share), 0).max(axis=1) < DROWNED
    weak = mix < WEAK * np.where(speech, own, 0).max(axis=1)
    against = mix < AGAINST * own.sum(axis=1) / own.shape[1] ** 2
    faint: Flags = drowned | weak | against | _alone(own)
    return faint


def _alone(own: Table) -> Flags:
    """(frames,): where one of the channels (frames, channels) is all there is."""
    ordered = np.sort(own, axis=1)
    alone: Flags = ordered[:, -2] < ALONE * ordered[:, -1]
    return alone


def choose(cells: Sequence[Cell], at: int, last: Choice) -> Choice:
    """What to hear in `cells[at]`, of which up to `REACH` neighbours stand to either side; `last` is what came before.

    The mix, unless it loses a voice here or in the cells beside: then the fewest channels that hold all speech
    nearby, each as loud as it is, none against another.
    """
    width = cells[at].samples.shape[1]
    if not any(_loses(cells, beside) for beside in range(max(at - 1, 0), min(at + 2, len(cells)))):
        return plain(width)
    near = cells[max(at - REACH, 0) : at + REACH + 1]
    listen([cell for cell in near if cell.heard is None])
    channels = _cover(near)
    products = sum(cell.products().mean(axis=0) for cell in cells[max(at - 1, 0) : at + 1])
    assert isinstance(products, np.ndarray)
    weights = np.zeros(width, dtype=np.float32)
    for channel in channels:
        weights[1 + channel] = _sign(products, 1 + channel, weights if weights.any() else last.weights)
    return Choice(weights, tuple(sorted(channels)), _reason(near, len(channels)))


def _loses(cells: Sequence[Cell], at: int) -> bool:
    """Whether a mix would lose speech in `cells[at]` or at its borders."""
    near = cells[max(at - 1, 0) : at + 2]
    faint, spoken = sum(int(cell.faint.sum()) for cell in near), sum(int(cell.spoken.sum()) for cell in near)
    return _longest(np.concatenate([cell.lost for cell in near])) >= LEAST or faint >= max(SHARE * spoken, LEAST)


def _longest(flags: Flags) -> int:
    """How many in a row are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def _cover(near: Sequence[Cell]) -> list[int]:
    """The channels that together hold all speech of `near`: of those that hold most a loud one, of these the first."""
    speech = np.concatenate([cell.speech() for cell in near])
    sure = np.concatenate([cell.heard[:, 1:] >= SURE for cell in near if cell.heard is not None])
    powers = np.concatenate([cell.powers()[:, 1:] for cell in near])
    chosen: list[int] = []
    missing = speech.copy()
    while missing.any():
        gains = missing.sum(axis=0)
        good = gains >= 0.8 * gains.max()
        loudness = (powers * missing).sum(axis=0) / np.maximum(gains, 1)
        good &= loudness >= 0.1 * loudness[good].max()
        best = int(np.flatnonzero(good)[0])
        if not chosen or _longest(missing[:, best] & sure[:, best]) >= WORD:
            chosen.append(best)
            # What is much fainter here than on its own channel is only what leaks over from it.
            held = speech[:, [best]] & (powers[:, [best]] >= WEAK * powers)
            missing &= ~(held & _same_voice(speech, powers, best))
        missing[:, best] = False
    return chosen


def _same_voice(speech: Flags, powers: Table, channel: int) -> Flags:
    """(channels,): which channels rise and fall with `channel` where both speak: two people do not."""
    levels = np.log10(np.maximum(powers, FLOOR))
    same = np.ones(levels.shape[1], dtype=bool)
    for other in range(levels.shape[1]):
        both = speech[:, channel] & speech[:, other]
        if both.sum() >= WORD and levels[both][:, [channel, other]].std(axis=0).all():
            same[other] = np.corrcoef(levels[both][:, channel], levels[both][:, other])[0, 1] >= ALIKE
    return same


def _sign(products: Table, channel: int, reference: Table) -> float:
    """-1 where the channel stands against what `reference` weighs, which it would cancel in passing, else 1."""
    common = float(products[channel] @ reference)
    whole = float(products[channel, channel] * (reference @ products @ reference))
    return -1.0 if common < 0 and common * common > 0.01 * whole else 1.0


def _reason(near: Sequence[Cell], used: int) -> str:
    """Why not the mix but `used` channels are heard nearby."""
    products = np.concatenate([cell.products()[cell.faint | cell.lost] for cell in near])[:, 1:, 1:]
    if _alone(products.diagonal(axis1=1, axis2=2)).mean() > 0.5:
        return "only one channel speaks" + (" at a time" if used > 1 else "")
    total = products.sum(axis=0)
    if total.sum() < AGAINST * total.trace():
        return "the channels cancel each other in a mix"
    return f"a voice is lost in a mix of {'both' if len(total) == 2 else f'all {len(total)}'} channels"
