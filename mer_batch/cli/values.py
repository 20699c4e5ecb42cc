"""Options that take several values after one flag: `--seeds 42 2023 7`, which click alone cannot parse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand


class ManyValues(TyperCommand):
    """A command whose repeatable options (declared as lists) also take all their values after one flag.

    `--seeds 42 7 voice --out x` is read as `--seeds=42 --seeds=7 voice --out x`: the values of a flag go on
    while they fit its type, up to the next option or `--`. The first word after the flag is its value in any
    case, so that a wrong one is reported as such. Use it with `app.command(cls=ManyValues)`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Click's parsing, after every value got a flag of its own."""
        options = {name: param for param in self.params for name in param.opts if name.startswith("-")}
        return super().parse_args(ctx, spread(args, options, ctx))


def spread(args: Sequence[str], options: Mapping[str, Any], ctx: Any = None) -> list[str]:
    """`args` with the flag repeated before each value of every option in `options` that is `multiple`."""
    result: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        option = options.get(flag)
        if word == "--":
            return [*result, word, *rest]
        if option is None or getattr(option, "is_flag", False):
            result.append(word)
        elif option.multiple:
            first = value if equals else (rest.pop(0) if rest else None)
            values = [] if first is None else [first, *_taken(rest, option, ctx)]
            result += [part for value in values for part in _pair(flag, value)] or [word]
        else:
            result.append(word)
            # The value of another option is never mistaken for a flag.
            result += [rest.pop(0) for _ in range(0 if equals else option.nargs) if rest]
    return result


def _taken(rest: list[str], option: Any, ctx: Any) -> list[str]:
    """Take the words from the front of `rest` that are further values of `option`."""
    values = []
    while rest and _fits(rest[0], option, ctx):
        values.append(rest.pop(0))
    return values


def _fits(word: str, option: Any, ctx: Any) -> bool:
    if word.startswith("-") and not _is_number(word):
        return False
    try:
        option.process_value(ctx, [word])
    except typer.BadParameter:
        return False
    return True


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _pair(flag: str, value: str) -> list[str]:
    return [f"{flag}={value}"] if flag.startswith("--") else [flag, value]
