"""Makes the encoder of voices that parts speakers: models/speaker/.

    python train/speaker/make.py RESEMBLYZER.whl OUT [--without SET] [--steps N] [--seed N]

The start is the encoder of Resemblyzer 0.1.4 (Apache-2.0, Wan et al. 2018, trained on some thousand speakers), whose
wheel `pip download --no-deps resemblyzer` brings. Forty acted speakers teach it two things it lacks and cannot spoil:

- The net learns to say of 1.6 s of any recording (noise, telephone, tilted) what the start says of the clean one. So
  unheard voices stay where the start puts them. Pulled towards the middle of all that a speaker says in every emotion,
  or trained to part the speakers by a contrastive loss, it told those of a left-out set worse.
- A model of what differs between people and within one (PLDA) is fitted behind it, from all emotions of a speaker, each
  at five speeds, of which every one counts as a speaker of its own.

Speakers of the test part of splits/voice.csv are never heard; --without leaves out a whole set besides, and the scores
are then those of that set. Sets are found as by `mer train voice` (MER_DATA).
"""

from __future__ import annotations

import argparse
import time
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.signal
import tomli_w
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from mer_batch.people.encoder import CARD, WEIGHTS, Encoder, Plda, SpeakerCard, build_net
from mer_batch.tasks.corpora import SETS, Corpora
from mer_batch.types import SAMPLE_RATE, Samples

SPEEDS = (0.85, 0.92, 1.0, 1.09, 1.18)
"""Each makes another speaker: pitch and formants move together."""
MOST = 400
"""Clips of a set's speaker that are read: TESS has 1,400 of one."""
LEVEL = 0.0316
"""Root mean square of a window, -30 dBFS, as the start was trained on."""
BATCH = 64
RATE = 5e-5
SHARE = 0.1
"""Of the spread within speakers, what is taken to be the same in all directions."""
DIRECTIONS = 32
START = "resemblyzer/pretrained.pt"
START_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
TELEPHONE = scipy.signal.butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE, output="sos")
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Clip:
    """A recording without its pauses, who speaks and in which set."""

    samples: Samples
    speaker: str
    source: str


def clips_of(part: str, without: str | None = None, only: str | None = None) -> list[Clip]:
    """The clips of a part of splits/voice.csv, of all sets but one, or of one alone."""
    corpora = Corpora(SETS, (), split="voice", fold=0, partial=False, limit=0)
    rows = corpora.part(part)
    rows = rows[(rows["set"] != without) & ((rows["set"] == only) | (only is None))]
    rows = rows.groupby("speaker", group_keys=False).head(MOST)
    found = []
    for (samples, _, _), speaker, source in zip(corpora.clips(rows), rows["speaker"], rows["set"], strict=True):
        spoken = without_pauses(samples)
        if len(spoken) >= SAMPLE_RATE * 3 // 4:
            found.append(Clip(spoken, str(speaker), str(source)))
    return found


def without_pauses(samples: Samples) -> Samples:
    """The sound (n,) within 35 dB of its loud parts, with 80 ms around."""
    step = SAMPLE_RATE // 50
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    if not len(frames):
        return samples[:0]
    level = 10 * np.log10(np.square(frames).mean(1) + 1e-10)
    loud = (level > np.percentile(level, 95) - 35).astype(int)
    return frames[np.convolve(loud, np.ones(9), "same") > 0].ravel()


class Windows:
    """Draws windows of mel power from clips."""

    def __init__(self, encoder: Encoder, seed: int) -> None:
        card = encoder.card
        self._encoder, self._rng = encoder, np.random.default_rng(seed)
        self._length = (card.frames - 1) * card.hop + card.n_fft

    def draw(self, clip: Clip, speed: float) -> Samples:
        """As many samples (n,) as a window takes, from somewhere in the clip, at a speed."""
        need = int(self._length * speed) + 2
        sound = np.resize(clip.samples, max(need, len(clip.samples)))
        first = int(self._rng.integers(len(sound) - need + 1))
        places = np.arange(self._length) * speed
        return np.interp(places, np.arange(need), sound[first : first + need]).astype(np.float32)

    def spoiled(self, sound: Samples) -> Samples:
        """The sound as a telephone, a noisy room or another microphone would give it, or as it is."""
        kind = self._rng.random()
        if kind < 0.25:
            return scipy.signal.sosfilt(TELEPHONE, sound).astype(np.float32)
        if kind < 0.55:
            noise = self._noise(len(sound))
            decibel = self._rng.uniform(5, 25)
            gain = np.sqrt(np.square(sound).mean() / np.square(noise).mean()) * 10 ** (-decibel / 20)
            return (sound + gain * noise).astype(np.float32)
        if kind < 0.7:
            return scipy.signal.lfilter([1, self._rng.uniform(-0.6, 0.6)], [1], sound).astype(np.float32)
        return sound

    def _noise(self, length: int) -> Numbers:
        white = self._rng.standard_normal(length)
        if self._rng.random() < 0.5:
            return white
        brown = np.cumsum(white)
        return brown - np.convolve(brown, np.full(400, 1 / 400), "same")

    def mels(self, sounds: list[Samples]) -> Tensor:
        """Windows (n, frames, bands), each at the encoder's level."""
        power = torch.stack([self._encoder.mels(sound) for sound in sounds])
        return power * (self._encoder.card.level / power.sum((1, 2), keepdim=True).clamp_min(1e-9))


def start_of(wheel: Path) -> dict[str, Tensor]:
    """The weights of the start. Raises `SystemExit` where the wheel is not the one that is meant."""
    with zipfile.ZipFile(wheel) as parts:
        data = parts.read(START)
    if sha256(data).hexdigest() != START_SHA256:
        raise SystemExit(f"{wheel} is not the wheel of Resemblyzer 0.1.4: {START} is another file")
    state = torch.load(BytesIO(data), map_location="cpu", weights_only=True)["model_state"]
    return {name: value for name, value in state.items() if name.startswith(("lstm.", "linear."))}


