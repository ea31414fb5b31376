"""`mhx verify` and `mhx artifact-manifest`: what is true of the files of a folder."""

from pathlib import Path
from typing import Annotated

import typer

from mhx.errors import ConfigError

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the evidence commands to an app."""
    app.command("verify")(verify)
    app.command("artifact-manifest")(artifact_manifest)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Any folder with a manifest.")],
    json: JSON = False,
) -> None:
    """Hash every file again, judge every gate again. Exit 4 if any is not as recorded."""
    from mhx.cli.show import finish
    from mhx.evidence.manifest import verified
    from mhx.report.answer import Answer

    report = verified(folder)
    finish(
        Answer(
            headline=report.headline,
            details=list(report.lines()),
            document=report.document(),
            exit_code=report.exit_code,
        ),
        json,
    )


def artifact_manifest(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder to list.")],
    output: Annotated[
        Path | None,
        typer.Option(help="File to write instead [default: ROOT/artifact_manifest.json]"),
    ] = None,
    json: JSON = False,
) -> None:
    """List size and SHA-256 of every file below a folder."""
    from mhx.cli.show import finish
    from mhx.evidence.manifest import list_artifacts, read_artifact_manifest
    from mhx.report.answer import Answer

    _refuse_folder(output)
    path = list_artifacts(root, output)
    files = read_artifact_manifest(path)["files"]
    size = sum(entry["size_bytes"] for entry in files)
    counted = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    headline = f"{counted} of {root} listed, {size} bytes"
    finish(Answer(headline=headline, wrote=path, document={"files": files}), json)


def _refuse_folder(output: Path | None) -> None:
    if output is not None and output.is_dir():
        raise ConfigError(
            f"--output must be a file, {output} is a folder; name a file in it, "
            f"for example {output / 'artifact_manifest.json'}"
        )
