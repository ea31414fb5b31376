"""What can be said of measured data before a run: their files, and what the configuration knows.

The area of a mesh that is still to be made is known by the box of its outline alone; points inside
that box and outside of the mesh are found when the run compares.
"""

from collections.abc import Mapping

from mhx.groundwater.config import Simulation
from mhx.groundwater.flow_config import Flow
from mhx.groundwater.measured.rows import TABLE, Faults, Scope, objections, rows_of
from mhx.groundwater.site import Domain, Layers, Site
from mhx.groundwater.units import DAY

STEADY_D = 1.0
"""Length of the one stress period of a steady flow that says none [d]."""


def refusals(config: Simulation) -> Mapping[str, str]:
    """Dotted keys of `[[observation]]` and what is wrong with each.

    Of the user's own model nothing is known yet but the rows themselves.
    """
    faults = Faults()
    if not config.runs("flow"):
        faults.table((TABLE,), "must be left out: no process computes heads or flows")
    rows = rows_of(config.observation, faults)
    if config.flow is not None and config.runs("flow"):
        transport = config.runs("transport")
        scope = scope_of(config.flow, config.layers, config.site, transport=transport)
        for row in rows:
            if row.model is not None:
                faults.say(row, "model", "must be left out: the model is built here")
            for key, text in objections(row, scope):
                faults.say(row, key, text)
    found: dict[str, str] = {}
    for told in faults.told():
        found.setdefault(".".join(map(str, told.place)), told.text)
    return found


def scope_of(flow: Flow, layers: Layers | None, site: Site, *, transport: bool) -> Scope:
    """What the configuration of a built model knows of its run."""
    periods = flow.time.period if flow.time is not None else []
    steady = flow.regime == "steady"
    end = sum(period.seconds for period in periods) / DAY if periods else STEADY_D
    return Scope(
        boundaries=tuple(table.id for table in (*flow.bc, *flow.source)),
        layers=layers.n_layers if layers is not None else 1,
        end_d=None if steady and transport else end,  # a steady flow lasts as long as its solute
        steady=steady,
        start=flow.time.start if flow.time is not None else None,
        box=None if site.mesh.kind == "file" else _box(site.domain),
    )


def _box(domain: Domain) -> tuple[float, float, float, float] | None:
    """West, east, south and north of an outline that the configuration itself holds [m]."""
    if domain.kind == "rectangle":
        assert domain.length_x is not None and domain.length_y is not None
        east, north = domain.x0 + domain.length_x, domain.y0 + domain.length_y
        return domain.x0, east, domain.y0, north
    if domain.points is None:
        return None
    xs, ys = zip(*domain.points, strict=True)
    return min(xs), max(xs), min(ys), max(ys)
