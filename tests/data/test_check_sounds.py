"""`mer data import` and `mer data check` on sounds: names, copies, people, levels."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from mer_batch.cli import app
from mer_batch.data.check import check
from mer_batch.data.files import open_files
from mer_batch.data.manifest import read_manifest
from mer_batch.data.sounds import alike, decode_sound, low_band
from mer_batch.errors import DataError
from mer_batch.media import ffmpeg_path
from mer_batch.types import SAMPLE_RATE, Samples
from toy_pictures import put
from toy_voice import wav


def babble(seed: int, seconds: float = 1.5) -> Samples:
    """A voice-like sound unlike that of any other seed: syllables of wandering pitch with formants."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    knots = np.linspace(0, seconds, round(seconds * 8))
    pitch = np.interp(time, knots, rng.uniform(90, 260, len(knots)))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    sound = np.zeros(len(time))
    for harmonic in range(1, 14):
        sound += np.interp(time, knots, rng.uniform(0, 1, len(knots)) ** 2) * np.sin(harmonic * phase) / harmonic
    sound *= np.interp(time, knots, rng.uniform(0.1, 1, len(knots)))
    return (0.3 * sound / np.abs(sound).max() + rng.normal(0, 1e-3, len(time))).astype(np.float32)


def converted(data: bytes, folder: Path, ending: str, *options: str) -> bytes:
    source, out = put(folder / "in.wav", data), folder / f"out{ending}"
    command = [ffmpeg_path(), "-y", "-loglevel", "error", "-i", str(source), *options, str(out)]
    subprocess.run(command, check=True)
    return out.read_bytes()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments), "-q"])


def tree(root: Path) -> Path:
    for split, seeds in (("train", range(0, 6)), ("test", range(6, 12))):
        for seed in seeds:
            put(root / split / ("happy" if seed % 2 else "sad") / f"{seed}.wav", wav(babble(seed)))
    return root


def findings(folder: Path, *more: object) -> dict[str, dict[str, object]]:
    result = run("check", folder, "--json", folder.parent / "check.json", *more)
    assert result.exit_code in (0, 1), result.output
    return {finding["name"]: finding for finding in json.loads((folder.parent / "check.json").read_text())["findings"]}


def test_a_clean_set_passes(tmp_path: Path) -> None:
    result = run("check", tree(tmp_path / "set"))
    assert result.exit_code == 0, result.output
    assert "12 sounds, 0.01 h, clips of 1.5 to 1.5 s (median 1.5), 16000 Hz" in result.output
    assert "nothing found" in result.output


def test_lossless_containers_are_exact_copies(tmp_path: Path) -> None:
    folder = tree(tmp_path / "set")
    put(folder / "train" / "sad" / "again.flac", converted(wav(babble(7)), tmp_path, ".flac"))
    finding = findings(folder)["copies"]
    assert "1 exact, 0 near copies; leave 1 out of train" in str(finding["text"])
    assert finding["examples"] == ["train/sad/again.flac = test/happy/7.wav (sad / happy)"]


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        (".opus", ["-b:a", "16k"]),
        (".mp3", ["-b:a", "32k"]),
        (".wav", ["-ar", "8000"]),
        (".wav", ["-af", "volume=-14dB,adelay=713"]),
        (".flac", ["-ss", "0.31"]),
        (".wav", ["-af", "aeval=-val(0)"]),
    ],
    ids=["opus", "mp3", "telephone", "quiet and late", "cut", "turned over"],
)
def test_the_same_recording_in_another_form_is_a_near_copy(tmp_path: Path, ending: str, options: list[str]) -> None:
    folder = tree(tmp_path / "set")
    put(folder / "train" / "sad" / f"copy{ending}", converted(wav(babble(8)), tmp_path, ending, *options))
    assert "0 exact, 1 near copies" in str(findings(folder)["copies"]["text"])
    assert run("check", folder, "--fix", tmp_path / "fixed").exit_code == 0
    assert run("check", tmp_path / "fixed").exit_code == 0


def test_alike_is_the_correlation_at_the_best_shift() -> None:
    sound = low_band(babble(0))
    assert alike(sound, np.concatenate([np.zeros(500, np.float32), -sound])) == pytest.approx(1, abs=1e-4)
    assert alike(sound, sound[1500:]) == pytest.approx(1, abs=1e-4)
    assert alike(sound[1500:], sound) == pytest.approx(1, abs=1e-4)
    assert alike(sound, low_band(babble(1))) < 0.5
    assert alike(sound, np.zeros_like(sound)) == 0


