"""The only code that reads media: probe, frames, audio, subtitles. Libraries load when a function is called."""

from mer_batch.media.audio import audio_track, load_audio, read_audio
from mer_batch.media.binary import ffmpeg_path
from mer_batch.media.frames import grab_frame, grab_frames, read_frames
from mer_batch.media.probe import probe
from mer_batch.media.subtitles import read_subtitles
from mer_batch.media.transcripts import parse_transcript

__all__ = [
    "audio_track",
    "ffmpeg_path",
    "grab_frame",
    "grab_frames",
    "load_audio",
    "parse_transcript",
    "probe",
    "read_audio",
    "read_frames",
    "read_subtitles",
]
