"""Who speaks, from mouths whose motion is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_batch.face.mouth import MouthTrack
from mer_batch.fusion.speaking import Turn, find_turns, handovers
from mer_batch.types import Person

PATIENT = settings(deadline=None, database=None, max_examples=50)
EDGE = 0.35  # seconds by which a turn may be off: as far as motion is looked at


def _mouth(
    *stretches: tuple[float, float], until: float = 9.0, speed: float = 0.1, drift: float = 0.03, rest: float = 0.01
) -> MouthTrack:
    """Ten readings a second that move in some stretches; syllables come and go."""
    times = np.arange(0.05, until, 0.1)
    speeds, drifts = np.full(len(times), 0.025), np.full(len(times), 0.015)
    for start, end in stretches:
        inside = (times >= start) & (times < end)
        speeds[inside] = speed * (0.6 + 0.8 * np.abs(np.sin(7 * times[inside])))
        drifts[inside] = drift
    return MouthTrack(times, speeds, drifts, np.full(len(times), rest))


def _people(*names: str, until: float = 9.0) -> list[Person]:
    return [Person(name, ((0.0, until),)) for name in names]


def _who(turns: Sequence[Turn], time: float) -> tuple[str | None, bool]:
    (turn,) = (turn for turn in turns if turn.start <= time < turn.end)
    return turn.person, turn.decided


def test_the_word_goes_to_the_mouth_that_moves() -> None:
    mouths = {"A": _mouth((0, 3)), "B": _mouth((3, 6))}
    turns = find_turns(mouths, _people("A", "B"), [(0.0, 9.0)])
    known = [turn for turn in turns if turn.decided]
    assert [turn.person for turn in known] == ["A", "B", None]
    (first, second) = handovers(turns)
    assert first == pytest.approx(3.0, abs=EDGE)
    assert second == pytest.approx(6.0, abs=EDGE)


def test_nobody_moves_while_somebody_speaks() -> None:
    assert _who(find_turns({"A": _mouth()}, _people("A"), [(1.0, 4.0)]), 2.0) == (None, True)
    both = {"A": _mouth(), "B": _mouth()}
    assert _who(find_turns(both, _people("A", "B"), [(1.0, 4.0)]), 2.0) == (None, True)


def test_two_mouths_that_move_alike_are_undecided() -> None:
    turns = find_turns({"A": _mouth((0, 9)), "B": _mouth((0, 9))}, _people("A", "B"), [(0.0, 9.0)])
    assert not any(turn.decided for turn in turns)


@pytest.mark.parametrize(
    "mouths",
    [{}, {"A": _mouth((0, 9), speed=0.05, drift=0.015, rest=0.03)}],
    ids=["not seen", "within the noise"],
)
def test_what_mouths_do_not_tell_stays_undecided(mouths: dict[str, MouthTrack]) -> None:
    assert find_turns(mouths, _people("A"), [(0.0, 5.0)]) == (Turn(0.0, 5.0, None, False),)


def test_a_picture_of_somebody_is_no_silent_listener() -> None:
    times = np.arange(0.05, 5.0, 0.1)
    still = MouthTrack(times, np.full(len(times), 1e-3), np.full(len(times), 5e-4), np.full(len(times), 1e-3))
    assert find_turns({"A": still}, _people("A"), [(0.0, 5.0)]) == (Turn(0.0, 5.0, None, False),)


def test_a_smile_is_not_speech() -> None:
    """A mouth that moves fast, but one way, against one that speaks and against a voice from off screen."""
    smiles = _mouth((0, 9), speed=0.15, drift=0.19)
    assert _who(find_turns({"A": smiles}, _people("A"), [(1.0, 4.0)]), 2.0) == (None, True)
    both = {"A": smiles, "B": _mouth((0, 9), speed=0.08)}
    assert _who(find_turns(both, _people("A", "B"), [(1.0, 4.0)]), 2.0) == ("B", True)


def test_somebody_whose_mouth_cannot_be_read_may_be_the_speaker() -> None:
    turns = find_turns({"A": _mouth()}, _people("A", "B"), [(0.0, 5.0)])
    assert not any(turn.decided for turn in turns)


def test_a_glance_is_too_little_to_call_speech_off_screen() -> None:
    turns = find_turns({"A": _mouth()}, _people("A"), [(1.0, 1.1)])
    assert not any(turn.decided for turn in turns)


def test_who_is_not_in_view_does_not_speak() -> None:
    people = [Person("A", ((0.0, 3.0),)), Person("B", ((3.0, 9.0),))]
    mouths = {"A": _mouth((0, 9)), "B": _mouth((0, 9))}
    turns = find_turns(mouths, people, [(0.0, 6.0)], cuts=[3.0])
    assert [(turn.start, turn.end, turn.person) for turn in turns] == [(0.0, 3.0, "A"), (3.0, 6.0, "B")]
    assert handovers(turns) == (3.0,)
    assert find_turns(mouths, people, [(9.5, 10.0)]) == (Turn(9.5, 10.0, None, False),)


def test_a_pause_of_the_speaker_is_no_handover() -> None:
    turns = find_turns({"A": _mouth((0, 2), (2.5, 5)), "B": _mouth()}, _people("A", "B"), [(0.0, 5.0)])
    assert handovers(turns) == ()
    assert {turn.person for turn in turns if turn.decided} == {"A"}


@PATIENT
@given(
    st.lists(st.floats(0, 60), min_size=2, max_size=8, unique=True),
    st.lists(st.floats(0, 60), max_size=4),
    st.integers(0, 3),
)
def test_turns_tile_the_speech(edges: list[float], cuts: list[float], count: int) -> None:
    times = sorted(edges)
    speech = list(zip(times[::2], times[1::2], strict=False))
    names = ["A", "B", "C"][:count]
    turns = find_turns({name: _mouth((0, 30)) for name in names}, _people(*names, until=40.0), speech, cuts)
    covered = [(turn.start, turn.end) for turn in turns]
    assert sum(end - start for start, end in covered) == pytest.approx(sum(end - start for start, end in speech))
    assert all(any(a - 1e-9 <= start and end <= b + 1e-9 for a, b in speech) for start, end in covered)
    assert covered == sorted(covered)
