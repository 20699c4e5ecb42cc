"""Recognising people: looks within a shot, embeddings where there are weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mer_batch.errors import ModelError
from mer_batch.face import dlib_faces, facenet, identity
from mer_batch.face.embedders import load_embedder
from mer_batch.face.identity import FacenetEmbedder, likeness, look

BOX = (0.4, 0.2, 0.6, 0.5)


def _dressed(head: tuple[int, int, int], chest: tuple[int, int, int], light: float = 1.0) -> np.ndarray:
    picture = np.full((200, 200, 3), 100.0)
    picture[20:100, 70:130] = head
    picture[100:190, 50:150] = chest
    picture += np.random.default_rng(0).normal(0, 25, (200, 200, 1))
    return (picture * light).clip(0, 255).astype(np.uint8)


def test_the_same_clothes_look_alike_and_others_do_not() -> None:
    person = look(_dressed((200, 160, 130), (30, 40, 160)), BOX)
    again = look(_dressed((200, 160, 130), (30, 40, 160), light=0.95), BOX)
    other = look(_dressed((200, 160, 130), (160, 30, 30)), BOX)
    assert likeness(person, again) > 0.8 > 0.6 > likeness(person, other)


def test_a_chest_outside_the_picture_is_left_out() -> None:
    low = (0.4, 0.7, 0.6, 0.99)
    seen = look(_dressed((200, 160, 130), (30, 40, 160)), low)
    assert np.isnan(seen[1]).all()
    assert likeness(seen, seen) == pytest.approx(1)


def test_nothing_shared_is_no_likeness() -> None:
    blank = np.full_like(look(np.zeros((9, 9, 3), np.uint8), BOX), np.nan)
    assert likeness(blank, blank) == 0


def test_without_weights_there_is_no_embedder_and_no_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an analysis must not download")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(facenet.module("inception_resnet_v1"), "download_url_to_file", never)
    monkeypatch.setattr(dlib_faces, "weights_file", lambda: None)
    assert load_embedder("cpu") is None


def test_fetching_offline_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(facenet.module("inception_resnet_v1"), "download_url_to_file", offline)
    with pytest.raises(ModelError, match="cannot be had: no network"):
        identity.fetch()


def test_the_embedder_gives_unit_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real network with random weights in place of those that would be fetched."""
    monkeypatch.setattr(facenet.module("inception_resnet_v1"), "load_weights", lambda net, name: None)
    embedder = FacenetEmbedder("cpu")
    crops = [np.random.default_rng(i).integers(0, 256, (160, 160, 3), dtype=np.uint8) for i in range(2)]
    vectors = embedder.embed(crops)
    assert vectors.shape == (2, 512)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("places", [{}, {"XDG_CACHE_HOME": "~/c"}, {"TORCH_HOME": "/t"}, {"TORCH_HOME": "~/t"}])
def test_weights_are_looked_for_where_facenet_pytorch_keeps_them(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, place in places.items():
        monkeypatch.setenv(name, place)
    home = facenet.module("inception_resnet_v1").get_torch_home()
    assert identity.weights_file().parent == Path(home) / "checkpoints"


def test_the_network_is_that_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from facenet_pytorch import InceptionResnetV1, fixed_image_standardization

    monkeypatch.setattr(facenet.module("inception_resnet_v1"), "load_weights", lambda net, name: None)
    embedder = FacenetEmbedder("cpu")
    theirs = InceptionResnetV1(classify=False).eval()
    theirs.load_state_dict({k: v for k, v in embedder._net.state_dict().items() if not k.startswith("logits")})
    crops = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = theirs(fixed_image_standardization(torch.from_numpy(crops).permute(0, 3, 1, 2).float()))
    assert np.array_equal(embedder.embed(list(crops)), expected.numpy())
