"""Every encoding that subtitles come in, from one word on."""

import random
import time

import pytest

from mer_batch.plaintext import decode_text

TEXTS = {
    "cp1252": [
        "I don’t hate you, I’m not angry and it isn’t sad.",
        "…",
        "“Quite,” he said – and left.",
        "‘Tis — well",
        "Grüße an alle",
        "Es ist schön, daß Sie da sind.",
        "Ça va très bien, mon ami, à bientôt",
        "ÇA VA ÊTRE DIFFÉRENT",
        "¿Dónde está mañana el niño?",
        "Não sei, mas é bom",
        "È già così",
        "Jag är så lycklig idag, här är det högt",
        "Bjørn er så glad i dag",
        "Ég er svo glaður í dag",
        "café",
        "£5 or €6 each, and it’s 20° today",
    ],
    "cp1250": [
        "Zażółć gęślą jaźń i chodź do domu",
        "Příliš žluťoučký kůň úpěl",
        "Jsem tak šťastný.",
        "Szép jó napot kívánok",
    ],
    "iso8859_2": ["Nie wiem, gdzie się podział mąż. Jestem taka szczęśliwa."],
    "cp1251": ["Я так счастлив сегодня.", "Это приводит меня в ярость.", "Не знаю."],
    "koi8_r": ["Я так счастлив сегодня."],
    "cp866": ["Я так счастлив сегодня."],
    "cp1253": ["Είμαι πολύ χαρούμενος σήμερα."],
    "cp1254": ["Bugün çok mutluyum, teşekkür ederim."],
    "cp1255": ["אני שמח מאוד היום"],
    "cp1256": ["أنا سعيد جدا اليوم"],
    "cp1257": ["Aš esu labai laimingas šiandien, ačiū"],
    "cp874": ["วันนี้ฉันมีความสุขมาก"],
    "gb18030": ["我今天非常高兴", "这让我很生气。", "“好的”", "我哭了一整夜"],
    "big5": ["我今天非常高興", "這讓我很生氣。"],
    "cp932": ["今日はとても嬉しいです。", "こんにちは", "カタカナ", "犬が死んで一晩中泣いた"],
    "euc_jp": ["今日はとても嬉しいです。"],
    "cp949": ["저는 오늘 정말 행복해요.", "내 개가 죽었어"],
}
CASES = [(encoding, text) for encoding, texts in TEXTS.items() for text in texts]


def captions(text: str) -> str:
    return f"1\r\n00:00:01,000 --> 00:00:03,000\r\n{text}\r\n\r\n2\r\n00:00:05,000 --> 00:00:07,000\r\nWell.\r\n"


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_a_few_words_tell_their_code_page(encoding: str, text: str) -> None:
    found = decode_text(captions(text).encode(encoding))
    assert found.text == captions(text)
    assert found.assumed is not None
    assert "since it is not UTF-8" in found.assumed


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", text) for text in TEXTS["cp1252"]])
def test_one_language_at_length_too(encoding: str, text: str) -> None:
    assert decode_text(captions(f"{text}\r\n" * 50).encode(encoding)).text == captions(f"{text}\r\n" * 50)


@pytest.mark.parametrize("text", ["Grüße", "我今天非常高兴", "x" * 5000, "Я", "🎬 don’t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_unicode_with_and_without_a_mark(encoding: str, text: str) -> None:
    found = decode_text(captions(text).encode(encoding))
    assert found.text == captions(text)
    assert (found.assumed is None) == (not encoding.endswith("e"))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp1251", "gb18030", "cp932", "utf-16"])
def test_one_bad_byte_costs_one_character(encoding: str) -> None:
    text = captions("\r\n".join(TEXTS.get(encoding, ["Grüße, ça va, naïve café"])))
    raw = text.encode(encoding)
    bad = {"cp1252": b"\x81", "cp1251": b"\x98", "utf-16": "\ud800".encode("utf-16-le", "surrogatepass")}
    place = raw.index("Well".encode(encoding)[-8:])
    found = decode_text(raw[:place] + bad.get(encoding, b"\xff") + raw[place:])
    assert found.text.replace("\ufffd", "") == text
    assert found.text.count("\ufffd") == 1
    assert "; 1 character could not be read" in (found.assumed or "")


def test_a_bad_byte_alone_changes_nothing_else() -> None:
    found = decode_text(captions("I can_t go").encode().replace(b"_", b"\x81"))
    assert found.text == captions("I can\ufffdt go")


def test_a_file_cut_off_within_a_character_is_utf8() -> None:
    raw = captions("Grüße, ça va, ein schöner Tag").encode()
    found = decode_text(raw + "ü".encode()[:1])
    assert found.text.startswith(captions("Grüße, ça va, ein schöner Tag"))


def test_zeros_at_the_end_are_no_utf16() -> None:
    assert decode_text(captions("Grüße").encode() + bytes(4096)).text == captions("Grüße")


def test_any_bytes_give_a_text_in_time() -> None:
    rng = random.Random(7)
    began = time.process_time()
    for size in (0, 1, 2, 3, 5, 50, 1000, 100_000):
        for _ in range(5 if size < 1_000 else 1):
            decode_text(rng.randbytes(size))
            decode_text(bytes(rng.choices(range(128, 256), k=size)))
    assert time.process_time() - began < 10
