"""Who speaks: clips with two people, known turns and voices from off screen, through the whole pipeline.

python benchmarks/speaking.py [--part report] [--seeds 3] [--keep FOLDER] | --cost VIDEO ...

Talkers, listeners and off-screen voices are divided in two: constants of `mer_batch.fusion.speaking` were set
on the part `tune`; `report` holds other people and is the result. Kinds of clips: `turns` (pauses of 0.6 s or
more between turns), `quick` (0.1 s, so that regions of speech hold several speakers), `listener` (the other
one never speaks but smiles, frowns, turns), `alone` (one person in view and a narrator), `single` (the talking
clips as they are, one person in view). Seconds of true speech are counted, by the readings of the voice.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, cycle
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

import numpy as np

import record
from mer_batch.config import Options
from mer_batch.media.binary import ffmpeg_version
from mer_batch.pipeline import analyze
from mer_batch.types import Timeline
from speaking_clips import LEFT, OFF, RIGHT, Clip, Stage, hear, load

TURNS: Final = 0.3
QUICK: Final = 0.05
"""Seconds before and after each sentence that are shown."""
TWO: Final = ("turns", "quick", "listener")
"""The kinds with two people in view."""

Kinds: TypeAlias = "dict[tuple[int, str], Counter[tuple[str, str]]]"


@dataclass(frozen=True)
class Cast:
    """Who plays in one part of the data: paths below `media/faces`, `av_clips` and `media/speech`."""

    talkers: tuple[str, ...]
    """With silent frames, so that they can be shown while somebody else speaks."""
    only_talkers: tuple[str, ...]
    """Who speak from beginning to end."""
    listeners: tuple[str, ...]
    voices: tuple[str, ...]


FACES, VOICES = "media/faces", "media/speech"
CASTS: Final = {
    "tune": Cast(
        talkers=(
            f"{FACES}/grid_bbaf2n.mpg",
            f"{FACES}/grid_brbk7n.mpg",
            f"{FACES}/grid_lbax4n.mpg",
            f"{FACES}/vr_man_office.mp4",
        ),
        only_talkers=("av_clips/mead_eamm/M030_sad_3_001.mp4",),
        listeners=(f"{FACES}/lp_d18_silent_track.mp4",),
        voices=(
            f"{VOICES}/ps_librivox_0870.wav",
            f"{VOICES}/ps_cards_005.wav",
            f"{VOICES}/sr_french.aiff",
            f"{VOICES}/emodb_03a01Nc_neutral.wav",
        ),
    ),
    "report": Cast(
        talkers=(
            f"{FACES}/grid_lbbc2a.mpg",
            f"{FACES}/grid_pwij3p.mpg",
            f"{FACES}/grid_sbia1a.mpg",
            "av_clips/ravdess_dmmh/01-01-01-01-01-01-01.mp4",
        ),
        only_talkers=(f"{FACES}/vr_woman_flag.mp4", f"{FACES}/vr_woman_glasses.mp4"),
        listeners=(
            f"{FACES}/lp_d19_sad_glasses.mp4",
            f"{FACES}/pyfeat_single_face.mp4",
            f"{FACES}/pyfeat_WolfgangLanger_Pexels.mp4",
        ),
        voices=(
            f"{VOICES}/jfk.flac",
            f"{VOICES}/sb_LJ050-0131.wav",
            f"{VOICES}/sr_english_123.wav",
            f"{VOICES}/sb_spk1_snt3.wav",
        ),
    ),
}


def make(part: str, data: Path, folder: Path, seed: int = 0) -> Iterator[tuple[str, Clip]]:
    """The clips of a part with their kind, one by one; another `seed` gives other turns, pauses and voices."""
    cast = CASTS[part]
    talkers = [data / name for name in cast.talkers]
    voices = [data / name for name in cast.voices]
    plays = [("turns", pair) for pair in combinations(talkers, 2)]
    plays += [("quick", pair) for pair in combinations(talkers, 2)]
    speakers = talkers + [data / name for name in cast.only_talkers]
    listeners = cycle(data / name for name in cast.listeners)
    plays += [("listener", (one, next(listeners))) for one in speakers]
    plays += [("alone", (one,)) for one in (*talkers, *(data / name for name in cast.listeners))]
    for number, (kind, paths) in enumerate(plays):
        rng = np.random.default_rng([number, list(CASTS).index(part), seed])
        name = "-".join([kind, *(path.stem for path in paths)])
        yield kind, _play(kind, paths, voices, rng).write(folder / f"{name}-{seed}.mp4")
    if seed:
        return
    for path in speakers:
        truth = tuple((start, end, LEFT) for start, end in load(path).speech)
        yield "single", Clip(path, path.stem, truth)


def _play(kind: str, paths: tuple[Path, ...], voices: list[Path], rng: np.random.Generator) -> Stage:
    order = [int(i) for i in rng.permutation(len(paths))]
    sides = (LEFT, RIGHT)
    sources = [load(paths[i]) for i in order]
    stage = Stage(sources[0], sources[1] if len(sources) > 1 else None, rng)
    speakers = [side for side, source in zip(sides, sources, strict=False) if source.speech]
    if any(not stage.can_rest(side) for side in speakers):
        stage.say(speakers[0], before=60, after=60)
        return stage
    pause = QUICK if kind == "quick" else TURNS
    order_of_turns = [side for _ in range(2) for side in rng.permutation(speakers)]
    order_of_turns.insert(int(rng.integers(len(order_of_turns) + 1)), OFF)
    stage.silence(rng.uniform(0.6, 1.4))
    for who in [*order_of_turns, OFF]:
        if who == OFF:
            stage.off_screen(*hear(voices[int(rng.integers(len(voices)))]))
        else:
            stage.say(str(who), before=pause, after=pause)
        if kind != "quick":
            stage.silence(rng.uniform(0.3, 0.9))
    stage.silence(0.6)
    return stage


def sides_of(timeline: Timeline) -> dict[str, str]:
    """On which side each person was seen; a clip with one picture has one side."""
    assert timeline.media.video is not None
    wide = timeline.media.video.width > timeline.media.video.height * 1.9
    found: dict[str, list[float]] = {}
    for seen in timeline.observations:
        if seen.modality == "face" and seen.person and seen.evidence.box:
            found.setdefault(seen.person, []).append((seen.evidence.box[0] + seen.evidence.box[2]) / 2)
    return {name: RIGHT if wide and median(places) > 0.5 else LEFT for name, places in found.items()}


def judge(clip: Clip, timeline: Timeline) -> Counter[tuple[str, str]]:
    """Milliseconds of true speech by (on or off screen, what was said of it)."""
    sides = sides_of(timeline)
    counts: Counter[tuple[str, str]] = Counter()
    voice = [reading for reading in timeline.observations if reading.modality == "voice"]
    for start, end, who in clip.truth:
        scene = "off screen" if who == OFF else "in view"
        heard = 0.0
        for reading in voice:
            seconds = max(0.0, min(end, reading.end) - max(start, reading.start))
            heard += seconds
            counts[scene, _verdict(who, reading.person, reading.flags, sides)] += round(1000 * seconds)
        counts[scene, "not read"] += round(1000 * (end - start - heard))
    return +counts


def _verdict(who: str, person: str | None, flags: tuple[str, ...], sides: dict[str, str]) -> str:
    if person not in sides:  # nobody, or a voice of its own
        answer = "off screen" if person is not None or any("off screen" in flag for flag in flags) else "unknown"
        return "right" if answer == who else ("unknown" if answer == "unknown" else "wrong")
    return "right" if sides[person] == who else "wrong"


def shares(counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    """Seconds and shares per scene. `of what was read` leaves out speech that the voice reader skipped."""
    table: dict[str, Any] = {}
    for scene in sorted({scene for scene, _ in counts}):
        total = sum(count for (where, _), count in counts.items() if where == scene)
        row = {what: round(counts[scene, what] / total, 4) for what in ("right", "wrong", "unknown", "not read")}
        table[scene] = {"seconds": round(total / 1000, 1), **row}
    return table


def measure(part: str, data: Path, folder: Path, seeds: int) -> dict[str, Any]:
    """Compose, analyse and judge the clips of a part, `seeds` times over."""
    kinds: Kinds = {}
    clips = []
    for seed in range(seeds):
        for kind, clip in make(part, data, folder, seed):
            timeline = analyze(clip.path, Options(modalities=("face", "voice"), asr="none", device="cpu"))
            counts = judge(clip, timeline)
            kinds.setdefault((seed, kind), Counter()).update(counts)
            people = len(timeline.people)
            clips.append({"clip": clip.name, "kind": kind, "seed": seed, "people": people, **shares(counts)})
            print(json.dumps(clips[-1]), flush=True)
    names = list(dict.fromkeys(kind for _, kind in kinds))
    return {
        "ffmpeg": ffmpeg_version().split()[0],
        "kinds": {name: shares(_sum(kinds, (name,))) for name in names},
        "two people": shares(_sum(kinds, TWO)),
        "two people by seed": [shares(_sum(kinds, TWO, seed)) for seed in range(seeds)],
        "clips": clips,
    }


def _sum(kinds: Kinds, wanted: tuple[str, ...], seed: int | None = None) -> Counter[tuple[str, str]]:
    """All counts of the kinds `wanted`, of one seed or of all."""
    found = (counts for (of, kind), counts in kinds.items() if kind in wanted and seed in (None, of))
    return sum(found, Counter())


def run_stage(video: Path, watch: bool) -> dict[str, float]:
    """The face stage of `mer analyze` alone: processor seconds, those of ffmpeg, and seconds of video."""
    from mer_batch.face.mouth import MouthWatcher
    from mer_batch.face.read import numbered, watch_faces
    from mer_batch.media import probe, read_frames
    from mer_batch.readers import load_classifier

    media = probe(video)
    reader = load_classifier("face", "default", "cpu")
    watcher = MouthWatcher(5.0) if watch else None
    began = os.times()
    frames = read_frames(media, watcher.rate if watcher else 5.0)
    found = numbered(watch_faces(frames, reader, device="cpu", watcher=watcher))
    ended = os.times()
    own, ffmpeg = ended[0] + ended[1] - began[0] - began[1], ended[2] + ended[3] - began[2] - began[3]
    return {"own": round(own, 2), "ffmpeg": round(ffmpeg, 2), "video": found.seconds, "people": len(found.people)}


def cost(videos: list[Path]) -> list[dict[str, Any]]:
    """What watching mouths adds to the face stage, in processes of their own."""
    rows = []
    for video in videos:
        row: dict[str, Any] = {"video": video.name}
        for name, extra in (("plain", ["--stage", "plain"]), ("mouths", ["--stage", "mouths"])):
            done = record.measure([sys.executable, __file__, "--cost", str(video), *extra])
            row[name] = json.loads(done.output.strip().splitlines()[-1]) | {"peak_mb": round(done.peak_mb)}
        parts = [sum(row[name][key] for key in ("own", "ffmpeg")) for name in ("plain", "mouths")]
        row["added_processor_seconds_a_minute"] = round(60 * (parts[1] - parts[0]) / row["plain"]["video"], 2)
        row["added_mb"] = row["mouths"]["peak_mb"] - row["plain"]["peak_mb"]
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of data sets [default: MER_DATA]")
    parser.add_argument("--part", choices=list(CASTS), default="report")
    parser.add_argument("--seeds", type=int, default=3, help="how often all clips are composed, each time otherwise")
    parser.add_argument("--keep", type=Path, help="leave the clips in this folder")
    parser.add_argument("--cost", type=Path, nargs="+", default=[], help="videos to measure time and memory on instead")
    parser.add_argument("--stage", choices=("plain", "mouths"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(run_stage(options.cost[0], options.stage == "mouths")))
        return
    if options.cost:
        record.write("speaking-cost", {"rows": cost(options.cost)})
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        results = measure(options.part, options.data or record.data_folder(), folder, options.seeds)
    print(json.dumps(results["kinds"], indent=1))
    if options.part == "report":
        record.write("speaking", results)


if __name__ == "__main__":
    main()
