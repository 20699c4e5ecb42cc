"""The state of this installation: versions, device, memory, models, caches, and what is missing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mer_batch import __version__
from mer_batch.errors import MerError, one_line
from mer_batch.inventory import EXTRAS, Finding, look, parts
from mer_batch.resources import memory_mb, package_version, processors

PACKAGES: Final = ("torch", "torchvision", "av", "numpy", "silero-vad", "facenet-pytorch", "openai-whisper")
LEAST_GB: Final = 1.5
"""Memory under which an analysis may be ended by the system."""


@dataclass(frozen=True)
class Machine:
    """What was found: facts by name, and the state of every part that a run can need."""

    facts: Mapping[str, Any]
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether the main job can run."""
        return not any(finding.fails and finding.part.needed for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        rows = [
            {"name": one.part.name, "purpose": one.part.purpose, "state": one.state, "detail": one.detail,
             "needed": one.part.needed, "mend": None if one.state == "ready" else one.part.get}
            for one in self.findings
        ]  # fmt: skip
        return {**self.facts, "ready": self.ready, "parts": rows, "problems": list(self.problems)}


def machine(device: str = "auto") -> Machine:
    """Look at everything; models are read and compared with their checksums. Never raises for what is missing."""
    facts: dict[str, Any] = {
        "mer": __version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "packages": {name: package_version(name) for name in PACKAGES},
        "ffmpeg": _ffmpeg(),
        "device": _device(device),
        "processors": processors(),
        "threads": os.environ.get("OMP_NUM_THREADS") or "as many as processors",
        "memory_gb": _memory(),
        "cache": _cache(),
    }
    findings = tuple(look(part) for part in parts())
    return Machine(facts, findings, tuple(_problems(facts)))


def _ffmpeg() -> str:
    from mer_batch.media.binary import ffmpeg_version

    try:
        return ffmpeg_version()
    except MerError as error:
        return f"absent: {one_line(error)}"


def _device(device: str) -> str:
    try:
        from mer_batch.nets.device import pick_device

        chosen = pick_device(device)
        if chosen.type == "cuda":
            import torch

            return f"{chosen} ({torch.cuda.get_device_name(chosen)})"
        return str(chosen)
    except (MerError, ImportError, OSError, RuntimeError) as error:
        return f"none: {one_line(error)}"


def _memory() -> dict[str, float | None]:
    """GB in all and free, None where the system does not say."""
    known = memory_mb()
    return (
        {"total": None, "free": None}
        if known is None
        else {name: round(size / 1024, 1) for name, size in zip(("total", "free"), known, strict=True)}
    )


def _cache() -> dict[str, Any]:
    """Where transcripts and the like are kept, its size, and why it cannot be used where it cannot."""
    from mer_batch.files import check_folder
    from mer_batch.resources import cache_dir

    try:
        folder = cache_dir()
        check_folder(folder, "MER_CACHE")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except (MerError, OSError) as error:
        return {"folder": os.environ.get("MER_CACHE") or "", "mb": None, "problem": one_line(error)}
    return {"folder": str(folder), "mb": round(size / 1e6, 1), "problem": None}


def _problems(facts: Mapping[str, Any]) -> Iterator[str]:
    """What is not a part, and wrong all the same."""
    if facts["cache"]["problem"]:
        yield f"the cache cannot be used: {facts['cache']['problem']}; name another folder in MER_CACHE"
    free = facts["memory_gb"]["free"]
    if free is not None and free < LEAST_GB:
        yield f"only {free:.1f} GB of memory are free; an analysis takes about {LEAST_GB:g} GB"


def lines(found: Machine) -> Iterator[str]:
    """For a terminal."""
    facts = found.facts
    packages = ", ".join(f"{name} {number or 'ABSENT'}" for name, number in facts["packages"].items())
    yield f"mer {facts['mer']}, Python {facts['python']}"
    yield f"packages: {packages}"
    yield f"ffmpeg: {facts['ffmpeg']}"
    memory = facts["memory_gb"]
    said = "unknown" if memory["total"] is None else f"{memory['total']:g} GB, {memory['free']:g} GB free"
    yield f"device: {facts['device']}, processors: {facts['processors']}, threads: {facts['threads']}, memory: {said}"
    cache = facts["cache"]
    if not cache["problem"]:
        yield f"cache: {cache['folder']}, {cache['mb']:g} MB"
    for finding in found.findings:
        extra = " (extra)" if finding.part.name in EXTRAS else ""
        state = {"ready": "ok", "absent": "absent", "damaged": "DAMAGED"}[finding.state]
        yield f"{state:8}{finding.part.name}{extra}: {finding.part.purpose}; {finding.detail}"
    yield from found.problems
    yield "the main job can run" if found.ready else "the main job cannot run: mend what is needed above"
