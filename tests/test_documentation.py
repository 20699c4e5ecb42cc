"""Documentation is run: every `mer` line of the README works as written, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import toy_fer
from mer_batch.batch.ledger import Ledger
from mer_batch.cli import app
from mer_batch.labels import EMOTIONS
from mer_batch.nets.store import read_card
from mer_batch.resources import data_dir
from mer_batch.scores import predictions
from mer_batch.scores.shares import wilson
from mer_batch.timeline.io import to_json
from timelines import make_timeline

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("examples/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, flags=re.M | re.S)
SHORTER = {
    " analyze ": ["--end", "3", "--quiet"],
    " doctor ": ["--quick"],
    " --seeds ": ["--quick", "--set", "train.epochs=1"],
}
"""Added to commands that would take long."""
COMMANDS = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.startswith("mer ")]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    for name in ("interview", "talk", "clip"):
        shutil.copy(ROOT / "examples" / "interview.mp4", f"{name}.mp4")
    shutil.copy(ROOT / "examples" / "interview.truth.csv", "truth.csv")
    Path("talk.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nI am so happy about this!\n")
    rng = np.random.default_rng(0)
    for label in ("happy", "sad"):
        Path("my_faces", label).mkdir(parents=True)
        Image.fromarray(toy_fer.stripes(1, rng)).save(Path("my_faces", label, "1.png"))
    ids, labels = [f"{number}.png" for number in range(14)], np.arange(14) % len(EMOTIONS)
    predictions.write(Path("runs", "a", "predictions", "test.parquet"), ids, labels, rng.dirichlet(np.ones(7), 14))
    rows = [f"{name},{EMOTIONS[label]},happy" for name, label in zip(ids, labels, strict=True)]
    Path("other.csv").write_text("\n".join(["id,label,reading", *rows]))
    Path("interviews").mkdir()
    shutil.copy("talk.mp4", "interviews")
    for folder in map(Path, ("reports", "before", "after")):
        folder.mkdir()
        (folder / "talk.mp4.timeline.json").write_text(to_json(make_timeline()))
    Ledger(Path("reports")).add("run", files=1)
    toy_fer.make(tmp_path / "data")
    toy_fer.kaggle_zip(tmp_path / "archive.zip")
    return tmp_path


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 7
    used = {shlex.split(line)[1] for line in COMMANDS}
    assert used == {"analyze", "status", "diff", "report", "evaluate", "train", "data", "compare", "models", "doctor"}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works_as_written(line: str, desk: Path) -> None:
    if "hf:NAME" in line:
        line = line.replace("hf:NAME", str(data_dir("models") / "face"))
    if "timeline.json" in line:
        assert CliRunner().invoke(app, ["analyze", "interview.mp4", "--end", "3", "--quiet"]).exit_code == 0
    shorter = [words for part, words in SHORTER.items() if part in line]
    result = CliRunner().invoke(app, [*shlex.split(line)[1:], *(word for words in shorter for word in words)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_architecture_names_every_folder() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = [path.parent for path in (ROOT / "mer_batch").glob("*/__init__.py")]
    assert len(packages) >= 9
    for folder in packages:
        assert f"mer_batch/{folder.name}/" in text


def test_scores_in_the_readme_are_those_of_the_cards() -> None:
    rows = {
        line.split("|")[1].strip(): line.split("|")[3]
        for line in README.splitlines()
        if line.startswith("| ") and "0." in line
    }
    quoted = {"face": ("accuracy", "accuracy_tta"), "voice": ("uar",), "words": ("weighted_f1",)}
    for row, names in quoted.items():
        card = read_card(data_dir("models") / row.replace("words", "text"))
        for name in names:
            assert f"{card.scores[name]:.3f}" in rows[row], (row, name)


@pytest.mark.parametrize("name", ["face", "voice", "text", "fusion"])
def test_intervals_of_accuracy_are_wilsons_of_the_counts(name: str) -> None:
    counts = np.array(read_card(data_dir("models") / name).confusion)
    span = wilson(int(np.trace(counts)), int(counts.sum()))
    page = (data_dir("models") / name / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"| accuracy | {span.value:.4f} | {span.low:.4f} to {span.high:.4f} |" in page
    if name == "face":
        assert f"accuracy {span.value:.3f} ({span.low:.3f} to {span.high:.3f})" in README
