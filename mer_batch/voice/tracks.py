"""Which audio tracks hold speech, for a file whose chosen track holds none."""

from __future__ import annotations

from contextlib import closing

from mer_batch.errors import InputError
from mer_batch.media import audio_track, read_audio
from mer_batch.types import Media
from mer_batch.voice.activity import SpeechDetector


def speech_elsewhere(media: Media, start: float, end: float | None) -> str | None:
    """One sentence that names the tracks with speech in [start, end) beside the default, else None."""
    default = audio_track(media)
    others = [number for number in range(len(media.audio)) if number != default]
    speaking = [number for number in others if _speaks(media, number, start, end)]
    if not speaking:
        return None
    names = ", ".join(f"{number} ({media.audio[number].language or 'no language'})" for number in speaking)
    have = f"tracks {names} have" if len(speaking) > 1 else f"track {names} has"
    return f"audio track {default} has no speech, {have}: --audio-track {speaking[0]} reads it"


def _speaks(media: Media, track: int, start: float, end: float | None) -> bool:
    detector = SpeechDetector()
    try:
        with closing(read_audio(media, start, end, track, block=10.0)) as blocks:
            for _, samples in blocks:
                detector.feed(samples)
                if detector.regions.closed:
                    return True
    except InputError:
        return False
    detector.finish()
    return bool(detector.regions.closed)
