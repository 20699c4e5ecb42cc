"""What the languages of a code page look like, for telling code pages apart in a few words of text.

Letters beyond ASCII, lower case, the commoner first: all of an alphabet, else those that make up most of a usual text.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Script(NamedTuple):
    """A language, or several that look alike.

    `pages` are the code pages that it comes in, the likelier first. `ascii` is the share of ASCII in its texts,
    `common` the share of `letters` in the rest, and `others` about how many more letters it has.
    """

    pages: tuple[str, ...]
    letters: str
    ascii: float
    common: float
    others: int


_WEST: Final = ("cp1252", "iso8859_15", "mac_roman", "cp850")
_EAST: Final = ("cp1250", "iso8859_2", "cp852")
_BALTIC: Final = ("cp1257", "iso8859_13")
_LATIN: Final = (
    (_WEST, "éèàçêâîôûëïùœæüÿ"),
    (_WEST, "äöüß"),
    (_WEST, "áéíóúñü"),
    (_WEST, "áâãàçéêíóôõú"),
    (_WEST, "àèéìîòù"),
    (_WEST, "åäöé"),
    (_WEST, "æøåéôó"),
    (_WEST, "áðéíóúýþæö"),
    (_WEST, "éëïöüèóá"),
    (_EAST, "ąćęłńóśźż"),
    (_EAST, "áčďéěíňóřšťúůýž"),
    (_EAST, "áäčďéíĺľňóôŕšťúýž"),
    (_EAST, "áéíóöőúüű"),
    (_EAST, "čćđšž"),
    (_EAST, "ăâîşţșț"),
    (("cp1254", "iso8859_9"), "çğıöşüâîû"),
    (_BALTIC, "ąčęėįšųūž"),
    (_BALTIC, "āčēģīķļņšūž"),
    (_BALTIC, "äõöüšž"),
)
_SIMPLIFIED: Final = (
    "的一是不了人我在有他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里好没什么"
    "吗很想知道看天去现今让都高兴气她它谢爱"
)
_TRADITIONAL: Final = (
    "的一是不了人我在有他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡好沒什麼"
    "嗎很想知道看天去現今讓都高興氣她它謝愛"
)
_KANA: Final = (
    "あいうえおかがきくけこさしすせそただちってでとどなにねのはばひふへほまみむめもやよらりるれろわをん"
    "アイウエオカキクケコサシスセタチッテトナニネノハヒフマミムメモヤラリルレロンー"
)
_HANGUL: Final = (
    "이다는을가고에하지의로나어사리은를도기그한있아해서자시일니안너내게들수인주제정것오요야말거네라만보여까우무세습대"
)

SCRIPTS: Final = (
    *(Script(pages, letters, 0.9, 0.97, 100) for pages, letters in _LATIN),
    Script(
        ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic"),
        "оеаинтсрвлкмдпуяызьбгчйхжшюцщіэфъїєґ",
        0.3,
        0.98,
        10,
    ),
    Script(("cp1253", "iso8859_7"), "αοιετσνηυρκπλμςγδωθχφβξζψ", 0.3, 0.98, 10),
    Script(("cp1255",), "יוהלאתרשבמםנחדקעפטכגסזןךףצץ", 0.3, 0.98, 10),
    Script(("cp1256", "iso8859_6"), "اليمنرتوبدعسفهكقحةجشطصخأىضذثزغظئءإ", 0.3, 0.98, 15),
    Script(("cp874",), "านรกอมเลว่ตสง้ทยิีัปดคบหุพไชโขจ", 0.2, 0.9, 40),
    Script(("gb18030",), _SIMPLIFIED, 0.2, 0.5, 3000),
    Script(("big5hkscs",), _TRADITIONAL, 0.2, 0.5, 3000),
    Script(("cp932", "euc_jp"), _KANA, 0.2, 0.6, 2000),
    Script(("cp949",), _HANGUL, 0.3, 0.6, 800),
)

_PRIORS: Final = (
    (5.0, ("cp1252",)),
    (4.0, ("cp1251", "gb18030", "cp932")),
    (3.0, ("cp1250", "cp949", "big5hkscs")),
    (2.0, ("cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874")),
    (-5.0, ("mac_roman", "cp850", "cp852")),
)
COMMON_PAGES: Final = {page: prior for prior, pages in _PRIORS for page in pages}
"""How common a code page is, as a logarithm; it decides where a text is too short to."""
