"""How commands declare their flags: one line each, shown in the panel that they belong to."""

from typing import Annotated, Any

import typer

SHEET, DURATION, GRID = "The sheet", "How long", "Grid and time step"
WALLTIME, JUDGEMENT, OUTPUT = "Walltime and checkpoints", "Bounds", "Output"


def flag(
    text: str, *names: str, panel: str | None = None, metavar: str | None = None
) -> typer.models.OptionInfo:
    """An option with its help; its default is told in the words of the help."""
    option: typer.models.OptionInfo = typer.Option(
        *names, help=text, rich_help_panel=panel, metavar=metavar
    )
    return option


def given_flags(given: dict[str, Any], *others: str) -> dict[str, Any]:
    """The flags among a command's local names: all but `--json` and the names of `others`."""
    return {name: value for name, value in given.items() if name not in ("json", *others)}


Json = Annotated[bool, flag("Print one JSON object instead of words.", "--json", panel=OUTPUT)]
