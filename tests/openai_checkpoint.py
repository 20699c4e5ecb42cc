"""OpenAI's checkpoint out of a Whisper model for CTranslate2: the same numbers under other names.

So the real weights of a package test openai-whisper too.
"""

from __future__ import annotations

from pathlib import Path

import torch

from mer_batch.nets.whisper_start import layer, norm, variables


def convert(folder: Path, out: Path) -> Path:
    """Write the checkpoint of the model in `folder` to `out`."""
    source = variables(folder / "model.bin")
    state = {
        "encoder.positional_embedding": source["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": source["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": source["decoder/embeddings/weight"],
    }
    for number in (1, 2):
        for part in ("weight", "bias"):
            state[f"encoder.conv{number}.{part}"] = source[f"encoder/conv{number}/{part}"]
    layers = {part: len({n.split("/")[1] for n in source if n.startswith(f"{part}/layer_")} - {"layer_norm"})
              for part in ("encoder", "decoder")}  # fmt: skip
    for part, count in layers.items():
        for place in range(count):
            found = layer(source, f"{part}/layer_{place}")
            state |= {f"{part}.blocks.{place}.{name}": value for name, value in found.items()}
    state |= norm(source, "encoder/layer_norm", "encoder.ln_post") | norm(source, "decoder/layer_norm", "decoder.ln")
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
