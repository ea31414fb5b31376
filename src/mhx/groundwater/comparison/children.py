"""From a comparison to its methods: each an ordinary configuration of mode `simulation`.

base < `base_simulation_overlay` < overlay of the method < its `engine`

Pure but for reading: nothing is written.  A child holds what base and overlays say, its processes
where the base names none, and `output.figures = false` where neither says otherwise; its paths are
absolute until it is written.  A method with `run_dir` is the configuration which that run keeps.
Faults are told at the key of the comparison's file that wrote the value, or at
`base_simulation_config` with file and line below it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.config import Source, faults_in, read_toml, refusals_of
from mhx.config.faults import Told
from mhx.config.layers import Written, read_chain
from mhx.config.lines import Place
from mhx.config.located import absent, absolute
from mhx.config.merge import merge
from mhx.config.origins import Layer, Layered
from mhx.config.paths import counted_in, paths_in, with_paths
from mhx.errors import ConfigError
from mhx.evidence.manifest import verified
from mhx.groundwater.comparison.config import ComparisonTable, Method
from mhx.groundwater.config import Simulation

CONFIG, SUMMARY = "config.toml", "run_summary.json"
BASE: Place = ("comparison", "base_simulation_config")
BASE_OVERLAY: Place = ("comparison", "base_simulation_overlay")
CHILD_DEFAULTS: Mapping[str, Any] = {"output": {"figures": False}}
"""What a child gets where neither base nor overlay sets the key: the page shows all methods."""
_OURS = "comparison"  # the name of layers that stand in the comparison's own file


@dataclass(frozen=True, kw_only=True)
class Child:
    """One method, resolved.

    index: among `comparison.simulation`.  data: as its file holds it, paths absolute.
    config: checked, every default filled in.  source: where each value of it was written.
    run_dir: the finished run that stands for it; None: it is still to be run.
    """

    index: int
    method: Method
    data: Mapping[str, Any]
    config: Simulation
    source: Layered
    run_dir: Path | None = None

    @property
    def id(self) -> str:
        """The id of the method."""
        return self.method.id

    @property
    def label(self) -> str:
        """How tables and pictures name the method."""
        return self.method.label or self.method.id


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The enabled methods in their order, and what keeps them from running, by place."""

    children: tuple[Child, ...]
    faults: tuple[Told, ...]


def resolve(table: ComparisonTable) -> Resolved:
    """Every enabled method of a comparison whose paths are absolute."""
    faults: list[Told] = []
    try:
        base = _base(_as_typed(table.base_simulation_config))
        data, layers = _laid(base, table)
    except ConfigError as error:
        return Resolved(children=(), faults=(Told(BASE, f": {error}"),))
    children = []
    for index, method in enumerate(table.simulation):
        if not method.enabled:
            continue
        found: Child | list[Told]
        if method.run_dir is not None:
            found = _finished(index, method, method.run_dir)
        else:
            found = _child(index, method, data, layers)
        if isinstance(found, Child):
            children.append(found)
        else:
            faults += found
    return Resolved(children=tuple(children), faults=tuple(dict.fromkeys(faults)))


def read_files(path: Path) -> list[Path]:
    """Every file that the case of a comparison is read from: the base, its parents, its inputs."""
    try:
        written = read_chain(path)
    except ConfigError:
        return [path]  # it is refused where it is resolved
    data, _ = absolute(written, Simulation)
    chain = [Path(layer.source.name) for layer in written.layers]
    counted = counted_in(Simulation, data)
    found = [path, *chain]
    for _, kind, text in paths_in(Simulation, data):
        if kind == "input" and os.path.exists(text):
            found += _files_at(Path(text), counted.get(text, ""))
    return list(dict.fromkeys(found))


def _files_at(path: Path, counted_by: str) -> list[Path]:
    """The files that an input stands for."""
    if counted_by:
        module, _, name = counted_by.partition(":")
        files: list[Path] = getattr(import_module(module), name)(path)
        return [Path(file) for file in files]
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def place_of(child: Child, place: Place) -> Place:
    """The key of the comparison's file that wrote a value of a child, or stands for it."""
    if child.run_dir is not None:
        return (*_here(child.index), "run_dir")
    layer, within = child.source.written(place)
    return within if layer.source.name == _OURS else BASE


def written_by(child: Child, place: Place) -> bool:
    """Whether the method itself, not the base, wrote the value at a place."""
    at = place_of(child, place)
    return at[:3] == _here(child.index)


@dataclass(frozen=True, kw_only=True)
class _Base:
    written: Written
    data: Mapping[str, Any]


def _base(path: Path) -> _Base:
    """The file of the case, its paths absolute; ConfigError where it cannot be one."""
    written = read_chain(path)
    workflow = written.data.get("workflow")
    mode = workflow.get("mode") if isinstance(workflow, Mapping) else workflow
    if mode not in (None, "simulation"):
        place = written.source.place(("workflow", "mode"))
        raise ConfigError(
            f"{place} must be 'simulation' for the case of a comparison, got {mode!r}"
        )
    data, texts = absolute(written, Simulation)
    inputs = {place: text for place, kind, text in paths_in(Simulation, data) if kind == "input"}
    if missing := absent(inputs, texts):
        raise ConfigError("; ".join(map(written.source.describe, missing)))
    return _Base(written=written, data=_with_processes(data))


