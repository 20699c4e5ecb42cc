"""Mutated media, transcripts, tables and timelines: no traceback, no hang, memory bounded.

    python benchmarks/mutations.py --count 10000 --seed 1

Small whole files of every kind are cut, flipped, swapped, repeated and zeroed by a seeded generator and read by the
code that users' files are read by. A file is either read or refused with one line (a `MerError`); whatever else is
raised, or takes longer than `LONGEST` seconds, is a fault and is listed with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import resource
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import record

LONGEST = 60
SHARES = {"transcript": 0.45, "table": 0.2, "timeline": 0.15, "media": 0.2}
"""How the mutations are divided: media cost a process each."""
SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Anna:</i> I'm fine \N{EM DASH} really.

2
00:00:03,000 --> 00:00:04,000
- Yes
- No
"""
VTT = """WEBVTT

NOTE x

00:01.000 --> 00:02.000 align:start
<v Anna>caf\N{LATIN SMALL LETTER E WITH ACUTE} <00:01.500><c>now</c>

00:02.000 --> 00:03.000
now
"""
WHISPER = """{"language": "en", "segments": [{"start": 0.5, "end": 1.5, "text": " Hi.", "words": [
{"word": " Hi.", "start": 0.5, "end": 1.5, "speaker": "SPEAKER_00"}]}, {"start": 2, "end": null, "text": " You"}]}"""
TABLE = 'path,text,label,start,end\na.jpg,I am glad,happy,0.5,1\nb.jpg,"no, ""never""",angry,,\nc.jpg,=1+1,sur,2,3\n'


def mutated(data: bytes, draw: Random) -> bytes:
    """One to three changes: cut, flip, swap, repeat, zero, or a few bytes of noise."""
    for _ in range(draw.randint(1, 3)):
        if len(data) < 4:
            return data
        start = draw.randrange(len(data))
        end = min(len(data), start + draw.choice((1, 2, 8, 64, 512, 4096)))
        part = data[start:end]
        kind = draw.choice(("cut", "drop", "flip", "swap", "repeat", "zero", "noise"))
        if kind == "cut":
            data = data[:start]
        elif kind == "drop":
            data = data[:start] + data[end:]
        elif kind == "flip":
            data = data[:start] + bytes(byte ^ (1 << draw.randrange(8)) for byte in part) + data[end:]
        elif kind == "swap":
            other = draw.randrange(len(data))
            data = data[:start] + data[other : other + len(part)] + data[end:]
        elif kind == "repeat":
            data = data[:end] + part * draw.choice((1, 3, 50)) + data[end:]
        elif kind == "zero":
            data = data[:start] + bytes(len(part)) + data[end:]
        else:
            data = data[:start] + draw.randbytes(len(part)) + data[end:]
    return data


def read_transcript(path: Path) -> None:
    """As `--transcript` does."""
    from mer_batch.media import parse_transcript

    parse_transcript(path, 10.0)


def read_table(path: Path) -> None:
    """As `--labels` and tables of sets are."""
    from mer_batch.errors import MerError
    from mer_batch.tables import read_csv
    from mer_batch.timeline.truth_table import read_truth

    read_csv(path)
    with suppress(MerError):
        read_truth(path)


def read_timeline(path: Path) -> None:
    """As `mer report` does."""
    from mer_batch.output import read_timeline as read

    read(path)


def read_media(path: Path) -> None:
    """Headers, pictures, sound and subtitles, as an analysis takes them."""
    from mer_batch import media
    from mer_batch.errors import MerError

    found = media.probe(path)
    for taken in (
        lambda: list(media.read_frames(found, 2.0)) if found.video else None,
        lambda: list(media.read_audio(found, 0.0, None, None)) if found.audio else None,
        lambda: media.read_subtitles(found),
    ):
        with suppress(MerError):
            taken()


READERS: dict[str, Callable[[Path], None]] = {
    "transcript": read_transcript,
    "table": read_table,
    "timeline": read_timeline,
    "media": read_media,
}


