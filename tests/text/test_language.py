"""The language check speaks only when it is clear."""

from __future__ import annotations

import pytest

from mer_batch.text.language import foreign

GERMAN = "Ich weiß nicht, was soll es bedeuten, aber ein Märchen kommt mir nicht aus dem Sinn."
FRENCH = "Je ne sais pas ce que vous dites, mais il est clair que nous ne sommes pas dans le même bateau avec lui."
SPANISH = "No sé por qué me lo preguntas, pero la casa está muy lejos y yo no tengo una llave para el coche."
ENGLISH = "I do not know what it means, but we are all in the same boat and that is fine for me."


@pytest.mark.parametrize(("text", "language"), [(GERMAN, "de"), (FRENCH, "fr"), (SPANISH, "es")])
def test_clearly_foreign_is_named(text: str, language: str) -> None:
    assert foreign([text]) == language


@pytest.mark.parametrize(
    "texts",
    [
        [ENGLISH],
        ["Oh la la.", "C'est la vie."],
        ["Yeah.", "No!", "Die!", "Marco Polo", "Que sera"],
        [],
        ["", "123", "😂😂"],
        [ENGLISH, "Ich bin ein Berliner."],
    ],
)
def test_doubt_counts_as_english(texts: list[str]) -> None:
    assert foreign(texts) is None


@pytest.mark.parametrize(("text", "script"), [("Я не знаю", "Cyrillic script"), ("我不知道", "Cjk script")])
def test_other_scripts_are_named_from_few_words(text: str, script: str) -> None:
    assert foreign([text]) == script
