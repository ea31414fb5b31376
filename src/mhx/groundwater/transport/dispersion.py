"""How much a scheme spreads a solute by itself, beside what the ground spreads: and advice.

Velocities v = q / porosity live on the faces between cells (`velocities.py`): through a face the
component v_n is exact, along it v_t is that of the two cells.

    Courant of a cell       dt x outflow / pore volume, longest step
    Peclet of a connection  |v_n| d / D_nn,  D_nn = (alpha_l v_n^2 + alpha_t v_t^2) / |v| + D*
    in time                 v^2 dt / (2 R): implicit Euler, R the retardation
    in space, upstream      a face lets |Q| / 2 x (c_i - c_j) through beside the mean of the two:
                            alpha = sum |Q| (d.e)^2 / 2 / sum Q (d.l), e along (l) or across (t)
                            the flow; v dx / 2 where flow and grid are aligned

Across the flow the last one gives 0 on rectangles along it and, on hexagons, 0.14 h to h/4 as the
flow turns.  For Voronoi cells and triangles h/4 is taken, the upper end, with `upstream` and `tvd`,
and nothing with `central`.  The growth of plumes through MODFLOW 6 gave, over h: on Voronoi cells
0.15 to 0.25 with upstream, 0.07 to 0.14 with tvd, 1e-4 with central; on triangles 0 to 0.25 and
0 to 0.17.  Lengths m, rates m3/s, times d.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mhx.groundwater.grid import Flags, Floats, Grid
from mhx.groundwater.transport.results import Connections, TransportResult
from mhx.groundwater.transport.velocities import normals, velocities, ways
from mhx.groundwater.units import DAY

PECLET, COURANT, TRANSVERSE = 2.0, 1.0, 0.25
"""What is advised at most: Peclet and Courant number, numerical over physical alpha_th [1]."""
ALONG = 0.05
"""Share of the velocity across a face below which the flow runs along it, not through it [1]."""
ALIKE = 1e-3
"""Share by which a number may exceed what is advised and still print as it [1]."""
SMALL = 0.1
"""Share of the physical dispersion along the flow above which that of the scheme is told [1]."""


@dataclass(frozen=True, kw_only=True)
class Medium:
    """What the ground does to a solute: one number, or (n_layers, n).

    porosity [1]; alpha_l, alpha_th, alpha_tv: dispersivities [m], alpha_tv None: as alpha_th;
    diffusion: effective molecular [m2/s].
    """

    porosity: Floats | float
    alpha_l: Floats | float = 0.0
    alpha_th: Floats | float = 0.0
    alpha_tv: Floats | float | None = None
    diffusion: Floats | float = 0.0


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Courant and Peclet numbers, and dispersion of scheme and ground; NaN where there is none.

    peclet: infinite where water moves and nothing disperses.  physical, in_time, in_space: along
    the flow [m2/d], means weighted by the flow.  transverse_m: dispersivity of the scheme across
    the flow [m]; alpha_th: that of the ground, mean.  spacing_m: mean distance of two centres.
    worst_spacing_m: of the connection with the largest Peclet number.  step_d: longest time step.
    """

    courant_max: float
    courant_mean: float
    peclet_max: float
    peclet_mean: float
    physical_m2_d: float
    in_time_m2_d: float
    in_space_m2_d: float
    transverse_m: float
    alpha_th_m: float
    spacing_m: float
    worst_spacing_m: float
    step_d: float

    @property
    def transverse_ratio(self) -> float:
        """Numerical over physical dispersivity across the flow; NaN without a physical one."""
        return self.transverse_m / self.alpha_th_m if self.alpha_th_m > 0 else math.nan


