"""Which of several recognizers is taken."""

from __future__ import annotations

import pytest
import whisper

from mer_batch.text import asr, ranking


@pytest.mark.parametrize(
    ("names", "language", "first"),
    [
        (["whisper:tiny", "whisper:small", "whisper:base"], None, "whisper:small"),
        (["faster-whisper:tiny", "whisper:large"], None, "whisper:large"),
        (["whisper:base", "faster-whisper:base"], None, "faster-whisper:base"),
        (["whisper:turbo", "whisper:medium", "whisper:large-v3"], None, "whisper:large-v3"),
        pytest.param(["whisper:base", "whisper:base.en"], "en", "whisper:base.en", id="trained on English alone"),
        pytest.param(["whisper:base.en", "whisper:base"], "English", "whisper:base.en", id="by its name"),
        pytest.param(["whisper:base.en", "whisper:base"], None, "whisper:base", id="it can tell the language"),
        (["whisper:medium.en", "whisper:tiny"], "de", "whisper:tiny"),
        (["faster-whisper:distil-large-v3", "whisper:tiny"], "de", "whisper:tiny"),
    ],
)
def test_the_larger_one_that_hears_the_language_is_best(names: list[str], language: str | None, first: str) -> None:
    assert ranking.best(names, language)[0] == first
    assert ranking.best(reversed(names), language)[0] == first


def test_what_hears_another_language_is_no_choice() -> None:
    assert ranking.best(["whisper:medium.en", "faster-whisper:distil-large-v3"], "fr") == []


@pytest.mark.parametrize("engine", ["whisper", "faster-whisper"])
def test_every_model_of_the_libraries_has_its_place(engine: str) -> None:
    """A new size would count as the smallest."""
    if engine == "faster-whisper":
        pytest.importorskip("faster_whisper")
    names = whisper.available_models() if engine == "whisper" else asr.ENGINES[engine].names()
    sizes = {ranking.ALIASES.get(name, name).removesuffix(".en") for name in names}
    assert sizes <= set(ranking.SIZES)
