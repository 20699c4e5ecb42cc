"""How ffmpeg's filters bring sound of any layout to 16 kHz: mixed to one channel, and with the channels it has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from mer_batch.media.probe import open_media
from mer_batch.types import SAMPLE_RATE, Media

if TYPE_CHECKING:
    from av.audio.layout import AudioLayout

Filters: TypeAlias = tuple[tuple[str, dict[str, str]], ...]
"""Filters in a row: the name and the options of each."""

# Without the limit, mixing to mono in floating point makes stereo 3 dB too loud and clips it.
_RATE: Final = ("aresample", {"sample_rate": str(SAMPLE_RATE), "rematrix_maxval": "1"})
MIX: Final[Filters] = (_RATE, ("aformat", {"sample_fmts": "flt", "channel_layouts": "mono"}))
_GUESSED: Final = 8
"""Channels up to which ffmpeg knows how they are usually laid out where the file does not say."""
_FRONT: Final = {"FL", "FR", "FC"}
_PAIRS: Final = (("FL", "FR"), ("SL", "SR"), ("BL", "BR"), ("FLC", "FRC"))


@lru_cache(maxsize=32)
def layout(media: Media, index: int) -> tuple[str, ...]:
    """The names of the channels of stream `index` (FL, FR and so on), empty where the file does not say."""
    with open_media(media.path, media.extent) as container:
        context = container.streams[index].codec_context
        return channel_names(getattr(context, "layout", None))


def channel_names(known: AudioLayout | None) -> tuple[str, ...]:
    """The names of the channels, empty unless each has its own."""
    names = tuple(channel.name for channel in known.channels) if known is not None else ()
    speakers = all(name.isalnum() and name.isupper() and not name.startswith(("NONE", "UNK", "USR")) for name in names)
    return names if speakers and len(set(names)) == len(names) else ()


def branches(names: Sequence[str], channels: int) -> tuple[Filters, Filters]:
    """Filters for the plain mix (n, 1), and for all `channels` (n, channels), of sound laid out as `names`.

    A layout that ffmpeg cannot mix, or of which it would leave out half, is mixed in equal parts.
    """
    names = names if len(names) == channels else ()
    flat = {"sample_fmts": "flt"}
    # Named, the number of channels stays what it is even where it changes within the file.
    kept: Filters = (_RATE, ("aformat", flat | ({"channel_layouts": "+".join(names)} if names else {})))
    if _mixes(names, channels):
        return MIX, kept
    equal = "+".join(f"{1 / channels:.9f}*c{number}" for number in range(channels))
    return (("aformat", {"sample_fmts": "fltp"}), ("pan", {"args": f"1c|c0={equal}"}), *MIX), kept


def _mixes(names: Sequence[str], channels: int) -> bool:
    if not names or channels > _GUESSED:
        return channels <= _GUESSED
    return bool(_FRONT & set(names)) and all((left in names) == (right in names) for left, right in _PAIRS)
