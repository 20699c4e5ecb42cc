"""`mer doctor [FILE]`: is everything there, and what is a recording like."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from mer_batch.cli.common import DEVICE, guarded, say
from mer_batch.errors import EXIT_FAILED, EXIT_INPUT, EXIT_OK, InputError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("doctor")(doctor)


@guarded
def doctor(
    media: Path | None = typer.Argument(None, metavar="[FILE]", help="A recording to be looked at, too."),
    device: str = DEVICE,
    quick: bool = typer.Option(False, "--quick", help="Of a recording: do not measure what reading it costs."),
    as_json: bool = typer.Option(False, "--json", help="Everything, as JSON on standard output."),
) -> int:
    """Tell what this installation has and lacks, with the command that mends it; and what a recording is like.

    Exit 0 when the main job can run, 1 when it cannot, 3 when the recording cannot be read.
    """
    from mer_batch.diagnosis import machine as machines
    from mer_batch.diagnosis import recording as recordings
    from mer_batch.nets.device import check_device

    check_device(device)
    machine = machines.machine(device)
    if not as_json:
        typer.echo("\n".join(machines.lines(machine)))
    found, failure = None, None
    if media is not None and machine.ready:
        try:
            found = recordings.examine(media, device, measured=not quick)
        except InputError as error:
            failure = error
    if as_json:
        table = recordings.as_json(machine.as_json(), found) | ({"error": str(failure)} if failure else {})
        typer.echo(json.dumps(table, indent=1))
    elif found is not None:
        typer.echo("\n" + "\n".join(recordings.lines(found)))
    if failure is not None:
        say(f"error: {failure}")
        return EXIT_INPUT
    return EXIT_OK if machine.ready else EXIT_FAILED
