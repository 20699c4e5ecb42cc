"""What plays the media, and where it is linked."""

from __future__ import annotations

import base64
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from mer_batch.errors import InputError
from mer_batch.media.binary import ffmpeg_path
from mer_batch.media.probe import probe
from mer_batch.report.player import convert_command, player_for, relative_url
from mer_batch.types import AudioStream
from timelines import make_media

NASTY = "-a b'c\"<d>#e?f%g&h;javascript:x.mp4"


@pytest.mark.parametrize("name", ["clip.mp4", NASTY, "javascript:alert(1).mp4", "http:clip.mp4", "dä ß 漢.mp4"])
@pytest.mark.parametrize("folder", ["", "clips", "../up & away"])
def test_relative_url_leads_a_browser_back_to_the_file(tmp_path, folder, name):
    page = tmp_path / "reports" / "report.html"
    clip = page.parent / folder / name
    url = relative_url(clip, page)
    assert not urlsplit(url).scheme
    assert not set(url) & set("\"'<> #?&\\")
    assert (
        Path(unquote(urlsplit(urljoin(page.as_uri(), url)).path)) == Path(tmp_path, "reports", folder, name).resolve()
    )


def test_undecodable_names_are_linked_byte_for_byte(tmp_path):
    assert relative_url(tmp_path / "caf\udce9.mp4", tmp_path / "r.html") == "caf%E9.mp4"


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"some bytes")
    return replace(make_media(), path=path)


def test_a_playable_file_is_linked(clip):
    player = player_for(clip, clip.path.with_name("r.html"), embed=False, hidden=False)
    assert (player.kind, player.source) == ("video", "clip.mp4")
    assert (player.width, player.height) == (1280, 720)
    assert player.reason == ""


def test_embedding_holds_the_bytes_and_the_type(clip):
    source = player_for(clip, clip.path.with_name("r.html"), embed=True, hidden=False).source
    head, data = source.split(",")
    assert head == "data:video/mp4;base64"
    assert base64.b64decode(data) == b"some bytes"


def test_sound_gets_its_own_type(clip):
    path = clip.path.with_suffix(".wav")
    path.write_bytes(b"")
    sound = replace(clip, path=path, video=None, audio=(AudioStream(0, "pcm_s16le", 8000, 1, None, 0.0, 1.0),))
    player = player_for(sound, path.with_name("r.html"), embed=False, hidden=False)
    assert (player.kind, player.source) == ("audio", "clip.wav")


@pytest.mark.parametrize(("suffix", "codec"), [(".avi", "mpeg4"), (".mp4", "hevc"), (".mkv", "h264")])
def test_what_browsers_cannot_play_gets_a_command(clip, suffix, codec):
    path = clip.path.with_suffix(suffix)
    path.write_bytes(b"")
    media = replace(clip, path=path, video=replace(clip.video, codec=codec))
    player = player_for(media, path.with_name("r.html"), embed=True, hidden=False)
    assert player.source is None
    assert codec in player.reason
    assert player.command.startswith("ffmpeg -i file:clip")


def test_a_missing_file_is_a_sentence_or_an_error(tmp_path):
    page = tmp_path / "r.html"
    assert "not found" in player_for(make_media(), page, embed=False, hidden=False).reason
    with pytest.raises(InputError, match="--embed-media"):
        player_for(make_media(), page, embed=True, hidden=False)


def test_redaction_neither_links_nor_embeds(clip):
    player = player_for(clip, clip.path.with_name("r.html"), embed=True, hidden=True)
    assert player.source is None
    assert "--redact" in player.reason


def test_the_command_works_in_a_shell_for_a_nasty_name(tmp_path):
    source = tmp_path / NASTY.replace(".mp4", ".avi")
    make = [
        ffmpeg_path(),
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x48:r=5:d=0.4",
        "-c:v",
        "mpeg4",
        f"file:{source}",
    ]
    subprocess.run(make, check=True)
    media = probe(source)
    command = convert_command(media)
    words = shlex.split(command)
    assert words[0] == "ffmpeg"
    subprocess.run([ffmpeg_path(), "-v", "error", *words[1:]], check=True, cwd=tmp_path)
    converted = probe(source.with_name(source.stem + ".browser.mp4"))
    assert player_for(converted, tmp_path / "r.html", embed=False, hidden=False).source


def test_recordings_joined_in_one_file_are_converted_one_after_the_other(tmp_path):
    piece = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=2", "-c:v", "libx264"]
    subprocess.run([*piece, str(tmp_path / "a.mp4")], check=True)
    source = tmp_path / "joined it.mp4"
    source.write_bytes((tmp_path / "a.mp4").read_bytes() * 2)
    media = probe(source)
    player = player_for(media, tmp_path / "r.html", embed=False, hidden=False)
    assert player.source is None
    assert "only the first of the recordings" in player.reason
    words = shlex.split(player.command)
    subprocess.run([ffmpeg_path(), "-v", "error", *words[1:]], check=True, cwd=tmp_path)
    assert probe(tmp_path / "joined it.browser.mp4").duration == pytest.approx(media.duration, abs=0.1)
    assert media.duration == pytest.approx(4)
