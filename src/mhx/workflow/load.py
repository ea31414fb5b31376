"""A configuration file, merged with what it inherits and checked against the table of its mode.

`[workflow] mode` picks the row of the registry.  A file may name a parent by a top-level
`base_config`; what the user asked for besides (`Changes`) is laid over the file: overlay files,
then `--set`, then the environment.  Path-typed values count from the folder of the file in which
they are written, `--set` and environment from the current one; inputs must exist.

`name` and `output_dir` may stand in `[workflow]` or, as campaigns write them, at the root.  Without
an `output_dir` a run goes to `runs/<name of the file>` beside the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.config import Table, faults_in, listed, refusals_of
from mhx.config.faults import dotted
from mhx.config.layers import Changes, Written, read_chain
from mhx.config.located import absent, absolute
from mhx.config.paths import paths_in
from mhx.errors import ConfigError
from mhx.workflow.registry import Registration, modes, row_of, table_of

__all__ = ["Changes", "Loaded", "Written", "load", "load_written", "mode_of", "read_chain"]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One ordinary configuration, checked; `config` holds every default, its paths are absolute.

    inputs: the dotted key of each input path -> the path.
    overrides: what overlays, `--set` and environment changed: {key, value, from}.
    """

    path: Path
    row: Registration
    table: type[Table]
    config: Mapping[str, Any]
    name: str
    output_dir: Path
    inputs: Mapping[str, Path] = field(default_factory=dict)
    overrides: tuple[Mapping[str, Any], ...] = ()


def load(path: Path, changes: Changes | None = None) -> Loaded:
    """Read and check a file; ConfigError lists every fault with its file and line."""
    return load_written(read_chain(path, changes))


def load_written(written: Written) -> Loaded:
    """Check a file that was read."""
    source, path = written.source, written.path
    row = row_in(written)
    table = table_of(row)
    data, texts = absolute(written, table)
    checked, faults = faults_in(table, data)
    inputs = {place: text for place, kind, text in paths_in(table, data) if kind == "input"}
    missing = absent(inputs, texts)
    faults += missing
    if checked is not None:
        told = {fault.place for fault in missing}  # whoever opens such a file fails, too
        faults += [fault for fault in refusals_of(checked) if fault.place not in told]
    if checked is None or faults:
        raise listed(source, faults)
    config = checked.named(path.stem).document()
    workflow = config.get("workflow", {})
    folder = config.get("output_dir") or workflow.get("output_dir") or f"runs/{path.stem}"
    return Loaded(
        path=path,
        row=row,
        table=table,
        config=config,
        name=config.get("name") or workflow.get("name") or path.stem,
        output_dir=short(path.parent / Path(folder)),
        inputs={dotted(place): Path(text) for place, text in inputs.items()},
        overrides=written.overrides,
    )


def short(folder: Path) -> Path:
    """The same folder without `..`, from the current one where it lies below, as a user types."""
    if ".." not in folder.parts:
        return folder
    place, here = folder.resolve(), Path.cwd()
    return place.relative_to(here) if place.is_relative_to(here) else place


def row_in(written: Written) -> Registration:
    """The row of the mode that a file names."""
    mode = mode_of(written)
    if mode in modes():
        return row_of(mode)
    return row_of(mode, where=written.source.place(("workflow", "mode")))


def mode_of(written: Written) -> str:
    """What `[workflow] mode` says, or `workflow = "testbed"`; ConfigError names the known modes."""
    workflow = written.data.get("workflow")
    mode = workflow.get("mode") if isinstance(workflow, Mapping) else None
    if workflow == "testbed":
        mode = workflow
    if isinstance(mode, str):
        return mode
    known = " or ".join(repr(name) for name in modes())
    found = "is required" if mode is None else f"must be text, got {mode!r}"
    place = written.source.place(("workflow", "mode"))
    raise ConfigError(f"{place} {found}; it says what runs: {known}")
