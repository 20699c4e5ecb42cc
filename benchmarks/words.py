"""The default recognizer: word error rate beside the truth, what it says where nobody speaks English, and its cost.

`python benchmarks/words.py [CLIPS]` (CLIPS of each set of acted speech, 20 unless told). Needs the extra `words`, and
tests/openai_checkpoint.py for openai-whisper with the same weights. Clips are drawn with another seed than those
from which the bounds of `mer_batch/text/english.py` were taken.
"""

from __future__ import annotations

import csv
import os
import random
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import record
from mer_batch.media import probe, read_audio
from mer_batch.media.silero import load_silero
from mer_batch.scores.word_errors import normal, word_errors
from mer_batch.text import asr, faster_whisper, packaged
from mer_batch.text.chunks import Span, cut
from mer_batch.text.recognizer import Phrase, Recognizer
from mer_batch.text.transcribe import Request, Words, hear
from mer_batch.types import SAMPLE_RATE, Samples
from mer_batch.voice.activity import SpeechDetector

SEED = 7
NOT_SCORED = ("fw_multilingual", "fw_stereo", "wt_")
"""Without a human transcript, or with two voices at once."""
LONG, SHORTER = 605.0, 100.0
"""Seconds of the file that the default hears, and of the one that all contenders hear."""


def sound(path: Path) -> Samples:
    media = probe(path)
    return np.concatenate([block for _, block in read_audio(media, 0, media.duration, None)])


def spoken(samples: Samples) -> list[Span]:
    detector = SpeechDetector(load_silero())
    detector.feed(samples)
    detector.finish()
    return detector.regions.closed


def heard(recognizer: Recognizer, samples: Samples, language: str | None, everywhere: bool = False) -> Words:
    """What is heard where somebody speaks, or `everywhere`."""
    seconds = len(samples) / SAMPLE_RATE
    chunks = cut([(0.0, seconds)] if everywhere else spoken(samples), seconds)
    request = Request(asr.CARRIED, language)
    return hear(lambda chunk: chunk.join(samples, SAMPLE_RATE), recognizer, chunks, request)


def text(words: Words) -> str:
    return " ".join(utterance.text for utterance in words.utterances)


def recordings() -> Iterator[tuple[str, Samples, str]]:
    """Name, samples and truth of the shared recordings of speech."""
    folder = record.data_folder() / "media"
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["path"].startswith("speech/"):
                silent = "no words" in row["what_it_tests"] or "nothing" in row["transcript_if_known"]
                truth = "" if silent or any(mark in row["path"] for mark in NOT_SCORED) else row["transcript_if_known"]
                yield Path(row["path"]).name, sound(folder / row["path"]), truth


def clips(name: str, count: int) -> Iterator[tuple[str, Samples]]:
    """Truth and samples of some clips of a set of acted speech."""
    folder = record.data_folder() / "speech" / name
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    random.Random(SEED).shuffle(rows)
    form = {"ravdess": "{}.", "tess": "Say the word {}."}.get(name, "")
    with tarfile.open(folder / "audio.tar") as archive, TemporaryDirectory() as place:
        for row in rows[:count]:
            member = archive.extractfile(row["path"])
            assert member is not None
            (path := Path(place) / "clip.opus").write_bytes(member.read())
            yield form.format(row["sentence_or_word"]), sound(path)


class Batched(Recognizer):
    """faster-whisper's batched pipeline, which hears several windows at once."""

    english_only = True

    def __init__(self) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        threads = faster_whisper._threads()
        model = WhisperModel(str(packaged.folder()), "cpu", compute_type="int8", cpu_threads=threads)
        self._pipeline: Any = BatchedInferencePipeline(model)

    def hear(
        self,
        samples: Samples,
        language: str | None,  # noqa: ARG002
        prompt: str | None = None,  # noqa: ARG002
    ) -> tuple[list[Phrase], str | None]:
        """See `Recognizer.hear`."""
        spans = [{"start": 0.0, "end": len(samples) / SAMPLE_RATE}]
        found, _ = self._pipeline.transcribe(
            samples, language="en", word_timestamps=True, vad_filter=False, clip_timestamps=spans, batch_size=8
        )
        return [faster_whisper._phrase(segment) for segment in found], "en"


def greedy() -> Recognizer:
    class Greedy(faster_whisper.FasterWhisper):
        beam = 1

    return Greedy(packaged.MODEL, "cpu")


def contenders(folder: Path) -> dict[str, Callable[[], Recognizer]]:
    sys.path.append(str(record.ROOT / "tests"))
    import openai_checkpoint

    carried = packaged.folder()
    assert carried is not None, packaged.GET
    checkpoint = openai_checkpoint.convert(carried, folder / "tiny.en.pt")
    return {
        "faster-whisper, beam 5 (default)": lambda: asr.load(asr.CARRIED, "cpu"),
        "faster-whisper, beam 1": greedy,
        "faster-whisper, batched": Batched,
        "openai-whisper": lambda: asr.load(f"whisper:{checkpoint}", "cpu"),
    }


