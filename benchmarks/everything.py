"""`mer analyze` on every file of a media folder: exit code, people, seconds, peak memory, the line it printed.

python benchmarks/everything.py [FOLDER ...]   (default: media and av_clips of MER_DATA)
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import record

SKIPPED = {".csv", ".md", ".align", ".json", ".jpg", ".jpeg", ".png"}


def files(folders: list[Path]) -> list[Path]:
    """All media in the folders; a directory with a media name counts as one."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            odd_folder = path.is_dir() and path.suffix == ".mp4"
            if odd_folder or (path.is_file() and path.suffix.lower() not in SKIPPED):
                found.append(path)
    return found


def row(path: Path, out: Path) -> dict[str, Any]:
    """Analyse one file."""
    done = record.measure(record.mer("analyze", "--out", out, "--", path))
    lines = [line for line in done.output.splitlines() if line.startswith("mer: error")]
    result = {"file": path.name, "exit": done.code, "seconds": round(done.seconds, 1), "peak_mb": round(done.peak_mb)}
    error = lines[0].replace(str(path), path.name) if lines else ""
    result |= {"error": error, "traceback": "Traceback" in done.output}
    timeline = out.with_name("report.timeline.json")
    if timeline.is_file():
        data = json.loads(timeline.read_text())
        result |= {"people": len(data["people"]), "duration": data["media"]["duration"]}
        result |= {"notices": data["notices"], "utterances": len(data["utterances"])}
        timeline.unlink()
    return result


def main() -> None:
    """Analyse all and print a table."""
    folders = [Path(name) for name in sys.argv[1:]] or [record.data_folder() / name for name in ("media", "av_clips")]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for path in files(folders):
            rows.append(row(path, Path(name) / "report.html"))
            last = rows[-1]
            people = last.get("people", "-")
            print(f"{last['exit']}  {people!s:>3} people  {last['seconds']:6.1f} s  {last['peak_mb']:5} MB  ", end="")
            print(f"{last['file'][:60]}  {last['error']}{'  TRACEBACK' if last['traceback'] else ''}", flush=True)
    record.write("everything", {"rows": rows})


if __name__ == "__main__":
    main()