def turnover(connections: Connections, pore_volume: Floats) -> Floats:
    """(s, n_layers, n) outflow of each cell over its pore volume [1/d]; NaN where it is empty.

    From the faces alone: the larger of what leaves and what enters, so that cells with a sink
    count, too.  pore_volume: (s, n_layers, n) m3.
    """
    rates = np.atleast_2d(connections.rate)
    nodes = pore_volume[0].size
    found = np.zeros((len(pore_volume), nodes))
    for step, rate in enumerate(np.broadcast_to(rates, (len(pore_volume), rates.shape[1]))):
        out, into = np.maximum(rate, 0.0), np.maximum(-rate, 0.0)
        leaves = np.bincount(connections.one, out, nodes)
        leaves += np.bincount(connections.other, into, nodes)
        enters = np.bincount(connections.one, into, nodes)
        enters += np.bincount(connections.other, out, nodes)
        found[step] = np.maximum(leaves, enters)
    volume = pore_volume.reshape(len(pore_volume), nodes)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(volume > 0, found * DAY / volume, math.nan)
    return share.reshape(pore_volume.shape)


@dataclass(frozen=True, kw_only=True)
class _Faces:
    """What one flow field and the ground make of each connection, all (m,).

    peclet: infinite where nothing disperses.  speed: m/s.  physical: along the flow [m2/s].
    rate: m3/s, not signed.  along, across: way between the centres along the flow and across it
    [m], 0 between layers.
    """

    peclet: Floats
    speed: Floats
    physical: Floats
    rate: Floats
    along: Floats
    across: Floats


def numbers(result: TransportResult, grid: Grid, medium: Medium) -> Numbers:
    """Courant and Peclet numbers and dispersion of a run; `result.connections` must be there."""
    links = result.connections
    assert links is not None  # callers leave these numbers out without them
    shape = result.pore_volume.shape[1:]
    ground = _ground(medium, links, shape)
    held = _retardation(result)
    held = 0.5 * (held[links.one] + held[links.other])
    longest, squares = _time_steps(result)
    courant = _turnover(result, links) * longest[:, None, None]
    there = courant[np.isfinite(courant)]
    total: dict[str, float] = {}
    worst, spacing = math.nan, math.nan
    for rate, area, which in _flows(result, links):
        faces = _faces(links, grid, ground, (rate, area))
        if faces.peclet.size and not worst >= faces.peclet.max():
            worst, spacing = float(faces.peclet.max()), links.distance[faces.peclet.argmax()]
        lasts = float(result.length_d[which].sum()), float(squares[which].sum())
        for name, value in _sums(faces, ground, held, lasts).items():
            total[name] = total.get(name, 0.0) + value
    flow, rates = total["flow"], total["rate"]
    scheme = result.about.get("scheme", {})
    upstream, central = bool(scheme.get("upstream")), bool(scheme.get("central"))
    lateral = links.distance[links.lateral]
    middle = float(lateral.mean()) if lateral.size else math.nan

    def mean(name: str) -> float:
        return total[name] / flow if flow > 0 else math.nan

    return Numbers(
        courant_max=float(there.max()) if there.size else math.nan,
        courant_mean=float(there.mean()) if there.size else math.nan,
        peclet_max=worst,
        peclet_mean=total["peclet"] / rates if rates > 0 else math.nan,
        physical_m2_d=mean("physical") * DAY,
        in_time_m2_d=mean("in_time") * DAY,
        in_space_m2_d=mean("in_space") * DAY if upstream else 0.0,
        transverse_m=_transverse(grid, middle, mean("transverse") if upstream else 0.0, central),
        alpha_th_m=mean("alpha_th"),
        spacing_m=middle,
        worst_spacing_m=float(spacing),
        step_d=float(longest.max()),
    )


def _ground(medium: Medium, links: Connections, shape: tuple[int, ...]) -> dict[str, Floats]:
    """(m,) means over the two cells of each connection; `alpha_t` is that across it."""
    tall = medium.alpha_th if medium.alpha_tv is None else medium.alpha_tv
    values = {
        "porosity": medium.porosity,
        "alpha_l": medium.alpha_l,
        "alpha_th": medium.alpha_th,
        "alpha_tv": tall,
        "diffusion": medium.diffusion,
    }
    found = {}
    for name, value in values.items():
        nodes = np.broadcast_to(np.asarray(value, dtype=float), shape).ravel()
        found[name] = 0.5 * (nodes[links.one] + nodes[links.other])
    found["alpha_t"] = np.where(links.lateral, found["alpha_th"], found["alpha_tv"])
    return found


