"""Cases of transport that have an exact solution, checked and read from a configuration.

    ogata_banks    uniform flow, concentration held on the side of inflow
    flux_column    uniform flow, the water that enters carries a concentration
    strip_source   uniform flow, concentration held on a part of the side of inflow, 0 on the rest
    decay          water at rest that has the same concentration everywhere

No numpy: this runs when a case is planned.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mhx.groundwater.analytic.cases import Column, Decay, Linear, Strip
from mhx.groundwater.analytic.flow_cases import linear
from mhx.groundwater.analytic.reading import AXES, Reading
from mhx.groundwater.kinds import Place

if TYPE_CHECKING:
    from mhx.groundwater.config import Simulation

SIDES = ("west", "east", "south", "north")
BARE = 0.1
"""Share of the inlet that may hold nothing, next to the ends of a strip [1]."""
ARRIVED = 3.0
"""(R L - v t) / (2 sqrt(D R t)) up to which a front has arrived at L: erfc(3) = 2e-5 [1]."""


def ogata_banks(read: Reading) -> Column:
    """Concentration held on the whole side of inflow.  Ogata and Banks, USGS PP 411-A (1961)."""
    return _column(read, held=True)


def flux_column(read: Reading) -> Column:
    """Concentration of the water that enters.  Lindstrom et al., Water Resour. Res. 3 (1967)."""
    return _column(read, held=False)


def _column(read: Reading, *, held: bool) -> Column:
    flow = linear(read)
    inlet = _inlet(flow)
    source = _held(read, inlet) if held else _carried(read, inlet)
    if not held:
        read.edges_only("where the water enters")
    return Column(flow=flow, source=source, held=held, **_solute(read, flow))


def strip_source(read: Reading) -> Strip:
    """Concentration held on a part of the side of inflow.  Wexler, USGS TWRI 3-B7 (1992)."""
    flow = linear(read)
    source, first, last = _strip(read, _inlet(flow))
    west, east, south, north = read.box()
    numbers = _solute(read, flow)
    across = _spread(read, numbers["velocity"], "alpha_th")
    return Strip(
        flow=flow, source=source, held=True, **numbers, across=across, first=first, last=last,
        sides=(south, north) if flow.axis == 0 else (west, east),
    )  # fmt: skip


def decay(read: Reading) -> Decay:
    """What is there fades; nothing moves, enters or is held."""
    flow = linear(read)
    transport = read.config.transport
    assert transport is not None  # checked by the caller
    still = not abs(flow.flux) > 0
    read.must(still, ("flow", "bc"), "be two equal heads, so that the water is at rest,")
    read.must(not transport.bc, ("transport", "bc"), "be left out")
    read.must(transport.ic.file is None, ("transport", "ic", "file"), "be left out")
    param, place = transport.param, ("transport", "param", "decay")
    read.given(param.decay, place, " [1/s]")
    return Decay(
        flow=flow,
        start=transport.ic.si,
        decay=read.uniform(param.decay, place, 0.0),
        order=param.decay_order,
        retardation=_retardation(read),
    )


def _retardation(read: Reading) -> float:
    """1 + bulk density times kd over porosity."""
    assert read.config.transport is not None
    param = read.config.transport.param
    place: Place = ("transport", "param")
    kd = read.uniform(param.kd, (*place, "kd"), 0.0)
    density = read.uniform(param.bulk_density, (*place, "bulk_density"), 0.0)
    return 1 + density * kd / read.uniform(param.porosity, (*place, "porosity"))


def _inlet(flow: Linear) -> str:
    """The side at which water enters."""
    lower = flow.flux > 0
    return ("west" if lower else "east") if flow.axis == 0 else ("south" if lower else "north")


def _solute(read: Reading, flow: Linear) -> dict[str, float]:
    """Velocity, dispersion, retardation, decay and start; the end must lie ahead of the front."""
    transport = read.config.transport
    assert transport is not None  # checked by the caller
    place: Place = ("transport", "param")
    porosity = read.uniform(transport.param.porosity, (*place, "porosity"))
    velocity = abs(flow.flux) / porosity
    read.must(velocity != 0, ("flow", "bc"), "let water flow (two different heads)")
    rate = read.uniform(transport.param.decay, (*place, "decay"), 0.0)
    order = transport.param.decay_order
    read.must(rate == 0 or order == 1, (*place, "decay_order"), "be 1")
    read.must(transport.ic.file is None, ("transport", "ic", "file"), "be left out")
    found = {
        "velocity": velocity,
        "dispersion": _spread(read, velocity, "alpha_l"),
        "retardation": _retardation(read),
        "decay": rate,
        "start": transport.ic.si,
    }
    _ahead(read, flow.high - flow.low, found)
    return found


def _spread(read: Reading, velocity: float, name: str) -> float:
    """Dispersivity times velocity, and diffusion [m2/s]."""
    assert read.config.transport is not None
    param, place = read.config.transport.param, ("transport", "param")
    length = read.uniform(getattr(param, name), (*place, name), 0.0)
    found = length * velocity + read.uniform(param.diffusion, (*place, "diffusion"), 0.0)
    if found == 0 and getattr(param, name) is None:
        read.given(None, (*place, name), " [m]")
        return math.nan
    read.must(not found <= 0, (*place, name), "be > 0 [m]")
    return found


def _ahead(read: Reading, length: float, found: Mapping[str, float]) -> None:
    """The column of the solution has no end: what is computed must not reach it either."""
    assert read.config.transport is not None
    time = read.config.transport.time.seconds or seconds_of(read.config)
    v, d, r = found["velocity"], found["dispersion"], found["retardation"]
    u = math.sqrt(v**2 + 4 * r * found["decay"] * d) if d > 0 else v
    gone = d > 0 and (u - v) * length / (2 * d) >= ARRIVED**2  # decayed before it gets there
    free = (r * length - u * time) / (2 * math.sqrt(d * r * time)) if d > 0 else math.inf
    what = f"be longer along the flow: after {time:g} s the front reaches its end at {length:g} m"
    read.must(gone or not free < ARRIVED, ("domain",), f"{what}, where the solution has none,")


def seconds_of(config: "Simulation") -> float:
    """How long a run is, where `transport.time.length` does not say it [s]."""
    flow = config.flow
    if flow is None or flow.time is None:
        return math.nan
    return sum(period.seconds for period in flow.time.period)


def _held(read: Reading, inlet: str) -> float:
    """The concentration held on the whole inlet."""
    transport = read.config.transport
    assert transport is not None
    tables = transport.bc
    one = len(tables) == 1 and tables[0].package == "cnc"
    if not read.must(one, ("transport", "bc"), "be one cnc"):
        return math.nan
    place: Place = ("transport", "bc", 0, "where", "side")
    read.must(tables[0].where.side == inlet, place, f"be {inlet!r}, where water enters,")
    return read.number(tables[0].value, ("transport", "bc", 0, "value"))


def _strip(read: Reading, inlet: str) -> tuple[float, float, float]:
    """The concentration held on a part of the inlet, and both ends of it.

    The rest of the inlet must hold 0, as in the solution: where clean water enters freely, solute
    that disperses back to it stays in the ground.
    """
    nothing = (math.nan, math.nan, math.nan)
    spans = list(_spans(read, inlet))
    if read.faults:
        return nothing
    strips = [span for span in spans if span[0] != 0]
    if not read.must(len(strips) == 1, ("transport", "bc"), "hold one cnc that is not 0"):
        return nothing
    box, across = read.box(), 1 - AXES[inlet]
    low, high = box[2 * across], box[2 * across + 1]
    reached, bare = low, 0.0
    for _, first, last in sorted(spans, key=lambda span: span[1]):
        bare += max(0.0, first - reached)
        reached = max(reached, last)
    bare += max(0.0, high - reached)
    what = f"hold 0 on the rest of the side {inlet}, too, by further cnc along lines"
    what += f" ({bare:g} m of it hold nothing),"
    read.must(bare <= BARE * (high - low), ("transport", "bc"), what)
    return strips[0]


def _spans(read: Reading, inlet: str) -> Iterator[tuple[float, float, float]]:
    """Concentration and both ends of every part of the inlet that holds one."""
    transport = read.config.transport
    assert transport is not None
    axis, box = AXES[inlet], read.box()
    edge = box[SIDES.index(inlet)]
    reach = 1e-6 * abs(box[2 * axis + 1] - box[2 * axis])
    read.must(bool(transport.bc), ("transport", "bc"), "hold a cnc along a line")
    for index, table in enumerate(transport.bc):
        place: Place = ("transport", "bc", index)
        line: Place = (*place, "where", "line")
        if not read.must(table.package == "cnc", (*place, "package"), "be 'cnc'"):
            continue
        if not read.given(table.where.line, line, ": a mesh.constraint along the inlet"):
            continue
        drawn = _drawn(read, table.where.line)
        if not read.must(bool(drawn), line, "name a mesh.constraint that is drawn by points"):
            continue
        on_it = all(abs(point[axis] - edge) <= reach for point in drawn)
        if read.must(on_it, line, f"lie on the side {inlet}, where water enters,"):
            ends = [point[1 - axis] for point in drawn]
            yield read.number(table.value, (*place, "value")), min(ends), max(ends)


def _drawn(read: Reading, name: str | None) -> list[tuple[float, float]]:
    """Points of a mesh constraint that stands in the configuration."""
    assert read.config.mesh is not None
    for line in read.config.mesh.constraint:
        if line.id == name and line.points is not None:
            return [(float(x), float(y)) for x, y in line.points]
    return []


def _carried(read: Reading, inlet: str) -> float:
    """The concentration of the water that enters."""
    transport, flow = read.config.transport, read.config.flow
    assert transport is not None and flow is not None
    read.must(not transport.bc, ("transport", "bc"), "be left out")
    for index, table in enumerate(flow.bc):
        if table.where.side == inlet:
            place: Place = ("flow", "bc", index, "concentration")
            return read.number(table.concentration, place)
    return math.nan
