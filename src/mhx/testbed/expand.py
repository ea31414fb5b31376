"""Base and overlays -> the child of a case, checked with the table of its mode.

Pure: nothing is written here.  A child holds what base and overlays say and no default of its
table, `workflow.mode`, the process entries of its subject and the row's `child_defaults`.  Paths
are those of the folder of the children, so that a moved tree keeps working.  What a child does not
change it shares with the base, so that each step of planning looks at the difference only.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.config import Source, Table, faults_in, refusals_of
from mhx.config.faults import Told, dotted
from mhx.config.layers import Written
from mhx.config.lines import Place
from mhx.config.located import absolute, relative_path
from mhx.config.merge import merge, stepped
from mhx.config.origins import Layer, Layered
from mhx.config.paths import Kind, paths_in, with_paths
from mhx.testbed.child.isolation import differences
from mhx.testbed.child.ordering import in_order
from mhx.testbed.matrix import Case, Overlay
from mhx.workflow.registry import Registration

PROCESSES = {
    "mesh": ("mesh",),
    "flow": ("mesh", "flow"),
    "transport": ("mesh", "flow", "transport"),
}
"""Subject -> the processes of a simulation whose base names none; own models bring their mesh."""
FOLDER = "_generated_configs"  # where the children lie, below the folder of the testbed
RUN_FOLDER = "output_dir"  # no part of a child: the launcher says where each case runs


@dataclass
class Paths:
    """Paths as the children write them: relative to their folder, POSIX.

    found: relative path of every input met -> the path itself.
    """

    folder: Path
    found: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _shown: dict[str, str] = field(default_factory=dict)
    _missing: dict[str, bool] = field(default_factory=dict)

    def relative(self, path: str) -> str:
        """A path from the folder of the children."""
        if path not in self._known:
            self._known[path] = text = relative_path(path, self.folder)
            self.found[text] = Path(path)
        return self._known[path]

    def shown(self, name: str) -> str:
        """A file that a message named, from the folder above: that of the evidence."""
        if name not in self._shown:
            self._shown[name] = relative_path(os.path.abspath(name), self.folder.parent)
        return self._shown[name]

    def absent(self, text: str) -> bool:
        """True when an input, as a child writes it, does not exist."""
        if text not in self._missing:
            self._missing[text] = not os.path.exists(self.real(text))
        return self._missing[text]

    def real(self, text: str) -> str:
        """The path that a child writes as `text`; the folder of the children need not exist yet."""
        return str(self.found.get(text) or os.path.normpath(os.path.join(self.folder, text)))


@dataclass(frozen=True, kw_only=True)
class Base:
    """The base of all children, with paths as children write them."""

    row: Registration
    table: type[Table]
    data: Mapping[str, Any]
    layers: tuple[Layer, ...]
    paths: Paths
    inputs: Mapping[str, tuple[tuple[Place, str], ...]]


@dataclass(frozen=True, kw_only=True)
class Child:
    """What became of a case.

    data: as its file holds it; config: as its table reads it, defaults included, None for a child
    that cannot run.  inputs: paths of its input files.  differences: what it changes of the base.
    faults: "k.toml:12  case 'x': text".
    """

    data: Mapping[str, Any]
    config: Mapping[str, Any] | None
    inputs: tuple[str, ...]
    differences: tuple[Mapping[str, Any], ...]
    faults: tuple[str, ...]


def base_of(
    written: Written, row: Registration, table: type[Table], folder: Path
) -> tuple[Base, list[str], list[str]]:
    """The base of the children below `folder`, its notices and its faults."""
    paths = Paths(folder)
    data, texts = absolute(written, table)
    data = with_paths(table, data, lambda place, kind, text: paths.relative(text))
    paths.texts.update({paths.relative(path): text for path, text in texts.items()})
    data = _without_run_folder({key: data[key] for key in data if key != "testbed"})
    data, _ = merge(row.child_defaults, data)
    data, notices, fault = _with_processes(_in_mode(data, row.mode), row)
    data = in_order(table, data)
    source = Layered(str(written.path), merged=written.data, layers=written.layers)
    faults = [f"{_where(source, ('simulation', 'process'))}{fault}"] if fault else []
    if (mode := _mode(written.data)) not in (None, row.mode):
        faults = [
            f"{_where(source, ('workflow', 'mode'))}workflow.mode is {mode!r}; the pair "
            f"({row.subject}, {row.runner}) takes a base of mode {row.mode!r}"
        ]  # of anything else little is true
    base = Base(
        row=row,
        table=table,
        data=data,
        layers=written.layers,
        paths=paths,
        inputs={key: tuple(_inputs(table, key, value)) for key, value in data.items()},
    )
    return base, notices, faults


def _mode(data: Mapping[str, Any]) -> Any:
    """The mode that a base names; a base need not."""
    workflow = data.get("workflow")
    return workflow.get("mode") if isinstance(workflow, Mapping) else workflow


def child_of(case: Case, base: Base) -> Child:
    """Lay the overlays of a case over the base and check the result with the table of its mode."""
    layers: list[Layer] = []
    faults: list[str] = []
    data: dict[str, Any] = dict(base.data)
    for overlay in case.overlays:
        table, found = stepped(data, overlay.data) if overlay.keyed else (overlay.data, [])
        layer = _layer(overlay, table, base)
        faults += [_line(layer.source, layer.at, fault, case) for fault in found]
        faults += _reserved(layer, case)
        data, found = merge(data, layer.data)
        faults += [_line(layer.source, layer.at, fault, case) for fault in found]
        layers.append(layer)
    data = _in_mode(_only_mesh(data, base), base.row.mode)
    source = Layered(case.id, merged=data, layers=(*base.layers, *layers))
    inputs = _child_inputs(data, base)
    checked, told = faults_in(base.table, data)
    told += [
        Told(place, f": no file {base.paths.texts.get(text, repr(text))}")
        for place, text in inputs
        if base.paths.absent(text)
    ]
    if checked is not None:
        told += refusals_of(_with_real_paths(checked, data, base) if inputs else checked)
    told.sort(key=lambda fault: source.order(fault.place))
    faults += [_line(source, (), fault, case) for fault in told]
    return Child(
        data=in_order(base.table, data, base.data),
        config=checked.document() if checked is not None and not faults else None,
        inputs=tuple(dict.fromkeys(text for _, text in inputs)),
        differences=tuple(differences(base.data, data, source, base.paths.shown)),
        faults=tuple(faults),
    )


def _with_real_paths(checked: Table, data: Mapping[str, Any], base: Base) -> Table:
    """The table as it finds its files from here, where it has rules of its own that may ask."""
    if type(checked).refusals is Table.refusals:
        return checked
    real = with_paths(base.table, data, lambda place, kind, text: base.paths.real(text))
    return faults_in(base.table, real)[0] or checked


def _layer(overlay: Overlay, table: Mapping[str, Any], base: Base) -> Layer:
    """An overlay with its paths as children write them."""

    def resolved(place: Place, kind: Kind, text: str) -> str:
        relative = base.paths.relative(os.path.join(os.path.abspath(overlay.folder), text))
        name, _ = overlay.source.origin(overlay.place)
        base.paths.texts.setdefault(relative, f"{text!r} beside {Path(name).name}")
        return relative

    return Layer(
        data=with_paths(base.table, table, resolved),
        source=overlay.source,
        folder=overlay.folder,
        at=overlay.place,
    )


def _reserved(layer: Layer, case: Case) -> Iterator[str]:
    """A fault where an overlay says where the case runs."""
    workflow = layer.data.get("workflow")
    if isinstance(workflow, Mapping) and RUN_FOLDER in workflow:
        where = _where(layer.source, (*layer.at, "workflow", RUN_FOLDER))
        key = f"workflow.{RUN_FOLDER}"
        yield f"{where}case {case.id!r}: overlay may not set {key}; each case has its own folder"


def _line(source: Source, at: Place, fault: Told, case: Case) -> str:
    """`k.toml:12  case 'low_k': key text`."""
    gap = "" if fault.text.startswith(":") else " "
    where = _where(source, (*at, *fault.place))
    return f"{where}case {case.id!r}: {dotted(fault.place)}{gap}{fault.text}"


def _where(source: Source, place: Place) -> str:
    name, line = source.origin(place)
    return f"{name}:{line}  " if line else f"{name}: "


def _without_run_folder(data: dict[str, Any]) -> dict[str, Any]:
    data.pop(RUN_FOLDER, None)
    if isinstance(data.get("workflow"), Mapping):
        data["workflow"] = {k: v for k, v in data["workflow"].items() if k != RUN_FOLDER}
    return data


def _in_mode(data: dict[str, Any], mode: str) -> dict[str, Any]:
    workflow = data.get("workflow")
    if isinstance(workflow, Mapping) and workflow.get("mode") == mode:
        return data
    said = workflow if isinstance(workflow, Mapping) else {}
    return {**data, "workflow": {**said, "mode": mode}}


def _with_processes(
    data: dict[str, Any], row: Registration
) -> tuple[dict[str, Any], list[str], str]:
    """The processes of a simulation as the subject asks for them, notices, and a fault or ""."""
    if row.runner != "simulation" or row.subject not in PROCESSES:
        return data, [], ""
    given = _processes(data)
    if row.subject == "mesh" and "model" in data:
        return data, [], "subject is 'mesh', but [model] brings its own mesh"
    if not given:
        names = [n for n in PROCESSES[row.subject] if n != "mesh" or "model" not in data]
        entries = [{"id": f"{name}_main", "type": name} for name in names]
        said = data.get("simulation")
        simulation = {**(said if isinstance(said, Mapping) else {}), "process": entries}
        return {**data, "simulation": simulation}, [], ""
    if row.subject not in [entry.get("type") for entry in given]:
        fault = f"subject is {row.subject!r}, but no [[simulation.process]] has type "
        return data, [], f"{fault}{row.subject!r}"
    others = [entry for entry in given if entry.get("type") != "mesh"]
    if row.subject != "mesh" or not others:
        return data, [], ""
    notices = [f"process {entry.get('id')!r} is not run: subject is 'mesh'" for entry in others]
    return _meshing(data, given), notices, ""


def _only_mesh(data: dict[str, Any], base: Base) -> dict[str, Any]:
    """A child of subject `mesh` without the processes that an overlay added."""
    unchanged = data.get("simulation") is base.data.get("simulation")
    if unchanged or base.row.runner != "simulation" or base.row.subject != "mesh":
        return data
    return _meshing(data, _processes(data))


def _meshing(data: dict[str, Any], given: list[Mapping[str, Any]]) -> dict[str, Any]:
    kept = [entry for entry in given if entry.get("type") == "mesh"]
    return {**data, "simulation": {**data["simulation"], "process": kept}} if given else data


def _processes(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The process entries, as far as they have the shape of some."""
    simulation = data.get("simulation")
    entries = simulation.get("process") if isinstance(simulation, Mapping) else None
    whole = isinstance(entries, list) and all(isinstance(entry, Mapping) for entry in entries)
    return list(entries) if whole and entries else []


def _inputs(table: type[Table], key: str, value: Any) -> Iterator[tuple[Place, str]]:
    """Place and text of the input paths below one key of the root."""
    for place, kind, text in paths_in(table, {key: value}):
        if kind == "input":
            yield place, text


def _child_inputs(data: Mapping[str, Any], base: Base) -> list[tuple[Place, str]]:
    found: list[tuple[Place, str]] = []
    for key, value in data.items():
        if key in base.data and value is base.data[key]:
            found += base.inputs[key]
        else:
            found += _inputs(base.table, key, value)
    return found
