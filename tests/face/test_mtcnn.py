"""The three networks: the same answers as facenet-pytorch's own, and one line where its files are not whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import facenet_pytorch
import pytest
import torch

from mer_batch.errors import ModelError
from mer_batch.face import facenet, mtcnn

CPU = torch.device("cpu")
THEIRS = {"pnet": facenet_pytorch.PNet, "rnet": facenet_pytorch.RNet, "onet": facenet_pytorch.ONet}
SIZES = {"pnet": (61, 47), "rnet": (24, 24), "onet": (48, 48)}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", mtcnn.NETS)
def test_answers_are_those_of_facenet_pytorch_to_the_bit(name: str, layout: torch.memory_format) -> None:
    pictures = torch.rand(5, 3, *SIZES[name], generator=torch.Generator().manual_seed(0)) * 2 - 1
    pictures = pictures.contiguous(memory_format=layout)
    with torch.inference_mode():
        ours = mtcnn.load(name, CPU)(pictures)
        theirs = THEIRS[name]().eval()(pictures)
    assert len(ours) == len(theirs)
    assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))


@pytest.fixture
def copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The weights of facenet-pytorch, free to be spoilt."""
    shutil.copytree(facenet.folder() / "data", tmp_path / "data")
    monkeypatch.setattr(facenet, "folder", lambda: tmp_path)
    return tmp_path / "data" / "rnet.pt"


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "another", "not weights", "gone"])
def test_files_that_are_not_whole_are_one_line(copy: Path, damage: str) -> None:
    if damage == "gone":
        copy.unlink()
    elif damage == "another":
        shutil.copy(copy.with_name("onet.pt"), copy)
    elif damage == "not weights":
        torch.save([1, 2], copy)
    else:
        data = copy.read_bytes()
        copy.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "text": b"<html>not found</html>"}[damage])
    with pytest.raises(ModelError, match=r"rnet\.pt.*reinstall facenet-pytorch"):
        mtcnn.load("rnet", CPU)


def test_without_facenet_pytorch_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facenet, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install facenet-pytorch"):
        mtcnn.load("pnet", CPU)


@pytest.mark.parametrize("size", [(12, 12), (14, 30), (300, 514), (61, 48), (60, 47)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_p_net_answers_alike_by_whichever_way(size: tuple[int, int], layout: torch.memory_format) -> None:
    pictures = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2)) * 2 - 1
    net = mtcnn.load("pnet", CPU)
    with torch.inference_mode():
        found = net(pictures.contiguous(memory_format=layout))
        expected = mtcnn.Net.forward(net, pictures)
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-6)
