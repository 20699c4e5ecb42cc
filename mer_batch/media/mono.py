"""Decoded frames to the one channel that is listened to, for clips that are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mer_batch.media.cells import Table
from mer_batch.media.layouts import MIX, Filters, branches, channel_names
from mer_batch.media.mixing import finite, one_channel
from mer_batch.media.scaling import scaled, stored_exactly
from mer_batch.types import Samples

if TYPE_CHECKING:
    from av import AudioFrame
    from av.filter import Graph


class MonoMaker:
    """Takes the frames of a short clip; `samples` then gives what `read_audio` would: 16 kHz mono (n,) in [-1, 1].

    `codec` is the name of the frames' codec. Raises `ValueError` where frames change their form.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._graphs: list[Graph] = []
        self._parts: list[list[Table]] = []
        self._form: tuple[str, str, int] | None = None

    def add(self, frame: AudioFrame) -> None:
        """The next frame."""
        form = frame.format.name, frame.layout.name, frame.sample_rate
        if self._form is None:
            self._form = form
            filters = branches(channel_names(frame.layout), frame.layout.nb_channels)
            self._graphs = [_graph(frame, row) for row in (filters if frame.layout.nb_channels > 1 else (MIX,))]
            self._parts = [[] for _ in self._graphs]
        elif form != self._form:
            raise ValueError("the form of the sound changes within the clip")
        self._push(frame)

    def samples(self) -> Samples:
        """The clip, whose frames have all been added."""
        if self._form is None:
            return np.zeros(0, dtype=np.float32)
        self._push(None)
        mix, *channels = [np.concatenate(parts) for parts in self._parts]
        table = np.concatenate([mix, *(part[: len(mix)] for part in channels)], axis=1)
        pieces = scaled(one_channel([(0, finite(table))]), stored_exactly(self._codec))
        return np.concatenate([np.zeros(0, dtype=np.float32), *(piece for _, piece in pieces)])

    def _push(self, frame: AudioFrame | None) -> None:
        for graph, parts in zip(self._graphs, self._parts, strict=True):
            graph.push(frame)
            parts += _pulled(graph)


def _graph(frame: AudioFrame, filters: Filters) -> Graph:
    from av.filter import Graph

    graph = Graph()
    rate, layout = str(frame.sample_rate), frame.layout.name
    source = graph.add("abuffer", sample_rate=rate, sample_fmt=frame.format.name, channel_layout=layout)
    nodes = [source, *(graph.add(name, **options) for name, options in filters), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[Table]:
    from av import AudioFrame
    from av.error import BlockingIOError, EOFError

    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, AudioFrame)
        # Packed: (1, samples * channels), sample by sample.
        yield np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(frame.samples, -1)
