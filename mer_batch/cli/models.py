"""`mer models list|fetch`: what can read, and what to have before going offline."""

from __future__ import annotations

import typer

from mer_batch.cli.common import guarded
from mer_batch.errors import EXIT_OK


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Show and fetch models.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_models)
    group.command("fetch")(fetch)
    app.add_typer(group, name="models")


@guarded
def list_models() -> int:
    """Show the shipped models with their scores and terms."""
    from mer_batch.nets.store import built_in, read_card

    for name, folder in built_in().items():
        card = read_card(folder)
        scores = ", ".join(f"{key} {value:g}" for key, value in card.scores.items() if not key.endswith("_tta"))
        typer.echo(f"{name}  ({card.modality}, {card.net})\n  {card.confusion_source}: {scores}\n  {card.licence}")
    return EXIT_OK


@guarded
def fetch(
    name: str = typer.Argument(..., help="What to download: identity, or a recognizer such as whisper:base."),
) -> int:
    """Download weights ahead of an offline run: identity matches people across cuts, whisper:NAME hears words."""
    if name == "identity":
        from mer_batch.face import identity

        identity.fetch()
    else:
        from mer_batch.text import asr

        asr.fetch(name)
    typer.echo(f"{name} is ready")
    return EXIT_OK
