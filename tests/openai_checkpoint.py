"""OpenAI's checkpoint out of a Whisper model for CTranslate2: the same numbers under other names.

CTranslate2 keeps the half-precision numbers of Whisper's weights, joins the three projections of an attention in one
matrix and leaves out what is zero or can be computed. So the real weights of a package test openai-whisper too.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch

TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""Numbers by their code in the file (ctranslate2/include/ctranslate2/types.h)."""


def _variables(path: Path) -> dict[str, torch.Tensor]:
    """All variables of a CTranslate2 file of version 6 by name."""
    data = path.read_bytes()
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

    assert number("I") == 6, "another version of the format"
    text()
    number("I")
    found: dict[str, torch.Tensor] = {}
    for _ in range(number("I")):
        name, shape = text(), [0] * number("B")
        shape = [number("I") for _ in shape]
        kind, size = TYPES[number("B")], number("I")
        values = np.frombuffer(data, kind, size // np.dtype(kind).itemsize, place)
        place += size
        found[name] = torch.from_numpy(values.reshape(shape).astype(np.float32))
    for _ in range(number("I")):  # variables that are others under a second name
        name, other = text(), text()
        found[name] = found[other]
    return found


def _norm(source: dict[str, torch.Tensor], old: str, new: str) -> dict[str, torch.Tensor]:
    return {f"{new}.weight": source[f"{old}/gamma"], f"{new}.bias": source[f"{old}/beta"]}


def _linear(source: dict[str, torch.Tensor], old: str, new: str) -> dict[str, torch.Tensor]:
    return {f"{new}.weight": source[f"{old}/weight"], f"{new}.bias": source[f"{old}/bias"]}


def _attention(source: dict[str, torch.Tensor], old: str, new: str) -> dict[str, torch.Tensor]:
    """Queries, keys and values: in one matrix for an attention to itself, in two for one to the sound."""
    joined = [source[f"{old}/linear_{place}/weight"] for place in range(3) if f"{old}/linear_{place}/weight" in source]
    biases = [source[f"{old}/linear_{place}/bias"] for place in range(len(joined))]
    width = joined[-1].shape[0]
    weights = torch.cat(joined[:-1]).split(width)
    shifts = torch.cat(biases[:-1]).split(width)
    state = {f"{new}.{part}.weight": weight for part, weight in zip(("query", "key", "value"), weights, strict=True)}
    state |= {f"{new}.query.bias": shifts[0], f"{new}.value.bias": shifts[2]}
    return state | {f"{new}.out.weight": joined[-1], f"{new}.out.bias": biases[-1]}


def _layer(source: dict[str, torch.Tensor], old: str, new: str) -> dict[str, torch.Tensor]:
    state = _attention(source, f"{old}/self_attention", f"{new}.attn")
    state |= _norm(source, f"{old}/self_attention/layer_norm", f"{new}.attn_ln")
    if f"{old}/attention/linear_0/weight" in source:
        state |= _attention(source, f"{old}/attention", f"{new}.cross_attn")
        state |= _norm(source, f"{old}/attention/layer_norm", f"{new}.cross_attn_ln")
    for place, part in enumerate(("0", "2")):
        state |= _linear(source, f"{old}/ffn/linear_{place}", f"{new}.mlp.{part}")
    return state | _norm(source, f"{old}/ffn/layer_norm", f"{new}.mlp_ln")


def convert(folder: Path, out: Path) -> Path:
    """Write the checkpoint of the model in `folder` to `out`."""
    source = _variables(folder / "model.bin")
    state = {
        "encoder.positional_embedding": source["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": source["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": source["decoder/embeddings/weight"],
    }
    for number in (1, 2):
        state |= _linear(source, f"encoder/conv{number}", f"encoder.conv{number}")
    layers = {part: len({n.split("/")[1] for n in source if n.startswith(f"{part}/layer_")} - {"layer_norm"})
              for part in ("encoder", "decoder")}  # fmt: skip
    for part, count in layers.items():
        for layer in range(count):
            state |= _layer(source, f"{part}/layer_{layer}", f"{part}.blocks.{layer}")
    state |= _norm(source, "encoder/layer_norm", "encoder.ln_post") | _norm(source, "decoder/layer_norm", "decoder.ln")
    vocabulary, width = state["decoder.token_embedding.weight"].shape
    mels = state["encoder.conv1.weight"].shape[1]
    frames, tokens = (len(state[f"{part}.positional_embedding"]) for part in layers)
    heads = width // 64
    dims = {
        "n_mels": mels, "n_audio_ctx": frames, "n_audio_state": width, "n_audio_head": heads,
        "n_audio_layer": layers["encoder"], "n_vocab": vocabulary, "n_text_ctx": tokens, "n_text_state": width,
        "n_text_head": heads, "n_text_layer": layers["decoder"],
    }  # fmt: skip
    torch.save({"dims": dims, "model_state_dict": state}, out)
    return out