def _as_typed(path: Path) -> Path:
    """From the current folder where it lies below: shorter in messages."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _with_processes(data: Mapping[str, Any]) -> dict[str, Any]:
    """The processes that the tables of a base call for, where it names none."""
    workflow = data.get("workflow")
    said = workflow if isinstance(workflow, Mapping) else {}
    result = {**data, "workflow": {**said, "mode": "simulation"}}
    result["workflow"].pop("output_dir", None)
    simulation = data.get("simulation")
    if isinstance(simulation, Mapping) and simulation.get("process"):
        return result
    types = [name for name in ("mesh", "flow", "transport") if name in data]
    entries = [{"id": f"{name}_main", "type": name} for name in types]
    return {**result, "simulation": {"process": entries}} if entries else result


def _laid(base: _Base, table: ComparisonTable) -> tuple[dict[str, Any], tuple[Layer, ...]]:
    """The case that all methods share, and the layers that it is made of."""
    data, _ = merge(CHILD_DEFAULTS, base.data)
    overlay = _layer(table.base_simulation_overlay, BASE_OVERLAY)
    data, faults = merge(data, overlay.data)
    if faults:
        raise ConfigError(
            "; ".join(f"{_key(BASE_OVERLAY, one.place)} {one.text}" for one in faults)
        )
    return data, (*base.written.layers, overlay)


def _key(at: Place, place: Place) -> str:
    return ".".join(map(str, (*at, *place)))


def _layer(data: Mapping[str, Any], at: Place) -> Layer:
    return Layer(data=data, source=Source(_OURS), folder=Path.cwd(), at=at)


def _child(
    index: int, method: Method, shared: Mapping[str, Any], below: tuple[Layer, ...]
) -> Child | list[Told]:
    at = (*_here(index), "overlay")
    data, faults = merge(shared, method.overlay)
    if faults:
        return [Told((*at, *fault.place), fault.text) for fault in faults]
    layers = [*below, _layer(method.overlay, at)]
    if method.engine is not None:
        data = {**data, "engine": method.engine}
        layers.append(_layer({"engine": method.engine}, _here(index)))
    source = Layered(_OURS, merged=data, layers=tuple(layers))
    checked, told = faults_in(Simulation, data)
    if checked is not None:
        told += refusals_of(checked)
    if checked is None or told:
        return [_placed(source, fault) for fault in told]
    return Child(index=index, method=method, data=data, config=checked, source=source)


def _placed(source: Layered, fault: Told) -> Told:
    """A fault of a child at the key of the comparison's file that it comes from."""
    layer, within = source.written(fault.place)
    rest = fault.place[len(within) - len(layer.at) :]
    place = (*within, *rest)
    if layer.source.name != _OURS:
        return Told(BASE, f": {layer.source.describe(Told(place, fault.text))}")
    return Told(place, fault.text)


def _finished(index: int, method: Method, run_dir: Path) -> Child | list[Told]:
    """The configuration of a run that is there, verified."""
    at = (*_here(index), "run_dir")
    if not (run_dir / SUMMARY).is_file():
        return [Told(at, f": {method.run_dir} holds no finished run of mhx")]
    try:
        problems = verified(run_dir).problems
        data, _ = read_toml(run_dir / CONFIG)
    except ConfigError as error:
        return [Told(at, f": {error}")]
    if problems:
        return [Told(at, f": {run_dir} is not as it was recorded: {problems[0]}")]
    if data.get("workflow", {}).get("mode") != "simulation":
        return [Told(at, f": {run_dir} holds no run of mode 'simulation'")]
    there = with_paths(Simulation, data, lambda place, kind, text: _real(run_dir, text))
    checked, faults = faults_in(Simulation, there)
    if checked is None:
        return [Told(at, f": {CONFIG} there cannot be read: {faults[0].text}")]
    source = Layered(_OURS, merged=there, layers=(_layer(there, at),))
    return Child(
        index=index, method=method, data=there, config=checked, source=source, run_dir=run_dir
    )


def _real(folder: Path, text: str) -> str:
    return os.path.normpath(os.path.join(os.path.abspath(folder), text))


def _here(index: int) -> Place:
    return ("comparison", "simulation", index)


def leaves(data: Any, place: Place = (), key: str = "") -> Iterator[tuple[str, Place, Any]]:
    """Dotted key, place and value of every leaf; items of arrays of tables are named by `id`."""
    if isinstance(data, Mapping) and data:
        for name, value in data.items():
            yield from leaves(value, (*place, name), f"{key}.{name}" if key else name)
    elif isinstance(data, list) and data and all(isinstance(item, Mapping) for item in data):
        for index, item in enumerate(data):
            yield from leaves(item, (*place, index), f"{key}.{item.get('id', index)}")
    else:
        yield key, place, data
