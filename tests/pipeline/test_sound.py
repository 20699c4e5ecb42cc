"""Readings of the voice stand for one person each."""

from __future__ import annotations

import numpy as np
import pytest

from mer_batch.people.voices import VoiceTurn
from mer_batch.pipeline.sound import by_voice
from mer_batch.voice.read import read_voice
from mer_batch.voice.retile import CROWDED
from sounds import Recorder, blocks, hiss, loud_is_speech, silence

__all__ = ["loud_is_speech"]


@pytest.mark.usefixtures("loud_is_speech")
def test_no_reading_crosses_a_handover_that_mouths_show_where_two_voices_are_taken_for_one() -> None:
    sound = blocks(np.concatenate([silence(1), hiss(9), silence(1), hiss(3), silence(1)]))
    readings = read_voice(sound, Recorder(), breaks=(4.0, 6.0))
    spans = [(1, 4), (4, 6), (6, 10)]
    voices = [*(VoiceTurn(start, end, 0) for start, end in spans), VoiceTurn(11, 14, 1)]
    found, gaps = by_voice(readings, voices, (4.0, 6.0, 8.0))  # the last one was not known when the sound was heard
    for change in (4.0, 6.0, 8.0):
        assert not [o for o in found if o.start < change - 1e-6 and o.end > change + 1e-6]
    assert sum(o.end - o.start for o in found) == pytest.approx(12, abs=0.4)
    assert not [o for o in found if o.end <= 6.0 and CROWDED in o.flags]
    assert len(gaps) == len(readings.gaps)
