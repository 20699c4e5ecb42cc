"""Small residual networks for face crops (He et al., arXiv:1512.03385; pooled shortcuts after arXiv:1812.01187)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mer_batch.nets import register


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut that is pooled and projected where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(outputs)
        nn.init.zeros_(last.weight)  # starts as the identity, which lets a high rate begin safely
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            last,
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
            projection = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.shortcut = nn.Sequential(pool, projection, nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, ceil(h / stride), ceil(w / stride))."""
        result: Tensor = self.relu(self.body(x) + self.shortcut(x))
        return result


class FaceResNet(nn.Module):
    """A stride-2 stem, one stage per width, global average pooling, dropout and a linear head."""

    def __init__(
        self, classes: int, channels: int, widths: Sequence[int], depths: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 5, 2, 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        inputs = widths[0]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for block in range(depth):
                layers.append(ResidualBlock(inputs, width, 2 if stage and not block else 1))
                inputs = width
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) for pictures (n, channels, h, w)."""
        result: Tensor = self.head(self.dropout(self.features(x).mean(dim=(2, 3))))
        return result


@register("face-resnet")
def face_resnet(
    classes: int,
    channels: int = 1,
    widths: Sequence[int] = (32, 64, 160, 320),
    depths: Sequence[int] = (1, 2, 2, 1),
    dropout: float = 0.3,
) -> nn.Module:
    """A residual network whose stages have the given widths and numbers of blocks."""
    return FaceResNet(classes, channels, widths, depths, dropout)
