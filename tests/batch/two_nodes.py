"""Run by test_ray: a batch on two nodes of Ray's own cluster utility, of which one is killed in the middle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ray.cluster_utils import Cluster

import toy_batch
from mer_batch.batch import run as batch
from mer_batch.config import Options
from mer_batch.errors import MerError


def main(sources: Path, out: Path) -> None:
    batch.LEAST_SPLIT, batch.LONG_BYTES = 0.1, 1000
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]

    def heard(event: batch.Event) -> None:
        # At the latest when the first file has ended: then both nodes work, and the film is still to be read.
        if len(nodes) == 2 and (event.state or (event.name == "film.mp4" and event.stage)):
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    options = Options(modalities=("face", "voice"), asr="none", fps=2.0)
    order = toy_batch.order(out, sources, options=options, engine="ray", address=cluster.address, split=8 / 60)
    try:
        outcome = batch.run(order, heard)
        told = {"killed": len(nodes) == 1, "failed": outcome.failed, "done": outcome.count("done")}
    except MerError as error:
        told = {"error": str(error)}
    cluster.shutdown()
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
