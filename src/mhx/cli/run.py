"""`mhx run` and `mhx schema`: one configuration file, and what such a file may contain."""

from pathlib import Path
from typing import Annotated

import typer

from mhx.cli import show

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


def run(
    file: Annotated[Path, typer.Argument(help="A TOML file; its [workflow] mode says what runs.")],
    output_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write [default: output_dir of the file, else runs/FILE beside it]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Carry out one configuration file."""
    from mhx.report.progress import silenced
    from mhx.workflow.run import run_file

    with silenced(json):
        answer = run_file(file, output_dir)
    show.finish(answer, json)


def schema(
    name: Annotated[
        str | None, typer.Argument(help="A mode (reconnection) or the schema id of a file.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a configuration or a file."""
    from mhx.workflow.schema import schema_of

    print(show.one_object(schema_of(name)))
