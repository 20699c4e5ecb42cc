"""The order of an analysis: what is checked, what is prepared, and the stages."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from mer_batch import checks, media
from mer_batch.config import DEFAULTS, Options
from mer_batch.keep import Keep
from mer_batch.nets.device import load_torch, side_by_side
from mer_batch.people.edits import edits_of
from mer_batch.pipeline.asked import LOADING, Asked, OnNotice, OnProgress
from mer_batch.pipeline.ending import timeline
from mer_batch.pipeline.faces import FaceStage
from mer_batch.pipeline.sound import VoiceStage
from mer_batch.pipeline.words import WordStage
from mer_batch.types import Media, Timeline

_BESIDE: Final = 4
"""What works beside each other: cuts are found, faces are followed and read, and the sound is heard."""


def analyze(
    path: Path | str,
    options: Options = DEFAULTS,
    on_progress: OnProgress | None = None,
    on_notice: OnNotice | None = None,
    keep: Path | None = None,
    *,
    film: Media | None = None,
    split: float = 0.0,
    on_whole: OnNotice | None = None,
    pictures: bool = True,
) -> Timeline:
    """Read a media file as `options` say.

    `on_progress` is told (stage, share done) of every stage that has something to read, `on_notice` at once what
    is known to be missing before the work begins. A modality that fails is lost: it is named in
    `Timeline.lost` with a notice, and the rest goes on. All that can be known before the first picture is
    decoded is checked before. Raises `InputError` for a file that cannot be
    read at all and `UsageError` for options that do not fit it.

    What `FILE.people.json` and `options.names` say of the people in it (`people.edits`) is put into the timeline; what
    of it does not fit is told in a notice.

    `keep` is a folder in which what the stages found is kept for the next run (see `keep.Keep`); None keeps nothing.
    `film` is what `media.probe` found, where that is known. A long film is read in pieces of `split` minutes, with the
    same result as in one (0), each of which is kept; `on_whole` is told why if it cannot be split. Without `pictures`
    there are none in the timeline, and none are kept.
    """
    tell = on_progress or (lambda _stage, _done: None)
    tell(LOADING, 0.0)
    checks.check_options(options)
    edits = edits_of(Path(path), options.names)
    found = media.probe(Path(path)) if film is None else film
    checks.check_media(found, options)
    asked = Asked(
        found, options, tell, checks.readers(found, options), Keep(keep, found.sha256), split, edits, pictures
    )
    words = WordStage(asked)
    notices = [*found.notes, *words.prepare()]
    if on_notice is not None:
        for notice in notices:
            on_notice(notice)
    tell(LOADING, 1.0)
    made = read_all(asked, words, notices)
    if asked.whole and on_whole is not None:
        on_whole(asked.whole)
    return made


def pieces_of(film: Media, options: Options, split: float, keep: Path) -> int:
    """In how many pieces the pictures of a film are to be read; 0 where it is not split, or was read before."""
    faces = FaceStage(Asked(film, options, _untold, checks.readers(film, options), Keep(keep, film.sha256), split))
    return len(faces.pieces) if faces.pieces and faces.missing else 0


def read_piece(
    film: Media, options: Options, split: float, keep: Path, number: int, tell: OnProgress, pictures: bool = True
) -> str:
    """Read one of the pieces of a film (from 0) and keep what is found for `analyze`.

    Returns why the film has to be read as a whole, empty where nothing speaks against the piece.
    """
    kept = Keep(keep, film.sha256)
    asked = Asked(film, options, tell, checks.readers(film, options), kept, split, pictures=pictures)
    load_torch()
    faces = FaceStage(asked)
    return faces.read_piece(faces.pieces[number]).unfit


def _untold(_stage: str, _done: float) -> None:
    pass


def read_all(asked: Asked, words: WordStage, notices: list[str]) -> Timeline:
    """All stages, then the timeline; `words` are prepared, `notices` told already."""
    with closing(FaceStage(asked)) as faces, closing(VoiceStage(asked, faces, words)) as voice:
        faces.begin()
        load_torch()  # while ffmpeg works on the first pictures
        with side_by_side(_BESIDE):
            voice.begin()
            faces.run()
            voice.run()
        words.speech = voice.speech
        words.run()
    return timeline(asked, faces, voice, words, notices)
