"""A network in Whisper's format, trained with the few tokens of Whisper's vocabulary that occur, and its file.

All tokens that never occur share one row of the embedding. With the logarithm of their number added to its logit, a
softmax over the rows in use equals the softmax over the whole vocabulary, and the file needs only those rows.
Positions of the encoder can likewise stand for several: one of n positions with log(n) added where it is attended to.
Networks and vocabulary are those of openai-whisper (Radford et al., arXiv:2212.04356).
"""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from whisper.audio import TOKENS_PER_SECOND
from whisper.model import ModelDimensions, MultiHeadAttention, Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

VOCABULARY = 51865
POSITIONS = 1500
"""Positions of the encoder in 30 s."""
TABLE = "decoder.token_embedding.weight"
FIXED = "encoder.positional_embedding"
SOFTER = 0.4
"""Brings differences of 90 between the logits of attention below 40."""
SHAPE = ModelDimensions(80, POSITIONS, 96, 3, 2, VOCABULARY, 64, 96, 3, 2)


def tokenizer(language: str = "en") -> Tokenizer:
    """Whisper's multilingual tokenizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # whisper leaves its vocabulary file open
        return get_tokenizer(multilingual=True, num_languages=99, language=language, task="transcribe")


class Recognizer(nn.Module):
    """Whisper with a row for each of `tokens` and one for all others; `letters` reads the encoder while it trains."""

    def __init__(self, tokens: list[int], letters: int, shape: ModelDimensions = SHAPE) -> None:
        super().__init__()
        self.tokens = sorted(tokens)
        self.row = {token: row for row, token in enumerate(self.tokens)}
        self.shape = shape
        self.net = Whisper(ModelDimensions(**{**vars(shape), "n_vocab": len(tokens) + 1}))
        nn.init.normal_(self.net.decoder.token_embedding.weight, std=0.1)
        nn.init.normal_(self.net.decoder.positional_embedding, std=0.02)
        self.letters = nn.Linear(shape.n_audio_state, letters + 1)
        others = torch.zeros(len(tokens) + 1)
        others[-1] = math.log(shape.n_vocab - len(tokens))
        self.register_buffer("others", others, persistent=False)

    def rows(self, ids: list[int]) -> list[int]:
        """The rows of Whisper's token ids; all that are not in use have the last one."""
        return [self.row.get(token, len(self.tokens)) for token in ids]

    def encode(self, mel: Tensor, places: Tensor, counts: Tensor) -> Tensor:
        """Features (batch, places, state) of `mel` (batch, 80, frames <= 3000), whose last frames are padding.

        `places` are the positions in use (p,), `counts` how many each stands for (p,).
        """
        encoder = self.net.encoder
        x = functional.gelu(encoder.conv2(functional.gelu(encoder.conv1(mel))))
        # The last position sees the edge; the one before it stands for all further padding.
        x = x.permute(0, 2, 1)[:, places.clamp(max=x.shape[-1] - 2)]
        x = x + encoder.positional_embedding[places]
        for block in encoder.blocks:
            hidden = block.attn_ln(x)
            x = x + _attend(block.attn, hidden, hidden, counts.log()[None])
            x = x + block.mlp(block.mlp_ln(x))
        return encoder.ln_post(x)

    def decode(self, rows: Tensor, features: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch, length, rows) after each of `rows` (batch, length), and where it listened to for that.

        The latter is the last layer's attention (batch, heads, length, places), from which Whisper takes word times.
        """
        decoder = self.net.decoder
        length = rows.shape[1]
        past = torch.full((length, length), -math.inf).triu(1)
        x = decoder.token_embedding(rows) + decoder.positional_embedding[:length]
        for block in decoder.blocks:
            hidden = block.attn_ln(x)
            x = x + _attend(block.attn, hidden, hidden, past)
            asked = block.cross_attn_ln(x)
            x = x + _attend(block.cross_attn, asked, features, counts.log()[None])
            x = x + block.mlp(block.mlp_ln(x))
        query, key, _ = _heads(block.cross_attn, asked, features)
        listened = (query @ key.transpose(2, 3) * query.shape[-1] ** -0.5 + counts.log()).softmax(3)
        return decoder.ln(x) @ decoder.token_embedding.weight.T + self.others, listened


@torch.no_grad()
def soften(model: Recognizer) -> None:
    """Make the last layer listen less sharply, so that Whisper can tell the times of words.

    It divides attention by its deviation over the words, which for a network trained to listen at one place is less
    than a number can hold far from there.
    """
    query = model.net.decoder.blocks[-1].cross_attn.query
    query.weight *= SOFTER
    query.bias *= SOFTER


def _heads(layer: MultiHeadAttention, x: Tensor, source: Tensor) -> list[Tensor]:
    parts = [layer.query(x), layer.key(source), layer.value(source)]
    return [part.unflatten(2, (layer.n_head, -1)).transpose(1, 2) for part in parts]


def _attend(layer: MultiHeadAttention, x: Tensor, source: Tensor, bias: Tensor) -> Tensor:
    """The output of an attention layer with `bias` added to the logits of what is attended to."""
    seen = functional.scaled_dot_product_attention(*_heads(layer, x, source), attn_mask=bias)
    return layer.out(seen.transpose(1, 2).flatten(2))


def save(path: Path, model: Recognizer) -> None:
    """Write the rows in use and all else in half precision (see `expand`)."""
    state = {key: value.half().contiguous() for key, value in model.net.state_dict().items() if key != FIXED}
    state["tokens"] = torch.tensor(model.tokens, dtype=torch.int32)
    save_file(state, path, {"dims": json.dumps(vars(model.shape))})


def expand(path: Path, out: Path) -> None:
    """Write a file of `save` as a checkpoint that `whisper.load_model` reads."""
    with safe_open(path, "pt") as file:
        dims = json.loads(file.metadata()["dims"])
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    tokens = state.pop("tokens").long()
    table = state[TABLE][-1].repeat(dims["n_vocab"], 1)
    table[tokens] = state[TABLE][:-1]
    state[TABLE] = table
    state[FIXED] = Whisper(ModelDimensions(**{**dims, "n_vocab": 1})).encoder.positional_embedding.half()
    torch.save({"dims": dims, "model_state_dict": state}, out)


def position(seconds: float) -> int:
    """The position of the encoder at a time, rounded up."""
    return min(POSITIONS, math.ceil(seconds * TOKENS_PER_SECOND))
