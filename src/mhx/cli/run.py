"""`mhx run` and `mhx schema`: one configuration file, and what such a file may contain."""

import json as jsonlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mhx.cli import show

if TYPE_CHECKING:
    from mhx.report.answer import Answer
    from mhx.workflow.load import Changes, Written

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


def run(
    file: Annotated[Path, typer.Argument(help="A TOML file; its [workflow] mode says what runs.")],
    output_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write [default: output_dir of the file, else runs/FILE beside it]"
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the file; repeatable."),
    ] = None,
    overlay: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A TOML file laid over the file; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and plan; nothing is started.")
    ] = False,
    json: Json = False,
) -> None:
    """Carry out one configuration file."""
    from mhx.report.progress import silenced
    from mhx.workflow.load import Changes, read_chain

    changes = Changes(overlays=tuple(overlay or ()), sets=tuple(set_ or ()), environ=os.environ)
    with silenced(json):
        answer = _carried_out(read_chain(file, changes), changes, output_dir, dry_run)
    show.finish(answer, json)


def _carried_out(
    written: "Written", changes: "Changes", output_dir: Path | None, dry_run: bool
) -> "Answer":
    from mhx.workflow.load import mode_of
    from mhx.workflow.run import check_written, run_written

    if mode_of(written) != "testbed":
        return (check_written if dry_run else run_written)(written, output_dir)
    from mhx.testbed.launcher import Options, run_testbed

    if output_dir is not None:
        root = f"testbed.output_root={jsonlib.dumps(str(output_dir))}"
        changes = replace(changes, sets=(*changes.sets, root))
    return run_testbed(written.path, Options(changes=changes, dry_run=dry_run))


def schema(
    name: Annotated[
        str | None, typer.Argument(help="A mode (reconnection) or the schema id of a file.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a configuration or a file."""
    from mhx.workflow.schema import schema_of

    print(show.one_object(schema_of(name)))
