"""What is said in the clips of speech sets: known from the set itself, or written down by a recognizer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mer_batch.data.manifest import clip_ids
from mer_batch.data.said import language, said
from mer_batch.errors import DataError

if TYPE_CHECKING:
    from mer_batch.tasks.corpora import Corpora


def words_of(sets: Corpora, clips: Iterable[str], transcripts: str = "") -> dict[str, str]:
    """The words of the named clips. Raises `DataError` where those of a clip are not known.

    `transcripts` is a JSON file of texts by clip, as `mer data transcribe` writes it; without it the words are those
    that the sets let their speakers say.
    """
    known = read_transcripts(Path(transcripts)) if transcripts else by_design(sets)
    wanted = list(clips)
    missing = [clip for clip in wanted if clip not in known]
    if missing:
        raise DataError(
            f"{f'{transcripts} lacks' if transcripts else 'nothing tells'} the words of {len(missing)} clips, such as "
            f"{missing[0]}; mer data transcribe SET --out FILE writes them down, then --set data.transcripts=FILE"
        )
    return {clip: known[clip] for clip in wanted}


def by_design(sets: Corpora, languages: Iterable[str] | None = None) -> dict[str, str]:
    """The words of every clip of which the set tells them; only of sets in some `languages`, where these are given.

    A set that does not tell its language counts as in one of them.
    """
    known: dict[str, str] = {}
    for name, manifest in sets.sources.items():
        if languages is not None and language(manifest) not in (None, *languages):
            continue
        clips = zip(clip_ids(name, list(manifest.rows["path"])), said(manifest), strict=True)
        known |= {clip: text for clip, text in clips if text is not None}
    return known


def read_transcripts(path: Path) -> dict[str, str]:
    """Texts by clip from a JSON object; names of clips may carry file endings, as in tess/OAF_back_sad.wav."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the transcripts {path}: {str(error).splitlines()[0]}") from error
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise DataError(f"{path} must be a JSON object of texts by clip")
    return {PurePosixPath(name).with_suffix("").as_posix(): text for name, text in table.items()}
