"""What `mer analyze` costs: by stage and whole, by size, faces and length, beside bare decoding and a rival.

python benchmarks/pipeline.py [--quick] [--seconds 60] [--lengths 30,60,120] [--rounds 5] [--fer PYTHON] [--note TEXT]

Clips are put together by ffmpeg from `media/faces` and `media/speech` of `MER_DATA`: one face, or three or ten in a
grid, with speech and written words beside. In each round all contenders run in turn; medians are compared, by the
clock and by the processor, which holds on a busy machine too. Decoding is what `mer analyze` reads, pictures and sound,
and nothing done with it; ffmpeg alone writes the same frames and sound to a pipe that nobody reads. The rival is
facenet-pytorch's `MTCNN.detect` with our classifier on every face, picture by picture, decoding not counted; another is
the `fer` package with MTCNN, if `--fer` names the Python of an environment that has it (`pip install fer`). Start-up
is the constant of a straight line through the costs of the lengths; it is taken off where rates are given. `factors`
are the whole command with less or more to read: faces alone, with the voice, with words, with Whisper.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import record
from mer_batch import media
from mer_batch.config import DEFAULTS
from mer_batch.face.crop import crop_face
from mer_batch.face.cuts import CutFinder
from mer_batch.face.detect import CascadeDetector, Detection
from mer_batch.face.mouth import MouthWatcher
from mer_batch.face.quality import assess
from mer_batch.face.track import Tracker
from mer_batch.media.binary import ffmpeg_path
from mer_batch.readers import load_classifier
from mer_batch.types import Frame

FACES = ("pyfeat_WolfgangLanger_Pexels.mp4", "lp_d6_exaggerated_33s.mp4", "lp_d19_sad_glasses.mp4")
SPEECH = "jfk.flac"
FPS = 5.0
HEIGHTS = (360, 720, 1080)
BATCH = 16
FER_PICTURES = 8
"""Pictures that the `fer` package is given: it takes seconds for each."""
QUICK = ((360, 1), (720, 1), (1080, 3))
"""Heights and faces of the clips of a quick run."""
WHOLE = ("analyze", "decode", "ffmpeg alone")
"""Contenders that take the file, not pictures that are decoded already."""


def middle(costs: Iterable[record.Cost]) -> dict[str, float]:
    """The medians of several."""
    every = list(costs)
    return {
        "clock": round(median(one.clock for one in every), 2),
        "processor": round(median(one.processor for one in every), 2),
    }


def clip(folder: Path, height: int, faces: int, seconds: float) -> Path | None:
    """Faces in a grid with speech, 25 pictures a second; None, with a message, where a part is missing."""
    names = [FACES[number % len(FACES)] for number in range(faces)]
    sources = [record.data_folder() / "media" / "faces" / name for name in names]
    speech = record.data_folder() / "media" / "speech" / SPEECH
    missing = [path.name for path in (*sources, speech) if not path.is_file()]
    if missing:
        print(f"skipped: {height}p with {faces} faces needs {', '.join(missing)}")
        return None
    path = folder / f"{height}p-{faces}-{seconds:g}s.mp4"
    columns, rows = (faces, 1) if faces <= 3 else ((faces + 1) // 2, 2)
    width, tall = 16 * height // 9 // columns // 2 * 2, height // rows // 2 * 2
    fit = f"scale={width}:{tall}:force_original_aspect_ratio=decrease,pad={width}:{tall}:-1:-1,setsar=1,fps=25"
    graph = "".join(f"[{i}:v]{fit}[v{i}];" for i in range(faces))
    places = "|".join(f"{i % columns * width}_{i // columns * tall}" for i in range(faces))
    graph += "".join(f"[v{i}]" for i in range(faces))
    graph += f"xstack=inputs={faces}:layout={places}:fill=black[v]" if faces > 1 else "null[v]"
    command = [ffmpeg_path(), "-v", "error", "-y"]
    for source in (*sources, speech):
        command += ["-stream_loop", "-1", "-i", str(source)]
    command += ["-filter_complex", graph, "-map", "[v]", "-map", f"{faces}:a", "-t", f"{seconds:g}"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", "-preset", "veryfast", str(path)], check=True)
    path.with_suffix(".srt").write_text("\n".join(said(seconds)))
    return path


def said(seconds: float) -> Iterable[str]:
    """Lines of subtitles, a sentence every four seconds."""
    for number in range(max(int(seconds / 4), 1)):
        first, last = (f"{t // 3600:02}:{t // 60 % 60:02}:{t % 60:02}" for t in (4 * number, 4 * number + 3))
        yield f"{number + 1}\n{first},500 --> {last},200\nI am glad that you came, all {number} of you.\n"


def analyze(path: Path, *options: object) -> dict[str, Any]:
    """The whole command; returns the peak of its memory and the seconds of its stages.

    Without `options` it reads faces, the voice and the words written beside.
    """
    page = path.with_suffix(".html")
    given = options or ("--transcript", path.with_suffix(".srt"), "--asr", "none")
    done = record.measure(record.mer("analyze", path, *given, "-q", "-o", page))
    if done.code:
        raise SystemExit(f"mer analyze {path.name} ended with {done.code}: {done.output[-500:]}")
    timeline = json.loads(page.with_suffix(".timeline.json").read_text())
    return {"peak_mb": round(done.peak_mb), "stages": timeline["provenance"].get("seconds", {})}


def decode(path: Path) -> int:
    """Pictures and sound as `analyze` reads them, thrown away; returns the number of pictures."""
    found = media.probe(path)
    pictures = sum(1 for _ in media.read_frames(found, MouthWatcher(FPS).rate))
    for _ in media.read_audio(found):
        pass
    return pictures


def ffmpeg_alone(path: Path) -> int:
    """The same frames and sound by one bare ffmpeg, written to where nobody reads; returns nothing of use."""
    pictures = ["-map", "0:v", "-vf", f"fps={MouthWatcher(FPS).rate}", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]
    sound = ["-map", "0:a", "-ar", "16000", "-ac", "1", "-f", "null", "-"]
    command = [ffmpeg_path(), "-v", "error", "-nostdin", "-i", str(path), *pictures, *sound]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        return sum(len(part) for part in iter(lambda: run.stdout.read(2**20), b""))  # type: ignore[union-attr]


def factors(path: Path, rounds: int) -> dict[str, Any]:
    """The whole command with less or more to read; Whisper only where its weights are here already."""
    from mer_batch.text import asr

    wanted: dict[str, tuple[object, ...]] = {
        "faces": ("--modalities", "face"),
        "faces and voice": ("--modalities", "face,voice", "--asr", "none"),
        "faces, voice and words": (),
    }
    if asr.kept("auto", verify=False) is not None:
        wanted["faces, voice and Whisper"] = ("--asr", "auto")
    found = in_turn({name: partial(analyze, path, *options) for name, options in wanted.items()}, rounds)
    costs = {name: middle(rows) for name, rows in found.items()}
    return {
        name: cost | {f"times faces by the {kind}": round(cost[kind] / costs["faces"][kind], 2) for kind in cost}
        for name, cost in costs.items()
    }


class Stages:
    """The parts of the face stage one by one on pictures that are already decoded."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.frames = list(media.read_frames(media.probe(path), FPS, end=seconds))
        self.reader = load_classifier("face", DEFAULTS.face_model, "cpu")
        self.detector = CascadeDetector("cpu")
        self.faces = [self.detector.detect([frame.image])[0] for frame in self.frames]

    def _each(self) -> list[tuple[Frame, Detection]]:
        return [(frame, face) for frame, faces in zip(self.frames, self.faces, strict=True) for face in faces]

    def cuts(self) -> int:
        """The finder of cuts."""
        finder = CutFinder()
        return sum(finder.begins_shot(frame.image) for frame in self.frames)

    def search(self) -> int:
        """Every picture searched; an analysis does so about once a second."""
        return sum(map(len, self.detector.detect([frame.image for frame in self.frames])))

    def follow(self) -> int:
        """Search and refinement as an analysis does them."""
        tracker = Tracker(self.detector)
        parts = [self.frames[first : first + BATCH] for first in range(0, len(self.frames), BATCH)]
        return sum(len(seen) for part in parts for seen in tracker.follow(part, [False] * len(part)))

    def quality(self) -> int:
        """How good each face is."""
        return len([assess(frame.image, face) for frame, face in self._each()])

    def read(self) -> int:
        """Crops and the classifier."""
        card = self.reader.card.input
        crops = [crop_face(frame.image, face.box, card, face.landmarks) for frame, face in self._each()]
        return sum(len(self.reader.predict(crops[i : i + BATCH])) for i in range(0, len(crops), BATCH))

    def contenders(self) -> dict[str, Callable[[], int]]:
        """By name."""
        return {
            "cuts": self.cuts,
            "search every picture": self.search,
            "search and follow": self.follow,
            "quality": self.quality,
            "crop and classify": self.read,
        }


