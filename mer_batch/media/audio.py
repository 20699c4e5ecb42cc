"""Sound at 16 kHz mono with its true times, decoded by ffmpeg in constant memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Any

import numpy as np

from mer_batch.errors import InputError, UsageError
from mer_batch.media.cells import Table
from mer_batch.media.frames import check_range
from mer_batch.media.layouts import MIX, Filters, branches, layout
from mer_batch.media.mixing import finite, one_channel
from mer_batch.media.parts import stretches
from mer_batch.media.process import PROTOCOLS, Packet, Warn, decode_streams, graph_url, seek_options
from mer_batch.media.scaling import scaled, stored_exactly
from mer_batch.types import SAMPLE_RATE, AudioStream, Media, Samples

_JITTER = SAMPLE_RATE // 25
"""Time stamps that are off by up to 40 ms are rounding or jitter; more is a real gap or overlap."""


def audio_track(media: Media, track: int | None = None) -> int:
    """The audio track to read, counted from 0: `track`, else the file's default, else the first.

    Raises `InputError` where there is no audio, `UsageError` for an unknown track.
    """
    if not media.audio:
        raise InputError(f"{media.path.name!r} has no audio")
    if track is None:
        return next((number for number, stream in enumerate(media.audio) if stream.default), 0)
    if not 0 <= track < len(media.audio):
        known = ", ".join(f"{number} ({_describe(stream)})" for number, stream in enumerate(media.audio))
        raise UsageError(f"no audio track {track} in {media.path.name!r}. Known: {known}.")
    return track


def _describe(stream: AudioStream) -> str:
    return f"{stream.language or 'unknown language'}, {stream.codec}, {stream.channels} channels"


def read_audio(
    media: Media,
    start: float = 0.0,
    end: float | None = None,
    track: int | None = None,
    block: float = 30.0,
    on_warning: Warn | None = None,
) -> Generator[tuple[float, Samples], None, None]:
    """Blocks of (start time in seconds, samples of shape (n,)) in [start, end) of one audio track.

    Each block is `block` seconds long but the last. The first begins where sound begins; holes up to a
    block are silence, after longer ones a new block begins. Closing the generator ends ffmpeg.

    Raises `UsageError` for a bad range or track, `InputError` where there is no audio or nothing decodes;
    damage after the first samples goes to `on_warning` as one sentence.
    """
    check_range(start, end)
    if not block > 0:
        raise UsageError(f"a block of audio must be longer than 0 s, got {block}")
    number = audio_track(media, track)
    read = _read_parts if media.parts else _read
    return read(media, number, (start, end), max(1, round(block * SAMPLE_RATE)), on_warning)


def load_audio(
    media: Media, start: float, end: float, track: int | None = None, on_warning: Warn | None = None
) -> Samples:
    """All samples of the short range [start, end), shape (round((end - start) * 16000),); silence where there are none.

    Raises like `read_audio`.
    """
    result = np.zeros(round((end - start) * SAMPLE_RATE), dtype=np.float32)
    for time, samples in read_audio(media, start, end, track, on_warning=on_warning):
        at = max(0, round((time - start) * SAMPLE_RATE))
        part = samples[: max(0, len(result) - at)]
        result[at : at + len(part)] = part
    return result


def _read_parts(
    media: Media, number: int, span: tuple[float, float | None], size: int, on_warning: Warn | None
) -> Generator[tuple[float, Samples], None, None]:
    """The recordings joined in a file, one after the other."""
    with closing(_pieces(media, number, span, size, on_warning)) as pieces:
        for position, samples in _blocks(pieces, size):
            yield position / SAMPLE_RATE, samples


def _pieces(
    media: Media, number: int, span: tuple[float, float | None], size: int, on_warning: Warn | None
) -> Generator[tuple[int, Samples], None, None]:
    """(position, samples) of one track of all recordings; one that cannot be decoded is told and left out."""
    end = 0
    for part in stretches(media, *span):
        if number >= len(part.media.audio):
            continue
        try:
            with closing(_read(part.media, number, (part.start, part.end), size, on_warning)) as blocks:
                for time, samples in blocks:
                    position = round((time + part.shift) * SAMPLE_RATE)
                    kept = samples[max(0, end - position) :]
                    yield max(position, end), kept
                    end = max(position, end) + len(kept)
        except InputError as error:
            if on_warning is not None:
                on_warning(f"from {part.start + part.shift:.2f} s: {error}")


def _read(
    media: Media, number: int, span: tuple[float, float | None], size: int, on_warning: Warn | None
) -> Generator[tuple[float, Samples], None, None]:
    stream = media.audio[number]
    arguments = _arguments(media, stream, *span)
    packets = decode_streams(media, "audio", arguments, seeking="-ss" in arguments, on_warning=on_warning)
    bad: Counter[str] = Counter()
    with closing(packets):
        pieces = one_channel(_placed(_paired(packets, stream.channels, bad)), on_warning)
        for position, samples in _blocks(scaled(pieces, stored_exactly(stream.codec), on_warning), size):
            yield position / SAMPLE_RATE, samples
    if bad and on_warning is not None:
        on_warning(f"{bad['samples']} samples of the audio are not numbers and taken for silence")


def _paired(packets: Iterable[Packet], channels: int, bad: Counter[str]) -> Generator[tuple[float, Table], None, None]:
    """(time, samples (n, 1)) of one channel, or (n, 1 + channels): what left ffmpeg's mixer, and what went into it."""
    waiting: tuple[deque[tuple[float, Table]], ...] = (deque(), deque())
    for stream, time, packet in packets:
        width = channels if stream else 1
        # An ffmpeg that somebody ended may leave the last sample torn; that it was ended is told when it is waited for.
        whole = len(packet) // (4 * width) * width
        samples = np.frombuffer(packet, dtype=np.float32, count=whole).reshape(-1, width)
        samples = finite(samples, None if stream else bad)
        if channels == 1:
            yield time, samples
            continue
        waiting[stream].append((time, samples))
        while all(waiting):
            (time, mix), (_, parts) = waiting[0].popleft(), waiting[1].popleft()
            count = min(len(mix), len(parts))
            yield time, np.concatenate([mix[:count], parts[:count]], axis=1)
    # Where the channels came to an end before the mix, it is all there is.
    for time, mix in waiting[0]:
        yield time, np.repeat(mix, 1 + channels, axis=1)


