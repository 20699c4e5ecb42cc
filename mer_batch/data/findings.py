"""What a check has to say: one sentence with a level, a count and a few examples."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias

import pandas as pd

Level: TypeAlias = Literal["leak", "warning", "note"]
SHOWN: Final = 3
"""Examples given for a finding."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found. Only a `leak` makes the check fail."""

    level: Level
    name: str
    count: int
    text: str
    examples: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def pair_examples(pairs: pd.DataFrame) -> list[str]:
    """The first few pairs of copies as "a = b" or "a ~ b" (near), with labels where they differ."""
    shown = []
    for row in pairs.head(SHOWN).itertuples():
        sign = "=" if row.kind == "exact" else "~"
        differ = f" ({row.first_label} / {row.second_label})" if row.first_label != row.second_label else ""
        shown.append(f"{row.first_path} {sign} {row.second_path}{differ}")
    return shown
