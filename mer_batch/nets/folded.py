"""Networks as they are read with: what is linear twice in a row is done once."""

from __future__ import annotations

from itertools import pairwise

from torch import nn


def folded(net: nn.Module) -> nn.Module:
    """The network, changed, with every batch norm that follows a convolution in a row of layers folded into it.

    Scores are the same but for rounding. It must be in evaluation mode, and can be trained no more.
    """
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for row in [module for module in net.modules() if isinstance(module, nn.Sequential)]:
        for (place, layer), (after, norm) in pairwise(enumerate(row)):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and norm.track_running_stats:
                row[place], row[after] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    return net
