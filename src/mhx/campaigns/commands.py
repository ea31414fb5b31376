"""`commands.jsonl`: which command made which files, so that each file can be made again.

One line per command that wrote into a run directory; the lines are chained.  Paths are relative to
the run directory; a folder stands for all that lies in it.  The command is as it was typed.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePath, PurePosixPath
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.evidence import schemas
from mhx.evidence.provenance import code_digest, now, own_command
from mhx.evidence.store import append_chained, read_chained


def record_command(
    folder: RunFolder, wrote: Iterable[str | PurePath], *, command: Sequence[str] | None = None
) -> dict[str, Any]:
    """Append one line: the command (this process's own unless given) and what it wrote."""
    return append_chained(
        folder.commands,
        {
            "schema": schemas.COMMAND_LINE,
            "time": now(),
            "command": list(own_command() if command is None else command),
            "code_digest": code_digest(),
            "wrote": sorted({PurePath(path).as_posix() for path in wrote}),
        },
    )


def without_command(folder: RunFolder, files: Iterable[str]) -> list[str]:
    """Of `files`, those that no recorded command says to have written."""
    made = {name for line in read_chained(folder.commands) for name in line["wrote"]}
    return sorted(
        name
        for name in set(files)
        if name not in made and not any(str(up) in made for up in PurePosixPath(name).parents)
    )