def test_levels_lengths_and_rates_are_pointed_out(tmp_path: Path) -> None:
    folder = tree(tmp_path / "set")
    put(folder / "train" / "sad" / "clipped.wav", wav((babble(20) * 20).clip(-1, 1)))
    put(folder / "train" / "sad" / "silent.wav", wav(np.zeros(24000, np.float32)))
    put(folder / "train" / "sad" / "quiet.wav", wav(babble(21) * 0.003))
    put(folder / "train" / "sad" / "long.wav", wav(babble(22, 9.0)))
    put(folder / "train" / "sad" / "short.wav", wav(babble(23, 0.3)))
    put(
        folder / "train" / "sad" / "stereo.wav",
        converted(wav(babble(24)), tmp_path, ".wav", "-ac", "2", "-ar", "22050"),
    )
    put(folder / "train" / "sad" / "damaged.wav", wav(babble(25))[:20])
    put(folder / "train" / "sad" / "empty.wav", b"")
    found = findings(folder)
    assert {name: finding["examples"] for name, finding in found.items() if finding["examples"]} == {
        "unreadable": ["train/sad/damaged.wav", "train/sad/empty.wav"],
        "clipping": ["train/sad/clipped.wav"],
        "silence": ["train/sad/quiet.wav", "train/sad/silent.wav"],
        "too long": ["train/sad/long.wav"],
        "too short": ["train/sad/short.wav"],
    }
    assert found["sample rates"]["text"] == "2 sample rates: 16000 (17), 22050 (1)"
    assert found["numbers of channels"]["text"] == "2 numbers of channels: 1 (17), 2 (1)"
    assert run("check", folder).exit_code == 0


def test_speakers_in_two_splits_leak_and_sentences_warn(tmp_path: Path) -> None:
    folder = tree(tmp_path / "set")
    rows = read_manifest(folder).rows.assign(sentence="the same words")
    rows["speaker"] = ["ann"] * 6 + ["bob"] * 5 + ["ann"]
    rows.to_csv(folder / "manifest.csv", index=False)
    result = run("check", folder)
    assert result.exit_code == 1
    assert "LEAK    1 x speaker in both train and test" in result.output
    assert "warning 1 x sentence in both train and test" in result.output
    assert run("check", folder, "--fix", tmp_path / "fixed").exit_code == 0
    assert set(read_manifest(tmp_path / "fixed").part("train").rows["speaker"]) == {"bob"}
    assert run("check", folder, "--group", "sentence", "--fix", tmp_path / "none").exit_code == 1


def test_stereo_with_equal_channels_is_the_same_as_mono() -> None:
    mono = decode_sound(wav(babble(0)), "mono")
    stereo = replace(mono, native=np.repeat(mono.native, 2, axis=0))
    other = replace(mono, native=np.concatenate([mono.native, -mono.native]))
    assert stereo.content() == mono.content() != other.content()
    assert (mono.native.shape, mono.rate, mono.seconds, stereo.seconds) == ((1, 24000), SAMPLE_RATE, 1.5, 1.5)
    assert np.abs(mono.native[0] / 32768 - mono.mono).max() < 1e-4


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not a sound at all" * 99])
def test_damaged_sounds_are_one_line(data: bytes) -> None:
    with pytest.raises(DataError, match=r"cannot read the sound x\.wav"):
        decode_sound(data, "x.wav")


NAMES = {
    "tess": {
        "TESS/OAF_angry/OAF_back_angry.wav": ("angry", "tess_OAF", "back"),
        "TESS/OAF_Pleasant_surprise/OAF_bite_ps.wav": ("surprise", "tess_OAF", "bite"),
        "TESS/OAF_neutral/OA_bite_neutral.wav": ("neutral", "tess_OAF", "bite"),
        "TESS/YAF_sad/YAF_neat_sad.wav": ("sad", "tess_YAF", "neat"),
    },
    "cremad": {
        "AudioWAV/1001_DFA_ANG_XX.wav": ("angry", "cremad_1001", "DFA"),
        "AudioWAV/1002_IEO_HAP_LO.wav": ("happy", "cremad_1002", "IEO"),
        "AudioWAV/1091_WSI_NEU_XX.wav": ("neutral", "cremad_1091", "WSI"),
    },
    "ravdess": {
        "Actor_12/03-01-06-01-02-01-12.wav": ("fear", "ravdess_12", "Dogs are sitting by the door"),
        "Actor_01/03-01-02-01-01-01-01.wav": ("neutral", "ravdess_01", "Kids are talking by the door"),
        "Actor_24/03-01-08-02-01-02-24.wav": ("surprise", "ravdess_24", "Kids are talking by the door"),
    },
    "savee": {
        "AudioData/DC/a01.wav": ("angry", "savee_DC", "a01"),
        "AudioData/KL/su15.wav": ("surprise", "savee_KL", "su15"),
        "ALL/JE_sa03.wav": ("sad", "savee_JE", "sa03"),
        "ALL/JK_n30.wav": ("neutral", "savee_JK", "n30"),
    },
    "emodb": {
        "wav/03a01Fa.wav": ("happy", "emodb_03", "a01"),
        "wav/16b10Wb.wav": ("angry", "emodb_16", "b10"),
        "wav/08a02La.wav": ("boredom", "emodb_08", "a02"),
        "wav/10a05Ed.wav": ("disgust", "emodb_10", "a05"),
    },
    "emovo": {
        "EMOVO/f1/dis-f1-b1.wav": ("disgust", "emovo_f1", "b1"),
        "EMOVO/m3/gio-m3-n5.wav": ("happy", "emovo_m3", "n5"),
        "EMOVO/m3/pau-m3-l4.wav": ("fear", "emovo_m3", "l4"),
    },
}
SEXES = {"tess_OAF": "f", "ravdess_12": "f", "ravdess_01": "m", "savee_DC": "m", "emodb_03": "m", "emovo_m3": "m"}