def _retardation(result: TransportResult) -> Floats:
    """(nodes,) 1 + what sorbs over what is dissolved, last saved step."""
    volume = result.pore_volume[-1].ravel()
    held = np.zeros_like(volume)
    np.divide(result.sorbing.ravel(), volume, out=held, where=volume > 0)
    return 1.0 + held


def _turnover(result: TransportResult, links: Connections) -> Floats:
    """(s, n_layers, n) 1/d; from the outflow of each cell where the engine tells it."""
    outflow = result.fields.get("outflow")
    if outflow is None:
        return turnover(links, result.pore_volume)
    there = result.pore_volume > 0
    volume = np.where(there, result.pore_volume, 1.0)
    return np.where(there, outflow * DAY / volume, math.nan)


def _time_steps(result: TransportResult) -> tuple[Floats, Floats]:
    """(s,) longest time step up to each saved one since the one before, and sum of squares."""
    lengths = np.diff(result.steps_d, prepend=0.0)
    last = np.searchsorted(result.steps_d, result.time_d * (1 - 1e-12))
    starts = np.r_[0, last[:-1] + 1]
    return np.maximum.reduceat(lengths, starts), np.add.reduceat(lengths**2, starts)


def _flows(result: TransportResult, links: Connections) -> Iterator[tuple[Floats, Floats, slice]]:
    """Each flow field once: rates, faces, and the saved steps that it lasts."""
    steps = len(result.length_d)
    rates = np.broadcast_to(np.atleast_2d(links.rate), (steps, links.one.size))
    areas = np.broadcast_to(np.atleast_2d(links.area), (steps, links.one.size))
    first = 0
    for step in range(1, steps + 1):
        same = step < steps and (
            np.array_equal(rates[step], rates[first]) and np.array_equal(areas[step], areas[first])
        )
        if not same:
            yield rates[first], areas[first], slice(first, step)
            first = step


def _faces(
    links: Connections, grid: Grid, ground: dict[str, Floats], flow: tuple[Floats, Floats]
) -> _Faces:
    rate, area = flow
    open_face = area > 0
    through = np.divide(rate, area * ground["porosity"], out=np.zeros_like(rate), where=open_face)
    normal = normals(links, grid)
    cells = velocities(links, normal, through, area)
    mean = 0.5 * (cells[links.one] + cells[links.other])
    sideways = np.abs(normal[:, 0] * mean[:, 1] - normal[:, 1] * mean[:, 0])
    beside = np.where(links.lateral, sideways, np.hypot(mean[:, 0], mean[:, 1]))
    speed = np.hypot(through, beside)
    moving = speed > 0
    square = ground["alpha_l"] * through**2 + ground["alpha_t"] * beside**2
    spread = np.divide(square, speed, out=np.zeros_like(rate), where=moving) + ground["diffusion"]
    # of a face along the flow, without alpha_th, the number would be as large as it is irrelevant
    crosses = np.abs(through) > ALONG * speed
    way = np.where(crosses, np.abs(through) * links.distance, 0.0)
    peclet = np.where(way > 0, math.inf, 0.0)
    np.divide(way, spread, out=peclet, where=spread > 0)
    ahead = np.hypot(mean[:, 0], mean[:, 1])
    unit = np.divide(mean, ahead[:, None], out=np.zeros_like(mean), where=ahead[:, None] > 0)
    link = np.where(links.lateral[:, None], ways(links, grid), 0.0)
    return _Faces(
        peclet=peclet,
        speed=speed,
        physical=ground["alpha_l"] * speed + ground["diffusion"],
        rate=np.abs(rate),
        along=np.abs(np.sum(link * unit, axis=1)),
        across=np.abs(link[:, 0] * unit[:, 1] - link[:, 1] * unit[:, 0]),
    )


