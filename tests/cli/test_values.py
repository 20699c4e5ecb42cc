"""Several values after one flag, on the real parser."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from mer_batch.cli.values import ManyValues

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def _root() -> None:
    pass


@app.command(cls=ManyValues)
def study(
    task: str | None = typer.Argument(None),
    seeds: Annotated[list[int] | None, typer.Option("--seeds", "-s")] = None,
    run: Annotated[list[str] | None, typer.Option("--run")] = None,
    rates: Annotated[list[float] | None, typer.Option("--rates")] = None,
    out: str = typer.Option("", "--out", "-o"),
    quick: bool = typer.Option(False, "--quick"),
) -> None:
    typer.echo(f"{task} {seeds or []} {run or []} {rates or []} {out} {quick}")


def parsed(line: str) -> str:
    result = CliRunner().invoke(app, ["study", *line.split()])
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "None [] [] []  False"),
        ("--seeds 42 2023 7 123 314", "None [42, 2023, 7, 123, 314] [] []  False"),
        ("voice --seeds 1 2", "voice [1, 2] [] []  False"),
        ("--seeds 1 2 voice", "voice [1, 2] [] []  False"),
        ("--seeds 1 2 -- voice", "voice [1, 2] [] []  False"),
        ("--run a b -- voice", "voice [] ['a', 'b'] []  False"),
        ("voice --run a b", "voice [] ['a', 'b'] []  False"),
        ("--run a b --quick voice", "voice [] ['a', 'b'] []  True"),
        ("--run a --run b c", "None [] ['a', 'b', 'c'] []  False"),
        ("--seeds=42 7", "None [42, 7] [] []  False"),
        ("--seeds=42 --seeds=7", "None [42, 7] [] []  False"),
        ("--seeds -1 -2 3", "None [-1, -2, 3] [] []  False"),
        ("--rates 1e-3 -.5 2", "None [] [] [0.001, -0.5, 2.0]  False"),
        ("-s 4 5 -o x voice", "voice [4, 5] [] [] x False"),
        ("--out --seeds --seeds 3", "None [3] [] [] --seeds False"),
        ("--out=x --seeds 3 --quick", "None [3] [] [] x True"),
        ("--seeds 1 --run a --seeds 2", "None [1, 2] ['a'] []  False"),
    ],
)
def test_values_go_on_to_the_next_option(line: str, expected: str) -> None:
    assert parsed(line) == expected


@pytest.mark.parametrize("line", ["--seeds", "--seeds x 1", "--seeds=", "voice more words", "--seeds 1 voice more"])
def test_mistakes_are_still_reported(line: str) -> None:
    assert CliRunner().invoke(app, ["study", *line.split()]).exit_code == 2
