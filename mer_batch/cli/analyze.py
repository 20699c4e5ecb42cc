"""`mer analyze FILE`: the main job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from mer_batch.cli.common import DEVICE, Progress, guarded, place, say, tell
from mer_batch.config import DEFAULTS, SPLIT
from mer_batch.errors import EXIT_OK, EXIT_PARTIAL


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("analyze")(analyze)


@guarded
def analyze(
    media: list[str] = typer.Argument(
        ..., metavar="PATH...", help="Video or audio: a file, or several, folders, patterns, @list.txt, addresses."
    ),
    out: str | None = typer.Option(
        None,
        "--out",
        "-o",
        metavar="PATH",
        help="Report to write [default: beside the input]; of several files the folder [reports] or its address.",
    ),
    fps: float = typer.Option(DEFAULTS.fps, help="Pictures read per second of video."),
    start: float = typer.Option(DEFAULTS.start, help="Seconds into the file at which to begin."),
    end: float | None = typer.Option(DEFAULTS.end, help="Seconds into the file at which to stop."),
    modalities: str = typer.Option(",".join(DEFAULTS.modalities), help="What to read, separated by commas."),
    transcript: Path | None = typer.Option(None, help="Words from a file: srt, vtt or Whisper JSON."),
    subtitle_track: str | None = typer.Option(
        None, metavar="N|LANG", help="Subtitles to read, from 0, or their language [default: the whole dialogue]."
    ),
    asr: str = typer.Option(DEFAULTS.asr, help="Speech recognition: auto, none, whisper:NAME, faster-whisper:NAME."),
    language: str | None = typer.Option(None, help="Spoken language, a two-letter code [default: detected]."),
    prompt: str | None = typer.Option(None, help="Text as it might come before: names and words to expect."),
    speakers: str = typer.Option(DEFAULTS.speakers, help="Voices told apart by sound: auto, how many, or none."),
    diarizer: str = typer.Option(DEFAULTS.diarizer, help="What tells voices apart: default or pyannote[:NAME]."),
    audio_track: int | None = typer.Option(None, help="Audio stream to hear, from 0 [default: the file's default]."),
    device: str = DEVICE,
    face_model: str = typer.Option(DEFAULTS.face_model, help="Reader of faces: a shipped name, a folder or hf:NAME."),
    voice_model: str = typer.Option(DEFAULTS.voice_model, help="Reader of voices, likewise."),
    text_model: str = typer.Option(DEFAULTS.text_model, help="Reader of words, likewise."),
    fusion_model: str = typer.Option(
        DEFAULTS.fusion_model, help="What weighs the modalities: a trained gate's folder, or pool."
    ),
    identity: str = typer.Option(
        DEFAULTS.identity, help="What tells people across cuts: faces (biometric, kept nowhere), appearance or none."
    ),
    gallery: Path | None = typer.Option(None, help="Folder with pictures of people to know: NAME.jpg, NAME/*.jpg."),
    names: str = typer.Option(DEFAULTS.names, help='Names for people: "Person 1=Anna,Voice A=Ben".'),
    context: int = typer.Option(DEFAULTS.context, help="Utterances before it that each utterance is read with."),
    step: float = typer.Option(DEFAULTS.step, help="Seconds per fused segment."),
    abstain: float = typer.Option(DEFAULTS.abstain, help="A reading less probable than this is not named."),
    labels: Path | None = typer.Option(None, help="True labels (CSV: start,end,person,emotion) to score against."),
    embed_media: bool = typer.Option(False, "--embed-media", help="Put the video inside the page."),
    assets: str = typer.Option("inline", help="Scripts inside the page (inline) or in a file beside it (shared)."),
    redact: str = typer.Option("", help="Leave out faces, words and/or names, separated by commas."),
    groups: Path | None = typer.Option(None, help="Several files: their groups (CSV: file,group) [default: folders]."),
    workers: int = typer.Option(0, help="Several files: how many at once [default: what the machine carries]."),
    memory: float | None = typer.Option(None, help="Several files: GB that all workers together may take."),
    engine: str = typer.Option("local", help="Several files: who reads them, local processes or a cluster (ray)."),
    address: str | None = typer.Option(None, help="Of the Ray cluster [default: one is started here]."),
    split: float = typer.Option(
        SPLIT, help="Several files: minutes of the pieces that long films are read in, by several workers [0 = never]."
    ),
    retry_failed: bool = typer.Option(False, "--retry-failed", help="Several files: try those again that failed."),
    force: bool = typer.Option(False, "--force", help="Several files: read again what is finished."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print errors only."),
) -> int:
    """Read a file and write its report: FILE.html, FILE.timeline.json and FILE.timeline.csv.

    Of several files each has its report in one folder, with an index, an overall table and a ledger; the same command
    again goes on where it was stopped and reads nothing twice.
    """
    from mer_batch.batch.sources import is_address, is_batch
    from mer_batch.cli.batch import refuse_for_one

    several = is_batch(media) or (out is not None and is_address(out))
    told: set[str] = set()
    with Progress(quiet or several) as progress, ExitStack() as stack:
        from mer_batch import output
        from mer_batch.config import Options
        from mer_batch.people.edits import people_file
        from mer_batch.pipeline import analyze as run

        options = Options(
            fps=fps,
            start=start,
            end=end,
            modalities=tuple(name.strip() for name in modalities.split(",") if name.strip()),  # type: ignore[misc]
            transcript=transcript,
            subtitle_track=subtitle_track,
            asr=asr,
            language=language,
            prompt=prompt,
            speakers=speakers,
            diarizer=diarizer,
            audio_track=audio_track,
            device=device,
            face_model=face_model,
            voice_model=voice_model,
            text_model=text_model,
            fusion_model=fusion_model,
            identity=identity,
            gallery=gallery,
            names=names,
            context=context,
            step=step,
            abstain=abstain,
        )
        if several:
            from mer_batch.batch.job import Pages
            from mer_batch.cli.batch import analyze_many, check

            check(out, labels, transcript, names)
            return analyze_many(
                media,
                options,
                Pages(embed_media, "shared" if assets == "inline" else assets, redact),
                out=out,
                workers=workers,
                memory=memory,
                split=split,
                engine=engine,
                address=address,
                retry_failed=retry_failed,
                force=force,
                groups=groups,
                quiet=quiet,
            )
        refuse_for_one(
            media[0],
            groups=groups is not None,
            workers=workers != 0,
            memory=memory is not None,
            engine=engine != "local",
            address=address is not None,
            split=split != SPLIT,
            retry_failed=retry_failed,
            force=force,
        )
        path = stack.enter_context(_at_hand(media[0], progress))
        report = Path(out) if out is not None else _beside(media[0], path)
        page = output.Page(report, labels, embed_media, assets, redact, path, (transcript, people_file(path)))
        place(page.out, quiet=quiet)

        def notice(text: str) -> None:
            told.add(text)
            if not quiet:
                say(text)

        timeline = run(path, options, on_progress=progress, on_notice=notice)
        page.write(timeline, progress, None if quiet else say)
    if not quiet:
        for text in timeline.notices:
            if text not in told:
                say(text)
        for sentence in output.headline(timeline):
            tell(sentence)
        tell(f"Report: {page.out}")
        tell(f"Files: {' '.join(str(path) for path in page.files[1:])}")
    return EXIT_PARTIAL if timeline.lost else EXIT_OK


@contextmanager
def _at_hand(argument: str, progress: Progress) -> Iterator[Path]:
    """The file as a path; one at an address is fetched, with the transcript beside it, and removed in the end."""
    from mer_batch.batch.sources import is_address

    if not is_address(argument):
        yield Path(argument)
        return
    from mer_batch.batch.job import fetched
    from mer_batch.batch.sources import at_address

    with fetched(at_address(argument), progress) as path:
        yield path


def _beside(argument: str, path: Path) -> Path:
    """Where the report of a file lands by itself: beside it, of one at an address in the current folder."""
    from mer_batch.batch.sources import is_address

    name = f"{path.name}.html"
    return Path(name) if is_address(argument) else path.with_name(name)
