"""The committed example clip holds what its truth files say."""

from __future__ import annotations

import csv
import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from facenet_pytorch import MTCNN
from PIL import Image

from mer_batch.labels import EMOTIONS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CLIP = EXAMPLES / "interview.mp4"


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    known: dict[str, Any] = json.loads((EXAMPLES / "interview.truth.json").read_text(encoding="utf-8"))
    return known


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    with av.open(str(CLIP)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def sound() -> tuple[np.ndarray, int]:
    with av.open(str(CLIP)) as container:
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    return np.concatenate(blocks), rate


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(keep_all=True, min_face_size=80, device="cpu")


def boxes(detector: MTCNN, picture: np.ndarray) -> np.ndarray:
    found, _ = detector.detect(Image.fromarray(picture))
    return np.zeros((0, 4)) if found is None else np.asarray(found, dtype=float)


def eyes_aligned(detector: MTCNN, picture: np.ndarray) -> np.ndarray:
    """The face in grey, (54, 40), with the eyes always at the same place and distance."""
    image = Image.fromarray(picture)
    _, _, landmarks = detector.detect(image, landmarks=True)
    left, right = np.asarray(landmarks[0][0], dtype=float), np.asarray(landmarks[0][1], dtype=float)
    (x, y), apart = (left + right) / 2, float(np.hypot(*(right - left)))
    face = image.convert("L").crop((x - apart, y - 0.8 * apart, x + apart, y + 1.9 * apart))
    return np.asarray(face.resize((40, 54), Image.Resampling.BOX), dtype=float)


def test_truth_is_of_this_clip(truth: dict[str, Any]) -> None:
    assert hashlib.sha256(CLIP.read_bytes()).hexdigest() == truth["sha256"]
    assert CLIP.stat().st_size < 2_000_000


def test_streams_play_in_a_browser(truth: dict[str, Any]) -> None:
    with av.open(str(CLIP)) as container:
        video, audio, words = (getattr(container.streams, kind)[0] for kind in ("video", "audio", "subtitles"))
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert [video.width, video.height, float(video.average_rate)] == [*truth["size"], truth["fps"]]
        assert video.frames == round(truth["duration"] * truth["fps"])
        assert (audio.codec_context.name, audio.channels) == ("aac", 1)
        assert (words.codec_context.name, words.language) == ("mov_text", "eng")
        assert container.duration / av.time_base == pytest.approx(truth["duration"], abs=0.05)
    head = CLIP.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "the index must come first, so that playing starts at once"


def test_subtitles_are_what_is_said(truth: dict[str, Any]) -> None:
    cues = []
    with av.open(str(CLIP)) as container:
        for packet in container.demux(subtitles=0):
            text = bytes(packet)[2:].decode("utf-8") if packet.size > 2 else ""
            if text:
                start = float(packet.pts * packet.time_base)
                cues.append((start, start + float(packet.duration * packet.time_base), text))
    assert [cue[2] for cue in cues] == [line["text"] for line in truth["speech"]]
    for (start, end, _), line in zip(cues, truth["speech"], strict=True):
        assert (start, end) == pytest.approx((line["start"], line["end"]), abs=0.01)


def test_sound_only_where_somebody_speaks(truth: dict[str, Any], sound: tuple[np.ndarray, int]) -> None:
    samples, rate = sound
    times = np.arange(len(samples)) / rate
    spoken = np.zeros(len(samples), dtype=bool)
    near = np.zeros(len(samples), dtype=bool)
    for line in truth["speech"]:
        part = (times >= line["start"]) & (times < line["end"])
        assert np.sqrt(np.mean(samples[part] ** 2)) > 0.03
        spoken |= part
        near |= (times >= line["start"] - 0.1) & (times < line["end"] + 0.1)
    assert np.abs(samples[~near]).max() < 0.003
    assert 0.3 < spoken.mean() < 0.9


def test_labels_cover_all_that_is_in_view(truth: dict[str, Any]) -> None:
    with (EXAMPLES / "interview.truth.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    states = [{name: str(value) for name, value in state.items()} for state in truth["states"]]
    assert rows == states
    assert {row["emotion"] for row in rows} <= set(EMOTIONS)
    assert len({row["emotion"] for row in rows}) >= 3
    assert all(float(row["end"]) - float(row["start"]) >= 2.5 for row in rows)
    breaks = [(float(a["end"]), float(b["start"])) for a, b in pairwise(rows) if a["end"] != b["start"]]
    assert breaks == [(truth["absence"]["half_face_from"], truth["absence"]["half_face_until"])]
    assert (float(rows[0]["start"]), float(rows[-1]["end"])) == (0.0, truth["duration"])
    assert {row["person"] for row in rows if float(row["end"]) <= breaks[0][0]} == {"Person 1"}
    assert {row["person"] for row in rows if float(row["start"]) >= breaks[0][1]} == {""}


def test_words_read_as_known_emotions(truth: dict[str, Any]) -> None:
    assert {line["words_read_as"] for line in truth["speech"]} <= set(EMOTIONS)
    for line in truth["speech"]:
        inside = [s for s in truth["states"] if s["start"] <= line["start"] and line["end"] <= s["end"]]
        assert [state["emotion"] for state in inside] == [line["words_read_as"]]


def test_the_cut_is_the_greatest_jump(truth: dict[str, Any], pictures: list[np.ndarray]) -> None:
    small = np.stack([picture[::8, ::8].astype(float) for picture in pictures])
    jumps = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))
    cut = round(truth["cut"] * truth["fps"])
    assert int(jumps.argmax()) + 1 == cut
    assert jumps[cut - 1] > 2 * np.delete(jumps, cut - 1).max(), "walking out must not look like a cut"


def test_face_changes_at_the_stated_times(truth: dict[str, Any], pictures: list[np.ndarray], detector: MTCNN) -> None:
    """Faces laid over each other by their eyes differ more across a change than over as long before it."""
    for change in truth["changes"]:
        times = (change["time"] - 0.44, change["time"] - 0.16, change["time"] + 0.16)
        before, at_last, after = (eyes_aligned(detector, pictures[round(t * truth["fps"])]) for t in times)
        assert np.abs(after - at_last).mean() > 1.5 * np.abs(at_last - before).mean(), change


def test_one_face_in_every_state(truth: dict[str, Any], pictures: list[np.ndarray], detector: MTCNN) -> None:
    for state in truth["states"]:
        middle = (state["start"] + state["end"]) / 2
        assert len(boxes(detector, pictures[round(middle * truth["fps"])])) == 1, state


def test_nobody_while_the_person_is_away(truth: dict[str, Any], pictures: list[np.ndarray], detector: MTCNN) -> None:
    away, fps = truth["absence"], truth["fps"]
    gone = range(round(away["no_face_from"] * fps), round(away["no_face_until"] * fps))
    for index in (gone[0], gone[len(gone) // 2], gone[-1]):
        assert len(boxes(detector, pictures[index])) == 0, index / fps
    empty = pictures[round(away["nobody_from"] * fps) : round(away["nobody_until"] * fps)]
    assert np.ptp(np.stack(empty)[:, ::8, ::8].astype(int), axis=0).max() < 12
