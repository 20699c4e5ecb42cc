"""A gate that weighs modalities by what they say and how good their evidence is.

Mixtures of experts with a gate go back to Jacobs, Jordan, Nowlan & Hinton (1991), Neural Computation 3, 79-87; here
the experts are finished models and are pooled in logarithms, as without a gate. The gate starts as the pool: it learns
only what to add to the logarithms of the pool's own weights.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from mer_batch.labels import EMOTIONS
from mer_batch.nets import register
from mer_batch.types import MODALITIES

SEEN: Final = len(EMOTIONS) + 3
"""What the gate is told of a modality: its opinion, how sure that is, the quality, and whether it is there."""


class FusionGate(nn.Module):
    """Tables (n, 3, 9) to logarithms (n, 7): rows are face, voice and words.

    A row holds seven log-probabilities, the quality in [0, 1] and the weight in the pool (reliability x quality x
    overlap); one with weight 0 is missing, and one row at least is there.
    """

    def __init__(self, hidden: int, dropout: float, opinions: bool) -> None:
        super().__init__()
        self._opinions = opinions
        last = nn.Linear(hidden, len(MODALITIES))
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.judge = nn.Sequential(nn.Linear(len(MODALITIES) * SEEN, hidden), nn.Tanh(), nn.Dropout(dropout), last)

    def weights(self, tables: Tensor) -> Tensor:
        """Shares (n, 3) of the modalities, 0 where one is missing."""
        logs, quality, weight = tables[..., : len(EMOTIONS)], tables[..., -2], tables[..., -1]
        there = weight > 0
        opinion = logs.exp() * there[..., None]
        sure = (1 + (opinion * logs).sum(dim=-1) / math.log(len(EMOTIONS))) * there
        if not self._opinions:
            opinion = torch.zeros_like(opinion)
        seen = torch.cat([opinion, torch.stack([sure, quality * there, there.to(logs)], dim=-1)], dim=-1)
        scores = weight.clamp(min=1e-6).log() + self.judge(seen.flatten(1))
        shares: Tensor = scores.masked_fill(~there, -torch.inf).softmax(dim=1)
        return shares

    def forward(self, tables: Tensor) -> Tensor:
        """Logarithms (n, 7) of the pooled probabilities."""
        pooled = (self.weights(tables)[..., None] * tables[..., : len(EMOTIONS)]).sum(dim=1)
        return pooled.log_softmax(dim=1)


@register("fusion-gate")
def fusion_gate(classes: int, hidden: int = 16, dropout: float = 0.1, opinions: bool = True) -> nn.Module:
    """`opinions` = false shows the gate how sure readings are and their quality, not which emotion they name."""
    if classes != len(EMOTIONS):
        raise ValueError(f"a gate pools {len(EMOTIONS)} emotions, not {classes}")
    return FusionGate(hidden, dropout, opinions)
