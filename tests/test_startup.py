"""What a command loads: nothing that its own stages do not need."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mer_batch.nets.device import load_torch

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "interview.mp4"
LABORATORY = ("data", "tasks", "training", "evaluation", "pages")
"""Rooms that an analysis never enters."""
NEEDLESS = (
    "facenet_pytorch",
    "jiwer",
    "librosa",
    "matplotlib",
    "numba",
    "pandas",
    "pyarrow",
    "requests",
    "sklearn",
    "statsmodels",
    "sympy",
    "torch._dynamo",
    "torch._inductor",
    "torchaudio",
    "torchvision",
    "transformers",
    "whisper",
)
"""What an analysis with the shipped models and without speech recognition has no use for."""


def loaded_by(*arguments: object, then: str = "") -> tuple[set[str], str]:
    """The modules after a `mer` command in a process of its own, and what the code `then` prints after it."""
    code = (
        "import json, sys\n"
        "from mer_batch.cli import main\n"
        f"sys.argv = ['mer', *{[str(argument) for argument in arguments]!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print()\nprint(json.dumps(list(sys.modules)))\n"
    )
    command = [sys.executable, "-W", "error::UserWarning", "-c", code + then]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith('["'))
    return set(json.loads(lines[at])), "\n".join(lines[at + 1 :])


def test_an_analysis_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    """The example's first seconds hold a face, a voice and words; torchvision still works after its operators alone."""
    out = tmp_path / "a.html"
    afterwards = (
        "import torch, torchvision\n"
        "box = torch.tensor([[0.0, 0, 1, 1]])\n"
        "print(torchvision.ops.nms(box, torch.ones(1), 0.5).tolist())\n"
    )
    loaded, printed = loaded_by("analyze", EXAMPLE, "--end", 3, "--asr", "none", "-q", "--out", out, then=afterwards)
    table = (tmp_path / "a.timeline.csv").read_text().splitlines()
    assert len(table) > 5
    assert {"torch", "av", "silero_vad", "jinja2"} <= loaded
    assert sorted(loaded & set(NEEDLESS)) == []
    rooms = tuple(f"mer_batch.{room}" for room in LABORATORY)
    assert sorted(name for name in loaded if name.startswith(rooms)) == []
    assert printed == "[0]"


def test_a_short_clip_of_one_face_loads_no_scipy(tmp_path: Path) -> None:
    loaded, _ = loaded_by("analyze", EXAMPLE, "--end", 1, "--asr", "none", "-q", "--out", tmp_path / "a.html")
    assert not {"scipy", "ruptures"} & loaded


def test_listing_models_loads_no_network_library() -> None:
    loaded, _ = loaded_by("models", "list")
    assert not {"torch", "whisper", "faster_whisper", "facenet_pytorch", "torchvision"} & loaded


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_left_as_it_was(collects: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        load_torch()
        assert gc.isenabled() == collects
    finally:
        (gc.enable if before else gc.disable)()
