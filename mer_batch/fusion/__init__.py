"""Observations of several modalities to one fused reading per person and step."""

from mer_batch.fusion.align import SPEAKER, bind_observations, bind_utterances, time_grid
from mer_batch.fusion.binding import Bound, bind
from mer_batch.fusion.lanes import Fused, fuse

__all__ = ["SPEAKER", "Bound", "Fused", "bind", "bind_observations", "bind_utterances", "fuse", "time_grid"]
