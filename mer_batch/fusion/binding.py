"""Everything that faces, voice and words gave, put to the people that it belongs to, under their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mer_batch.fusion.align import SPEAKER, bind_observations, bind_utterances
from mer_batch.fusion.named import by_name, heard, only_speaker
from mer_batch.fusion.naming import Naming, name_people
from mer_batch.fusion.speaking import Turn
from mer_batch.fusion.voices import Known, know_voices
from mer_batch.people.voices import VoiceTurn
from mer_batch.types import Gap, Observation, Person, Utterance


@dataclass(frozen=True, slots=True)
class Bound:
    """`in_view` are the people with a face, `people` they and those only heard, known by name or by voice."""

    in_view: tuple[Person, ...]
    people: tuple[Person, ...]
    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...]
    utterances: tuple[Utterance, ...]
    naming: Naming
    known: Known


def bind(
    observations: Sequence[Observation],
    gaps: Sequence[Gap],
    utterances: Sequence[Utterance],
    *,
    people: Sequence[Person],
    has_faces: bool,
    turns: Sequence[Turn],
    voices: Sequence[VoiceTurn] = (),
) -> Bound:
    """Join speakers named by the words with people in view (`naming`), and voices with both (`voices`), then bind.

    `people` are those that the faces gave, `turns` (sorted) who speaks by their mouths, `voices` (sorted) which voice
    is heard; names in `utterances` and
    in observations of words are in one spelling (`named.one_spelling`).
    """
    naming = name_people(utterances, people, turns) if has_faces else Naming()
    in_view = naming.people(people)
    known = know_voices(naming.turns(turns), voices, in_view, utterances, has_faces)
    spoken = by_name(known.turns, utterances)
    rest = only_speaker(utterances, SPEAKER)
    return Bound(
        in_view=in_view,
        people=(*in_view, *heard(utterances, in_view), *known.people),
        observations=bind_observations(naming.observations(observations), in_view, has_faces, spoken, rest),
        gaps=naming.gaps(gaps),
        utterances=bind_utterances(utterances, in_view, has_faces, spoken, rest),
        naming=naming,
        known=known,
    )
