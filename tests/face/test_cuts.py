"""Cuts: found where the picture is replaced, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mer_batch.face.cuts import CutFinder
from mer_batch.types import Frame, Image


def _cuts(pictures: list[Image]) -> list[int]:
    finder = CutFinder()
    return [position for position, picture in enumerate(pictures) if finder.begins_shot(picture)]


def _texture(seed: int, colour: tuple[int, int, int]) -> Image:
    """A big soft random picture with a tint, to be looked at through a window."""
    coarse = np.random.default_rng(seed).integers(0, 200, (12, 20))
    fine = np.kron(coarse, np.ones((30, 30)))
    return np.clip(fine[..., None] * np.array(colour) / 255 + 20, 0, 255).astype(np.uint8)


def _still(seed: int, colour: tuple[int, int, int], count: int) -> list[Image]:
    rng = np.random.default_rng(seed + 100)
    picture = _texture(seed, colour).astype(np.int16)[:180, :320]
    return [np.clip(picture + rng.integers(-12, 13, picture.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def test_cuts_between_noisy_shots() -> None:
    shots = [*_still(1, (255, 200, 150), 8), *_still(2, (120, 160, 255), 5), *_still(3, (200, 255, 160), 7)]
    assert _cuts(shots) == [8, 13]


def test_a_cut_on_every_second_frame() -> None:
    shots = [*_still(1, (255, 200, 150), 5), *_still(2, (90, 130, 255), 2), *_still(3, (255, 90, 90), 2)]
    assert _cuts(shots) == [5, 7]


def test_a_moving_camera_is_no_cut() -> None:
    wide = _texture(4, (255, 220, 180))
    assert _cuts([np.ascontiguousarray(wide[20:200, 8 * i : 8 * i + 320]) for i in range(30)]) == []


def test_a_fade_to_black_is_no_cut() -> None:
    picture = _still(5, (255, 220, 180), 1)[0].astype(float)
    assert _cuts([(picture * share).astype(np.uint8) for share in np.linspace(1, 0, 12)]) == []


def test_a_growing_light_is_no_cut() -> None:
    picture = _still(6, (200, 220, 180), 1)[0].astype(float)
    assert _cuts([np.clip(picture * (1 + 0.08 * i), 0, 255).astype(np.uint8) for i in range(10)]) == []


@pytest.mark.parametrize("colour", [0, 255])
def test_blank_pictures_are_no_cut(colour: int) -> None:
    assert _cuts([np.full((90, 160, 3), colour, np.uint8)] * 6) == []


def test_one_picture_and_odd_sizes() -> None:
    assert _cuts([np.zeros((1, 1, 3), np.uint8)]) == []
    assert _cuts([np.zeros((7, 3, 3), np.uint8)] * 3) == []


def test_the_cuts_of_the_scene_are_found(scene: list[Frame]) -> None:
    assert [scene[i].time for i in _cuts([frame.image for frame in scene])] == [9.0, 12.0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("derived_four_speakers_cuts.mp4", [3, 6, 9]),
        ("derived_enter_leave_cuts.mp4", [3, 6, 8, 11]),
        ("hamilton_short.mp4", [1.61, 3.61, 8.02]),
        ("chaplin_bw.mp4", []),
        ("mot20_crowd_tiny.mp4", []),
    ],
)
def test_cuts_of_real_clips(shared_data: Path, name: str, expected: list[float]) -> None:
    from mer_batch.media import probe, read_frames

    finder = CutFinder()
    frames = read_frames(probe(shared_data / "media" / "faces" / name), fps=5)
    assert [frame.time for frame in frames if finder.begins_shot(frame.image)] == pytest.approx(expected, abs=0.05)
