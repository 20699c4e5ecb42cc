"""Who speaks, through the whole pipeline: two real faces, their voices, and a third one from off screen."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_speech_goes_to_who_says_it(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import speaking
    from mer_batch.config import Options
    from mer_batch.pipeline import analyze

    kind, clip = next(iter(speaking.make("report", shared_data, tmp_path)))
    assert kind == "turns"
    assert {who for _, _, who in clip.truth} == {"left", "right", "off screen"}
    timeline = analyze(clip.path, Options(modalities=("face", "voice"), asr="none", device="cpu"))
    assert [person.name for person in timeline.people if person.name.startswith("Person")] == ["Person 1", "Person 2"]
    found = speaking.shares(speaking.judge(clip, timeline))
    assert found["in view"]["right"] >= 0.9
    assert found["off screen"]["wrong"] <= 0.1
    assert found["off screen"]["right"] >= 0.5
