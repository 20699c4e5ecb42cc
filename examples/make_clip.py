"""Make `interview.mp4`: a short talking-head clip of which everything is known.

    python examples/make_clip.py --out FOLDER [--quick]

Needs ffmpeg and espeak-ng on the PATH, and numpy, scipy and scikit-image. Writes NAME.mp4,
NAME.truth.csv (for `mer analyze --labels`) and NAME.truth.json. `--quick` makes a small, silent clip
of a quarter of the length, for tests. The same machine and versions give the same frames.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from portrait import Portrait, warp
from poses import POSES, Array
from story import FULL, Line, Plan, View, absence, changes, pose_at, quick_plan, rows, view_at

Samples: TypeAlias = NDArray[np.float64]

SEED: Final = 20
RATE: Final = 22_050
JAW: Final = (0.25, 0.5, 0.25)
"""Shares of the loudness of three frames that move the jaw: it does not jump."""


def backdrops(plan: Plan) -> tuple[Array, Array]:
    """Two mottled studio backdrops, before and after the cut; (height, width, 3) in 0..1."""
    rng = np.random.default_rng(SEED)
    made = []
    for colour in ((0.74, 0.70, 0.67), (0.42, 0.53, 0.56)):
        noise = gaussian_filter(rng.standard_normal((plan.height, plan.width)), plan.width / 16)
        light = 1 + 0.05 * noise / noise.std() - 0.1 * np.linspace(0, 1, plan.height)[:, None]
        made.append(np.clip(np.array(colour) * light[..., None], 0, 1))
    return made[0], made[1]


def frames(plan: Plan, envelope: Samples) -> Iterator[NDArray[np.uint8]]:
    """Every frame, (height, width, 3) RGB; `envelope` is the loudness of each frame, 0..1."""
    portrait, (before, after) = Portrait(), backdrops(plan)
    v, u = np.mgrid[: plan.height, : plan.width].astype(np.float64)
    for index, loudness in enumerate(envelope):
        time = index / plan.fps
        view = view_at(plan, time)
        x, y = _to_portrait(view, u, v)
        colour, opacity = portrait.sample(warp(pose_at(plan, time, float(loudness))), x, y)
        ground = after if view.mirrored else before
        picture = ground + (colour - ground) * opacity[..., None]
        yield np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _to_portrait(view: View, u: Array, v: Array) -> tuple[Array, Array]:
    side = -1.0 if view.mirrored else 1.0
    dx, dy = (u - view.x) * side / view.scale, (v - view.y) / view.scale
    # She turns about the neck, 70 px below the face.
    sin, cos = math.sin(view.angle), math.cos(view.angle)
    return 223 + cos * dx + sin * (dy - 70), 115 + 70 - sin * dx + cos * (dy - 70)


def speak(line: Line, folder: Path) -> Samples:
    """The sentence as espeak-ng says it, without silence at its ends, at `RATE`."""
    target = folder / "line.wav"
    options = ["-v", "en-us+f3", "-s", str(line.speed), "-p", str(line.pitch), "-w", str(target)]
    subprocess.run(["espeak-ng", *options, line.text], check=True, capture_output=True)
    with wave.open(str(target)) as stream:
        if stream.getframerate() != RATE:
            raise SystemExit(f"espeak-ng spoke at {stream.getframerate()} Hz, expected {RATE}")
        samples = np.frombuffer(stream.readframes(stream.getnframes()), dtype="<i2") / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.005)
    samples = samples[loud[0] : loud[-1] + 1]
    return np.asarray(np.clip(samples * line.level / np.sqrt(np.mean(samples**2)), -0.98, 0.98))


def soundtrack(plan: Plan, folder: Path) -> tuple[Samples, list[dict[str, Any]]]:
    """The whole mono track at `RATE`, and what is said when."""
    track = np.zeros(round(plan.duration * RATE))
    said = []
    for line in plan.lines:
        samples, start = speak(line, folder), round(line.start * RATE)
        track[start : start + len(samples)] += samples
        end = round(line.start + len(samples) / RATE, 3)
        said.append({"start": line.start, "end": end, "text": line.text, "words_read_as": line.emotion})
    return track, said


def loudness_of(plan: Plan, track: Samples, said: list[dict[str, Any]]) -> Samples:
    """The loudness of the voice in each frame, 0..1 in every sentence: who speaks softly opens the mouth too."""
    step = RATE / plan.fps
    blocks = [track[round(i * step) : round((i + 1) * step)] for i in range(round(plan.duration * plan.fps))]
    level = np.array([np.sqrt(np.mean(block**2)) for block in blocks])
    for line in said:
        part = level[int(line["start"] * plan.fps) : int(line["end"] * plan.fps) + 1]
        part /= np.percentile(part, 95)
    return np.asarray(np.clip(np.convolve(level, JAW, mode="same"), 0, 1))


def version_of(tool: str, option: str) -> str:
    """The version a tool prints first."""
    told = subprocess.run([tool, option], check=True, capture_output=True, text=True).stdout
    found = re.search(r"\d[\w.+-]*", told)
    return found.group() if found else "unknown"


def truth(plan: Plan, said: list[dict[str, Any]], clip: Path, pictures: str) -> dict[str, Any]:
    """All that is known of the clip."""
    tools = {"ffmpeg": version_of("ffmpeg", "-version"), "python": platform.python_version()}
    tools |= {name: version(name) for name in ("numpy", "scipy", "scikit-image", "pillow")}
    if plan.lines:
        tools["espeak-ng"] = version_of("espeak-ng", "--version")
    return {
        "clip": clip.name,
        "sha256": hashlib.sha256(clip.read_bytes()).hexdigest(),
        "frames_sha256": pictures,
        "source": "skimage.data.astronaut(): NASA portrait of Eileen Collins, public domain; drawn expressions",
        "duration": plan.duration,
        "fps": plan.fps,
        "size": [plan.width, plan.height],
        "changes": changes(plan),
        "absence": absence(plan),
        "cut": plan.cut,
        "states": rows(plan),
        "speech": said,
        "poses": {name: asdict(pose) for name, pose in POSES.items()},
        "seed": SEED,
        "tools": tools,
    }


def _stamp(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3600000:02}:{whole // 60000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"


def write_inputs(track: Samples, said: list[dict[str, Any]], folder: Path) -> list[str]:
    """The sound and the subtitles as files; returns ffmpeg's arguments for them."""
    with wave.open(str(folder / "sound.wav"), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(RATE)
        stream.writeframes(np.round(track * 32767).astype("<i2").tobytes())
    inputs, maps = ["-i", str(folder / "sound.wav")], ["-map", "0:v", "-map", "1:a"]
    if said:
        cues = (f"{i}\n{_stamp(s['start'])} --> {_stamp(s['end'])}\n{s['text']}\n" for i, s in enumerate(said, 1))
        (folder / "words.srt").write_text("\n".join(cues), encoding="utf-8")
        inputs += ["-i", str(folder / "words.srt")]
        maps += ["-map", "2:s", "-c:s", "mov_text", "-metadata:s:s:0", "language=eng"]
    return [*inputs, *maps]


def encode(plan: Plan, track: Samples, said: list[dict[str, Any]], clip: Path) -> str:
    """Write the clip; returns the SHA-256 of its frames before coding."""
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as scratch:
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{plan.width}x{plan.height}", "-r", str(plan.fps), "-i", "pipe:0"]
        command += write_inputs(track, said, Path(scratch))
        command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p", "-colorspace", "bt709"]
        command += ["-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
        command += ["-c:v", "libx264", "-preset", "slow", "-crf", "20", "-g", "50", "-threads", "1"]
        command += ["-c:a", "aac", "-b:a", "64k", "-ar", "44100", "-ac", "1", "-t", str(plan.duration)]
        command += ["-fflags", "+bitexact", "-flags", "+bitexact", "-movflags", "+faststart", str(clip)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            for picture in frames(plan, loudness_of(plan, track, said)):
                digest.update(picture.tobytes())
                process.stdin.write(picture.tobytes())
            process.stdin.close()
        if process.returncode:
            raise SystemExit(f"ffmpeg could not write {clip} (exit {process.returncode})")
    return digest.hexdigest()


def make(plan: Plan, folder: Path) -> Path:
    """Write the clip and its truth into `folder`; returns the clip."""
    folder.mkdir(parents=True, exist_ok=True)
    clip = folder / f"{plan.name}.mp4"
    with tempfile.TemporaryDirectory() as scratch:
        track, said = soundtrack(plan, Path(scratch))
    pictures = encode(plan, track, said, clip)
    table = rows(plan)
    with (folder / f"{plan.name}.truth.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    known = json.dumps(truth(plan, said, clip, pictures), indent=2)
    (folder / f"{plan.name}.truth.json").write_text(known + "\n", encoding="utf-8")
    return clip


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the example clip and its truth.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--quick", action="store_true", help="a quarter of the length, small and silent, for tests")
    options = parser.parse_args()
    plan = quick_plan() if options.quick else FULL
    missing = [tool for tool in ("ffmpeg", *(["espeak-ng"] if plan.lines else [])) if not shutil.which(tool)]
    if missing:
        sys.exit(f"not found on the PATH: {', '.join(missing)}; install it, or make a silent clip with --quick")
    clip = make(plan, options.out)
    print(f"{clip}: {plan.duration:g} s, {clip.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
