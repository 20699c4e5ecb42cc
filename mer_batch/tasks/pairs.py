"""Pairs of evidence for one emotion, from data that no model behind them was trained on.

- `spoken`: a clip and the words that are said in it. They belong together, but actors say the same sentences in every
  emotion, so that these words tell nothing; what can be learned here is not to be misled by them.
- `matched`: a clip, and a sentence (and a face) by other people with the same label, drawn by chance. All of them tell
  something, but each makes its errors independently of the others by construction, which people do not: what fusion
  gains here is the most that it can gain.

There are no clips of speech, words and faces of one moment in numbers that could train or test anything here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mer_batch.errors import DataError
from mer_batch.tasks.spoiling import misheard, spoiled_picture

if TYPE_CHECKING:
    import pandas as pd

    from mer_batch.tasks.task import LabelledSet

KINDS: Final = ("spoken", "matched")


@dataclass(frozen=True)
class Pair:
    """Evidence of one emotion: the clip at `clip` in its version `version`, words with a confidence, and a face."""

    id: str
    kind: str
    label: int
    clip: int
    version: int
    words: tuple[str, float | None] | None
    face: Any = None


@dataclass(frozen=True)
class Pool:
    """Sentences or faces to draw from, by label."""

    items: Sequence[Any]
    by_label: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: LabelledSet, keep: Sequence[int]) -> Pool:
        """The items of a set at the places `keep`, one for each id."""
        places: dict[int, list[int]] = {}
        seen: set[str] = set()
        for place in keep:
            if found.ids[place] not in seen:
                seen.add(found.ids[place])
                places.setdefault(int(found.labels[place]), []).append(place)
        return cls(found.items, places)

    def draw(self, labels: Sequence[int], rng: np.random.Generator) -> list[Any]:
        """An item of every label; none comes twice before all of its label have come once."""
        decks: dict[int, list[int]] = {}
        drawn = []
        for label in labels:
            if not self.by_label.get(label):
                raise DataError("there is no sentence or face of a label that the clips have; leave matched pairs out")
            if not decks.get(label):
                decks[label] = rng.permutation(self.by_label[label]).tolist()
            drawn.append(self.items[decks[label].pop()])
        return drawn


def parts_of(labels: Sequence[int], share: float, seed: int) -> tuple[list[int], list[int]]:
    """The places of `labels` in two parts by chance, the second of them a `share` of each label, one at least."""
    rng = np.random.default_rng(seed)
    parts: tuple[list[int], list[int]] = ([], [])
    for label in sorted(set(labels)):
        places = rng.permutation([place for place, own in enumerate(labels) if own == label]).tolist()
        cut = len(places) - max(round(share * len(places)), 1)
        parts[0].extend(places[:cut])
        parts[1].extend(places[cut:])
    return sorted(parts[0]), sorted(parts[1])


def spoken_pairs(
    rows: pd.DataFrame, versions: int, spoiled: float, said: Mapping[str, str], rng: np.random.Generator
) -> Iterator[Pair]:
    """Every clip with its words in every version; clips whose words are not in `said` are left out."""
    others = sorted({word for text in said.values() for word in text.lower().split()})
    for place, (name, clip, label) in enumerate(zip(rows["id"], rows["clip"], rows["emotion"], strict=True)):
        for version in range(versions if clip in said else 0):
            words = misheard(said[clip], spoiled, others, rng)
            yield Pair(f"{name}+words/{version}", "spoken", int(label), place, version, words)


def matched_pairs(
    rows: pd.DataFrame, versions: int, spoiled: float, texts: Pool, faces: Pool | None, rng: np.random.Generator
) -> Iterator[Pair]:
    """Every clip with a sentence, and a face where there are some, of its label, in every version."""
    labels = [int(label) for label in rows["emotion"]] * versions
    drawn = texts.draw(labels, rng)
    others = sorted({word for text in drawn for word in str(text).lower().split()})
    seen = faces.draw(labels, rng) if faces is not None else [None] * len(labels)
    for number, (label, text, face) in enumerate(zip(labels, drawn, seen, strict=True)):
        version, place = divmod(number, len(rows))
        yield Pair(
            f"{rows['id'].iloc[place]}+matched/{version}",
            "matched",
            label,
            place,
            version,
            misheard(str(text), spoiled, others, rng),
            None if face is None else spoiled_picture(face, spoiled, rng),
        )
