"""The reference ResNet-18 for FER2013: torchvision's backbone (He et al., arXiv:1512.03385) with a head of two layers.

11,310,151 parameters with seven classes and three channels, as reported for the reference run. What its
report leaves open is ours: dropout 0.5, torchvision's stem.
"""

from __future__ import annotations

from torch import nn

from mer_batch.nets import register
from mer_batch.nets.pretrained import forget_origin, loading, take_channels, wants_weights


@register("fer-resnet18")
def fer_resnet18(
    classes: int, channels: int = 3, dropout: float = 0.5, hidden: int = 256, weights: str = "none"
) -> nn.Module:
    """Logits (n, classes) for pictures (n, channels, h, w); `weights` "default" starts from ImageNet."""
    from torchvision.models import ResNet18_Weights, resnet18

    chosen = ResNet18_Weights.DEFAULT if wants_weights(weights) else None
    with loading("resnet18"):
        net: nn.Module = resnet18(weights=chosen)
    net.fc = nn.Sequential(
        nn.Linear(512, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, classes)
    )
    take_channels(net, channels)
    return forget_origin(net)
