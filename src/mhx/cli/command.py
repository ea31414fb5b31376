"""How a command reads its flags and tells them: numbers must be finite, help comes in panels.

Plain text on purpose: Rich would take `[default: 10]` for markup, and its import doubles the start.
"""

import math
from typing import Any

import typer
from typer.core import TyperCommand


class Command(TyperCommand):
    """A command of mhx; `cli/__init__.py` gives this class to every function that it registers."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; `nan` and `inf` are refused here, by name, for all flags alike."""
        rest: list[str] = super().parse_args(ctx, args)
        parameter: Any
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            for number in value if isinstance(value, list | tuple) else [value]:
                if isinstance(number, float) and not math.isfinite(number):
                    raise typer.BadParameter(
                        f"{number} is not a finite number", ctx=ctx, param=parameter
                    )
        return rest

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
