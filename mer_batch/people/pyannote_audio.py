"""A diarization pipeline of pyannote.audio in the place of ours: the extra `pyannote`.

Its weights come from a hub that asks for an account and for terms to be accepted, or from a folder. It hears all of a
sound at once, which is therefore held in memory (230 MB an hour). What the package would tell its makers of its use is
switched off.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from mer_batch.errors import ModelError, one_line
from mer_batch.nets.device import pick_device
from mer_batch.people.voices import VoiceTurn, numbered
from mer_batch.people.windows import Span
from mer_batch.resources import package_version
from mer_batch.types import SAMPLE_RATE, Samples

USUAL: Final = ("pyannote/speaker-diarization-3.1", "pyannote/speaker-diarization-community-1")
"""The pipeline that its makers recommend, before version 4 of the package and since."""
_MISSING: Final = "pyannote.audio is not installed; run: pip install 'mer-batch[pyannote]'"


def check() -> None:
    """Raise `ModelError` where the package is not installed; it is not loaded."""
    try:
        there = find_spec("pyannote.audio") is not None
    except (ImportError, ValueError):  # no package of this family; one that was loaded by other means
        there = "pyannote.audio" in sys.modules
    if not there:
        raise ModelError(_MISSING)


def version() -> str:
    """The version of the package, "" where there is none."""
    return package_version("pyannote.audio") or ""


def default() -> str:
    """The pipeline that is taken if none is named."""
    first = version().partition(".")[0]
    return USUAL[first.isdigit() and int(first) >= 4]


class Pyannote:
    """A `Diarizer`. Its pipeline is loaded at once: what cannot be had is told before the sound is heard."""

    def __init__(self, name: str, device: str) -> None:
        self._name = name or default()
        self._pipeline = _loaded(self._name)
        self._device = pick_device(device)
        self._blocks: list[tuple[float, Samples]] = []

    def feed(self, start: float, samples: Samples) -> None:
        """See `Diarizer.feed`."""
        self._blocks.append((start, samples.astype(np.float32)))

    def follow(self, closed: Sequence[Span], growing: Span | None, settled: float) -> None:
        """See `Diarizer.follow`: it hears for itself where speech is."""

    def turns(self, regions: Sequence[Span], count: int | None) -> tuple[VoiceTurn, ...]:
        """See `Diarizer.turns`. Where it hears two at once, whoever spoke first goes on until the end of that turn."""
        import torch

        if not regions:
            return ()
        first, sound = self._sound()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what concerns training
            self._pipeline.to(self._device)
            heard = {"waveform": torch.from_numpy(sound)[None], "sample_rate": SAMPLE_RATE}
            found = self._pipeline(heard, **({} if count is None else {"num_speakers": count}))
        annotation = getattr(found, "speaker_diarization", found)  # since version 4 beside other things
        names: dict[str, int] = {}
        turns = [
            VoiceTurn(first + part.start, first + part.end, names.setdefault(str(label), len(names)))
            for part, _, label in annotation.itertracks(yield_label=True)
        ]
        return numbered(list(_inside(_one_at_once(turns), regions)))

    def _sound(self) -> tuple[float, Samples]:
        """When the sound begins in seconds, and all of it (n,), silent where it has holes."""
        first = min((start for start, _ in self._blocks), default=0.0)
        last = max((start + len(samples) / SAMPLE_RATE for start, samples in self._blocks), default=0.0)
        whole = np.zeros(round((last - first) * SAMPLE_RATE) + 1, dtype=np.float32)
        for start, samples in self._blocks:
            at = round((start - first) * SAMPLE_RATE)
            whole[at : at + len(samples)] = samples[: len(whole) - at]
        self._blocks.clear()
        return first, whole


def _one_at_once(turns: Iterable[VoiceTurn]) -> Iterator[VoiceTurn]:
    """The turns, sorted, without the beginnings at which somebody else still speaks."""
    reached = -np.inf
    for turn in sorted(turns):
        if turn.end > reached:
            yield turn._replace(start=max(turn.start, reached))
            reached = turn.end


def _inside(turns: Iterable[VoiceTurn], regions: Sequence[Span]) -> Iterator[VoiceTurn]:
    """The parts of sorted turns that lie in sorted regions, of which each goes to the nearest turns as a whole."""
    every = list(turns)
    at = 0
    for start, end in regions:
        while at < len(every) and every[at].end <= start:
            at += 1
        own = [turn for turn in every[at : _until(every, at, end)] if turn.end > start]
        # What lies between two turns, or at the edge of the region, is not silence: it goes to the turn beside it.
        edges = [start, *((one.end + other.start) / 2 for one, other in pairwise(own)), end]
        for turn, (first, last) in zip(own, pairwise(edges), strict=False):
            yield turn._replace(start=first, end=last)


def _until(turns: Sequence[VoiceTurn], at: int, end: float) -> int:
    while at < len(turns) and turns[at].start < end:
        at += 1
    return at


def _loaded(name: str) -> Any:
    check()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            audio = import_module("pyannote.audio")
            with suppress(ImportError):  # since version 4 it tells its makers of its use unless it is told not to
                import_module("pyannote.audio.telemetry.metrics").set_telemetry_metrics(False)
            found = audio.Pipeline.from_pretrained(name)
        except Exception as error:
            raise ModelError(_unusable(name, one_line(error))) from error
    if found is None:  # so it says that its terms were not accepted
        raise ModelError(_unusable(name, "it is not given to whoever has not accepted its terms"))
    return found


def _unusable(name: str, reason: str) -> str:
    hub = "accept its terms at the hub and log in there, or give its folder: --diarizer pyannote:FOLDER"
    return f"pyannote:{name} cannot be used: {reason[:200].rstrip('.')}; {'check it' if Path(name).exists() else hub}"
