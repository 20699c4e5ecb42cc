"""Folding changes no score, and leaves alone what it cannot fold."""

from __future__ import annotations

import torch
from torch import nn

from mer_batch.nets.face_resnet import face_resnet
from mer_batch.nets.folded import folded


def test_scores_are_the_same_and_no_norm_is_left_behind_a_convolution() -> None:
    torch.manual_seed(3)
    net = face_resnet(7, widths=(8, 16), depths=(1, 1))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
            module.running_mean.uniform_(-1, 1)  # type: ignore[union-attr, operator]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr, operator]
    net.eval()
    pictures = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        before = net(pictures)
        after = folded(net)(pictures)
    assert torch.allclose(before, after, atol=1e-5)
    assert not [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]


def test_a_norm_that_follows_no_convolution_stays() -> None:
    net = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2)).eval()
    pictures = torch.rand(2, 1, 8, 8)
    before = net(pictures)
    assert torch.equal(folded(net)(pictures), before)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in net) == 2
