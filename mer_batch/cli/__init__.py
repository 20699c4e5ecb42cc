"""The command line: one file a command; each only parses, calls and prints.

Modules here import nothing heavy at the top, so that `mer --help` answers at once.
"""

from __future__ import annotations

import gc

import typer

from mer_batch import __version__
from mer_batch.cli import analyze, compare, data, diff, doctor, evaluate, models, report, status, train

app = typer.Typer(
    name="mer",
    help="Temporal emotion reports from video and audio: what faces look like, voices sound like and words read as.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (analyze, status, diff, doctor, report, evaluate, compare, train, data, models):
    module.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Show the version.", callback=_version, is_eager=True),
) -> None:
    pass


def main() -> None:
    """Entry point of the `mer` script."""
    # By default Python looks for garbage after every 700 new objects; a start makes a million, and all of them stay.
    gc.set_threshold(50_000, 10, 10)
    try:
        app()
    finally:
        # What is left dies with the process; to look for garbage in it once more takes longer than `mer --help`.
        gc.freeze()
