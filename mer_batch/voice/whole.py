"""How likely each frame of a whole sound is speech: silero-vad over all frames at once, for many short clips.

As a stream the network is called for every 32 ms, and the calls cost more than the sums. Over a whole sound its layers
take all frames together and only the memory goes from one to the next, which is what `torch.nn.LSTM` is made for: the
same numbers to 1e-5, in a quarter of the time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.media.silero import FRAME
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import own_silero

if TYPE_CHECKING:
    from torch import Tensor, nn

CONTEXT: Final = 64
"""Samples before a frame that the network sees with it."""
PIECE: Final = 1024
"""Frames that are worked on together; half a minute."""
CLOSE: Final = 1e-3
"""How far the two ways may be apart on a sound on which they are compared."""

_own = threading.local()


def speech_of(samples: Samples) -> list[float]:
    """The probability of each frame of a sound (n,) at 16 kHz, the last one filled up with silence."""
    if not hasattr(_own, "net"):
        _own.net = _whole_net()
    return _streamed(samples) if _own.net is None else _own.net(samples)


class WholeNet:
    """The layers of silero-vad, in the order in which a frame goes through them."""

    def __init__(self, net: Any) -> None:
        from torch import nn

        self._features, self._encoder, self._head = net.run_extractors, net.encoder, net.decoder.decoder
        cell = dict(net.decoder.rnn.named_parameters())
        width, inputs = cell["weight_hh"].shape[1], cell["weight_ih"].shape[1]
        self._memory: nn.LSTM = nn.LSTM(inputs, width).eval()
        self._memory.load_state_dict({f"{name}_l0": value for name, value in cell.items()})

    def __call__(self, samples: Samples) -> list[float]:
        """The probabilities of a sound; see `speech_of`."""
        import torch

        state, shares = None, []
        with torch.inference_mode():
            for frames in _pieces(samples):
                encoded = self._encoder(self._features(frames)).reshape(len(frames), 1, -1)
                memory, state = self._memory(encoded, state)
                shares += self._head(memory.permute(0, 2, 1)).reshape(len(frames), -1).mean(dim=1).tolist()
        return shares


def _pieces(samples: Samples) -> Iterator[Tensor]:
    import torch

    sound = torch.from_numpy(np.pad(samples, (CONTEXT, -len(samples) % FRAME)))
    frames = sound.unfold(0, CONTEXT + FRAME, FRAME)
    for start in range(0, len(frames), PIECE):
        yield frames[start : start + PIECE].contiguous()


def _whole_net() -> WholeNet | None:
    """The network of this thread, or None where the package builds it in another way than is known here."""
    sound = np.random.default_rng(0).normal(0, 0.1, 8 * FRAME).astype(np.float32)
    try:
        net = WholeNet(own_silero()._model)
        apart = np.abs(np.subtract(net(sound), _streamed(sound))).max()
    except (AttributeError, KeyError, IndexError, RuntimeError, ValueError):
        return None
    return net if apart < CLOSE else None


def _streamed(samples: Samples) -> list[float]:
    import torch

    model = own_silero()
    model.reset_states()
    frames = torch.from_numpy(np.pad(samples, (0, -len(samples) % FRAME))).view(-1, FRAME)
    with torch.inference_mode():
        shares = [float(model(frame, SAMPLE_RATE)) for frame in frames]
    model.reset_states()
    return shares
