"""Speed of reading 3 s windows of sound, and of the features in batches against librosa.

python benchmarks/voice.py [--model default] [--threads 2] [--repeats 7] [--device cpu]

Reading is what `mer analyze` does with a window once speech is found: preparing and the network, in batches of 16 and
alone. Features are computed for the same 16 windows by `extract` in one batch and by librosa one after the other.
Same windows, same run, same number of threads, warm-up first, contenders in turn, medians; milliseconds a window.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np

import record
from mer_batch.readers import load_classifier
from mer_batch.types import SAMPLE_RATE, AudioWindow
from mer_batch.voice.by_librosa import reference
from mer_batch.voice.features import FEATURES, extract
from mer_batch.voice.read import BATCH

SECONDS = 3.0
TARGET = 15.0
"""Milliseconds a window may take, in batches on two cores."""


def windows() -> list[AudioWindow]:
    """A batch of windows of gliding tones in noise; what they say does not change the speed."""
    rng = np.random.default_rng(0)
    time_ = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    made = []
    for place in range(BATCH):
        glide = np.sin(2 * np.pi * (120 + 10 * place) * time_ * (1 + 0.1 * np.sin(2 * np.pi * time_)))
        samples = (0.1 * glide + 0.02 * rng.standard_normal(len(time_))).astype(np.float32)
        made.append(AudioWindow(0.0, SECONDS, samples, 1.0, -23.0, 20.0))
    return made


def compare(contenders: dict[str, tuple[Callable[[], object], int]], repeats: int) -> dict[str, dict[str, Any]]:
    """Milliseconds a window of each (function, windows)."""
    found = record.timed({name: work for name, (work, _) in contenders.items()}, repeats)
    return {
        name: {
            "ms": round(1000 * found[name].middle / count, 3),
            "processor_ms": round(1000 * found[name].middle_processor / count, 3),
            "slowest_ms": round(1000 * max(found[name].seconds) / count, 3),
        }
        for name, (_, count) in contenders.items()
    }


def main() -> None:
    """Measure and write the result."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="cpu or cuda; librosa runs on the processor in any case")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    batch = windows()
    reader = load_classifier("voice", options.model, options.device)
    waves = np.stack([window.samples for window in batch])
    on_device = torch.from_numpy(waves).to(options.device)
    contenders: dict[str, tuple[Callable[[], object], int]] = {
        f"read_batch_of_{BATCH}": (lambda: reader.predict(batch), BATCH),
        "read_alone": (lambda: [reader.predict([window]) for window in batch], BATCH),
    }
    names = [name for name in FEATURES if name != "pitch"]  # pitch is librosa's own
    for name in names:
        # To the processor and back, so that a GPU has finished when the clock stops.
        contenders[f"{name}, batch"] = (lambda name=name: extract(on_device, [name]).cpu(), BATCH)  # type: ignore[misc]
        contenders[f"{name}, librosa"] = (lambda name=name: [reference(wave, [name]) for wave in waves], BATCH)  # type: ignore[misc]
    found = compare(contenders, options.repeats)
    results = {
        "read": {name: row for name, row in found.items() if name.startswith("read")},
        "target_ms": TARGET,
        "within_target": found[f"read_batch_of_{BATCH}"]["ms"] <= TARGET,
        "features": {
            name: {
                "batch": found[f"{name}, batch"],
                "librosa": found[f"{name}, librosa"],
                "times_faster": round(found[f"{name}, librosa"]["ms"] / found[f"{name}, batch"]["ms"], 2),
            }
            for name in names
        },
    }
    print(json.dumps(results, indent=1))
    facts = {
        "model": reader.card.name,
        "net": reader.card.net,
        "weights_sha256": reader.card.sha256,
        "window_seconds": SECONDS,
        "threads": options.threads,
        "device": options.device if options.device == "cpu" else torch.cuda.get_device_name(options.device),
        "torch": torch.__version__,
    }
    record.write("voice" if options.device == "cpu" else f"voice-{options.device}", facts | results)


if __name__ == "__main__":
    main()
