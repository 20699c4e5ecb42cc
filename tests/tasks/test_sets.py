"""Sets of one's own: what is read, what is left out, and that nothing goes missing without a word."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import clips
from mer_batch.classifier import Classifier
from mer_batch.cli import app
from mer_batch.data.check import check
from mer_batch.data.manifest import read_manifest
from mer_batch.errors import DataError
from mer_batch.labels import EMOTIONS, INDEX, canonical
from mer_batch.media import load_audio, probe
from mer_batch.nets.store import ModelCard
from mer_batch.tasks.listing import list_folder, list_table
from mer_batch.tasks.reading import Reading, read_set
from mer_batch.tasks.sets import FileSet, load_set
from mer_batch.timeline.truth_table import read_truth
from mer_batch.types import Floats


class Watcher(Classifier[Any]):
    """Keeps the items that it is given."""

    def __init__(self) -> None:
        self.card = ModelCard("watcher", "face", "none", {}, {}, "none", "none")
        self.items: list[Any] = []

    def logits(self, items: Sequence[Any]) -> Floats:
        self.items += items
        return np.zeros((len(items), 7), dtype=np.float32)


def read(modality: str, source: Path, split: str | None = None) -> tuple[FileSet, Reading, list[Any]]:
    found = load_set(modality, source, {}, "cpu", split)  # type: ignore[arg-type]
    watcher = Watcher()
    return found, read_set(watcher, found), watcher.items


def reasons(found: FileSet) -> dict[str, str]:
    return dict(found.tally.left_out)


def save(path: Path, level: int, kind: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), (level, level, level)).save(path, kind)


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_content_decides_and_nothing_goes_missing(tmp_path: Path) -> None:
    kinds = {"a.jpg": "JPEG", "b.jfif": "JPEG", "c": "PNG", "d.jpg": "PNG", "e.ppm": "PPM", "f.gif": "GIF"}
    for level, (name, kind) in enumerate(kinds.items()):
        save(tmp_path / "happy" / name, 10 * level, kind)
    save(tmp_path / "Traurig" / "g.webp", 60, "WEBP")
    save(tmp_path / "contempt" / "h.png", 70)
    save(tmp_path / "happy" / "deeper" / "i.png", 80)
    whole = (tmp_path / "happy" / "a.jpg").read_bytes()
    (tmp_path / "happy" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "happy" / "empty.jpg").write_bytes(b"")
    (tmp_path / "happy" / "notes.txt").write_text("no picture")
    (tmp_path / "happy" / "folder.jpg").mkdir()
    (tmp_path / "README.md").write_text("about this set")
    for junk in ("happy/._a.jpg", ".DS_Store", "__MACOSX/happy/x.jpg", "happy/Thumbs.db", ".git/config"):
        (tmp_path / junk).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / junk).write_bytes(b"junk")
    found, reading, items = read("face", tmp_path)
    assert set(reading.ids) == {*(f"happy/{name}" for name in kinds), "Traurig/g.webp"}
    assert [int(item.mean()) // 10 for item in items] == [6, 0, 1, 2, 3, 4, 5]
    assert reading.labels.tolist() == [INDEX["sad"], *[INDEX["happy"]] * 6]
    left = reasons(found)
    assert left["happy/cut.jpg"] == "it is cut off"
    assert left["happy/empty.jpg"] == "it is empty"
    assert left["happy/notes.txt"] == "no picture"
    assert left["happy/folder.jpg"] == "it is a folder"
    assert left["contempt/h.png"] == "label 'contempt' has no counterpart among our seven"
    assert "happy/deeper/i.png" in left
    assert "README.md" in left
    assert sorted(found.tally.ignored) == [
        ".DS_Store", ".git/config", "__MACOSX/happy/x.jpg", "happy/._a.jpg", "happy/Thumbs.db"
    ]  # fmt: skip
    assert found.tally.found == found.tally.read + len(left) == 14
    assert found.tally.sentence().startswith("found 14: 7 read, 7 left out; 5 hidden files ignored (.DS_Store")


def test_a_set_in_which_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "a.jpg").write_bytes(b"")
    found = load_set("face", tmp_path, {}, "cpu")
    with pytest.raises(DataError, match=r"nothing in .* can be read; happy/a\.jpg: it is empty"):
        read_set(Watcher(), found)
    save(tmp_path / "bored" / "b.png", 1)
    (tmp_path / "happy" / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"no usable face example: .*'bored' has no counterpart"):
        load_set("face", tmp_path, {}, "cpu")


def test_parts_are_folders_above_the_label_or_a_column(tmp_path: Path) -> None:
    save(tmp_path / "test" / "happy" / "a.png", 1)
    save(tmp_path / "dev" / "sad" / "b.png", 2)
    assert [entry.id for entry in list_folder(tmp_path, "test").entries] == ["test/happy/a.png"]
    with pytest.raises(DataError, match="has no part 'train'; it has dev, test"):
        list_folder(tmp_path, "train")
    rows = table(tmp_path / "t.csv", "path,label,split\ntest/happy/a.png,happy,test\ndev/sad/b.png,sad,dev\n")
    assert [entry.id for entry in list_table("face", rows, "validation").entries] == ["dev/sad/b.png"]
    with pytest.raises(DataError, match="has no part 'train'; it has dev, test"):
        list_table("face", rows, "train")


def test_the_modality_decides_between_path_and_text(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 50)
    both = table(tmp_path / "both.csv", 'path,Text ,LABEL\na.png,"So, good!",happy\na.png,,sad\n')
    _, reading, items = read("text", both)
    assert items == ["So, good!"]
    assert reading.labels.tolist() == [INDEX["happy"]]
    only = table(tmp_path / "only.csv", "path,label\na.png,happy\n")
    assert int(read("face", only)[2][0].mean()) == 50
    texts = table(tmp_path / "texts.csv", "text,label\nYes.,happy\nYes.,sad\n")
    assert read("text", texts)[2] == ["Yes.", "Yes."], "the same words may be said twice"
    with pytest.raises(DataError, match="has texts, but face needs a path column"):
        load_set("face", texts, {}, "cpu")
    with pytest.raises(DataError, match="needs the columns path, and label; it has file, label"):
        load_set("face", table(tmp_path / "other.csv", "file,label\na,b\n"), {}, "cpu")


def test_one_path_with_two_labels_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1)
    save(tmp_path / "b.png", 2)
    rows = "path,label\na.png,happy\nb.png,sad\n./a.png,sad\n"
    with pytest.raises(DataError, match=r"lines 2 and 4 give 'a\.png' two labels, 'happy' and 'sad'"):
        load_set("face", table(tmp_path / "t.csv", rows), {}, "cpu")
    same = table(tmp_path / "t.csv", "path,label\na.png,happy\nb.png,sad\na.png,joy\n")
    found, reading, _ = read("face", same)
    assert reading.ids == ("a.png", "b.png")
    assert reasons(found) == {"line 4": "it repeats line 2"}
    with pytest.raises(DataError, match=r"lines 2 and 3 give 'a\.png' two labels"):
        read_manifest(table(tmp_path / "t.csv", "path,label\na.png,happy\na.png,sad\n"))
    once = read_manifest(table(tmp_path / "t.csv", "path,label\na.png,happy\na.png,joy\n"))
    assert (len(once.rows), once.skipped) == (1, {"rows that repeat an earlier one": 1})


def test_paths_of_every_system_are_found(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFC", "für dich.png")
    save(tmp_path / "some folder" / name, 9)
    cells = [
        f"some folder/{name}",
        f"some folder\\{name}",
        "some%20folder/f%C3%BCr%20dich.png",
        f"{tmp_path}/some folder/{name}",
        f"file://{tmp_path}/some%20folder/f%C3%BCr%20dich.png",
        unicodedata.normalize("NFD", f"some folder/{name}"),
    ]
    for cell in cells:
        _, _, items = read("face", table(tmp_path / "t.csv", f'path,label\n"{cell}",happy\n'))
        assert int(items[0].mean()) == 9, cell
    rows = f'path,label\n"{cells[0]}",happy\nabsent.png,sad\n,sad\nsome folder,sad\n{"x" * 300},sad\n'
    found, _, _ = read("face", table(tmp_path / "t.csv", rows))
    assert reasons(found) == {
        "line 3 (absent.png)": "no such file",
        "line 4": "it has no path",
        "line 5 (some folder)": "some folder is a folder",
        f"line 6 ({'x' * 300})": "no such file",
    }
    with pytest.raises(DataError, match=r"none of the 1 files that .* lists is there, such as 'absent\.png'"):
        load_set("face", table(tmp_path / "t.csv", "path,label\nabsent.png,sad\n"), {}, "cpu")


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds that get louder, so that a stretch tells where it is from."""
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    return clips.make(path, "-f", "lavfi", "-i", "aevalsrc=0.05*t*sin(2*PI*300*t):s=16000:d=10")


