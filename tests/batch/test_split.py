"""A long film is read in pieces by several workers, with the report of the whole; a stopped run goes on at its last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import clips
import toy_batch
from mer_batch import media
from mer_batch.batch import run as batch
from mer_batch.batch.job import Job
from mer_batch.batch.ledger import Ledger
from mer_batch.batch.run import sizes
from mer_batch.config import Options
from mer_batch.errors import UsageError
from mer_batch.media.process import Ffmpeg
from mer_batch.output import read_timeline
from mer_batch.pieces import plan, why_whole
from mer_batch.pipeline import faces
from mer_batch.types import Timeline
from toy_batch import Here, here

__all__ = ["here"]
OPTIONS = Options(modalities=("face", "voice"), asr="none", fps=2.0)
PIECE = 8 / 60


@pytest.fixture
def film(once: Callable[..., Path]) -> Path:
    return once("long film", lambda folder: toy_batch.film(folder / "film.mp4", 26)) / "film.mp4"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LEAST_SPLIT", PIECE)
    monkeypatch.setattr(batch, "LONG_BYTES", 1000)
    monkeypatch.setattr(batch, "_free_mb", lambda: 8000.0)


def read(out: Path, film: Path, **more: object) -> Timeline:
    outcome = toy_batch.run(out, film, options=OPTIONS, workers=2, **more)
    assert outcome.count("done") == 1, outcome.failed
    return read_timeline(out / "film.mp4.timeline.json")


def test_pieces_are_the_whole_and_a_stopped_run_goes_on_at_the_last(
    film: Path, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(tmp_path / "whole", film, split=0.0)
    assert here.done == ["film.mp4"]
    begun: list[tuple[int | None, bool]] = []
    last: list[int | None] = [1, None]

    def stop(job: Job) -> None:
        begun.append((job.piece, job.film is not None))
        if begun[-1] == (last[0], True):
            last.pop(0)
            raise KeyboardInterrupt

    here.before = stop
    while last:
        with pytest.raises(KeyboardInterrupt):
            read(tmp_path / "split", film, split=PIECE)
    assert begun == [(None, False), (0, True), (1, True), (None, False), *((n, True) for n in (0, 1, 2, None))]
    kept = list((tmp_path / "split" / ".mer").rglob("*.piece.*"))
    assert len(kept) == 3
    here.before = lambda _job: None
    monkeypatch.setattr(faces, "read_piece", None)
    split = read(tmp_path / "split", film, split=PIECE)
    assert not any(path.exists() for path in kept)  # what tells people apart is not kept for long
    assert len(whole.people) > 0
    assert [(one.name, one.spans) for one in split.people] == [(one.name, one.spans) for one in whole.people]
    assert split.shots == whole.shots  # with their pictures
    assert [one.thumbnail for one in split.people] == [one.thumbnail for one in whole.people]
    assert all(one.thumbnail for one in (*whole.people, *whole.shots))
    assert [one.thumbnail for one in split.events] == [one.thumbnail for one in whole.events]
    assert (split.speech, split.gaps) == (whole.speech, whole.gaps)
    assert len(split.observations) == len(whole.observations)
    for ours, theirs in zip(split.observations, whole.observations, strict=True):
        assert (ours.start, ours.person) == (theirs.start, theirs.person)
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-3)


def test_small_pictures_are_kept_for_the_next_run_and_none_where_faces_are_hidden(
    film: Path, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(tmp_path / "hidden", film, redact="faces")
    assert not list((tmp_path / "hidden" / ".mer").rglob("*.pictures.*"))
    first = read(tmp_path / "out", film)
    assert len(list((tmp_path / "out" / ".mer").rglob("*.pictures.*"))) == 1
    for path in (tmp_path / "out").glob("film.mp4.*"):
        path.unlink()

    def start(_self: object, *_arguments: object, **_options: object) -> None:
        raise AssertionError("decoding has begun")

    monkeypatch.setattr(Ffmpeg, "__init__", start)
    again = read(tmp_path / "out", film)
    assert any(one.thumbnail for one in first.shots)
    read(tmp_path / "out", film, redact="faces")
    assert not list((tmp_path / "out" / ".mer").rglob("*.pictures.*"))
    assert (again.people, again.shots, again.events) == (first.people, first.shots, first.events)


def test_pieces_that_nobody_will_join_go_with_the_next_run(film: Path, tmp_path: Path, here: Here) -> None:
    """They show faces. Those of a film that is still to be read stay; they go once it is read otherwise, or is gone."""
    mine, other = tmp_path / "mine.mp4", clips.make(tmp_path / "other.wav", *clips.tone(0.5, 200))
    mine.write_bytes(film.read_bytes())
    out = tmp_path / "out"

    def stop(job: Job) -> None:
        if job.piece == 1:
            raise KeyboardInterrupt

    def pieces() -> int:
        return len(list((out / ".mer").rglob("*.piece.*")))

    here.before = stop
    with pytest.raises(KeyboardInterrupt):
        toy_batch.run(out, mine, options=OPTIONS, workers=2, split=PIECE)
    here.before = lambda _job: None
    assert pieces() == 1
    toy_batch.run(out, other, options=OPTIONS)
    assert pieces() == 1
    mine.rename(tmp_path / "gone.mp4")
    toy_batch.run(out, other, options=OPTIONS)
    assert pieces() == 0
    (tmp_path / "gone.mp4").rename(mine)
    here.before = stop
    with pytest.raises(KeyboardInterrupt):
        toy_batch.run(out, mine, options=OPTIONS, workers=2, split=PIECE)
    here.before = lambda _job: None
    assert pieces() == 1
    toy_batch.run(out, mine, options=replace(OPTIONS, fps=1.0), split=0.0)
    assert pieces() == 0


def test_a_piece_that_cannot_be_kept_is_read_with_the_film(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = clips.make(tmp_path / "film.mp4", *clips.corners(26), *clips.X264)
    monkeypatch.setattr("mer_batch.keep.Keep.put", lambda *_: None)
    assert not read(tmp_path / "out", film, split=PIECE).lost
    assert len(here.done) == 5


def test_joined_recordings_are_read_as_a_whole_and_the_ledger_says_why(tmp_path: Path, here: Here) -> None:
    part = clips.make(tmp_path / "a.ts", *clips.corners(20), "-c:v", "mpeg2video")
    twice = tmp_path / "twice.ts"
    twice.write_bytes(part.read_bytes() * 2)
    assert plan(media.probe(twice), OPTIONS, PIECE) == ()
    toy_batch.run(tmp_path / "out", twice, options=Options(modalities=("face",), fps=1.0), workers=2, split=PIECE)
    entry = next(iter(Ledger(tmp_path / "out").read().entries.values()))
    assert (entry.state, entry.facts["not_split"]) == ("done", "recordings are joined in it")


@pytest.mark.parametrize("ending", ["h264", "m2v"])
def test_what_has_no_index_is_read_as_a_whole(tmp_path: Path, ending: str) -> None:
    assert why_whole(media.probe(clips.make(tmp_path / f"a.{ending}", *clips.corners(2, fps=25))))


@pytest.mark.parametrize("fps", [0.7, 2.0, 5.0, 12.0])
def test_pieces_cover_the_range_once_and_overlap_before(film: Path, fps: float) -> None:
    pieces = plan(media.probe(film), Options(fps=fps, start=3.0, end=25.0), PIECE)
    assert len(pieces) > 1
    assert (pieces[0].begin, pieces[0].start, pieces[-1].end) == (3.0, 3.0, 25.0)
    assert [piece.end for piece in pieces[:-1]] == [piece.start for piece in pieces[1:]]
    assert all(piece.begin == 3.0 or piece.start - piece.begin >= 6.0 - 1e-6 for piece in pieces[1:])
    assert plan(media.probe(film), Options(fps=fps), 0.0) == plan(media.probe(film), Options(fps=fps), 1.0) == ()


def test_pieces_too_short_to_be_worth_it_are_refused(film: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--split must be 0"):
        toy_batch.order(tmp_path, film, split=0.01)


def test_a_long_film_is_work_for_all_workers(film: Path, tmp_path: Path) -> None:
    order = toy_batch.order(tmp_path, film, workers=3)
    jobs = [Job(source, order.options, order.pages, tmp_path) for source in order.found.sources]
    assert sizes(order, batch._shares(order, jobs))[0] == 3
    whole = toy_batch.order(tmp_path, film, workers=3, split=0.0)
    assert sizes(whole, batch._shares(whole, jobs))[0] == 1