def errors(recognizer: Recognizer, pieces: Sequence[tuple[str, Samples]]) -> dict[str, Any]:
    """Word error rate where English is declared, and the processor's time by the length of the sound."""
    spent = record.cost(lambda: [text(heard(recognizer, samples, "en")) for _, samples in pieces])
    texts: list[str] = spent.answer
    seconds = sum(len(samples) for _, samples in pieces) / SAMPLE_RATE
    found = word_errors([truth for truth, _ in pieces], texts, ["en"] * len(texts), [""] * len(texts))
    return {
        "word_error_rate": round(found.rate.value, 3), "interval": [found.rate.low, found.rate.high],
        "words": found.words, "processor_per_second": round(spent.processor / seconds, 3),
    }  # fmt: skip


def abstention(recognizer: Recognizer, count: int) -> dict[str, Any]:
    """Files of acted speech by what is said of them where no language is declared."""
    results: dict[str, Any] = {}
    for name in ("ravdess", "tess", "emodb", "emovo"):
        alone = list(clips(name, count))
        joined = [np.concatenate([samples for _, samples in alone[at : at + 6]]) for at in range(0, count, 6)]
        for kind, sounds in (("one sentence", [samples for _, samples in alone]), ("six sentences", joined)):
            texts = [text(heard(recognizer, samples, None)) for samples in sounds]
            results[f"{name}, {kind}"] = {"files": len(texts), "with words": sum(map(bool, texts))}
            if name in ("emodb", "emovo"):
                results[f"{name}, {kind}"]["said"] = [said for said in texts if said]
    return results


def nothing() -> dict[str, Samples]:
    """Sounds in which nobody speaks."""
    rng, seconds = np.random.default_rng(0), 20
    at = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    beat = np.exp(-8 * (at % 0.5))
    notes = 220 * 2 ** (np.array([0, 4, 7, 12])[(at // 0.5).astype(int) % 4] / 12)
    music = sum(np.sin(2 * np.pi * n * np.cumsum(notes) / SAMPLE_RATE) / n for n in (1, 2, 3)) * beat
    noise = rng.normal(size=len(at))
    sounds = {"silence": 0 * at, "white noise": 0.1 * noise, "hum": 0.2 * np.sin(2 * np.pi * 50 * at),
              "brown noise": 0.02 * np.cumsum(noise) / 30, "music": 0.2 * music}  # fmt: skip
    return {name: samples.astype(np.float32) for name, samples in sounds.items()}


def long_file(pieces: Sequence[tuple[str, Samples]], seconds: float) -> Samples:
    pause = np.zeros(SAMPLE_RATE // 2, np.float32)
    once = np.concatenate([part for _, samples in pieces for part in (samples, pause)])
    return np.tile(once, int(np.ceil(seconds * SAMPLE_RATE / len(once))))[: round(seconds * SAMPLE_RATE)]


def cost(recognizer: Recognizer, samples: Samples) -> dict[str, float]:
    """What a long file takes, without the search for speech, by its length."""
    seconds = len(samples) / SAMPLE_RATE
    chunks = cut(spoken(samples), seconds)
    request = Request(asr.CARRIED)
    spent = record.cost(lambda: hear(lambda chunk: chunk.join(samples, SAMPLE_RATE), recognizer, chunks, request))
    words: Words = spent.answer
    starts = [utterance.start for utterance in words.utterances]
    assert starts == sorted(starts)
    return {
        "seconds": round(seconds),
        "processor": round(spent.processor / seconds, 3),
        "clock": round(spent.clock / seconds, 3),
    }


def main() -> None:
    import torch

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    torch.set_num_threads(1)
    shared = list(recordings())
    known = [(truth, samples) for name, samples, truth in shared if truth and english(name)]
    results: dict[str, Any] = {"load_before": os.getloadavg()}
    with TemporaryDirectory() as folder:
        makers = contenders(Path(folder))
        default = makers["faster-whisper, beam 5 (default)"]()
        results["recordings"] = [
            {"file": name, "truth": normal(truth, "en"), "heard": normal(text(heard(default, samples, None)), "en")}
            for name, samples, truth in shared
        ]
        for line in results["recordings"]:
            print(f"{line['file']:<34} {line['truth']}\n{'':<34} {line['heard']}", flush=True)
        sets = {"shared recordings": known} | {name: list(clips(name, count)) for name in ("ravdess", "tess")}
        long, shorter = long_file(known, LONG), long_file(known, SHORTER)
        for name, make in makers.items():
            recognizer = make()
            results[name] = {of: errors(recognizer, pieces) for of, pieces in sets.items()}
            results[name]["file of English, one thread"] = cost(recognizer, shorter)
            print(name, results[name], flush=True)
        first = results["faster-whisper, beam 5 (default)"]
        first["more than ten minutes, one thread"] = cost(default, long)
        torch.set_num_threads(2)
        first["file of English, two threads"] = cost(makers["faster-whisper, beam 5 (default)"](), shorter)
        torch.set_num_threads(1)
        print(first, flush=True)
    results["nobody speaks"] = {
        name: {"in speech": text(heard(default, samples, None)), "anywhere": text(heard(default, samples, None, True))}
        for name, samples in nothing().items()
    }
    print(results["nobody speaks"])
    results["abstention, no language declared"] = abstention(default, count)
    for kind, row in results["abstention, no language declared"].items():
        print(f"{kind:<28} {row}")
    print(record.write("words", results))


def english(name: str) -> bool:
    return name.startswith(("jfk", "ps_", "sb_", "sr_english", "sr_stereo"))


if __name__ == "__main__":
    main()
