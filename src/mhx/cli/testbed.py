"""`mhx testbed ...`: matrices of cases.  One function per command; its parameters are the flags.

An absent flag is None and means what the file says.  What a command needs is imported in its body.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mhx.cli import show

if TYPE_CHECKING:
    from mhx.workflow.load import Changes

testbed_app = typer.Typer(
    name="testbed",
    help="Plan and run a matrix of cases; see where it stands.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help='A TOML file of [workflow] mode = "testbed".')]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The output_root of a testbed.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the file; may be repeated."),
]
Overlays = Annotated[
    list[Path] | None,
    typer.Option(
        "--overlay", metavar="FILE", help="A TOML file laid over the file; may be repeated."
    ),
]


@testbed_app.command("init")
def init(
    *,
    model: Annotated[
        Path, typer.Option(metavar="PATH", help="A MODFLOW 6 simulation: its folder or mfsim.nam.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The testbed [default: <folder>_testbed.toml here]"),
    ] = None,
    json: Json = False,
) -> None:
    """Write a commented testbed over your own MODFLOW 6 model. Runs nothing."""
    from mhx.groundwater.existing.starting import start

    show.finish(start(model, output), json)


@testbed_app.command("plan")
def plan(
    file: File,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only compare: exit 1 if children on disk are not the file's"),
    ] = False,
    set_: Sets = None,
    overlay: Overlays = None,
    json: Json = False,
) -> None:
    """Write children and plan, and say what would be reused. Starts nothing."""
    from mhx.testbed.launcher import Options, check_children, plan_testbed

    changes = _changes(overlay, set_)
    options = Options(changes=changes)
    show.finish(check_children(file, changes) if check else plan_testbed(file, options), json)


@testbed_app.command("run")
def run(
    file: File,
    *,
    jobs: Annotated[
        str | None,
        typer.Option(help="Cases at a time, or auto [default: as the file says, else 1]"),
    ] = None,
    case: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Only cases whose id matches.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Carry out cases whose result would stand, too.")
    ] = False,
    rerun_failed: Annotated[
        bool,
        typer.Option("--rerun-failed", help="Start failed cases again, whatever the file says."),
    ] = False,
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="local or inline [default: as the file says, else local]"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only.")] = False,
    set_: Sets = None,
    overlay: Overlays = None,
    json: Json = False,
) -> None:
    """Carry out what is not finished yet; finished cases are verified and kept."""
    from mhx.report.progress import silenced
    from mhx.testbed.launcher import Options, run_testbed

    options = Options(
        changes=_changes(overlay, set_), jobs=jobs, case=case, fresh=fresh,
        rerun_failed=rerun_failed, backend=backend, dry_run=dry_run,
    )  # fmt: skip
    with silenced(json):
        answer = run_testbed(file, options)
    show.finish(answer, json)


@testbed_app.command("status")
def status(folder: Folder, json: Json = False) -> None:
    """Say how many cases have which status, and which results the plan has outrun."""
    from mhx.testbed.status import status as told

    show.finish(told(folder), json)


@testbed_app.command("explain")
def explain(
    folder: Folder,
    case: Annotated[str, typer.Argument(help="The id of a case.")],
    json: Json = False,
) -> None:
    """Say why a case is as it is, where its log is, and which command runs it again."""
    from mhx.testbed.explain import explain as told

    show.finish(told(folder, case), json)


@testbed_app.command("report")
def report(folder: Folder, json: Json = False) -> None:
    """Make checks, analysis and report again from what is stored. Runs nothing."""
    from mhx.testbed.page.reporting import report_testbed

    show.finish(report_testbed(folder), json)


def _changes(overlay: list[Path] | None, set_: list[str] | None) -> "Changes":
    from mhx.workflow.load import Changes

    return Changes(overlays=tuple(overlay or ()), sets=tuple(set_ or ()), environ=os.environ)
