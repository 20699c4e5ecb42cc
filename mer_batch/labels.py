"""The emotion vocabulary: the only place where names, order, colours and coordinates stand."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The canonical order of every probability vector in the project."""

INDEX: Final = {name: position for position, name in enumerate(EMOTIONS)}

_WORDS: Final = {
    "angry": """
        anger ang mad | wut wütend wuetend zorn zornig ärger aerger verärgert | colère fâché en_colère | ira
        enojo enojado enfado enfadado | rabbia arrabbiato | raiva zangado | boos boosheid woede | złość zły
        gniew | öfke kızgın kızgınlık | злость гнев злой | 愤怒 憤怒 生气 生氣 | 怒り | 분노 화남 | غضب | क्रोध गुस्सा
        """,
    "disgust": """
        disgusted dis | ekel angeekelt abscheu | dégoût dégoûté | asco asqueado | disgusto disgustato | nojo |
        walging | wstręt obrzydzenie | iğrenme tiksinme tiksinti | отвращение | 厌恶 厭惡 | 嫌悪 | 혐오 | اشمئزاز |
        घृणा
        """,
    "fear": """
        fearful fea scared afraid | angst ängstlich aengstlich furcht | peur apeuré | miedo | paura | medo |
        strach | korku | страх | 恐惧 恐懼 害怕 | 恐怖 恐れ | 공포 두려움 | خوف | भय डर
        """,
    "happy": """
        happiness hap joy joyful | freude fröhlich froehlich glücklich gluecklich | joie joyeux heureux
        heureuse | alegría alegre felicidad feliz | gioia felicità felice | alegria felicidade | blij
        blijdschap vreugde | radość szczęście szczęśliwy | mutlu mutluluk | радость счастье | 高兴 高興 快乐 快樂 开心
        開心 | 喜び | 기쁨 행복 | سعادة فرح | खुशी
        """,
    "neutral": """
        calm neu no_emotion | neutre | neutro neutra | neutrale neutralità | neutraal | neutralny | nötr |
        нейтральный нейтрально нейтральность | 中性 中立 | 중립 | محايد | तटस्थ
        """,
    "sad": """
        sadness | trauer traurig traurigkeit | tristesse triste | tristeza | tristezza | verdriet verdrietig |
        smutek smutny | üzgün üzüntü | грусть грустный печаль | 悲伤 悲傷 伤心 傷心 难过 難過 | 悲しみ | 슬픔 | حزن | दुख
        """,
    "surprise": """
        surprised sur suprise suprised ps pleasant_surprise pleasant_surprised | überraschung überrascht
        ueberraschung ueberrascht | surpris étonnement | sorpresa sorprendido sorpreso | surpresa surpreso |
        verrassing verrast | zaskoczenie zaskoczony | şaşkın şaşkınlık | удивление | 惊讶 驚訝 吃惊 吃驚 | 驚き | 놀람 |
        مفاجأة | आश्चर्य
        """,
}
"""What data sets call our emotions: English and its abbreviations, then languages apart from each other by a bar.

A word stands here only if it can mean nothing else in a list of emotions. Excited is not happy, frustrated is not
angry, contempt is none of ours; "none" may be no emotion or no label; numbers and single letters mean another emotion
in every set. These have no counterpart.
"""


def _key(name: str) -> str:
    """A name without case, accents, the number before it (`03_angry`), and with one kind of space."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("ı", "i")
    return re.sub(r"[\s_-]+", " ", re.sub(r"^\s*\d+\s*[-_. ]+", "", plain)).strip(" \"'.")


ALIASES: Final = {
    _key(word): emotion for emotion in EMOTIONS for word in f"{emotion} {_WORDS[emotion]}".split() if word != "|"
}
"""Names as `_key` makes them, to ours. Callers keep the original name beside the mapped one."""

COLOURS: Final = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "neutral": "#999999",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
}
"""Okabe-Ito colours, safe for colour-blind readers (Okabe & Ito, 2008)."""

ADJECTIVES: Final = {
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}
"""How a sentence says it: "looks surprised"."""

VERBS: Final = {"face": "looks", "voice": "sounds", "text": "reads as"}
"""How a report speaks of a reading: never "is"."""

VALENCE_AROUSAL: Final = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "neutral": (0.00, 0.00),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
}
"""Category coordinates (valence, arousal) in [-1, 1].

Source: Russell & Mehrabian (1977), "Evidence for a three-factor theory of emotions",
Journal of Research in Personality 11, 273-294, table of mean ratings for angry, disgusted,
fearful (terrified), happy, sad and surprised; neutral is the origin by definition.
"""


@lru_cache(maxsize=4096)
def canonical(name: str) -> str | None:
    """The canonical emotion for a data-set name in any case, number or of some twenty languages.

    None when it has no counterpart or might mean something else: such items are left out, by name and count. This
    one function decides for every command.
    """
    key = _key(name)
    return ALIASES.get(key) or ALIASES.get(key.removesuffix("s"))


def no_counterpart(name: str) -> str:
    """Why a label is left out, for notes: that of `canonical` which gave None."""
    if not name.strip():
        return "it has no label"
    if name.strip().isdecimal():
        return f"label {name!r} is a number, which means another emotion in every set; write its name"
    return f"label {name!r} has no counterpart among our seven"
