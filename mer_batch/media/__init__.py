"""The only code that reads media: probe, frames, audio, subtitles. Libraries load when a function is called."""

from mer_batch.media.audio import audio_track, load_audio, read_audio
from mer_batch.media.binary import ffmpeg_path
from mer_batch.media.captions.utterances import Written
from mer_batch.media.clips import read_clip
from mer_batch.media.frames import grab_frame, grab_frames, read_frames
from mer_batch.media.probe import probe
from mer_batch.media.subtitle_tracks import tracks_in_order
from mer_batch.media.subtitles import read_subtitles
from mer_batch.media.transcripts import parse_transcript

__all__ = [
    "Written",
    "audio_track",
    "ffmpeg_path",
    "grab_frame",
    "grab_frames",
    "load_audio",
    "parse_transcript",
    "probe",
    "read_audio",
    "read_clip",
    "read_frames",
    "read_subtitles",
    "tracks_in_order",
]
