"""Figures and the words of the page."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mer_batch.labels import EMOTIONS
from mer_batch.report.charts import Matrix, valence_arousal
from mer_batch.report.confusion import _worst
from mer_batch.report.coverage import covered
from mer_batch.types import Interval
from mer_batch.wording import clock, image_uri, interval_text, listed, percent, printable, signed

COUNTS = [[8 if row == column else 0 for column in range(7)] for row in range(7)]
COUNTS[0][1] = 2
COUNTS[6] = [0] * 7


def parsed(svg):
    """The texts and titles of a picture that is well-formed XML."""
    root = ElementTree.fromstring(f"<div>{svg}</div>")
    return root, [node.text for node in root.iter("text")], [node.text for node in root.iter("title")]


def test_heat_map_is_valid_and_normalised_by_row():
    _, texts, titles = parsed(Matrix(COUNTS, "label", "reading", unit="items").svg())
    assert [name for name in EMOTIONS if texts.count(name) == 2] == list(EMOTIONS)
    assert texts[texts.index("n") + 1 : texts.index("n") + 5] == ["angry", "80", "20", "10"]
    assert "label angry, reading angry: 8 items" in titles
    assert texts[-2] == "0"  # n of the row without counts, before the corner


def test_few_counts_are_pale_and_the_diagonal_can_be_left_out():
    counts = [[0] * 7 for _ in range(7)]
    counts[0] = [90, 8, 2, 0, 0, 0, 0]
    stays = Matrix(counts, "from", "to", diagonal=False)
    assert stays.shares()[0] == pytest.approx([0, 0.8, 0.2, 0, 0, 0, 0])
    root, texts, _ = parsed(stays.svg())
    assert "90" not in texts
    assert "10" in texts
    assert [node.text for node in root.iter("text") if "pale" in node.get("class", "")] == ["20"]


def test_matrix_table_has_the_counts():
    table = Matrix(COUNTS, "label", "reading").table("x")
    name, cells = table["rows"][0]
    assert (name, cells[0].text, cells[0].share, cells[1].share) == ("angry", "8", 80, 20)


def rows_of(svg):
    return parsed(svg)[0].find("svg").get("data-rows").split(";")


def test_path_is_thinned_and_broken_at_gaps():
    times = [float(t) for t in range(400)] + [float(t) for t in range(600, 700)]
    rows = rows_of(valence_arousal(times, [0.5] * 500, [-0.1] * 500))
    assert rows.count("") == 1
    assert len(rows) < 70
    assert {row.split(",")[1] for row in rows if row} == {"0.500"}


def test_a_long_path_with_many_gaps_stays_small():
    times = [t for start in range(0, 7200, 10) for t in (start, start + 0.5, start + 1)]
    rows = rows_of(valence_arousal(times, [0.1] * len(times), [0.2] * len(times)))
    assert len(rows) < 130


def test_worst_confusions_in_words():
    assert _worst(COUNTS) == "20 % of what is labelled angry reads as disgust"
    assert _worst([[1 if r == c else 0 for c in range(7)] for r in range(7)]) == "no confusion at all"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.0"), (59.96, "1:00.0"), (42.64, "0:42.6"), (3599.99, "1:00:00.0"), (3661.5, "1:01:01.5")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_shares_and_numbers():
    assert [percent(x) for x in (0, 0.001, 0.61, 0.999, 1)] == ["0 %", "< 1 %", "61 %", "> 99 %", "100 %"]
    assert interval_text(Interval(0.61, 0.54, 0.68)) == "61 % (54 to 68 %)"
    assert interval_text(Interval(0.61, None, None)) == "61 % (too short for an interval)"
    assert [signed(x) for x in (-0.001, -0.25, 0.5)] == ["0.00", "−0.25", "0.50"]
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_only_base64_becomes_a_picture():
    assert image_uri("abcd+/==") == "data:image/jpeg;base64,abcd+/=="
    assert image_uri('" onerror="x') is None
    assert image_uri(None) is None


def test_unprintable_text_is_replaced():
    assert printable("a\udce9\0b") == "a?\N{REPLACEMENT CHARACTER}b"


def test_covered_counts_overlaps_once():
    assert covered([(5, 6), (0, 2), (1, 3)]) == 4