def wholes(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """The whole files by kind: (ending, bytes)."""
    from mer_batch.media import ffmpeg_path

    clips = []
    for name, options in (
        ("a.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"]),
        ("b.mkv", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "flac"]),
        ("c.ts", ["-c:v", "mpeg2video", "-c:a", "mp2"]),
        ("d.avi", ["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
        ("e.wav", ["-vn", "-c:a", "pcm_f32le"]),
    ):
        command = [ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=2"]
        command += ["-f", "lavfi", "-i", "sine=f=300:d=2", *options, "-shortest", str(folder / name)]
        subprocess.run(command, check=True)
        clips.append((Path(name).suffix, (folder / name).read_bytes()))
    example = record.ROOT / "examples" / "interview.truth.json"
    subprocess.run(
        record.mer("analyze", folder / "a.mp4", "--asr", "none", "--modalities", "face", "-q", "-o", folder / "t.html"),
        check=True,
    )
    made = folder / "t.timeline.json"
    texts = [
        (".srt", SRT.encode()),
        (".srt", SRT.encode("utf-16")),
        (".srt", SRT.encode("cp1252")),
        (".vtt", VTT.encode()),
    ]
    return {
        "transcript": [*texts, (".json", WHISPER.encode())],
        "table": [(".csv", TABLE.encode()), (".csv", TABLE.replace(",", ";").encode("utf-16")),
                  (".csv", b"start,end,person,emotion\n0,1,Anna,happy\n1.5,3,,sad\n")],
        "timeline": [(".json", made.read_bytes()), (".json", example.read_bytes())],
        "media": clips,
    }  # fmt: skip


def tries(count: int, seed: int) -> Iterator[tuple[str, int]]:
    """(kind, seed of the mutation), the kinds by their shares."""
    for kind, share in SHARES.items():
        for number in range(round(count * share)):
            yield kind, seed * 1_000_003 + number


def hung(_signal: int, _frame: object) -> None:
    """What the alarm does."""
    raise TimeoutError("took too long")


def outcome_of(kind: str, path: Path) -> tuple[str, str]:
    """What becomes of a file: read, refused or fault, and what is wrong."""
    from mer_batch.errors import MerError

    try:
        READERS[kind](path)
    except MerError as error:
        several = "\n" in str(error).strip()
        return ("fault", f"more than one line: {error}") if several else ("refused", "")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return "fault", f"{type(error).__name__}: {str(error)[:200]}"
    return "read", ""


def run(count: int, seed: int) -> dict[str, object]:
    """Try all mutations."""
    signal.signal(signal.SIGALRM, hung)
    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in SHARES}
    faults, slowest = [], (0.0, "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = wholes(folder)
        for kind, number in tries(count, seed):
            draw = Random(f"{kind} {number}")
            ending, data = draw.choice(sources[kind])
            path = folder / f"mutated{ending}"
            path.write_bytes(mutated(data, draw))
            signal.alarm(LONGEST)
            spent = record.cost(lambda kind=kind, path=path: outcome_of(kind, path))  # type: ignore[misc]
            signal.alarm(0)
            kept, fault = spent.answer
            outcomes[kind][kept] += 1
            if fault:
                faults.append(f"{kind} {number}: {fault}")
            slowest = max(slowest, (spent.clock, f"{kind} {number}"))
    return {
        "mutations": count,
        "seed": seed,
        "outcomes": {kind: dict(found) for kind, found in outcomes.items()},
        "faults": faults,
        "slowest_s": round(slowest[0], 2),
        "slowest": slowest[1],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Run and write the result; the exit code is 1 where there are faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = run(options.count, options.seed)
    for kind, outcome in found["outcomes"].items():  # type: ignore[attr-defined]
        print(f"{kind:<12}" + "  ".join(f"{name} {number:,}" for name, number in sorted(outcome.items())))
    for fault in found["faults"]:  # type: ignore[attr-defined]
        print(fault)
    record.write("mutations", found)
    raise SystemExit(bool(found["faults"]))


if __name__ == "__main__":
    main()
