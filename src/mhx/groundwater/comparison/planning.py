"""What is settled before anything runs: the methods can run, and only the method differs.

The configurations are compared leaf by leaf, defaults written out; each leaf that differs from the
reference must lie under a key of `METHOD`.  Where a run goes and what it leaves (`workflow`,
`output`) is no part of a case, and an input file counts by its content.  Observables must name what
the case has.  Faults have the keys of the comparison's file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.config.faults import Told, shown
from mhx.config.lines import Place
from mhx.config.paths import paths_in
from mhx.errors import ConfigError
from mhx.evidence.hashing import file_digest
from mhx.groundwater.comparison.children import (
    Child,
    Resolved,
    leaves,
    place_of,
    resolve,
    written_by,
)
from mhx.groundwater.comparison.config import ComparisonTable, Observable
from mhx.groundwater.config import Simulation, packages

METHOD = (
    *("mesh", "solver", "flow.formulation", "transport.scheme", "transport.time.courant"),
    "engine",
)
"""Keys below which methods may differ."""
CIRCUMSTANCE = ("workflow", "output")
"""Tables that say where a run goes and what it leaves, nothing of the case."""
STORAGE = ("sto-ss", "sto-sy")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A leaf in which a method differs from the reference; allowed: it lies under a method key."""

    simulation: str
    key: str
    reference: Any
    value: Any
    allowed: bool


def refusals(table: ComparisonTable) -> dict[str, str]:
    """Dotted keys of the comparison's file and what is wrong with each."""
    return examined(table)[1]


def examined(table: ComparisonTable) -> tuple[Resolved, dict[str, str]]:
    """The methods, and the refusals of a comparison."""
    resolved = resolve(table)
    faults = list(resolved.faults)
    if not faults:
        if table.audit.on_mismatch == "fail":
            faults += _mismatches(table, resolved.children)
        faults += _observables(table, resolved.children)
    found: dict[str, str] = {}
    for fault in faults:
        key = ".".join(map(str, fault.place))
        found[key] = f"{found[key]}; {fault.text.lstrip(': ')}" if key in found else fault.text
    return resolved, found


def differences(reference: Child, child: Child) -> list[Difference]:
    """Every leaf in which a child differs from the reference, in the order of its keys."""
    return [found for found, _ in _compared(reference, child)]


def allowed(key: str) -> bool:
    """Whether methods may differ in a leaf."""
    return any(key == name or key.startswith(f"{name}.") for name in METHOD)


def _compared(reference: Child, child: Child) -> Iterator[tuple[Difference, Place]]:
    """Differences with the place in the child, or in the reference where only that has one."""
    theirs, ours = _leaves(reference), _leaves(child)
    for key in sorted(theirs.keys() | ours.keys()):
        there, here = theirs.get(key), ours.get(key)
        if there is not None and here is not None and there[1] == here[1]:
            continue
        difference = Difference(
            simulation=child.id,
            key=key,
            reference=there[1] if there else None,
            value=here[1] if here else None,
            allowed=allowed(key),
        )
        found = here or there
        assert found is not None  # one of the two has the key
        yield difference, found[0]


def _leaves(child: Child) -> dict[str, tuple[Place, Any]]:
    """Key -> place and value; inputs by content, processes by their type."""
    document = child.config.document()
    inputs = {
        place: _content(Path(text))
        for place, kind, text in paths_in(Simulation, document)
        if kind == "input"
    }
    plain = {key: value for key, value in document.items() if key not in CIRCUMSTANCE}
    steps = plain.pop("simulation")["process"]
    found = {key: (place, inputs.get(place, value)) for key, place, value in leaves(plain)}
    for index, step in enumerate(steps):
        key = f"simulation.process.{step['type']}.enabled"
        found[key] = (("simulation", "process", index, "enabled"), step["enabled"])
    return found


def _content(path: Path) -> str:
    return f"a file with SHA-256 {file_digest(path)}" if path.is_file() else str(path)


def _mismatches(table: ComparisonTable, children: Iterable[Child]) -> Iterator[Told]:
    """A fault for every leaf that is no method and differs."""
    reference = next(child for child in children if child.id == table.reference_simulation)
    for child in children:
        if child is reference:
            continue
        for found, place in _compared(reference, child):
            if not found.allowed:
                yield _told(found, child, reference, place)


def _told(found: Difference, child: Child, reference: Child, place: Place) -> Told:
    """At the overlay that wrote the value: the method's, else the reference's."""
    text = (
        f"may not differ between methods of one case: {found.key} is {_shown(found.value)} in "
        f"{child.id!r}, {_shown(found.reference)} in the reference {reference.id!r}; "
        f"methods differ below {', '.join(METHOD)}"
    )
    if child.run_dir is not None or written_by(child, place):
        return Told(place_of(child, place), text)
    for key, other, _ in leaves(reference.config.document()):
        if key == found.key and written_by(reference, other):
            return Told(place_of(reference, other), text)
    return Told(("comparison", "simulation", child.index), text)


def _shown(value: Any) -> str:
    return "absent" if value is None else shown(value)


