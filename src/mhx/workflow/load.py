"""A configuration file, checked against the table of its mode.

`[workflow] mode` picks the row of the registry.  `name` and `output_dir` may stand in `[workflow]`
or, as campaigns write them, at the root.  `output_dir` counts from the folder of the file in which
it stands, so that a tree of files can be moved; without one a run goes to `runs/<name of the file>`
beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.config import Source, parse, read_toml, refuse
from mhx.errors import ConfigError
from mhx.workflow.registry import Registration, modes, row_of, table_of


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One ordinary configuration, checked; `config` holds every default."""

    path: Path
    row: Registration
    config: Mapping[str, Any]
    name: str
    output_dir: Path


def load(path: Path) -> Loaded:
    """Read and check a file; ConfigError lists every fault with its line."""
    data, source = read_toml(path)
    row = row_of(_mode(data, source), where=source.place(("workflow", "mode")))
    table = parse(table_of(row), data, source)
    refuse(table, source)
    config = table.document()
    workflow = config.get("workflow", {})
    name = config.get("name") or workflow.get("name") or path.stem
    folder = config.get("output_dir") or workflow.get("output_dir") or f"runs/{path.stem}"
    return Loaded(
        path=path, row=row, config=config, name=name, output_dir=path.parent / Path(folder)
    )


def _mode(data: Mapping[str, Any], source: Source) -> str:
    workflow = data.get("workflow")
    mode = workflow.get("mode") if isinstance(workflow, Mapping) else None
    if isinstance(mode, str):
        return mode
    known = " or ".join(repr(name) for name in modes())
    found = "is required" if mode is None else f"must be text, got {mode!r}"
    place = source.place(("workflow", "mode"))
    raise ConfigError(f"{place} {found}; it says what runs: {known}")