def _placed(packets: Iterable[tuple[float, Table]]) -> Generator[tuple[int, Table], None, None]:
    """(position, samples) without overlaps, positions counted in samples from time 0."""
    cursor: int | None = None
    dropped = 0
    for time, whole in packets:
        samples, position = whole, round(time * SAMPLE_RATE)
        if cursor is not None and position - cursor <= _JITTER:
            overlap = cursor - position
            # Sound that is there twice is dropped to stay in time, unless the stamps overlap so often
            # that they are wrong, not the sound.
            if overlap > _JITTER and dropped < SAMPLE_RATE + cursor // 50:
                samples = samples[overlap:]
                dropped += min(overlap, len(whole))
            position = cursor
        if len(samples):
            yield position, samples
            cursor = position + len(samples)


def _blocks(pieces: Iterable[tuple[int, Samples]], size: int) -> Generator[tuple[int, Samples], None, None]:
    """Join placed pieces into blocks of `size` samples, with silence in the holes between them."""
    held: list[Samples] = []
    start = end = 0
    for position, samples in pieces:
        if held and position - end > size:
            yield start, np.concatenate(held)
            held = []
        if not held:
            start = end = position
        held += [np.zeros(position - end, dtype=np.float32), samples]
        end = position + len(samples)
        while end - start >= size:
            whole = np.concatenate(held)
            yield start, whole[:size].copy()
            start, held = start + size, [whole[size:]]
    if end > start:
        yield start, np.concatenate(held)


def _arguments(media: Media, stream: AudioStream, start: float, end: float | None) -> list[str]:
    import ffmpeg

    source = ffmpeg.input(
        graph_url(media.path, media.extent), protocol_whitelist=PROTOCOLS, **seek_options(media, start)
    )
    limits = {"start": f"{start:.6f}"} if end is None else {"start": f"{start:.6f}", "end": f"{end:.6f}"}

    def on_clock(node: Any) -> Any:
        return node.filter("asetpts", f"PTS-({round(media.origin * SAMPLE_RATE)})").filter("atrim", **limits)

    node = source[str(stream.index)]
    if stream.channels == 1:
        wanted = [on_clock(_filtered(node, MIX))]
    else:
        mix, channels = branches(layout(media, stream.index), stream.channels)
        halves = node.asplit()
        wanted = [on_clock(_filtered(halves[0], mix)), on_clock(_filtered(halves[1], channels))]
    output = ffmpeg.output(*wanted, "pipe:1", format="nut", acodec="pcm_f32le")
    arguments: list[str] = output.global_args("-copyts").get_args()
    return arguments


def _filtered(node: Any, filters: Filters) -> Any:
    for name, options in filters:
        node = node.filter(name, **options)
    return node