class Rival:
    """MTCNN.detect and a classifier, picture by picture."""

    def __init__(self, stages: Stages) -> None:
        from facenet_pytorch import MTCNN

        self.net, self.stages = MTCNN(keep_all=True), stages

    def __call__(self) -> int:
        """Returns the faces read."""
        count, reader = 0, self.stages.reader
        for frame in self.stages.frames:
            boxes, _ = self.net.detect(frame.image)
            height, width = frame.image.shape[:2]
            for left, top, right, bottom in boxes if boxes is not None else ():
                box = (left / width, top / height, right / width, bottom / height)
                count += len(reader.predict([crop_face(frame.image, box, {**reader.card.input, "align": False})]))
        return count


_FER_SCRIPT = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from fer.fer import FER

pictures = np.ascontiguousarray(np.load(sys.argv[1])[..., ::-1])  # the package takes BGR
reader = FER(mtcnn=True)
reader.detect_emotions(pictures[0])  # the first call builds its graphs
began, worked = time.perf_counter(), time.process_time()
faces = sum(len(reader.detect_emotions(picture)) for picture in pictures)
took = {"clock": time.perf_counter() - began, "processor": time.process_time() - worked}
print(json.dumps({"faces": faces, **took}))
"""
"""Pictures (n, h, w, 3) in RGB read by the `fer` package, imports and models not counted.

