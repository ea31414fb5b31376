"""How a command reads its flags and tells them: numbers, refusals, help in panels.

Click refuses one word at a time and in its own words.  Here a word that is no finite number is kept
until all flags are read: a `Command` then names every such flag at once, and a `TableCommand` hands
the words on to the table of its library, which names them together with all other faults.

Plain text on purpose: Rich would take `[default: 10]` for markup, and its import doubles the start.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.core import TyperCommand

from mhx.errors import ConfigError

_KINDS: dict[type, str] = {int: "a whole number", float: "a finite number"}


class Command(TyperCommand):
    """A command of mhx; `cli/__init__.py` gives this class to every function without one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._numbers = _numbers_of(inspect.unwrap(self.callback)) if self.callback else {}
        paths = _paths_of(inspect.unwrap(self.callback)) if self.callback else set()
        parameter: Any
        for parameter in self.params:
            if kind := self._numbers.get(parameter.name):
                parameter.process_value = partial(_processed, kind, parameter.process_value)
            elif parameter.name in paths:
                parameter.process_value = partial(_as_path, parameter.process_value)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; a ConfigError names every flag whose word is no finite number."""
        rest: list[str] = super().parse_args(ctx, args)
        if faults := list(self.faults(ctx.params)):
            count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
            lines = "".join(f"\n  {fault}" for fault in faults)
            raise ConfigError(f"{ctx.info_name}: {count}{lines}")
        return rest

    def faults(self, given: dict[str, Any]) -> Iterator[str]:
        """One line per flag whose word is no finite number."""
        parameter: Any
        for parameter in self.params:
            value = given.get(parameter.name)
            if parameter.name in self._numbers and not _is_read(value):
                allowed = _KINDS[self._numbers[parameter.name]]
                yield f"{parameter.opts[0]} must be {allowed}, got {value!r}"

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then the flags panel by panel, in the order in which they are declared."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panel = getattr(parameter, "rich_help_panel", None) or kind
                panels.setdefault(panel, []).append(record)
        for title, records in sorted(panels.items(), key=lambda panel: panel[0] == "Options"):
            with formatter.section(title):
                formatter.write_dl(records, col_max=28)


class TableCommand(Command):
    """A command whose library checks all flags in one table, words for numbers included."""

    def faults(self, given: dict[str, Any]) -> Iterator[str]:
        """None are told here."""
        yield from ()


def _numbers_of(function: Callable[..., Any]) -> dict[str, type]:
    """Which parameters of a command are numbers, and of which kind."""
    hints = get_type_hints(function).items()
    return {
        name: kind for name, hint in hints for kind in _KINDS if kind in (hint, *get_args(hint))
    }


def _paths_of(function: Callable[..., Any]) -> set[str]:
    """Which parameters of a command are one path."""
    hints = get_type_hints(function).items()
    return {name for name, hint in hints if hint in (Path, Path | None)}


def _as_path(otherwise: Callable[..., Any], context: Any, word: Any) -> Any:
    """A path is made here: Typer builds a checker for each, which takes longer than the rest."""
    return otherwise(context, Path(word) if isinstance(word, str) else word)


def _processed(kind: type, otherwise: Callable[..., Any], context: Any, word: Any) -> Any:
    """A number, or the word itself; what was left out goes the way of Click."""
    if word is None:
        return otherwise(context, word)
    try:
        return kind(word)
    except ValueError:
        return word


def _is_read(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
