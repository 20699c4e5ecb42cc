"""Checkpoints in Whisper's format that say what they are told, whatever they hear.

Every position of the decoder has a direction of its own, and the token to be said there lies along it.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

TOKENS = 24
PROMPT = 3
"""Start of transcript, language and task come before the first word."""


def _script(text: str, seconds: float, language: str) -> dict[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # whisper leaves its vocabulary file open
        tokenizer = get_tokenizer(multilingual=True, num_languages=99, language=language)
    said = [tokenizer.timestamp_begin, *tokenizer.encode(text), tokenizer.timestamp_begin + round(seconds / 0.02)]
    places = {PROMPT - 1 + number: token for number, token in enumerate([*said, tokenizer.eot])}
    return places | {0: tokenizer.to_language_token(language)}


def write(path: Path, text: str, seconds: float, language: str = "en") -> Path:
    """A checkpoint that hears `text` in the first `seconds` of everything, spoken in `language`."""
    torch.manual_seed(0)
    dims = ModelDimensions(80, 1500, 2 * TOKENS, 2, 1, 51865, 2 * TOKENS, 2 * TOKENS, 2, 1)
    model = Whisper(dims)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    for key, value in state.items():
        # Attention and feed-forward add nothing: only the position decides.
        if key.startswith("decoder.blocks") and (".out." in key or "mlp.2" in key):
            value.zero_()
    state["decoder.positional_embedding"] = 100 * torch.eye(2 * TOKENS)
    embedding = torch.zeros(dims.n_vocab, dims.n_text_state)
    for place, token in _script(text, seconds, language).items():
        embedding[token, place] = 4.0
    state["decoder.token_embedding.weight"] = embedding
    torch.save({"dims": vars(dims), "model_state_dict": state}, path)
    return path