@pytest.mark.parametrize("kind", NAMES)
def test_names_say_label_speaker_and_sentence(tmp_path: Path, kind: str) -> None:
    for seed, name in enumerate(NAMES[kind]):
        put(tmp_path / "source" / name, wav(babble(seed, 0.5)))
    put(tmp_path / "source" / "extra" / "my recording.wav", wav(babble(99, 0.5)))
    result = run("import", kind, tmp_path / "source", "--out", tmp_path / "set")
    assert result.exit_code == 0, result.output
    assert "left out: 1 x another name than the set's" in result.output
    rows = read_manifest(tmp_path / "set").rows
    found = {row.path: (row.label, row.speaker, row.sentence) for row in rows.itertuples()}
    assert found == NAMES[kind]
    assert list(rows["seconds"]) == [0.5] * len(rows)
    for row in rows.itertuples():
        if kind != "cremad":
            assert row.sex == SEXES.get(row.speaker, row.sex)


def test_a_doubled_download_counts_once(tmp_path: Path) -> None:
    for folder in ("TESS", "TESS/TESS"):
        put(tmp_path / "source" / folder / "YAF_neat_sad.wav", wav(babble(0, 0.5)))
    result = run("import", "tess", tmp_path / "source", "--out", tmp_path / "set")
    assert "left out: 1 x the same name again" in result.output
    assert len(read_manifest(tmp_path / "set").rows) == 1


def test_songs_and_videos_are_no_speech(tmp_path: Path) -> None:
    for name in ("03-02-06-01-02-01-12", "01-01-06-01-02-01-12", "03-01-06-01-02-01-25"):
        put(tmp_path / "source" / f"{name}.wav", wav(babble(0, 0.5)))
    result = run("import", "ravdess", tmp_path / "source", "--out", tmp_path / "set")
    assert result.exit_code == 1
    assert "no sound in" in result.output


def test_cremad_knows_its_actors(tmp_path: Path) -> None:
    put(tmp_path / "source" / "AudioWAV" / "1001_DFA_ANG_XX.wav", wav(babble(0, 0.5)))
    put(tmp_path / "source" / "VideoDemographics.csv", b'"ActorID","Age","Sex","Race"\n1001,51,"Male","Caucasian"\n')
    run("import", "cremad", tmp_path / "source", "--out", tmp_path / "set")
    row = read_manifest(tmp_path / "set").rows.iloc[0]
    assert (row.sex, row.age, row.intensity, row.source_label) == ("m", 51, "unspecified", "ANG")


def test_cremad_official_names_are_all_understood(shared_data: Path) -> None:
    from mer_batch.data.importers.cremad import cremad

    official = pd.read_csv(shared_data / "speech" / "cremad" / "official_audiowav_sha256.csv").set_index("file")
    listing = _listed(cremad, list(official.index))
    rows = listing.set_index("path").join(official.add_suffix("_official"))
    assert len(rows) == 7442
    assert (rows["speaker"] == rows["speaker_official"]).all()
    assert (rows["sentence"] == rows["sentence_official"]).all()
    assert (rows["intensity"] == rows["intensity_official"]).all()


@pytest.mark.parametrize(("kind", "count"), [("tess", 2798), ("ravdess", 1440), ("emodb", 353), ("emovo", 588)])
def test_shared_sets_are_understood_by_their_names(shared_data: Path, kind: str, count: int) -> None:
    from mer_batch.data.importers import find
    from mer_batch.data.manifest import our_label

    folder = shared_data / "speech" / kind
    listing = find(kind).read(folder / "audio.tar").rows.set_index("path")
    truth = pd.read_csv(folder / "manifest.csv").set_index("path").loc[listing.index]
    assert len(listing) == count
    assert [our_label(name) for name in listing["label"]] == [our_label(name) for name in truth["label"]]
    for column in ("speaker", "sex"):
        assert list(listing[column]) == list(truth[column])
    assert [name.lower() for name in listing["sentence"]] == [name.lower() for name in truth["sentence_or_word"]]


def _listed(function, names: list[str]) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    """What an importer makes of names alone."""
    import tarfile
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "names.tar"
        with tarfile.open(place, "w") as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name))
        assert len(open_files(place).names) == len(names)
        return function(place).rows


def test_ravdess_has_one_clip_twice(shared_data: Path) -> None:
    """The pair that its README names, among the clips of that actor."""
    manifest = read_manifest(shared_data / "speech" / "ravdess")
    rows = manifest.rows[manifest.rows["speaker"] == "ravdess_07"].reset_index(drop=True)
    pairs = check(replace(manifest, rows=rows), None, None, lambda stage, done: None).pairs
    assert {tuple(sorted(pair)) for pair in zip(pairs["first_path"], pairs["second_path"], strict=True)} == {
        ("03-01-03-01-02-01-07.opus", "03-01-03-01-02-02-07.opus")
    }
