"""Transcripts for tests: written to a folder and read back."""

from __future__ import annotations

from pathlib import Path

from mer_batch.media import Written, parse_transcript

FIRST, SECOND, THIRD = "00:00:01,000 --> 00:00:03,000", "00:00:05,000 --> 00:00:07,000", "00:00:12,000 --> 00:00:14,000"


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, text: str, name: str = "a.srt", duration: float | None = 20.0) -> Written:
    return parse_transcript(write(folder, name, text), duration)


def lines(short: str) -> str:
    """Lines parted by "|"; A, B and C alone are the times 1-3, 5-7 and 12-14 s."""
    times = {"A": FIRST, "B": SECOND, "C": THIRD}
    return "\n".join(times.get(part, part) for part in short.split("|")) + "\n"


def said(found: Written) -> list[str]:
    return [one.text for one in found.utterances]


def spans(found: Written) -> list[tuple[float, float]]:
    return [(one.start, one.end) for one in found.utterances]


def in_turn(texts: list[str], seconds: int = 1) -> str:
    """SubRip whose cues follow each other without a pause."""
    cues = (
        f"{at + 1}\n00:00:{at * seconds:02},000 --> 00:00:{(at + 1) * seconds:02},000\n{text}\n"
        for at, text in enumerate(texts)
    )
    return "\n".join(cues)
