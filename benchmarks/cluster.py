"""A batch on two nodes of Ray's own cluster utility, one killed in the middle, against the same batch by local workers.

python benchmarks/cluster.py FILE... [--split 0.5]      # real files, a long film among them

What must hold: the same files are read, and every timeline is equal.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

import record
from mer_batch.batch import run as batch
from mer_batch.batch.diff import diff
from mer_batch.batch.job import Pages
from mer_batch.batch.ledger import Ledger
from mer_batch.batch.sources import expand
from mer_batch.config import Options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--split", type=float, default=0.5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name) / "here", Path(name) / "there"
        seconds, killed = on_two_nodes(order(asked, there))
        local = record.cost(lambda: batch.run(order(asked, here, split=0.0, workers=2), lambda _event: None)).clock
        compared = diff(here, there)
        entries = Ledger(there).read().entries.values()
        record.write("cluster", {
            "files": len(asked.files), "split": asked.split, "seconds": round(seconds, 1), "killed_at": killed,
            "local_seconds_unsplit": round(local, 1), "states": {entry.facts["name"]: entry.state for entry in entries},
            "not_split": {e.facts["name"]: e.facts["not_split"] for e in entries if "not_split" in e.facts},
            "equal": sum(one.same for one in compared), "most": max(one.most for one in compared),
            "renamed": sum(one.renamed for one in compared), "differ": [one.name for one in compared if not one.same],
        })  # fmt: skip


def order(asked: argparse.Namespace, out: Path, **more: Any) -> batch.Order:
    options = Options(device="cpu", asr="none")
    return batch.Order(expand(asked.files, out), options, Pages(assets="shared"), out, **{"split": asked.split, **more})


def on_two_nodes(asked: batch.Order) -> tuple[float, str]:
    """Seconds that the batch took, and at what the one node was killed."""
    from dataclasses import replace

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]
    killed = ""

    def heard(event: batch.Event) -> None:
        nonlocal killed
        print(event, flush=True)
        if not killed and event.stage == "faces" and event.ended:
            killed = f"{event.name}: {event.stage}, {event.share:.2f}, after {event.ended} files"
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    seconds = record.cost(lambda: batch.run(replace(asked, engine="ray", address=cluster.address), heard)).clock
    cluster.shutdown()
    return seconds, killed


if __name__ == "__main__":
    main()
