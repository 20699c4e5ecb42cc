"""Makes the frozen lists of the text sets: python train/splits/make_text.py VOCAB [OUT].

VOCAB is the vocabulary of the encoder to start from, a file with a piece a line. Written are
`text_vocabulary.txt`, those of its pieces that the training parts use, and `text_validation.csv`, the sentences
that choose the epoch: MELD's dev part, and as many of GoEmotions' with each label in the share that it has there.
"""

from __future__ import annotations

import csv
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mer_batch.nets.tokens import words
from mer_batch.nets.wordpiece import SPECIAL, UNKNOWN, WordPiece
from mer_batch.tasks.sentences import Row, read_rows

SETS = ("meld", "goemotions", "dailydialog", "carer")
"""Sets whose training parts say which pieces are kept."""
LEAST = 3
"""Uses of a piece that keep it."""
WHOLE = 20
"""Uses of a token that the encoder cannot spell, such as a mask or an emoji, that make it a piece of its own."""


def vocabulary(given: Sequence[str]) -> list[str]:
    """The kept pieces, in the encoder's order: special ones, single characters, pieces in use, new ones."""
    usable = [piece for piece in given if piece and not (piece.startswith("[") and piece.endswith("]"))]
    reader = WordPiece([*SPECIAL, *usable])
    uses, unspelt = Counter[int](), Counter[str]()
    for token in _tokens():
        pieces = reader.word(token)
        masked = token.startswith("[")
        if UNKNOWN in pieces or masked:
            unspelt[token] += 1
        uses.update(pieces)
    names = [*SPECIAL, *usable]
    kept = [name for number, name in enumerate(names) if number >= len(SPECIAL) and _stays(name, uses[number])]
    fresh = [token for token, count in unspelt.most_common() if count >= WHOLE and token.isprintable()]
    return [*SPECIAL, *kept, *sorted(fresh)]


def _stays(piece: str, count: int) -> bool:
    letters = piece.removeprefix("##")
    return count >= LEAST or (len(letters) == 1 and letters.isascii() and letters.isalnum())


def _tokens() -> Iterator[str]:
    for name in SETS:
        for row in read_rows(name, "train"):
            yield from words(row.text)


def validation() -> list[Row]:
    """MELD's dev part and a stratified draw of as many rows of GoEmotions'."""
    film, forum = ([row for row in read_rows(name, "dev") if row.label is not None] for name in ("meld", "goemotions"))
    rng = random.Random(0)
    shuffled = rng.sample(forum, len(forum))
    shares = Counter(row.label for row in forum)
    wanted = {label: round(count * len(film) / len(forum)) for label, count in shares.items()}
    chosen = []
    for row in shuffled:
        if wanted[row.label]:
            wanted[row.label] -= 1
            chosen.append(row)
    return [*film, *sorted(chosen, key=lambda row: row.id)]


if __name__ == "__main__":
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent
    given = Path(sys.argv[1]).read_text(encoding="utf-8").split("\n")
    (out / "text_vocabulary.txt").write_text("\n".join(vocabulary(given)) + "\n", encoding="utf-8", newline="\n")
    with (out / "text_validation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("set", "id"))
        writer.writerows((row.set, row.id) for row in validation())
