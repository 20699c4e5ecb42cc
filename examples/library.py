"""The library in ten lines: read a clip from Python and print what it shows.

python examples/library.py examples/interview.mp4
"""

from __future__ import annotations

import sys
from pathlib import Path

from mer_batch import pipeline


def main() -> None:
    timeline = pipeline.analyze(Path(sys.argv[1]))
    for segment in timeline.segments:
        reading = segment.label or f"nothing to name ({segment.reason})"
        print(f"{segment.start:6.2f} .. {segment.end:6.2f}  {segment.person or '-':10}  {reading}")
    for event in timeline.events:
        print(f"{event.time:6.2f}  {event.kind:8}  {event.detail}")


if __name__ == "__main__":
    main()
