"""What finite elements cannot do here, told with its key when a case is planned.

Imported by the configuration: no numpy, no scikit-fem.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mhx.groundwater.kinds import Fault

if TYPE_CHECKING:
    from mhx.groundwater.config import Simulation

ENGINES = ("fem_p1", "fem_p2")
MESHES = ("voronoi", "triangles", "file")
"""Kinds of mesh that triangles can be had of."""


def faults(config: "Simulation") -> Iterator[Fault]:
    """Keys of a configuration that ask more of the engines fem_p1 and fem_p2 than they do."""
    if config.engine not in ENGINES or config.model is not None:
        return
    told = f"with engine = {config.engine!r}"
    if config.runs("transport"):
        yield Fault(("engine",), f"must be 'mf6', 'mt3dusgs' or 'analytic' for transport, {told}")
    if config.mesh is not None and config.mesh.kind not in MESHES:
        must = f"must be 'voronoi', 'triangles' or 'file' {told}, which needs triangles"
        yield Fault(("mesh", "kind"), f"{must}, got {config.mesh.kind!r}")
    if config.layers is not None and config.layers.n_layers > 1:
        must = f"must be 1 {told}, which solves in the plane"
        yield Fault(("layers", "n_layers"), f"{must}, got {config.layers.n_layers}")
    flow = config.flow
    if flow is None:
        return
    convertible = flow.formulation.cell_type == "convertible"
    if flow.regime == "transient" and convertible:
        must = f"must be 'confined' {told} and flow.regime = 'transient'"
        why = "the water table would store water, which only confined storage does here"
        yield Fault(("flow", "formulation", "cell_type"), f"{must}: {why}")
    if flow.formulation.newton and convertible:
        must = f"must be false {told}, which takes the thickness in between, not upstream"
        yield Fault(("flow", "formulation", "newton"), f"{must}, got true")
    for index, source in enumerate(flow.source):
        if source.package == "evt":
            must = f"must be rcha or wel {told}, got 'evt'"
            yield Fault(("flow", "source", index, "package"), must)
