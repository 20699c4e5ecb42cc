"""What sets are known to say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mer_batch.data.manifest import read_manifest
from mer_batch.data.said import language, said


@pytest.mark.parametrize(
    ("name", "column", "content", "text", "spoken"),
    [
        ("tess", "sentence_or_word", "back", "Say the word back.", "en"),
        ("ravdess", "sentence", "Kids are talking by the door", "Kids are talking by the door.", "en"),
        ("emodb", "sentence", "a02", "Das will sie am Mittwoch abgeben.", "de"),
        ("emodb", "sentence", "x99", None, "de"),
        ("emovo", "sentence", "b1", None, None),
        ("mine", "transcript", "Well, hello.", "Well, hello.", None),
        ("mine", "speaker", "me", None, None),
    ],
)
def test_sets_tell_their_words(
    tmp_path: Path, name: str, column: str, content: str, text: str | None, spoken: str | None
) -> None:
    (folder := tmp_path / name).mkdir()
    (folder / "1.wav").touch()
    pd.DataFrame([{"path": "1.wav", "label": "sad", column: content}]).to_csv(folder / "manifest.csv", index=False)
    manifest = read_manifest(folder)
    assert said(manifest) == [text]
    assert language(manifest) == spoken
