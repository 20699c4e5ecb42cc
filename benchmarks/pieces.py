"""A film read in pieces against the whole film: how early a piece must begin, and what that costs.

python benchmarks/pieces.py FILM [--minutes 0.2] [--warm 2 4 6]      # a film with faces and cuts

What must hold at `joints.WARM`: the same people, shots and gaps, and probabilities within 1e-3.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import record
from mer_batch import media, pieces
from mer_batch.config import Options
from mer_batch.face.embedders import load_embedder
from mer_batch.face.joints import JointError, join
from mer_batch.face.log import FaceLog
from mer_batch.face.read import FaceReadings, readings
from mer_batch.face.recognise import recognise
from mer_batch.readers import load_classifier
from mer_batch.types import Probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("--minutes", type=float, default=0.2)
    parser.add_argument("--warm", type=float, nargs="+", default=[2.0, 4.0, 6.0])
    asked = parser.parse_args()
    film, options = media.probe(asked.film), Options(device="cpu")
    reader, embedder = load_classifier("face", options.face_model, "cpu"), load_embedder("cpu")

    look = pieces.Look(mouths=bool(film.audio), pictures=False)

    def read(part: pieces.Piece) -> FaceLog:
        return pieces.read_piece(film, options, part, reader, embedder, look, lambda _time: None)

    def known(log: FaceLog) -> FaceReadings:
        return readings(*recognise(log, embedder), embedder is not None)

    alone = record.cost(lambda: known(read(pieces.Piece(0, 1, 0.0, 0.0, None))))
    whole: FaceReadings = alone.answer
    rows = []
    for warm in asked.warm:
        pieces.WARM, pieces.WARM_FRAMES = warm, 0  # type: ignore[misc]
        plan = pieces.plan(film, options, asked.minutes)
        try:
            divided = record.cost(lambda plan=plan: known(join(map(read, plan))))
        except JointError as error:
            rows.append({"warm": warm, "pieces": len(plan), "not_joined": str(error)})
            continue
        rows.append({"warm": warm, "pieces": len(plan), **compared(whole, divided.answer),
                     "cost": round(divided.clock / alone.clock, 3)})  # fmt: skip
        print(rows[-1], flush=True)
    record.write("pieces", {"film": asked.film.name, "duration": film.duration, "minutes": asked.minutes,
                           "people": len(whole.people), "shots": len(whole.shots), "rows": rows})  # fmt: skip


def compared(whole: FaceReadings, found: FaceReadings) -> dict[str, Any]:
    """What differs; `most` is the largest difference of a probability of one person at one time."""
    ours, theirs = by_time(whole), by_time(found)
    far = [max(abs(a - b) for a, b in zip(ours[at], theirs[at], strict=True)) for at in ours.keys() & theirs.keys()]
    return {
        "same_people": whole.people == found.people,
        "same_shots": whole.shots == found.shots,
        "same_gaps": whole.gaps == found.gaps,
        "readings_of_one_only": len(ours.keys() ^ theirs.keys()),
        "most": max(far, default=0.0),
        "beyond": sum(value > 1e-3 for value in far),
    }


def by_time(found: FaceReadings) -> dict[tuple[str | None, float], Probabilities]:
    """The readings by person and time."""
    return {(one.person, one.start): one.probabilities for one in found.observations}


if __name__ == "__main__":
    main()