def test_start_and_end_are_a_part_of_the_recording(tone: Path) -> None:
    rows = "path,label,start,end\ntone.wav,sad,2,4\ntone.wav,happy,0:04,0:06.5\ntone.wav,fear,8,\ntone.wav,angry,,1,5\n"
    rows = rows.replace(",1,5\n", ',"1,5"\n')
    found, reading, items = read("voice", table(tone.parent / "t.csv", rows))
    assert reading.ids == ("tone.wav#2-4", "tone.wav#4-6.5", "tone.wav#8-", "tone.wav#0-1.5")
    whole = load_audio(probe(tone), 0, 10)
    for item, (start, end) in zip(items, ((2, 4), (4, 6.5), (8, 10), (0, 1.5)), strict=True):
        assert np.allclose(item.samples, whole[round(start * 16000) : round(end * 16000)], atol=1e-4)
    assert found.tally.sentence() == "found 4: 4 read, 0 left out"


def test_parts_outside_the_recording_are_named(tone: Path) -> None:
    rows = [
        "tone.wav,sad,1,2", "tone.wav,sad,12,14", "tone.wav,sad,5,3", "tone.wav,sad,-1,3", "tone.wav,sad,soon,3",
        "tone.wav,sad,2000,4000", "tone.wav,sad,0,9000", "tone.wav,sad,9,12", "tone.wav,sad,9.5,10.2",
    ]  # fmt: skip
    source = table(tone.parent / "t.csv", "path,label,start,end\n" + "\n".join(rows) + "\n")
    found, reading, _ = read("voice", source)
    assert reading.ids == ("tone.wav#1-2", "tone.wav#9-12", "tone.wav#9.5-10.2")
    left = reasons(found)
    assert left["tone.wav#12-14"] == "the part from 12 to 14 s lies behind its end (10.0 s)"
    assert "milliseconds?" in left["tone.wav#2000-4000"]
    assert "milliseconds?" in left["tone.wav#0-9000"]
    assert left["line 4 (tone.wav)"] == "a part needs 0 <= start < end, got 3 and 5"
    assert left["line 6 (tone.wav)"] == "'soon' is no time in seconds"
    assert [item for item, _ in found.tally.assumed] == ["tone.wav#9-12"]
    assert found.tally.found == len(rows)


