"""Speed of reading sentences, and GoEmotions scored as its authors do.

python benchmarks/text.py [--model default] [--threads 2] [--repeats 5] [--set meld] [--skip-scores]

Speed: the sentences of a test part through the whole reader (word pieces and network), in utterances a second, wall
clock and processor; warm-up first, medians. Scores: in Demszky et al. (arXiv:2005.00547) a comment may have several
of the seven groups, each is read where its probability passes one threshold, and macro F1 is the mean over the
groups. Our reader shares one probability among the seven; its threshold is chosen on the dev part.
`mer evaluate text` scores the comments that have exactly one group, by the likeliest.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

import record
from mer_batch.classifier import Classifier
from mer_batch.data.importers.goemotions import group_of
from mer_batch.labels import EMOTIONS, INDEX
from mer_batch.readers import load_classifier
from mer_batch.tasks.sentences import SETS, held_out_rows, read_rows

TARGET = 500.0
"""Utterances a second on two cores."""
THRESHOLDS = np.round(np.arange(0.05, 0.6, 0.01), 2)


def speed(reader: Classifier[Any], name: str, repeats: int) -> dict[str, Any]:
    """Utterances a second over a whole test part."""
    lines = [row.line("") for row in held_out_rows(name, "test")]
    found = record.timed({"reader": lambda: reader.predict(lines)}, repeats)["reader"]
    return {
        "set": f"{SETS[name].title} test",
        "utterances": len(lines),
        "words": round(float(np.mean([len(line.split()) for line in lines])), 1),
        "per_second": round(len(lines) / found.middle),
        "per_processor_second": round(len(lines) / found.middle_processor),
        "target_per_second": TARGET,
    }


def published(reader: Classifier[Any]) -> dict[str, Any]:
    """Macro F1 over the seven groups on all test comments, several groups allowed; threshold from the dev part."""
    dev_truth, dev = _groups(reader, "dev")
    threshold = float(max(THRESHOLDS, key=lambda least: _macro_f1(dev_truth, dev >= least)))
    truth, shares = _groups(reader, "test")
    return {
        "comments": len(truth),
        "threshold": threshold,
        "macro_f1": round(_macro_f1(truth, shares >= threshold), 4),
        "dev_macro_f1": round(_macro_f1(dev_truth, dev >= threshold), 4),
        "reported_bert_base": 0.64,
    }


def _groups(reader: Classifier[Any], split: str) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    rows = read_rows("goemotions", split)
    truth = np.zeros((len(rows), len(EMOTIONS)), dtype=bool)
    for place, row in enumerate(rows):
        truth[place, [INDEX[group_of(fine)] for fine in row.fine]] = True
    return truth, reader.predict([row.line(SETS["goemotions"].kind) for row in rows])


def _macro_f1(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    both = (truth & found).sum(axis=0)
    return float(np.mean(2 * both / np.maximum(truth.sum(axis=0) + found.sum(axis=0), 1)))


def main() -> None:
    """Measure and write the result."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--set", default="meld", choices=sorted(SETS))
    parser.add_argument("--skip-scores", action="store_true")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    reader = load_classifier("text", options.model, "cpu")
    results: dict[str, Any] = {"threads": options.threads, "speed": speed(reader, options.set, options.repeats)}
    if not options.skip_scores:
        results["goemotions_multi_label"] = published(reader)
    print(json.dumps(results, indent=1))
    record.write("text", results)


if __name__ == "__main__":
    main()