It pins an older torch than ours, so that it lives in an environment of its own.
"""


class Fer:
    """The `fer` package with MTCNN on the first pictures, in a process of another Python."""

    def __init__(self, python: Path, stages: Stages, folder: Path) -> None:
        self._pictures = folder / "pictures.npy"
        chosen = np.stack([frame.image for frame in stages.frames[:FER_PICTURES]])
        np.save(self._pictures, chosen)
        self._command = [str(python), "-c", _FER_SCRIPT, str(self._pictures)]
        self.pictures = len(chosen)

    def __call__(self) -> record.Cost:
        """What it takes once all is loaded."""
        done = subprocess.run(self._command, capture_output=True, text=True, check=True, env=_without_ours())
        found = json.loads(done.stdout.splitlines()[-1])
        return record.Cost(found["clock"], found["processor"], found["faces"])


def _without_ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def has_fer(python: Path | None) -> bool:
    """Whether a Python has the `fer` package; says so where it has not."""
    with contextlib.suppress(OSError):
        if (
            python is not None
            and not subprocess.run(
                [python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('fer') is None)"],
                env=_without_ours(),
                check=False,
            ).returncode
        ):
            return True
    print("skipped: the fer package; name with --fer the Python of an environment that has it (pip install fer)")
    return False


def in_turn(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[record.Cost]]:
    """The costs of all in every round; what gives a `Cost` has measured itself."""
    found: dict[str, list[record.Cost]] = {name: [] for name in contenders}
    for _, (name, work) in itertools.product(range(rounds), contenders.items()):
        cost = record.cost(work)
        found[name].append(cost.answer if isinstance(cost.answer, record.Cost) else cost)
    return found


def lengths(folder: Path, seconds: list[float], rounds: int) -> dict[str, Any]:
    """What 720p with one face costs at several lengths, and the straight line through that."""
    clips = {length: made for length in seconds if (made := clip(folder, 720, 1, length)) is not None}
    found = in_turn({f"{length:g}": lambda path=path: analyze(path) for length, path in clips.items()}, rounds)
    result: dict[str, Any] = {
        f"{name} s": middle(costs) | {"peak_mb": max(one.answer["peak_mb"] for one in costs)}
        for name, costs in found.items()
    }
    for kind in ("clock", "processor"):
        x, y = np.array(list(clips)), np.array([row[kind] for row in result.values() if kind in row])
        slope, start = np.polyfit(x, y, 1)
        spread = float(((y - y.mean()) ** 2).sum()) or 1.0
        result[f"line by the {kind}"] = {
            "start_up": round(float(start), 2),
            "per_second": round(float(slope), 3),
            "r_squared": round(1 - float(((y - start - slope * x) ** 2).sum()) / spread, 3),
        }
    return result


def whole(
    path: Path, seconds: float, looked: float, rounds: int, start_up: dict[str, float], fer: Path | None = None
) -> dict[str, Any]:
    """One clip by all contenders; `fer` is a Python that has the package of that name."""
    stages = Stages(path, looked)
    contenders: dict[str, Callable[[], Any]] = {"analyze": lambda: analyze(path), "decode": lambda: decode(path)}
    contenders["ffmpeg alone"] = lambda: ffmpeg_alone(path)
    contenders |= stages.contenders() | {"mtcnn and classifier": Rival(stages)}
    pictures = dict.fromkeys(contenders, len(stages.frames))
    if fer is not None:
        contenders["fer"] = rival = Fer(fer, stages, path.parent)
        pictures["fer"] = rival.pictures
    found = in_turn(contenders, rounds)
    costs = {name: middle(rows) for name, rows in found.items()}
    result: dict[str, Any] = {"seconds": costs, "peak_mb": max(row.answer["peak_mb"] for row in found["analyze"])}
    result["faces"] = {name: rows[0].answer for name, rows in found.items() if name not in WHOLE}
    result["stages_of_analyze"] = found["analyze"][0].answer["stages"]
    for kind in ("clock", "processor"):
        pure = max(costs["analyze"][kind] - start_up[kind], 0.01)
        rates = {
            name: round(pictures[name] / max(row[kind], 0.001), 2) for name, row in costs.items() if name not in WHOLE
        }
        rates["end to end"] = round(seconds * FPS / pure, 1)
        result[f"pictures a second by the {kind}"] = rates
        result[f"analyze / decode by the {kind}"] = round(pure / costs["decode"][kind], 2)
        result[f"analyze / ffmpeg alone by the {kind}"] = round(pure / costs["ffmpeg alone"][kind], 2)
        for name, rival_name in (("the rival", "mtcnn and classifier"), ("fer", "fer")):
            if rival_name in rates:
                result[f"times faster than {name} by the {kind}"] = round(rates["end to end"] / rates[rival_name], 1)
    return result


def table(results: dict[str, Any]) -> str:
    """The main numbers, a line for each clip."""
    head = f"{'clip':10} {'pictures/s':>10} {'(cpu)':>7} {'/ decode':>9} {'(cpu)':>6} {'/ ffmpeg':>9} {'(cpu)':>6}"
    lines = [f"{head} {'x mtcnn':>8} {'x fer':>8} {'MB':>6}"]
    for name, row in results.items():
        numbers = [row[f"pictures a second by the {kind}"]["end to end"] for kind in ("clock", "processor")]
        for base in ("decode", "ffmpeg alone"):
            numbers += [row[f"analyze / {base} by the {kind}"] for kind in ("clock", "processor")]
        widths = (10, 7, 9, 6, 9, 6)
        line = " ".join(f"{number:{width}}" for number, width in zip(numbers, widths, strict=True))
        rivals = [row.get(f"times faster than {rival} by the processor", "-") for rival in ("the rival", "fer")]
        lines.append(f"{name:10} {line} {rivals[0]:>8} {rivals[1]:>8} {row['peak_mb']:>6}")
    return "\n".join(lines)


def main() -> None:
    """Measure and write the result."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three short clips, one round: whether it runs, roughly")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the clips of each size")
    parser.add_argument("--lengths", default="30,60,120", help="seconds of the clips whose cost is fitted")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fer", type=Path, help="Python of an environment that has the fer package")
    parser.add_argument("--note", default="", help="what to know of the machine, written with the result")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 8.0, 1
        options.lengths = "4,8,16" if options.lengths == "30,60,120" else options.lengths
    looked = 2.0 if options.quick else 10.0
    clips: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fitted = lengths(folder, [float(part) for part in options.lengths.split(",")], options.rounds)
        print(json.dumps(fitted, indent=1))
        talk = clip(folder, 720, 1, options.seconds)
        shares = factors(talk, options.rounds) if talk is not None else {}
        print(json.dumps(shares, indent=1))
        start_up = {kind: max(fitted[f"line by the {kind}"]["start_up"], 0.0) for kind in ("clock", "processor")}
        fer = options.fer if has_fer(options.fer) else None
        for height, faces in QUICK if options.quick else itertools.product(HEIGHTS, (1, 3, 10)):
            path = clip(folder, height, faces, options.seconds)
            if path is not None:
                clips[f"{height}p, {faces}"] = whole(path, options.seconds, looked, options.rounds, start_up, fer)
                print(table(clips).splitlines()[-1])
    print(f"{datetime.now(timezone.utc):%Y-%m-%d} on {record.machine()}\n{table(clips)}")
    facts = {"note": options.note, "threads": torch.get_num_threads(), "fps": FPS, "rounds": options.rounds}
    record.write(
        "pipeline-quick" if options.quick else "pipeline",
        facts | {"lengths": fitted, "factors": shares, "clips": clips},
    )


if __name__ == "__main__":
    main()