def embedded(net: nn.Module, windows: Tensor) -> Numbers:
    """Vectors (n, d) of windows."""
    with torch.inference_mode():
        return torch.cat([net(part) for part in windows.split(256)]).double().numpy()


def tune(net: nn.Module, start: nn.Module, windows: Windows, clips: list[Clip], steps: int, seed: int) -> None:
    """Teach `net` in place; see the head of this file."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    began = time.monotonic()
    for step in range(steps):
        drawn = [(clips[int(rng.integers(len(clips)))], float(rng.choice(SPEEDS))) for _ in range(BATCH)]
        clean = [windows.draw(clip, speed) for clip, speed in drawn]
        with torch.no_grad():
            own = start(windows.mels(clean))
        said = net(windows.mels([windows.spoiled(sound) for sound in clean]))
        loss = (1 - (said * own).sum(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 19:
            print(f"step {step + 1}: loss {loss.item():.4f}, {time.monotonic() - began:.0f} s", flush=True)


def fit_plda(vectors: Numbers, speakers: NDArray[np.str_]) -> Plda:
    """Directions in which people differ most beside what one varies by (two covariances: Ioffe 2006)."""
    mean = vectors.mean(0)
    centred = vectors - mean
    names = np.unique(speakers)
    means = np.stack([centred[speakers == name].mean(0) for name in names])
    rest = centred - means[np.searchsorted(names, speakers)]
    within = rest.T @ rest / len(rest)
    within = (1 - SHARE) * within + SHARE * np.trace(within) / len(within) * np.eye(len(within))
    between, turned = scipy.linalg.eigh(means.T @ means / len(names), within)
    best = np.argsort(-between)[:DIRECTIONS]
    return Plda(mean, turned[:, best], np.maximum(between[best], 0.0))


def equal_errors(vectors: Numbers, clips: list[Clip]) -> float:
    """The rate at which as many pairs of one voice are refused as pairs of two are joined, over different clips."""
    from sklearn.metrics import roc_curve

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    speakers = np.array([clip.speaker for clip in clips])
    first, second = np.triu_indices(len(clips), 1)
    false, true, _ = roc_curve(speakers[first] == speakers[second], (unit @ unit.T)[first, second])
    place = np.argmin(np.abs(false - (1 - true)))
    return float((false[place] + 1 - true[place]) / 2)


def scores_of(net: nn.Module, plda: Plda, windows: Windows, clips: list[Clip]) -> dict[str, float]:
    """Rates of equal errors by set, one window a clip."""
    vectors = plda.apply(embedded(net, windows.mels([windows.draw(clip, 1.0) for clip in clips])))
    found = {}
    for source in dict.fromkeys(clip.source for clip in clips):
        mine = [place for place, clip in enumerate(clips) if clip.source == source]
        if len({clips[place].speaker for place in mine}) > 1:
            found[f"equal_error_rate, {source}"] = round(equal_errors(vectors[mine], [clips[p] for p in mine]), 4)
    return found


def main() -> None:
    """Read, tune, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--without", choices=SETS)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    weights = start_of(given.wheel)
    clips = [*clips_of("train", given.without), *clips_of("validation", given.without)]
    print(f"{len(clips)} clips of {len({clip.speaker for clip in clips})} speakers")
    nothing = Plda(np.zeros(256), np.eye(256), np.ones(256))
    card = SpeakerCard("speaker", "", "", "")
    start, net = build_net(weights, card.mels), build_net(weights, card.mels)
    windows = Windows(Encoder(card, start.eval(), nothing), given.seed)
    if given.steps:
        tune(net.train(), start, windows, clips, given.steps, given.seed)
    net.eval().half().float()  # as it is stored
    sounds = [(clip, speed, windows.spoiled(windows.draw(clip, speed))) for clip in clips for speed in SPEEDS]
    parts = [sounds[first : first + 512] for first in range(0, len(sounds), 512)]
    vectors = np.concatenate([embedded(net, windows.mels([sound for _, _, sound in part])) for part in parts])
    plda = fit_plda(vectors, np.array([f"{clip.speaker} {speed}" for clip, speed, _ in sounds]))
    told = clips_of("test") if given.without is None else [
        clip for part in ("train", "validation", "test") for clip in clips_of(part, only=given.without)
    ]  # fmt: skip
    scores = scores_of(net, plda, windows, told)
    print(scores)
    write(given.out, net, plda, scores, given.without)


def write(out: Path, net: nn.Module, plda: Plda, scores: dict[str, float], without: str | None) -> None:
    """The two files of an encoder."""
    state = {name: value.half().contiguous() for name, value in net.state_dict().items()}
    parts = {"mean": plda.mean, "transform": plda.transform, "between": plda.between}
    state |= {f"plda.{name}": torch.from_numpy(np.ascontiguousarray(value)).float() for name, value in parts.items()}
    data = save(state)
    sets = ", ".join(name for name in SETS if name != without)
    table = {
        "name": "speaker",
        "data": f"{sets}: training and validation speakers of splits/voice.csv, from the start named in train/speaker",
        "licence": "Apache-2.0 (the start, Resemblyzer's encoder); sets with terms of their own, see data",
        "sha256": sha256(data).hexdigest(),
        "input": {"sample_rate": 16_000, "n_fft": 400, "hop": 160, "mels": 40, "frames": 160},
        "scores": scores,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS).write_bytes(data)
    (out / CARD).write_text(tomli_w.dumps(table), encoding="utf-8")


if __name__ == "__main__":
    main()
