"""The `fer` package with MTCNN, picture by picture: run by `pipeline.py` with a Python that has the package.

PYTHON benchmarks/fer_loop.py PICTURES.npy

It pins an older torch than ours, so that it lives in an environment of its own. Pictures (n, h, w, 3) are RGB. Printed
is a line of JSON: the faces read, and the seconds by the clock and by the processor, imports and models not counted.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np


def main() -> None:
    """Read all faces and say what that took."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from fer.fer import FER

    pictures = np.load(sys.argv[1])[..., ::-1]  # the package takes BGR
    reader = FER(mtcnn=True)
    reader.detect_emotions(np.ascontiguousarray(pictures[0]))  # the first call builds its graphs
    began, worked = time.perf_counter(), time.process_time()
    faces = sum(len(reader.detect_emotions(np.ascontiguousarray(picture))) for picture in pictures)
    took = {"clock": time.perf_counter() - began, "processor": time.process_time() - worked}
    print(json.dumps({"faces": faces, **took}))


if __name__ == "__main__":
    main()
