"""Names of emotions: mapped where they can mean one thing only, and left alone otherwise."""

from __future__ import annotations

import pytest

from mer_batch.labels import ALIASES, EMOTIONS, canonical

KNOWN = {
    "angry": "angry Anger ANG mad Wut WÜTEND Zorn colère rabbia ira enojo raiva boos öfke kızgın гнев 愤怒 怒り 분노",
    "disgust": "Disgusted dis Ekel dégoût DEGOUT disgusto asco nojo walging отвращение 厌恶 嫌悪",
    "fear": "fearful FEA scared afraid Angst Furcht peur miedo paura medo korku страх 恐惧 공포",
    "happy": "Happiness hap JOY joyful Freude gluecklich joie alegría ALEGRIA felicità felicita mutlu радость 高兴",
    "neutral": "Neutral neu calm no_emotion neutre neutro neutrale neutraal nötr нейтральный 中性",
    "sad": "sadness SAD Trauer traurig tristesse tristeza tristezza triste verdriet üzgün грусть 悲伤 悲しみ",
    "surprise": "Surprised sur ps Überraschung UEBERRASCHUNG sorpresa surpresa verrassing şaşkın удивление 惊讶",
}
FOREIGN = """
    exc excited excitement fru frustrated contempt None NaN NA n/a null other unknown boredom bored oth xxx love
    disappointed confused mixed 0 1 2 3 4 5 6 A W F h sa su frown tired pain
    """


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_names_in_any_case_and_language(emotion: str) -> None:
    for name in KNOWN[emotion].split():
        for written in (name, name.upper(), f"  {name}  ", f"'{name}'", f"03_{name}", f"1-{name.title()}"):
            assert canonical(written) == emotion, written


def test_spaces_dashes_and_plurals() -> None:
    for name in ("pleasant surprise", "Pleasant_Surprise", "pleasant-surprise", "PLEASANT  SURPRISE", "surprises"):
        assert canonical(name) == "surprise"
    assert canonical("no emotion") == canonical("No_Emotion") == "neutral"
    assert canonical("joys") == "happy"


@pytest.mark.parametrize("name", FOREIGN.split())
def test_what_might_mean_something_else_is_not_mapped(name: str) -> None:
    assert canonical(name) is None
    assert canonical(name.upper()) is None


def test_nothing_is_no_label() -> None:
    for name in ("", " ", "|", "-", "_", "12", "s", "'"):
        assert canonical(name) is None


def test_no_name_stands_for_two_emotions() -> None:
    from mer_batch import labels

    seen: dict[str, str] = {}
    for emotion, words in labels._WORDS.items():
        for word in words.replace("|", " ").split():
            assert seen.setdefault(labels._key(word), emotion) == emotion, word
    assert set(seen) <= set(ALIASES)