def _sums(
    faces: _Faces, ground: dict[str, Floats], held: Floats, lasts: tuple[float, float]
) -> dict[str, float]:
    """What the means are made of: `flow` is their weight, the volume times the flow through it."""
    length, square = lasts
    flow = faces.rate * faces.along
    known = np.isfinite(faces.peclet)
    peclet = float(faces.rate @ np.where(known, faces.peclet, 0.0)) if known.all() else math.inf
    return {
        "flow": float(flow.sum()) * length,
        "rate": float(faces.rate.sum()) * length,
        "peclet": peclet * length,
        "physical": float(flow @ faces.physical) * length,
        "alpha_th": float(flow @ ground["alpha_th"]) * length,
        "in_time": float(flow @ (faces.speed**2 / held)) * 0.5 * square * DAY,
        "in_space": float(0.5 * faces.rate @ (faces.along**2 * faces.speed)) * length,
        "transverse": float(0.5 * faces.rate @ faces.across**2) * length,
    }


def _transverse(grid: Grid, spacing: float, upstream: float, central: bool) -> float:
    """Dispersivity of the scheme across the flow [m]; see the top."""
    return upstream if rectangular(grid) or central else spacing / 4.0


def rectangular(grid: Grid) -> bool:
    """Whether all cells are rectangles along the axes."""
    if not (np.diff(grid.offsets) == 4).all():
        return False
    side = grid.vertices[grid.corners[grid.following]] - grid.vertices[grid.corners]
    straight: Flags = np.abs(side).min(axis=1) <= 1e-9 * np.abs(side).max(axis=1)
    return bool(straight.all())


def advice(found: Numbers) -> dict[str, str]:
    """`advice`, a text below `notes.transport.`: what to change, so that fronts are the ground's.

    Sizes are those at which Peclet is 2, steps those at which Courant is 1, numerical dispersion
    in time a tenth of the physical one, and h/4 a quarter of alpha_th.
    """
    told = [*_told_peclet(found), *_told_steps(found), *_told_transverse(found)]
    if not told:
        told = [
            f"none: Peclet at most {found.peclet_max:.3g} (<= {PECLET:g}), Courant at most "
            f"{found.courant_max:.3g} (<= {COURANT:g})"
        ]
    return {"advice": "; ".join(told)}


def _told_peclet(found: Numbers) -> Iterator[str]:
    if math.isinf(found.peclet_max):
        yield (
            "nothing disperses where water moves: what spreads the front there is the scheme alone"
        )
    elif found.peclet_max > PECLET * (1 + ALIKE):
        size = found.worst_spacing_m * PECLET / found.peclet_max
        yield (
            f"Peclet is up to {found.peclet_max:.3g}, above {PECLET:g}: cells of {size:.3g} m "
            f"there instead of {found.worst_spacing_m:.3g} m would do"
        )


def _told_steps(found: Numbers) -> Iterator[str]:
    if found.courant_max > COURANT * (1 + ALIKE):
        step = found.step_d * COURANT / found.courant_max
        yield (
            f"Courant is up to {found.courant_max:.3g}, above {COURANT:g}: steps of {step:.3g} d "
            f"instead of {found.step_d:.3g} d would do"
        )
    for where, spread in (("time", found.in_time_m2_d), ("space", found.in_space_m2_d)):
        if found.physical_m2_d > 0 and spread > SMALL * found.physical_m2_d:
            share = spread / found.physical_m2_d
            cure = (
                f"steps of {found.step_d * SMALL / share:.3g} d make it {SMALL:.0%}"
                if where == "time"
                else "advection = 'tvd' or 'central' has none of it"
            )
            yield (
                f"numerical dispersion in {where} is {share:.0%} of the physical one along the "
                f"flow: {cure}"
            )


def _told_transverse(found: Numbers) -> Iterator[str]:
    ratio = found.transverse_ratio
    if ratio > TRANSVERSE:
        size = found.spacing_m * TRANSVERSE / ratio
        yield (
            f"numerical dispersion across the flow is up to {ratio:.3g} times that of alpha_th, "
            f"above {TRANSVERSE:g}, and tvd about halves it: cells of {size:.3g} m, rectangles "
            "along the flow or, but for triangles, 'central' would do"
        )
