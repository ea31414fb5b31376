"""What MODFLOW-NWT and MT3D-USGS cannot do, told by key before anything runs.

Grids of rows and columns, upstream-weighted Newton, two-point fluxes: what is not refused here is
solved as it is written.  No numpy here: configurations are checked without it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mhx.groundwater.kinds import Fault

if TYPE_CHECKING:
    from mhx.groundwater.config import Simulation

ENGINES = {"mfnwt": "MODFLOW-NWT", "mt3dusgs": "MT3D-USGS over MODFLOW-NWT"}


def faults(config: "Simulation") -> Iterator[Fault]:
    """Keys of a configuration that ask more of an older program than it does."""
    if config.engine not in ENGINES or config.model is not None:
        return
    yield from _steps(config)
    if config.mesh is not None and config.mesh.kind != "structured":
        told = (
            f"must be 'structured' with engine = {config.engine!r}, which knows rows and columns "
            f"only, got {config.mesh.kind!r}"
        )
        yield Fault(("mesh", "kind"), told)
    if config.flow is not None:
        yield from _flow(config)
    if config.transport is not None and config.engine == "mt3dusgs":
        yield from _transport(config)


def _steps(config: "Simulation") -> Iterator[Fault]:
    """Each of the two programs solves what it is for."""
    if config.runs("transport") and config.engine == "mfnwt":
        told = "must be 'mf6' or 'mt3dusgs' with a process transport: MODFLOW-NWT solves flow only"
        yield Fault(("engine",), f"{told}, got 'mfnwt'")
    if config.engine == "mt3dusgs" and config.runs("flow") and not config.runs("transport"):
        told = "must be 'mfnwt' without a process transport: it solves the flow for MT3D-USGS"
        yield Fault(("engine",), f"{told}, got 'mt3dusgs'")


def _flow(config: "Simulation") -> Iterator[Fault]:
    """What the flow equation of MODFLOW-NWT is not."""
    assert config.flow is not None  # the caller looked
    formulation, engine = config.flow.formulation, f"with engine = {config.engine!r}"
    if formulation.cell_type == "convertible" and not formulation.newton:
        told = (
            f"must be true {engine}: MODFLOW-NWT always weights the saturated thickness of "
            "convertible cells upstream and solves by Newton; got false"
        )
        yield Fault(("flow", "formulation", "newton"), told)
    if formulation.xt3d:
        told = f"must be false {engine}: MODFLOW-NWT has the two-point flux only; got true"
        yield Fault(("flow", "formulation", "xt3d"), told)
    if config.flow.param.angle1 is not None:
        told = (
            f"must be left out {engine}: the axes of K are those of the rows and columns in "
            "MODFLOW-NWT"
        )
        yield Fault(("flow", "param", "angle1"), told)


def _transport(config: "Simulation") -> Iterator[Fault]:
    """What the transport equation of MT3D-USGS is not."""
    assert config.transport is not None  # the caller looked
    scheme, own = config.transport.scheme, config.solver.mt3dusgs.advection
    if scheme.advection == "tvd" and own == "finite_difference":
        told = (
            "must be 'upstream' or 'central' with engine = 'mt3dusgs', whose finite differences "
            "these are; its own scheme of third order is solver.mt3dusgs.advection = 'tvd'; got "
            "'tvd'"
        )
        yield Fault(("transport", "scheme", "advection"), told)
    if not scheme.dispersion_xt3d:
        told = (
            "must be true with engine = 'mt3dusgs', which always takes the whole tensor; got false"
        )
        yield Fault(("transport", "scheme", "dispersion_xt3d"), told)
