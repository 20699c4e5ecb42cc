"""What the outputs of a file depend on: by it a batch knows whether they still stand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mer_batch import __version__
from mer_batch.batch.job import Job
from mer_batch.batch.sources import Source, is_file, sidecars
from mer_batch.config import Options
from mer_batch.errors import MerError
from mer_batch.files import known_sum
from mer_batch.people.edits import people_file
from mer_batch.provenance import as_table
from mer_batch.resources import data_dir

_OTHERS: Final = ("batch", "run", "study")
"""How the names of templates begin that are not of a file's report."""
_SMALL: Final = 64 << 20
"""Bytes up to which what lies beside a recording may be a transcript; of larger files size and time are enough."""


def stat(source: Source) -> list[int] | None:
    """Size and time of change of a file here, by which it counts as unchanged; None for one elsewhere."""
    if source.remote:
        return None
    with suppress(OSError, ValueError):
        found = os.stat(source.uri)  # noqa: PTH116 - the name may hold what no Path can
        return [found.st_size, found.st_mtime_ns]
    return None


def key(job: Job) -> str:
    """The checksum of all that outputs depend on beside the file.

    That is: options, what pages hold, models, the gate, weights of identity and of the recognizer, templates, version,
    and what lies beside the file and may be its transcript.
    """
    facts = {
        "options": as_table(job.options),
        "pages": asdict(job.pages),
        "version": __version__,
        "words": None if job.source.remote else _words(job.options, Path(job.source.uri)),
        "people": None if job.source.remote else _people(Path(job.source.uri)),
        "given": None if job.options.transcript is None else _content(job.options.transcript),
        "models": models(job.options),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _words(options: Options, path: Path) -> Mapping[str, str]:
    """What lies beside a file under its name; none where no transcript would be looked for."""
    if options.transcript is not None or "text" not in options.modalities:
        return {}
    return {beside.name: _content(beside) for beside in sidecars(path)}


def _people(path: Path) -> str | None:
    """What people wrote down of who is in it, if they did."""
    beside = people_file(path)
    return _content(beside) if is_file(beside) else None


def _content(path: Path) -> str:
    try:
        found = path.stat()
        return known_sum(path) if found.st_size <= _SMALL else f"{found.st_size} {found.st_mtime_ns}"
    except OSError as error:
        return str(error.strerror)


@lru_cache(maxsize=8)
def models(options: Options) -> dict[str, Any]:
    """Checksums of everything that has been trained, and of the templates; asked once a run."""
    from mer_batch.readers import fingerprint

    found: dict[str, Any] = {"templates": _templates()}
    for modality in options.modalities:
        found[modality] = fingerprint(modality, getattr(options, f"{modality}_model"))
    if len(options.modalities) > 1:
        from mer_batch.fusion.learned import gate_sum

        found["fusion"] = gate_sum(options.fusion_model)
    if "face" in options.modalities:
        from mer_batch.face.embedders import weights_sum

        found["identity"] = weights_sum() if options.identity == "faces" else None
        if options.gallery is not None:
            from mer_batch.people.gallery import gallery_sum

            found["gallery"] = gallery_sum(options.gallery)
    found["voices"] = _diarizer(options)
    if "text" in options.modalities:
        found["recognizer"] = _recognizer(options.asr)
    return found


def _diarizer(options: Options) -> str | None:
    """What tells voices apart, where it is there."""
    from mer_batch.people.diarizer import diarizer_sum

    with suppress(MerError):
        return diarizer_sum(options.diarizer) if options.speakers not in ("none", "1") else None
    return None


def _recognizer(asr: str) -> str | None:
    """The recognizer, where it is on this machine: words that nobody could hear are heard once it is."""
    from mer_batch.text import asr as recognizers

    with suppress(MerError):
        if asr == "auto":
            return recognizers.expected()
        if recognizers.parse(asr) is not None and recognizers.kept(asr, verify=False) is not None:
            return recognizers.identity(asr)
    return None


def _templates() -> str:
    digest = sha256()
    for path in sorted(data_dir("templates").iterdir()):
        if path.is_file() and not path.name.startswith(_OTHERS):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
