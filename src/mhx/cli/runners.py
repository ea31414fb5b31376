"""`mhx runners`: what can run, who brings it, and what was left out and why."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


def runners(json: Json = False) -> None:
    """List the pairs of subject and runner, and their modes."""
    from mhx.cli.show import finish
    from mhx.workflow.runners import listed

    finish(listed(), json)
