"""Known people: from pictures in a folder to names in a timeline, and nothing of their faces in any file."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from mer_batch.config import Options
from mer_batch.errors import UsageError
from mer_batch.face.dlib_faces import DlibEmbedder
from mer_batch.media import grab_frame, probe
from mer_batch.people.gallery import gallery_sum, pictures, read_gallery
from mer_batch.pipeline import analyze
from mer_batch.timeline.io import to_json
from mer_batch.types import Floats, Image

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "interview.mp4"
AROUND_THE_CUT = {"modalities": ("face",), "asr": "none", "start": 17.0, "end": 20.4}
"""The example is cut to another framing at 18.6 s."""


@pytest.fixture(scope="module")
def portrait() -> Image:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[:256, 96:352])


@pytest.fixture
def gallery(tmp_path: Path, portrait: Image) -> Path:
    folder = tmp_path / "known"
    (folder / "Eileen").mkdir(parents=True)
    Pictures.fromarray(portrait).save(folder / "Eileen" / "one.png")
    Pictures.fromarray(grab_frame(probe(EXAMPLE), 16.5).image).save(folder / "Eileen" / "surprised.png")
    Pictures.fromarray(np.concatenate([portrait, portrait], axis=1)).save(folder / "Eileen" / "two.jpg")
    Pictures.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(folder / "Nobody.png")
    (folder / "Eileen" / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def embeddings(monkeypatch: pytest.MonkeyPatch) -> list[Floats]:
    """Every embedding that is made."""
    made: list[Floats] = []
    embed = DlibEmbedder.embed

    def spy(self: DlibEmbedder, crops: list[Image]) -> Floats:
        made.append(embed(self, crops))
        return made[-1]

    monkeypatch.setattr(DlibEmbedder, "embed", spy)
    return made


def test_who_is_known_has_a_name_across_a_cut_and_no_file_has_a_face(
    gallery: Path, tmp_path: Path, embeddings: list[Floats]
) -> None:
    keep = tmp_path / "keep"
    timeline = analyze(EXAMPLE, Options(gallery=gallery, **AROUND_THE_CUT), keep=keep)  # type: ignore[arg-type]
    assert [person.name for person in timeline.people] == ["Eileen"]
    assert len(timeline.shots) == 2
    assert {reading.person for reading in timeline.observations} == {"Eileen"}
    said = [notice for notice in timeline.notices if "gallery" in notice]
    assert len(said) == 3
    assert any("two.jpg of Eileen in the gallery is not used: 2 faces are in it" in line for line in said)
    assert any("Nobody.png of Nobody in the gallery is not used: no face is in it" in line for line in said)
    kept = [path.read_bytes() for path in keep.rglob("*") if path.is_file()]
    assert kept
    everything = to_json(timeline).encode() + b"".join(zlib.decompress(data[12 + 32 :]) for data in kept)
    rows = np.concatenate(embeddings)
    assert len(rows) >= 3
    for row in (*rows, rows.mean(0)):
        for kind in (np.float32, np.float64, ">f4", ">f8"):
            assert row[:2].astype(kind).tobytes() not in everything
        assert f"{row[0]:.4f}".encode() not in everything or f"{row[1]:.4f}".encode() not in everything


def test_one_woman_has_one_number_in_the_example(embeddings: list[Floats]) -> None:
    timeline = analyze(EXAMPLE, Options(**AROUND_THE_CUT))  # type: ignore[arg-type]
    assert [person.name for person in timeline.people] == ["Person 1"]
    assert embeddings


@pytest.mark.parametrize(("identity", "people"), [("appearance", 2), ("none", 2)])
def test_faces_are_left_alone_where_nobody_asks_for_them(identity: str, people: int, embeddings: list[Floats]) -> None:
    timeline = analyze(EXAMPLE, Options(identity=identity, **AROUND_THE_CUT))  # type: ignore[arg-type]
    assert len(timeline.people) == people
    assert embeddings == []
    assert not any("not installed" in notice for notice in timeline.notices)


def test_what_a_gallery_must_be(tmp_path: Path, portrait: Image, gallery: Path) -> None:
    with pytest.raises(UsageError, match="there is no gallery"):
        pictures(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no pictures"):
        pictures(_empty(tmp_path))
    (tmp_path / "blank").mkdir()
    Pictures.fromarray(np.full((90, 90, 3), 9, np.uint8)).save(tmp_path / "blank" / "a.png")
    with pytest.raises(UsageError, match=r"shows nobody: the picture a\.png"):
        read_gallery(tmp_path / "blank", DlibEmbedder())
    Pictures.fromarray(portrait).save(gallery / "person 2.png")
    with pytest.raises(UsageError, match="calls somebody 'person 2'"):
        pictures(gallery)
    with pytest.raises(UsageError, match="--gallery tells people by their faces"):
        Options(gallery=gallery, identity="none")
    with pytest.raises(UsageError, match="unknown --identity 'face'"):
        Options(identity="face")


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_another_picture_is_another_gallery(gallery: Path, portrait: Image) -> None:
    before = gallery_sum(gallery)
    assert set(before) == {"Eileen", "Nobody"}
    Pictures.fromarray(portrait[::2, ::2]).save(gallery / "Eileen" / "one.png")
    assert gallery_sum(gallery) != before
