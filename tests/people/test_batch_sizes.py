"""How many frames are worked on together changes nobody, on real film with cuts."""

from __future__ import annotations

from pathlib import Path

import pytest

from face.fakes import BrightnessReader, read_faces
from mer_batch.face.embedders import load_embedder
from mer_batch.face.read import FaceReadings
from mer_batch.media import probe, read_frames


def read(film: Path, batch: int) -> FaceReadings:
    frames = read_frames(probe(film), fps=2.0)
    return read_faces(frames, BrightnessReader(), load_embedder("cpu"), device="cpu", batch=batch)


def test_the_same_people_for_every_batch_size(shared_data: Path) -> None:
    film = shared_data / "media" / "faces" / "derived_four_speakers_cuts.mp4"
    one, *others = (read(film, batch) for batch in (1, 16, 64))
    assert len(one.people) == 4
    for other in others:
        assert other.people == one.people
        assert other.shots == one.shots
        for mine, theirs in zip(one.observations, other.observations, strict=True):
            assert (theirs.person, theirs.start, theirs.end) == (mine.person, mine.start, mine.end)
            # Sums in another order: less than a thousandth of a pixel.
            assert theirs.evidence.box == pytest.approx(mine.evidence.box, abs=1e-6)