def test_voices_come_from_any_file_with_sound(tone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set" / "happy"
    folder.mkdir(parents=True)
    clips.make(folder / "a.mp4", "-i", str(tone), *clips.clock(10, 5), "-shortest", *clips.X264)
    for name in ("b.flac", "c.ogg", "d.wav"):
        clips.make(folder / name, "-i", str(tone), "-t", "2")
    (folder / "e").write_bytes((folder / "d.wav").read_bytes())
    save(folder / "f.png", 1)
    (folder / "g.wav").write_bytes(b"")
    (folder / "h.wav").write_text("no sound")
    found, reading, _ = read("voice", tmp_path / "set")
    assert reading.ids == tuple(f"happy/{name}" for name in ("a.mp4", "b.flac", "c.ogg", "d.wav", "e"))
    assert list(reasons(found)) == [f"happy/{name}" for name in ("f.png", "g.wav", "h.wav")]


def test_faces_come_from_films_and_their_parts(tmp_path: Path) -> None:
    """The grey of the picture is the time, so that the frames tell where they are from."""
    clips.make(tmp_path / "film.mp4", *clips.clock(9, 10), *clips.X264)
    save(tmp_path / "still.png", 40)
    rows = "path,label,start,end\nfilm.mp4,sad,3,5\nfilm.mp4,happy,6,7\nstill.png,fear,1,2\nfilm.mp4,angry,20,21\n"
    found, reading, items = read("face", table(tmp_path / "t.csv", rows))
    assert reading.ids == ("film.mp4#3-5", "film.mp4#6-7", "still.png#1-2")
    times = [clips.clock_time(item) for item in items[:-1]]
    assert min(times) > 2.8
    assert sum(time < 5.2 for time in times) == 10
    assert all(2.8 < time < 5.2 or 5.8 < time < 7.2 for time in times)
    assert reasons(found) == {"film.mp4#20-21": "the part from 20 to 21 s lies behind its end (9.0 s)"}
    assert found.tally.assumed == [("still.png#1-2", "start and end mean nothing in a still picture")]


def test_texts_come_in_any_encoding(tmp_path: Path) -> None:
    folder = tmp_path / "joy"
    folder.mkdir()
    text = "Schön, daß du da bist! Wir haben so lange auf dich gewartet."
    for encoding in ("utf-8", "utf-16", "cp1252"):
        (folder / f"{encoding}.txt").write_bytes(text.encode(encoding))
    (folder / "empty.txt").write_bytes(b"")
    (folder / "sound.wav").write_bytes(b"RIFF")
    (folder / "binary.txt").write_bytes(bytes(range(32)) * 20)
    found, _, items = read("text", tmp_path)
    assert items == [text] * 3
    assert set(reasons(found)) == {"joy/empty.txt", "joy/sound.wav", "joy/binary.txt"}
    assert [item for item, _ in found.tally.assumed] == ["joy/cp1252.txt"]


NAMES = ("sur", "exc", "hap", "contempt", "None", "NaN", "3", "Wut", "felicità", "FREUDE", "frustrated", "joys", "calm")


def test_every_command_treats_labels_alike(tmp_path: Path) -> None:
    """A set, the labels of a recording, and a checked set map the same names, and leave out the same."""
    known = [name for name in NAMES if canonical(name)]
    for at in range(len(NAMES)):
        save(tmp_path / f"{at}.png", at)
    rows = "".join(f"{at}.png,{name}\n" for at, name in enumerate(NAMES))
    source = table(tmp_path / "t.csv", f"path,label\n{rows}")
    listed = list_table("face", source, None)
    assert [EMOTIONS[entry.label] for entry in listed.entries] == [canonical(name) for name in known]
    assert len(listed.tally.left_out) == len(NAMES) - len(known)
    times = "".join(f"{at},{at + 1},{name}\n" for at, name in enumerate(NAMES))
    truth = read_truth(table(tmp_path / "truth.csv", f"start,end,emotion\n{times}"))
    assert [row.emotion for row in truth] == [canonical(name) for name in known]
    assert len(truth.notes) == len(NAMES) - len(known)
    checked = check(read_manifest(source), [], None, lambda *_: None)
    (other,) = (finding for finding in checked.findings if finding.name == "other labels")
    assert all(f"{name} (1)" in other.text for name in NAMES if name not in known)
    assert sum(checked.counts().to_numpy().sum(axis=0)) == len(NAMES)


def test_the_command_tells_what_became_of_every_file(tmp_path: Path) -> None:
    for at in range(3):
        save(tmp_path / "set" / "happy" / f"{at}.png", 60 * at)
    (tmp_path / "set" / "happy" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "set" / "happy" / "._0.png").write_bytes(b"\0\5\x16\7")
    save(tmp_path / "set" / "contempt" / "x.png", 9)
    scores, out = tmp_path / "s.json", tmp_path / "out"
    result = CliRunner().invoke(
        app,
        [
            "evaluate",
            "face",
            "--data",
            str(tmp_path / "set"),
            "--device",
            "cpu",
            "--json",
            str(scores),
            "--out",
            str(out),
        ],
    )
    assert result.exit_code == 0, result.output
    assert "found 5: 3 read, 2 left out; 1 hidden file ignored (happy/._0.png)" in result.output
    assert "left out: happy/cut.jpg: " in result.output
    assert "left out: contempt/x.png: label 'contempt' has no counterpart" in result.output
    items = json.loads(scores.read_text())["items"]
    assert (items["found"], items["read"], items["left_out"], items["hidden"]) == (5, 3, 2, ["happy/._0.png"])
    assert {entry["item"] for entry in items["reasons"]} == {"happy/cut.jpg", "contempt/x.png"}
    stored = pd.read_parquet(out / "predictions" / "whole-set.parquet")
    assert list(stored["id"]) == ["happy/0.png", "happy/1.png", "happy/2.png"]


def test_scores_of_one_keep_their_columns_apart(tmp_path: Path) -> None:
    rows = ["I am so happy!,happy", "This is wonderful.,happy", "I hate you!,angry"] * 4
    source = table(tmp_path / "t.csv", "text,label\n" + "\n".join(rows) + "\n")
    result = CliRunner().invoke(app, ["evaluate", "text", "--data", str(source), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.output.splitlines() if line.startswith("whole set") and "(" in line)
    assert line.split()[2] == "12"
    assert len(line.split()) == 3 + 2 * 4, line
