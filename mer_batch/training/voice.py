"""The voice task: acted speech of four public sets, with whole speakers held out.

RAVDESS (Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391), TESS (Pichora-Fuller & Dupuis 2020,
doi:10.5683/SP2/E8H2MF), EMOVO (Costantini et al. 2014) and EMO-DB (Burkhardt et al. 2005). Which clip
belongs to which part is frozen in `train/splits/voice.csv`; RAVDESS "calm" counts as neutral.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mer_batch.errors import DataError, unknown_name
from mer_batch.resources import data_dir
from mer_batch.training.datasets import data_set, label_index
from mer_batch.training.task import Examples, LabelledSet, Split, Task
from mer_batch.types import SAMPLE_RATE, AudioWindow, Samples
from mer_batch.voice.classify import fit
from mer_batch.voice.windows import clip_windows

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SETS: Final = ("ravdess", "tess", "emovo", "emodb")
OPTIONS: Final[Mapping[str, Any]] = {
    "sets": list(SETS),
    "test": ["ravdess"],
    "split": "voice",
    "seconds": 3.0,
    "limit": 0,
}
STORED: Final = 4.0
"""Seconds of sound kept per training example, so that a random stretch of it can be played faster."""
MARGIN: Final = 0.15
"""Seconds kept before and after the speech of a clip."""
SPAN: Final = 35.0
"""How many dB under a clip's loud frames its speech begins and ends."""


def decode(data: bytes) -> Samples:
    """The sound of an encoded clip as 16 kHz mono samples (n,) in [-1, 1]."""
    import av

    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate([part.to_ndarray().reshape(-1) for part in [*frames, *resampler.resample(None)]])


def spoken(samples: Samples) -> Samples:
    """A clip without the silence before and after its speech."""
    frame = SAMPLE_RATE // 50
    whole = len(samples) // frame
    power = np.square(samples[: whole * frame].reshape(whole, frame)).mean(axis=1)
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (-SPAN / 10))
    if not len(loud):
        return samples
    margin = round(MARGIN * SAMPLE_RATE)
    return samples[max(loud[0] * frame - margin, 0) : (loud[-1] + 1) * frame + margin]


def pieces(samples: Samples) -> Iterator[Samples]:
    """Stretches of `STORED` seconds of a longer clip, every three quarters of that."""
    length = round(STORED * SAMPLE_RATE)
    for start in range(0, max(len(samples) - length // 4, 1), length * 3 // 4):
        yield samples[start : start + length]


class ActedSpeech(Task):
    """Clips in memory as int16 sound around their speech."""

    modality = "voice"
    licence = (
        "weights: CC BY-NC-SA 4.0, as RAVDESS; TESS CC BY-NC-ND 4.0, EMOVO CC BY-NC-SA 4.0 and EMO-DB CC BY 4.0 "
        "as usually quoted, their authors' pages were not at hand"
    )

    def __init__(
        self, root: Path, sets: Sequence[str], test: Sequence[str], split: Path, seconds: float, limit: int
    ) -> None:
        self._root, self._sets, self._test, self._split, self._limit = root, sets, test, split, limit
        self._length = round(seconds * SAMPLE_RATE)
        self.input = {"sample_rate": SAMPLE_RATE, "seconds": seconds}
        self.data = f"acted speech of {', '.join(sets)} by speakers other than those of the test"

    @cached_property
    def _rows(self) -> pd.DataFrame:
        tables = [pd.read_csv(self._root / name / "manifest.csv").assign(set=name) for name in self._sets]
        rows = pd.concat(tables, ignore_index=True)
        rows["id"] = rows["set"] + "/" + rows["path"]
        rows["emotion"] = [label_index(name) for name in rows["label"]]
        parts = pd.read_csv(self._split).set_index("id")["split"]
        return rows.join(parts, on="id", how="inner")

    def _part(self, split: str) -> pd.DataFrame:
        rows = self._rows[self._rows["split"] == split]
        return rows.groupby("emotion", group_keys=False).head(self._limit) if self._limit else rows

    def _clips(self, rows: pd.DataFrame) -> Iterator[Samples]:
        for name, group in rows.groupby("set", sort=False):
            with tarfile.open(self._root / str(name) / "audio.tar") as archive:
                for path in group["path"]:
                    yield decode(_member(archive, path))

    def _examples(self, rows: pd.DataFrame) -> Examples:
        import torch

        length = round(STORED * SAMPLE_RATE)
        sounds, labels, ids = [], [], []
        for clip, label, name in zip(self._clips(rows), rows["emotion"], rows["id"], strict=True):
            for piece in pieces(spoken(clip)):
                sounds.append((fit(piece, length) * 32767).clip(-32768, 32767).astype(np.int16))
                labels.append(int(label))
                ids.append(str(name))
        return Examples(torch.from_numpy(np.stack(sounds)), torch.tensor(labels), tuple(ids))

    def train(self) -> Examples:
        """The clips of the training speakers."""
        return self._examples(self._part("train"))

    def validation(self) -> Examples:
        """The clips of the validation speakers."""
        return self._examples(self._part("validation"))

    def held_out(self, split: Split) -> LabelledSet:
        """The windows that `mer analyze` would read in the clips of the speakers held out."""
        rows = self._part(split)
        if split == "test":
            rows = rows[rows["set"].isin(self._test)]
        items: list[AudioWindow] = []
        labels, ids = [], []
        for clip, label, name in zip(self._clips(rows), rows["emotion"], rows["id"], strict=True):
            windows = clip_windows(clip, window=self._length / SAMPLE_RATE)
            items += windows
            labels += [int(label)] * len(windows)
            ids += [str(name)] * len(windows)
        sets = sorted(set(rows["set"]))
        return LabelledSet(f"{split} speakers of {', '.join(sets)}", items, labels, ids)

    def prepare(self, inputs: Tensor, train: bool, generator: torch.Generator) -> Tensor:
        """Waves (n, samples) of the network's length at equal level, augmented when training."""
        from mer_batch.training import sound

        waves = inputs.float() / 32768
        if train:
            return sound.sound(waves, self._length, generator)
        spare = waves.shape[1] - self._length
        return sound.level(waves[:, spare // 2 : spare // 2 + self._length])


def _member(archive: tarfile.TarFile, path: str) -> bytes:
    try:
        member = archive.extractfile(path)
    except KeyError:
        member = None
    if member is None:
        raise DataError(f"{path} is missing from {Path(str(archive.name))}; fetch the set again")
    return member.read()


def task(options: Mapping[str, Any]) -> Task:
    """The voice task for a recipe's `[data]` table."""
    for key in options:
        if key not in OPTIONS:
            raise unknown_name("[data] option", key, OPTIONS)
    chosen = dict(OPTIONS) | dict(options)
    for name in [*chosen["sets"], *chosen["test"]]:
        if name not in SETS:
            raise unknown_name("voice data set", str(name), SETS)
    return ActedSpeech(data_set("speech"), **chosen | {"split": _split_file(str(chosen["split"]))})


def _split_file(name: str) -> Path:
    """The list of parts in `train/splits`, or a CSV file of one's own."""
    shipped = {path.stem: path for path in (data_dir("train") / "splits").glob("voice*.csv")}
    if name not in shipped and not Path(name).is_file():
        raise unknown_name("voice split", name, shipped)
    return shipped.get(name) or Path(name)
