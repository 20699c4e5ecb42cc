"""`mer models list|fetch|check`: what a run can need, what to have before going offline, whether it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mer_batch.cli.common import guarded
from mer_batch.errors import EXIT_FAILED, EXIT_OK, unknown_name

if TYPE_CHECKING:
    from mer_batch.inventory import Finding
    from mer_batch.types import Modality

AS = typer.Option(None, "--as", help="What an hf:NAME is to read: face, voice or text.")
ALL = "all"
MARKS = {"ready": "ok", "absent": "absent", "damaged": "DAMAGED"}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Show, fetch and check models.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_models)
    group.command("fetch")(fetch)
    group.command("check")(check)
    app.add_typer(group, name="models")


@guarded
def list_models() -> int:
    """Show the shipped models with their scores and terms, and what is downloaded on demand."""
    from mer_batch.inventory import look, on_demand
    from mer_batch.nets.store import built_in, read_card
    from mer_batch.text.asr import ENGINES, FORMS, expected

    for name, folder in built_in().items():
        card = read_card(folder)
        scores = ", ".join(f"{key} {value:g}" for key, value in card.scores.items() if not key.endswith("_tta"))
        typer.echo(f"{name}  ({card.modality}, {card.net})\n  {card.confusion_source}: {scores}\n  {card.licence}")
    typer.echo("")
    for part in on_demand():
        typer.echo(_line(look(part, thorough=False)))
    typer.echo(f"  --asr auto takes {expected()}")
    typer.echo(f"  --asr takes {', '.join(FORMS)}; whisper has {', '.join(ENGINES['whisper'].names())}")
    return EXIT_OK


@guarded
def fetch(
    names: list[str] = typer.Argument(..., help="identity, recognizers such as whisper:base, hf:NAME, or all."),
    modality: str | None = AS,
) -> int:
    """Download weights ahead of an offline run.

    identity matches people across cuts, whisper:NAME and faster-whisper:NAME hear words, hf:NAME is a model of the hub;
    all stands for identity and the recognizer that --asr auto fetches.
    """
    from mer_batch import inventory
    from mer_batch.text.asr import default

    for name in names:
        for one in ("identity", default()) if name == ALL else (name,):
            inventory.fetch(one, _modality(modality))
            typer.echo(f"{one} is ready")
    return EXIT_OK


@guarded
def check(
    names: list[str] | None = typer.Argument(None, help="Parts that must be there [default: report on all]."),
    modality: str | None = AS,
) -> int:
    """Verify all that a run can need: programs, weights by their checksums, extras; exit code 1 when a part is broken.

    Names may also be recognizers (whisper:base, whisper:FILE), model folders, runs and hf:NAME; to be named and absent
    is to be broken.
    """
    from mer_batch.inventory import find_parts, look, parts

    failed = False
    for part in find_parts(names, _modality(modality)) if names else parts():
        finding = look(part)
        typer.echo(_line(finding))
        failed |= finding.fails or bool(names and finding.state == "absent")
    return EXIT_FAILED if failed else EXIT_OK


def _line(finding: Finding) -> str:
    part = finding.part
    return f"  {MARKS[finding.state]:<8} {part.name:<16} {part.purpose}: {finding.detail}"


def _modality(name: str | None) -> Modality | None:
    from mer_batch.types import MODALITIES

    if name is None:
        return None
    for known in MODALITIES:
        if name == known:
            return known
    raise unknown_name("modality", name, MODALITIES)
