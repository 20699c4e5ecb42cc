"""Figures and the words of the page."""

from __future__ import annotations

import plotly.graph_objects as go
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


def test_heat_map_is_valid_and_normalised_by_row():
    figure = Matrix(COUNTS, "label", "reading", unit="items").figure()
    drawn = go.Figure({"data": figure["data"], "layout": figure["layout"]})
    assert list(drawn.data[0].x) == list(EMOTIONS)
    assert drawn.data[0].z[0][:2] == pytest.approx((0.8, 0.2))
    assert sum(drawn.data[0].z[6]) == 0
    assert list(drawn.data[0].text[0][:3]) == ["80", "20", ""]
    assert "8 items, 80 % of the row" in drawn.data[0].hovertext[0][0]
    assert drawn.layout.yaxis.autorange == "reversed"


def test_matrix_table_has_the_counts():
    table = Matrix(COUNTS, "label", "reading").table("x")
    name, cells = table["rows"][0]
    assert (name, cells[0].text, cells[0].share, cells[1].share) == ("angry", "8", 80, 20)


def test_path_is_thinned_and_broken_at_gaps():
    times = [float(t) for t in range(400)] + [float(t) for t in range(600, 700)]
    figure = valence_arousal(times, [0.5] * 500, [-0.1] * 500)
    drawn = go.Figure({"data": figure["data"], "layout": figure["layout"]})
    x = list(drawn.data[0].x)
    assert x.count(None) == 1
    assert len(x) < 70
    assert {value for value in x if value is not None} == {0.5}
    assert len(drawn.data[0].hovertext) == len(x)


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
