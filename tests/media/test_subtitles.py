from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import clips
from mer_batch.errors import UsageError
from mer_batch.media import probe, read_subtitles, tracks_in_order
from mer_batch.types import Media, SubtitleStream
from written import lines, said

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i> there,
friend.

2
00:00:03,000 --> 00:00:04,000
{\\an8}How are you?
"""


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    path = tmp_path / "words.srt"
    path.write_text(SRT)
    return path


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "mov_text"), ("mkv", "srt"), ("mkv", "ass"), ("mkv", "webvtt"), ("mov", "mov_text")]
)
def test_text_streams(tmp_path: Path, captions: Path, clock_clip: Path, suffix: str, codec: str) -> None:
    inputs = ("-i", f"{clock_clip}", "-i", f"{captions}", "-c:v", "copy", "-c:s", codec)
    media = probe(clips.make(tmp_path / f"a.{suffix}", *inputs, "-metadata:s:s", "language=eng"))
    assert len(media.subtitles) == 1
    found = read_subtitles(media)
    assert said(found) == ["Hello there, friend.", "How are you?"]
    assert [(cue.start, cue.end) for cue in found.utterances] == [(1.0, 2.5), (3.0, 4.0)]
    assert {(cue.language, cue.source) for cue in found.utterances} == {("eng", "subtitles")}
    assert found.notices == ()


def test_same_clock_as_the_pictures(tmp_path: Path, captions: Path, clock_clip: Path) -> None:
    source = clips.make(tmp_path / "a.mkv", "-i", f"{clock_clip}", "-i", f"{captions}", "-c:v", "copy")
    media = probe(clips.make(tmp_path / "b.mkv", "-itsoffset", "50", "-i", f"{source}", "-c", "copy"))
    assert media.origin == pytest.approx(50, abs=0.05)
    assert [cue.start for cue in read_subtitles(media).utterances] == pytest.approx([1.0, 3.0], abs=0.002)


def one_stream(folder: Path, clip: Path, text: str, name: str, codec: str = "copy", suffix: str = "mkv") -> Media:
    (folder / name).write_text(text)
    inputs = ("-i", f"{clip}", "-i", f"{folder / name}", "-c:v", "copy", "-c:s", codec)
    return probe(clips.make(folder / f"out.{suffix}", *inputs))


def test_a_packet_of_zeros_costs_itself(tmp_path: Path, clock_clip: Path) -> None:
    media = one_stream(tmp_path, clock_clip, lines("1|A|It is so.||2|B|lost lost lost lost lost"), "a.srt")
    raw = media.path.read_bytes()
    media.path.write_bytes(raw.replace(b"lost lost lost lost lost", bytes([0, 30] * 12)))
    assert said(read_subtitles(media))[0] == "It is so."


def test_what_is_no_markup_stays(tmp_path: Path, clock_clip: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nI <3 you and 5 > 4 {they} say.\n"
    assert said(read_subtitles(one_stream(tmp_path, clock_clip, text, "a.srt"))) == ["I <3 you and 5 > 4 {they} say."]


def test_names_and_rolling_lines_inside_a_file(tmp_path: Path, clock_clip: Path) -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>It&#39;s so good</v>\n<v Ben>No.</v>\n\n"
        "00:04.000 --> 00:05.000\nwe are all here\n\n00:05.000 --> 00:05.010\nwe are all here\n \n\n"
        "00:05.010 --> 00:06.000\nwe are all here\nand there\n\n00:06.000 --> 00:07.000\nand there\nat last\n"
    )
    found = read_subtitles(one_stream(tmp_path, clock_clip, text, "a.vtt"))
    assert [(one.person, one.text) for one in found.utterances] == [
        ("Anna", "It's so good"),
        ("Ben", "No."),
        (None, "we are all here"),
        (None, "and there"),
        (None, "at last"),
    ]


def test_the_name_field_of_substation_alpha_says_who_speaks(tmp_path: Path, clock_clip: Path) -> None:
    text = (
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,Anna,0,0,0,,{\\i1}Yes{\\i0},\\Nso\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}\n"
    )
    found = read_subtitles(one_stream(tmp_path, clock_clip, text, "a.ass"))
    assert [(one.person, one.text) for one in found.utterances] == [("Anna", "Yes, so")]


def test_words_that_are_not_utf8(tmp_path: Path, clock_clip: Path) -> None:
    media = one_stream(tmp_path, clock_clip, "1\n00:00:01,000 --> 00:00:02,000\nIt_s so_\n", "a.srt")
    raw = media.path.read_bytes()
    media.path.write_bytes(raw.replace(b"It_s so_", b"It\x92s so\x85"))
    found = read_subtitles(media)
    assert said(found) == ["It’s so…"]
    assert "Windows-1252" in found.notices[0]


TRACKS = {  # words, language, uses, title
    "A sign.": ("eng", "default+forced", ""),
    "When we shot this.": ("eng", "comment", "With the director"),
    "": ("eng", "default", ""),
    "Words.": ("eng", "0", ""),
    "Worte.": ("ger", "0", ""),
    "[door] Words.": ("eng", "hearing_impaired", "English SDH"),
}


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """A file of 4 s with silence and the subtitle streams of `TRACKS`; the third is empty."""
    folder = tmp_path_factory.mktemp("tracks")
    inputs, options = [*clips.silence(4)], ["-map", "0:a", "-c:s", "copy"]
    for number, (words, (language, uses, title)) in enumerate(TRACKS.items()):
        path = folder / f"{number}.{'srt' if words else 'ass'}"
        path.write_text(lines(f"1|A|{words}") if words else "[Script Info]\n[Events]\nFormat: Start, End, Text\n")
        inputs += ["-i", f"{path}"]
        options += ["-map", f"{number + 1}:s", f"-disposition:s:{number}", uses]
        options += [f"-metadata:s:s:{number}", f"language={language}", f"-metadata:s:s:{number}", f"title={title}"]
    return probe(clips.make(folder / "tracks.mkv", *inputs, *options, "-default_mode", "passthrough"))


def test_the_words_that_are_spoken_are_chosen(several: Media) -> None:
    assert [one.dispositions for one in several.subtitles[:2]] == [("default", "forced"), ("comment",)]
    found = read_subtitles(several)
    assert (said(found), found.partial) == (["Words."], False)
    assert found.notices == (
        "subtitle track 3 (eng) is used, not 0 (eng, forced), 1 (eng, comment, 'With the director'), 2 (eng), 4 (ger), "
        "5 (eng, hearing impaired, 'English SDH'); --subtitle-track N or LANG takes another",
    )
    assert said(read_subtitles(several, language="de")) == ["Worte."]
    assert said(read_subtitles(several, language="fr")) == ["Words."]


def test_a_track_is_chosen_by_number_or_language(several: Media) -> None:
    for wanted, words in (("0", "A sign."), ("1", "When we shot this."), ("en", "Words."), ("deu", "Worte.")):
        found = read_subtitles(several, wanted)
        assert (said(found), found.partial) == ([words], False)
        assert "takes another" not in found.notices[0]
    empty = read_subtitles(several, "2")
    assert empty.utterances == ()
    assert "subtitle track 2 is empty" in empty.notices
    for wanted in ("6", "-1", "fr", "english", ""):
        with pytest.raises(UsageError) as caught:
            read_subtitles(several, wanted)
        told = str(caught.value)
        assert told.startswith(
            f"no text subtitle track {wanted!r} in 'tracks.mkv'. Known: 0 (eng, forced), 1 (eng, comment"
        )


def stream(language: str | None = None, *uses: str, title: str | None = None) -> SubtitleStream:
    return SubtitleStream(0, "subrip", language, title, uses)


CHOICES = {  # streams, the language asked for, the number that is best
    "the first": ([stream("eng"), stream("ger")], None, 0),
    "the default": ([stream("eng"), stream("ger", "default")], None, 1),
    "the whole dialogue": ([stream("eng", "default", "forced"), stream("eng")], None, 1),
    "no commentary": ([stream("eng", "default", "comment"), stream("eng")], None, 1),
    "no descriptions": ([stream("eng", "default", "descriptions"), stream("eng")], None, 1),
    "no karaoke": ([stream("eng", "default", "karaoke"), stream("eng")], None, 1),
    "no lyrics": ([stream("eng", "default", "lyrics"), stream("eng")], None, 1),
    "not for the deaf": ([stream("eng", "default", "hearing_impaired"), stream("eng")], None, 1),
    "for the deaf in the language": ([stream("ger"), stream("eng", "hearing_impaired")], "en", 1),
    "the language": ([stream("fre", "default"), stream("ger"), stream("eng")], "en", 2),
    "the language by another code": ([stream("eng"), stream("ger"), stream("de-AT", "default")], "deu", 2),
    "a language that is missing": ([stream("eng"), stream("ger")], "fr", 0),
    "no language": ([stream(), stream("eng")], "en", 1),
    "forced by its title": ([stream("eng", "default", title="English (Forced)"), stream("eng")], None, 1),
    "signs by their title": ([stream("eng", "default", title="Signs"), stream("eng")], None, 1),
    "songs by their title": ([stream("eng", "default", title="Signs & Songs"), stream("eng")], None, 1),
    "commentary by its title": ([stream("eng", "default", title="Director's Commentary"), stream("eng")], None, 1),
    "for the deaf by its title": ([stream("eng", title="English SDH"), stream("eng")], None, 1),
    "the whole dialogue in another language": ([stream("eng", "forced"), stream("ger")], "en", 1),
    "the language of the sound": ([stream("eng"), stream("deu")], None, 1),
}


@pytest.mark.parametrize("kind", CHOICES)
def test_what_a_stream_is_for_decides(several: Media, kind: str) -> None:
    streams, language, best = CHOICES[kind]
    sounds = tuple(replace(sound, language="ger" if "sound" in kind else None) for sound in several.audio)
    media = replace(several, subtitles=tuple(streams), audio=sounds)
    assert tracks_in_order(media, None, language)[0] == best


def test_where_nothing_is_dialogue_it_is_said(several: Media) -> None:
    found = read_subtitles(replace(several, subtitles=several.subtitles[1:2]))
    assert found.utterances == ()
    assert "no subtitle track holds what is spoken: 0 (eng, comment" in found.notices[0]
    found = read_subtitles(replace(several, subtitles=several.subtitles[:1]))
    assert (said(found), found.partial) == (["A sign."], True)
    assert "subtitle track 0 (eng, forced) may hold only parts of what is said" in found.notices[0]


def test_subtitles_that_are_pictures_are_named(several: Media, tmp_path: Path) -> None:
    # ffmpeg draws no text, so that a stream is only said to be pictures.
    raw = several.path.read_bytes()
    (tmp_path / "dvd.mkv").write_bytes(raw.replace(b"S_TEXT/UTF8", b"S_HDMV/PGS\0"))
    media = probe(tmp_path / "dvd.mkv")
    assert [one.codec for one in media.subtitles] == ["ssa"]
    told = next(note for note in media.notes if "subtitles that are pictures" in note)
    assert "stream 1 (eng, hdmv_pgs_subtitle), stream 2" in told


def test_unknown_track(tmp_path: Path, clock_clip: Path) -> None:
    media = probe(clock_clip)
    assert read_subtitles(media).utterances == ()
    with pytest.raises(UsageError, match=r"no text subtitle track '2' .*Known: none"):
        read_subtitles(media, track="2")
