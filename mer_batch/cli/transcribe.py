"""`mer data transcribe SET`: the words of a data set, and how many of them are right."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mer_batch.cli.common import DEVICE, Progress, guarded, place, say
from mer_batch.config import DEFAULTS
from mer_batch.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from mer_batch.data.manifest import Manifest
    from mer_batch.data.transcribing import Transcript
    from mer_batch.scores.word_errors import WordErrors


@guarded
def transcribe(
    sets: list[str] = typer.Argument(..., help="Sets of sounds: folders, archives or CSVs, or names inside MER_DATA."),
    out: Path = typer.Option(..., "--out", "-o", help="JSON file of texts by clip, for recipes (data.transcripts)."),
    asr: str = typer.Option(DEFAULTS.asr, help="Speech recognition: auto, whisper:NAME, faster-whisper:NAME."),
    language: str | None = typer.Option(None, help="Spoken language, a two-letter code [default: detected]."),
    prompt: str | None = typer.Option(None, help="Text as it might come before: names and words to expect."),
    split: Path | None = typer.Option(None, help="CSV with path or id, and split, instead of the set's own splits."),
    part: str | None = typer.Option(None, help="Only the clips of one split, such as test."),
    table: Path | None = typer.Option(None, "--csv", help="Write what was said and heard in every clip to this file."),
    device: str = DEVICE,
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress."),
) -> int:
    """Write down what is said in every clip; where the truth is known, show the word error rate, also by speaker.

    Given again after it was stopped, it goes on: transcripts are kept by the content of the clips.
    """
    from mer_batch.data.transcribing import transcribe_set
    from mer_batch.nets.device import check_device
    from mer_batch.text import asr as recognizers
    from mer_batch.text.transcribe import Request

    if asr == "none":
        raise UsageError("--asr none hears nothing; give auto, whisper:NAME or faster-whisper:NAME")
    place(out, quiet=quiet)
    place(table, "--csv", quiet=quiet)
    check_device(device)
    recognizers.check(asr)
    if language is not None:
        recognizers.check_language(asr, language)
    request = Request(asr, language, prompt or None, device)
    found: list[Transcript] = []
    with Progress(quiet) as progress:
        # All sets are looked at before the first is heard: the last may be misspelt.
        for manifest in [_part(name, split, part) for name in sets]:
            found += transcribe_set(manifest, request, progress, say)
    _write(found, out, table)
    heard = Counter(one.language or "no words" for one in found)
    languages = ", ".join(f"{name} {count:,}" for name, count in heard.most_common())
    typer.echo(f"{out}: {len(found):,} clips ({languages})")
    for line in _errors([one for one in found if one.truth]):
        typer.echo(line)
    return EXIT_OK


def _part(name: str, split: Path | None, part: str | None) -> Manifest:
    from mer_batch.data.check import with_splits
    from mer_batch.data.manifest import our_split, read_manifest
    from mer_batch.data.sets import find_set
    from mer_batch.errors import unknown_name

    manifest = read_manifest(find_set(name))
    if split is not None:
        manifest = with_splits(manifest, split)
    if part is None:
        return manifest
    if our_split(part) not in manifest.splits:
        raise unknown_name(f"split of {manifest.name}", part, manifest.splits)
    return manifest.part(our_split(part))


def _write(found: Sequence[Transcript], out: Path, table: Path | None) -> None:
    from dataclasses import asdict

    from mer_batch.files import whole_file
    from mer_batch.tables_out import write_table

    with whole_file(out) as place:
        texts = {one.clip: one.text for one in found}
        place.write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if table is not None:
        import pandas as pd

        write_table(table, pd.DataFrame([asdict(one) for one in found]))


def _errors(found: Sequence[Transcript]) -> Iterator[str]:
    """The word error rate of all, and of each set, split and speaker where there are several."""
    if not found:
        return
    total = _counted(found)
    yield f"word error rate {_span(total)}"
    yield (
        f"{total.words:,} words: {total.substituted:,} replaced, {total.left_out:,} left out, {total.added:,} added; "
        f"{total.exact:,} of {total.clips:,} clips without an error"
    )
    for names in zip(*((one.clip.split("/")[0], one.split, one.speaker) for one in found), strict=True):
        groups: defaultdict[str, list[Transcript]] = defaultdict(list)
        for name, one in zip(names, found, strict=True):
            groups[name].append(one)
        if len(groups) > 1:
            yield ""
            yield from (_row(name or "(none)", _counted(groups[name])) for name in sorted(groups))


def _row(name: str, counted: WordErrors) -> str:
    return f"{name:<20} {counted.clips:>6,} clips {counted.words:>7,} words {counted.rate.value:>7.1%}"


def _span(counted: WordErrors) -> str:
    rate, over = counted.rate, f"{counted.speakers} speakers" if counted.speakers > 1 else "clips"
    if rate.low is None or rate.high is None:
        return f"{rate.value:.1%}"
    return f"{rate.value:.1%} (95 % interval {rate.low:.1%} to {rate.high:.1%}, over {over})"


def _counted(found: Sequence[Transcript]) -> WordErrors:
    from mer_batch.scores.word_errors import word_errors

    return word_errors(
        [one.truth or "" for one in found],
        [one.text for one in found],
        [one.true_language or one.language for one in found],
        [one.speaker for one in found],
    )
