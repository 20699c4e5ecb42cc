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
from mer_batch.tasks import reads
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
        for name in ("a", "b"):
            shutil.copy("interview.mp4.timeline.json", f"{name}.timeline.json")
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


def card_page(name: str) -> str:
    return (data_dir("models") / name / "MODEL_CARD.md").read_text(encoding="utf-8")


def card_row(name: str, score: str) -> list[str]:
    """The cells of a score on a card: name, value, interval over items and, where it has one, over groups."""
    line = next(line for line in card_page(name).splitlines() if line.startswith(f"| {score} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def in_short(interval: str) -> str:
    """ "0.6399 to 0.7020" as the README has it: "0.640 to 0.702"."""
    return " to ".join(f"{float(bound):.3f}" for bound in interval.split(" to "))


def test_every_page_tells_the_same_of_leaks() -> None:
    """What a card says of leaks is what README, reference table and card page say, and nobody says otherwise."""
    none = re.compile(r"training without (the )?copies|trained without (the )?copies|without copies of (held-out|test)")
    row = next(line for line in README.splitlines() if line.startswith("| face |"))
    reference = (ROOT / "train" / "reference" / "README.md").read_text(encoding="utf-8")
    table = next(line for line in reference.splitlines() if line.startswith("| our face model"))
    for name in ("face", "voice", "text", "fusion"):
        card = read_card(data_dir("models") / name)
        assert f"leaks from held-out data into its training: {card.leaks or 'none'}." in card_page(name)
        if card.leaks:
            assert not none.search(card.data), name
            assert not none.search(card_page(name)), name
    leaks = read_card(data_dir("models") / "face").leaks
    told = re.match(r"[\d,]+ [\w-]+ [\w-]+ copy a test picture", leaks)
    for text in (row, table):
        if leaks:
            assert not none.search(text)
            assert (told.group() if told else leaks) in text
        else:
            assert "copy a test picture" not in text
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert "FER2013 trains without" not in architecture
    assert "what leaked into a shipped model says its card" in " ".join(architecture.split())


@pytest.mark.parametrize("name", ["face", "voice", "text", "fusion"])
def test_cards_tell_how_often_their_test_was_read(name: str) -> None:
    """At least as often as the card says: later readings stand in the ledger only."""
    found = re.search(r"^- Test set: (.+) was read (once|([\d,]+) times), this one included", card_page(name), re.M)
    assert found, name
    card = read_card(data_dir("models") / name)
    assert found.group(1) == card.confusion_source
    count = 1 if found.group(2) == "once" else int(found.group(3).replace(",", ""))
    own = [line for line in reads.lines(reads.shipped()) if line.set == card.confusion_source]
    assert sum(line.reads for line in own) >= count >= 1
    assert any(line.model and card.sha256.startswith(line.model) for line in own), "its own reading is in the ledger"


def test_intervals_in_the_readme_are_those_of_the_cards_and_name_their_unit() -> None:
    rows = {line.split("|")[1].strip(): line for line in README.splitlines() if line.startswith("| ")}
    for row, name, score in (("face", "face", "accuracy"), ("voice", "voice", "uar"), ("words", "text", "weighted_f1")):
        cells = card_row(name, score)
        assert f"({in_short(cells[2])}" in rows[row], row
    assert "interval over new items" in README
    own = card_row("voice", "uar")[3:]
    heads = card_row("voice", "score")
    assert "over new speakers" in heads[3]
    assert f"over new speakers {in_short(own[0])}" in rows["voice"]
