"""WebVTT captions and the Parquet table."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from mer_batch.errors import UsageError
from mer_batch.labels import EMOTIONS
from mer_batch.report.captions import write_vtt
from mer_batch.report.tables import write_parquet
from mer_batch.types import Utterance
from timelines import make_timeline


def test_captions_hold_words_speakers_and_readings(tmp_path):
    out = tmp_path / "captions.vtt"
    write_vtt(make_timeline(), out)
    text = out.read_text(encoding="utf-8")
    blocks = text.rstrip("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    assert blocks[1].startswith("STYLE\n::cue(.angry) { color: #D55E00 }")
    assert blocks[3] == (
        "00:00:08.400 --> 00:00:09.800\n<v Person 1>That was actually really good! <c.happy>[reads as happy]</c>"
    )
    assert "&lt;not once&gt; &amp; you know it." in text
    assert len(blocks) == 2 + 7


def test_captions_survive_hostile_text(tmp_path):
    said = (
        Utterance(3700.0, 3700.0, "a\n\n00:00 --> 00:01\nb <v x>", person="<b>\n-->"),
        Utterance(0.0, 1.0, "\ud800 first"),
    )
    out = tmp_path / "c.vtt"
    write_vtt(replace(make_timeline(), utterances=said, observations=()), out)
    blocks = out.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    assert blocks[2] == "00:00:00.000 --> 00:00:01.000\n? first"
    assert blocks[3] == "01:01:40.000 --> 01:01:40.001\n<v &lt;b&gt; --&gt;>a 00:00 --&gt; 00:01 b &lt;v x&gt;"
    assert len(re.findall(" --> ", "\n".join(blocks))) == 2


def test_parquet_holds_every_segment_with_units(tmp_path):
    timeline = make_timeline()
    out = tmp_path / "t.parquet"
    write_parquet(timeline, out)
    table = pq.read_table(out)
    assert table.num_rows == len(timeline.segments)
    assert table.schema.field("start").metadata == {b"unit": b"s"}
    assert table.schema.field("happy").metadata == {b"unit": b"probability"}
    assert table.schema.metadata[b"media_sha256"].decode() == timeline.media.sha256
    rows = table.to_pylist()
    for row, segment in zip(rows, timeline.segments, strict=True):
        assert (row["start"], row["person"], row["label"]) == (segment.start, segment.person, segment.label)
        if segment.probabilities is None:
            assert row["happy"] is row["happy_spread"] is row["confidence"] is None
        else:
            assert [row[name] for name in EMOTIONS] == pytest.approx(list(segment.probabilities), abs=1e-6)
    assert any(row["confidence"] is None for row in rows)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        write_vtt(make_timeline(), tmp_path / "file" / "c.vtt")