def _observables(table: ComparisonTable, children: tuple[Child, ...]) -> Iterator[Told]:
    for index, one in enumerate(table.observable):
        read = [c for c in children if c.id in observed_by(one, table)]
        for key, text in _faults_of(one, read):
            yield Told(("comparison", "observable", index, *key), text)


def observed_by(one: Observable, table: ComparisonTable) -> tuple[str, ...]:
    """Ids of the simulations from which an observable is read, the reference among them."""
    enabled = [method.id for method in table.simulation if method.enabled]
    if one.simulations is None:
        return tuple(enabled)
    return tuple(
        name for name in enabled if name in one.simulations or name == table.reference_simulation
    )


def _faults_of(one: Observable, read: Iterable[Child]) -> Iterator[tuple[Place, str]]:
    """What an observable asks for that its simulations do not have; each fault once."""
    told = set()
    for child in read:
        for place, text in _missing_in(one, child.config):
            if place not in told:
                told.add(place)
                yield place, text


def _missing_in(one: Observable, config: Simulation) -> Iterator[tuple[Place, str]]:
    solute = one.variable == "concentration" or one.own_unit == "kg/s"
    kind = "transport" if solute else "flow"
    if not config.runs(kind):
        name = "variable" if one.variable == "concentration" or not solute else "unit"
        yield (name,), f"= {getattr(one, name)!r} needs a process of type {kind!r} in the case"
        return
    if config.model is not None:
        return  # what it has is known when it has run
    given = solute and one.variable == "budget"  # cnc and src give mass, and no water leaves there
    if one.boundary_id is not None and one.boundary_id not in (known := _boundaries(config, given)):
        yield (
            ("boundary_id",),
            f"must be one of the case ({_listed(known)}), got {one.boundary_id!r}",
        )
    if one.component is not None and not solute and one.component not in (c := _components(config)):
        yield ("component",), f"must be one of the case ({_listed(c)}), got {one.component!r}"
    layers = config.layers.n_layers if config.layers is not None else 1
    if one.layer > layers:
        yield ("layer",), f"must be <= {layers} layers, got {one.layer}"
    if isinstance(one.time, float) and one.time > (end := _end_d(config)):
        yield ("time",), f"must be <= {end:.10g} [d], when the simulation ends, got {one.time!r}"
    yield from _outside(one, config)
    yield from _mask(one, config)


def _boundaries(config: Simulation, solute: bool) -> list[str]:
    found = [table.id for _, _, table in packages(config)]
    if solute and config.transport is not None:
        found += [table.id for table in config.transport.bc]
    return found


def _components(config: Simulation) -> list[str]:
    """Words of the water budget."""
    assert config.flow is not None  # the process has one
    found = dict.fromkeys(table.package for _, _, table in packages(config))
    return [*found, *(STORAGE if config.flow.regime == "transient" else ())]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "there is none"


def _end_d(config: Simulation) -> float:
    """When a simulation ends [d]; steady flow without transport holds for ever."""
    seconds = 0.0
    if config.runs("transport") and config.transport is not None:
        seconds = config.transport.time.seconds or 0.0
    if config.flow is not None and config.flow.regime == "transient" and config.flow.time:
        seconds = max(seconds, sum(period.seconds for period in config.flow.time.period))
    return seconds / 86400.0 if seconds else float("inf")


def _mask(one: Observable, config: Simulation) -> Iterator[tuple[Place, str]]:
    """A mask that is no polygon, or lies beside a rectangle."""
    if one.mask is None or not one.mask.exists():  # told where all inputs are looked for
        return
    drawn = import_module("mhx.groundwater.polylines")  # numpy, shapely
    try:
        ring = drawn.outline_of(drawn.read_points(one.mask, "mask"), str(one.mask))
    except ConfigError as error:
        yield ("mask",), f": {str(error).removeprefix('mask: ')}"
        return
    domain = config.domain
    if domain is None or domain.kind != "rectangle":
        return
    ends = ((domain.x0, domain.length_x), (domain.y0, domain.length_y))
    for axis, (start, length) in enumerate(ends):
        low, high = float(ring[:, axis].min()), float(ring[:, axis].max())
        if high <= start or low >= start + (length or 0.0):
            name = "xy"[axis]
            told = f"must overlap the domain, {name} {start:.10g} .. {start + (length or 0):.10g} m"
            yield ("mask",), f"{told}, got {name} {low:.10g} .. {high:.10g} m"
            return


def _outside(one: Observable, config: Simulation) -> Iterator[tuple[Place, str]]:
    """Points beside a rectangle; of other outlines it is known when they are meshed."""
    domain = config.domain
    if one.support not in ("point", "line") or domain is None or domain.kind != "rectangle":
        return
    ends = {"x": (domain.x0, domain.length_x), "y": (domain.y0, domain.length_y)}
    for axis, (low, length) in ends.items():
        values = [point[axis == "y"] for point in one.points]
        beside = [v for v in values if not low <= v <= low + (length or 0.0)]
        if beside:
            told = f"must lie in the domain, {low:.10g} .. {low + (length or 0.0):.10g} [m]"
            yield (axis,), f"{told}, got {beside[0]!r}"
