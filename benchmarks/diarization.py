"""Voices told apart: how much speech goes to the wrong voice, and how often their number is right.

python benchmarks/diarization.py [--seeds 24] [--encoder NAME=FOLDER ...] [--cost]

Recordings are composed by seed (`diarization_mixes`); regions of speech are those of silero-vad, as in `mer analyze`.
DER is the share of speech that is missed, invented or given to the wrong voice, by pyannote.metrics, with 0.25 s on
both sides of every true change and speech of two at once left out. Seeds below `FIRST` set the constants of
`mer_batch.people.vbx`; the seeds from it on are the result. Weights that have seen a corpus know its people:
`--encoder emodb=FOLDER` reads that corpus with weights that have not. The result says which weights were used.

`--cost` measures instead what voices add to reading the sound of five minutes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

import record
from diarization_mixes import CHANNELS, CORPORA, LANGUAGES, Mix, mixes
from mer_batch.media import load_audio, probe
from mer_batch.people.encoder import Encoder, encoder_folder, load_encoder
from mer_batch.people.voices import VoiceTurn, tell_apart
from mer_batch.people.windows import VoiceListener
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.read import read_voice

COLLAR = 0.5
"""Seconds around a true change that do not count: half before it and half after."""
FIRST = 100
"""The seed of the first recording of the result."""
STEREO = "media/speech/fw_stereo_diarization.wav"


def find(encoder: Encoder, sound: Samples, speakers: int | None = None) -> tuple[VoiceTurn, ...]:
    """The turns of voices as `mer analyze` finds them in a sound (n,)."""
    listener = VoiceListener(encoder)
    blocks = ((at / SAMPLE_RATE, sound[at : at + SAMPLE_RATE]) for at in range(0, len(sound), SAMPLE_RATE))
    regions = read_voice(blocks, None, listener=listener).speech
    return tell_apart(listener.heard(), regions, encoder.plda, speakers)


def annotated(turns: Iterable[tuple[Any, ...]]) -> Annotation:
    """Turns (start, end, who, and what else is known of them) as pyannote takes them."""
    found = Annotation()
    for number, (start, end, who, *_) in enumerate(turns):
        found[Segment(start, end), number] = str(who)
    return found


def judge(mix: Mix, turns: tuple[VoiceTurn, ...]) -> dict[str, Any]:
    """The error rate of one recording, its parts, and how many voices were found."""
    metric = DiarizationErrorRate(collar=COLLAR, skip_overlap=True)
    parts = metric(annotated(mix.truth), annotated(turns), detailed=True)
    names = {
        "der": "diarization error rate",
        "seconds": "total",
        "confusion": "confusion",
        "missed": "missed detection",
    }
    row = {short: float(parts[name]) for short, name in names.items()}
    found = len({turn.voice for turn in turns})
    return {"name": mix.name, "channel": mix.channel, "voices": mix.voices, "found": found, **row}


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over recordings."""
    seconds = sum(row["seconds"] for row in rows)
    return {
        "recordings": len(rows),
        "der": round(float(np.mean([row["der"] for row in rows])), 4),
        "confusion": round(sum(row["confusion"] for row in rows) / seconds, 4),
        "missed": round(sum(row["missed"] for row in rows) / seconds, 4),
        "number right": round(float(np.mean([row["found"] == row["voices"] for row in rows])), 4),
        "one off at most": round(float(np.mean([abs(row["found"] - row["voices"]) <= 1 for row in rows])), 4),
    }


def measure(data: Path, encoders: dict[str, Path], seeds: range) -> dict[str, Any]:
    """Both kinds of speech in all corpora."""
    tables: dict[str, Any] = {}
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for corpus in CORPORA:
        encoder = load_encoder(encoders.get(corpus, encoders[""]))
        for kind in ("ordinary", "acted"):
            for mix in mixes(data, corpus, kind == "acted", seeds):
                row = judge(mix, find(encoder, mix.sound))
                print(
                    json.dumps({key: round(v, 3) if isinstance(v, float) else v for key, v in row.items()}), flush=True
                )
                for group in (kind, f"{kind}, {LANGUAGES[corpus]}", f"{kind}, {mix.channel}"):
                    rows[group].append(row)
                counts[kind][f"{mix.voices} heard as {row['found']}"] += 1
    for kind in ("ordinary", "acted"):
        groups = [kind, *(f"{kind}, {part}" for part in (*LANGUAGES.values(), *CHANNELS))]
        tables |= {group: summed(rows[group]) for group in groups if rows[group]}
    return {"by kind": tables, "numbers": {kind: dict(sorted(table.items())) for kind, table in counts.items()}}


def stereo(data: Path, encoder: Encoder) -> int | None:
    """Voices found in the shared file of two speakers, one a channel, mixed."""
    file = data / STEREO
    return len({turn.voice for turn in find(encoder, load_audio(probe(file), 0, 5))}) if file.is_file() else None


def cost(data: Path, encoder: Encoder) -> dict[str, Any]:
    """Processor seconds of finding speech in 300 s, and of that with voices told apart as well."""
    speech = load_audio(probe(data / "media" / "speech" / "jfk.flac"), 0, 11)
    sound = np.tile(speech, 300 * SAMPLE_RATE // len(speech) + 1)[: 300 * SAMPLE_RATE]

    def heard() -> int:
        blocks = ((at / SAMPLE_RATE, sound[at : at + SAMPLE_RATE]) for at in range(0, len(sound), SAMPLE_RATE))
        return len(read_voice(blocks, None).speech)

    found = record.timed({"speech": heard, "speech and voices": lambda: len(find(encoder, sound))})
    seconds = {name: round(timing.middle_processor, 2) for name, timing in found.items()}
    return {"seconds of sound": 300, "processor": seconds}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of data sets [default: MER_DATA]")
    parser.add_argument("--seeds", type=int, default=24, help="recordings of each corpus and kind")
    parser.add_argument("--first", type=int, default=FIRST, help=argparse.SUPPRESS)
    parser.add_argument("--encoder", nargs="+", default=[], metavar="CORPUS=FOLDER", help="weights for one corpus")
    parser.add_argument("--cost", action="store_true", help="measure processor time instead")
    options = parser.parse_args()
    data = options.data or record.data_folder()
    encoders = {"": encoder_folder()} | {
        name: Path(folder) for name, folder in (text.split("=", 1) for text in options.encoder)
    }
    if unknown := set(encoders) - {"", *CORPORA}:
        raise SystemExit(f"no corpus is called {', '.join(sorted(unknown))}; there are {', '.join(CORPORA)}")
    whole = load_encoder(encoders[""])
    if options.cost:
        record.write("diarization-cost", cost(data, whole))
        return
    weights = {corpus: load_encoder(encoders.get(corpus, encoders[""])).card for corpus in CORPORA}
    used = {corpus: {"sha256": card.sha256[:16], "learned from": card.data} for corpus, card in weights.items()}
    results = measure(data, encoders, range(options.first, options.first + options.seeds))
    results |= {"weights": used, "voices in the stereo file of two": stereo(data, whole)}
    print(json.dumps(results["by kind"], indent=1))
    record.write("diarization", results)


if __name__ == "__main__":
    main()
