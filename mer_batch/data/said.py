"""What is said in the clips of a set, where the set tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mer_batch.data.manifest import CONTENTS

if TYPE_CHECKING:
    from mer_batch.data.manifest import Manifest

TEXTS: Final = ("text", "transcript")
"""Columns that hold the words themselves."""
FORMS: Final = {"tess": "Say the word {}.", "ravdess": "{}."}
"""Sentences around what the content column of a set holds."""
CODES: Final = {
    "emodb": {
        "a01": "Der Lappen liegt auf dem Eisschrank.",
        "a02": "Das will sie am Mittwoch abgeben.",
        "a04": "Heute Abend könnte ich es ihm sagen.",
        "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
        "a07": "In sieben Stunden wird es soweit sein.",
        "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
        "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
        "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
        "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
        "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
    }
}
"""Sentences by the codes in the content column of a set (EMO-DB: Burkhardt et al., Interspeech 2005)."""
LANGUAGES: Final = {"tess": "en", "ravdess": "en", "emodb": "de"}


def said(manifest: Manifest) -> list[str | None]:
    """The words of every row, None where they are not known: a column of texts, or what the set is known to say."""
    columns = manifest.rows.columns
    text = next((name for name in TEXTS if name in columns), None)
    if text is not None:
        return [str(words).strip() or None for words in manifest.rows[text]]
    content = next((name for name in CONTENTS if name in columns), None)
    kind = _kind(manifest)
    if content is None or kind is None:
        return [None] * len(manifest.rows)
    return [_sentence(kind, str(words)) for words in manifest.rows[content]]


def language(manifest: Manifest) -> str | None:
    """The two-letter code of the language in which a set is spoken, None where that is not known."""
    kind = _kind(manifest)
    return None if kind is None else LANGUAGES[kind]


def _kind(manifest: Manifest) -> str | None:
    return next((name for name in (manifest.kind, manifest.name) if name in LANGUAGES), None)


def _sentence(kind: str, content: str) -> str | None:
    if kind in CODES:
        return CODES[kind].get(content)
    return FORMS[kind].format(content) if content else None
