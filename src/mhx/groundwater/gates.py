"""Gates on a mesh and on a flow run, with the reason of each and what to do when it fails.

They read the metrics of `vocabulary.py` by their full names.  Bounds that a user may set stand in
`[mesh.accept]` and `[flow.accept]`; the others are fixed here.  A gate that fails does not hide a
run: its metrics stand, and the verdict beside them.
"""

from collections.abc import Mapping
from dataclasses import replace

from mhx.evidence.gates import Gate
from mhx.groundwater.config import Simulation
from mhx.groundwater.model import FlowModel
from mhx.groundwater.site import Mesh
from mhx.groundwater.vocabulary import FLOW, MESH

RECHARGE = Gate(
    name="recharge_is_accepted",
    metric=f"{FLOW}recharge_accepted_fraction",
    low=0.99,
    reason="MODFLOW drops recharge on cells with a fixed head without a word, and the water "
    "balance still closes",
    remedy="fix fewer or smaller cells (refine the mesh at the boundary), or use riv or drn there",
)
FLOODED = Gate(
    name="heads_stay_below_ground",
    metric=f"{FLOW}flooded_area_fraction",
    high=0.01,
    reason="a water table above ground without an outlet stores water that would run off",
    remedy="add a drn at ground (elevation = 'top'), raise its leakance, or state "
    "flow.accept.allow_flooding = true where artesian heads are expected",
)
DRY = Gate(
    name="no_column_runs_dry",
    metric=f"{FLOW}dry_area_fraction",
    high=0.0,
    reason="where all layers are dry no flow is computed: recharge is lost and neighbours shift",
    remedy="deepen the layers, use flow.formulation.newton = true, or check K and recharge there",
)
CONVERGED = Gate(
    name="every_step_converged",
    metric=f"{FLOW}converged",
    low=1,
    high=1,
    reason="heads of a step that did not converge are no solution of the flow equation",
    remedy="raise solver.mf6.outer_maximum, choose complexity = 'complex', or use Newton",
)
STEP_BALANCE = Gate(
    name="balance_of_every_step",
    metric=f"{FLOW}max_abs_step_percent_discrepancy",
    high=0.5,
    reason="the percent discrepancy of the listing, for the rates of the worst step",
    remedy="tighten solver.mf6.inner_dvclose and outer_dvclose",
)
VOLUME_BALANCE = Gate(
    name="balance_of_all_volumes",
    metric=f"{FLOW}max_abs_cumulative_percent_discrepancy",
    high=0.5,
    reason="the percent discrepancy of the listing, for the volumes up to the worst step",
    remedy="tighten solver.mf6.inner_dvclose and outer_dvclose, or use smaller time steps",
)
CLOSURE = Gate(
    name="budget_file_closes",
    metric=f"{FLOW}closure_relative",
    high=1e-6,
    reason="the listing rounds to two decimals; in double precision water must not get lost",
    remedy="tighten solver.mf6.inner_dvclose and outer_dvclose; run in days, not seconds",
)
_NWT = {
    CONVERGED.name: "raise solver.mfnwt.outer_maximum, or use smaller time steps",
    STEP_BALANCE.name: "tighten solver.mfnwt.flux_tolerance and head_tolerance",
    VOLUME_BALANCE.name: "tighten solver.mfnwt.flux_tolerance and head_tolerance, or use smaller "
    "time steps",
    CLOSURE.name: "tighten solver.mfnwt.flux_tolerance and head_tolerance",
}
_ELEMENTS = dict.fromkeys(
    (CONVERGED.name, STEP_BALANCE.name, VOLUME_BALANCE.name, CLOSURE.name),
    "finite elements have no keys to tighten: use flow.formulation.cell_type = 'confined', a finer "
    "mesh, or engine = 'mf6'",
)
REMEDIES: Mapping[str, Mapping[str, str]] = {
    "mfnwt": _NWT,
    "mt3dusgs": _NWT,  # over the flow of MODFLOW-NWT
    "fem_p1": _ELEMENTS,
    "fem_p2": _ELEMENTS,
}
"""Engine -> name of a gate -> what to do, where it is not what MODFLOW 6 needs."""
LEVELS = {"chd": "head", "ghb": "bhead", "riv": "stage", "drn": "elev"}
"""The column of each package at whose level water is exchanged."""


def flow_gates(config: Simulation, model: FlowModel) -> tuple[Gate, ...]:
    """The sanity gates of a flow run."""
    assert config.flow is not None  # a flow process has one
    gates = [CONVERGED, STEP_BALANCE, VOLUME_BALANCE, CLOSURE, DRY]
    if model.recharge_nominal_m3_s:
        gates.append(RECHARGE)
    if not config.flow.accept.allow_flooding:
        gates.append(FLOODED)
    own = REMEDIES.get(config.engine, {})
    told = (replace(gate, remedy=own.get(gate.name, gate.remedy)) for gate in gates)
    return (*told, *_hull(model))


def mesh_gates(mesh: Mesh, *, neighbours: bool = True) -> tuple[Gate, ...]:
    """The bounds of `[mesh.accept]`; angles count for triangles, on which gradients live.

    neighbours: whether any cell has one; of a single cell nothing is said about faces.
    """
    accept, kind = mesh.accept, mesh.kind
    bounds: Mapping[str, tuple[str, dict[str, float | None], str, str]] = {
        "smallest_angle": (
            "min_angle_deg",
            {"low": accept.min_angle_deg if kind in ("triangles", "file") else None},
            "flat triangles make the flux across their faces inaccurate and the matrix stiff",
            "raise mesh.smoothing, move constraints apart, or lower mesh.size",
        ),
        "neighbours_alike_in_area": (
            "area_ratio_max",
            {"high": accept.area_ratio_max},
            "where cells change size abruptly the two-point flux loses an order of accuracy",
            "raise the distance of refined constraints, so that sizes grow slowly",
        ),
        "connections_are_orthogonal": (
            "orthogonality_max_deg",
            {"high": accept.orthogonality_max_deg},
            "a connection that does not cross its face at right angles misses part of the flux",
            "use mesh.kind = 'voronoi', or flow.formulation.xt3d = true",
        ),
        "cells_fill_the_domain": (
            "symmetric_difference_fraction",
            {"high": accept.symmetric_difference_max},
            "area outside the domain or missing from it takes recharge that is not there",
            "lower mesh.size, or follow the outline with triangles or Voronoi cells",
        ),
    }
    return tuple(
        Gate(
            name=name,
            metric=f"{MESH}{metric}",
            reason=reason,
            remedy=remedy,
            **{side: value for side, value in bound.items() if value is not None},
        )
        for name, (metric, bound, reason, remedy) in bounds.items()
        if any(value is not None for value in bound.values())
        and (neighbours or metric not in ("area_ratio_max", "orthogonality_max_deg"))
    )


def _hull(model: FlowModel) -> tuple[Gate, ...]:
    """Without a source no head lies beyond the levels at which water comes and goes.

    What a transient run starts from counts as well.  A head is known to about the closure of the
    outer iterations; ten times that is let pass.
    """
    placed = model.boundaries.values()
    if any(one.package not in LEVELS for one in placed) or not placed:
        return ()
    levels = [one.values[LEVELS[one.package]] for one in placed]
    if model.regime == "transient":
        levels.append(model.strt)
    slack = 10 * model.ims.outer_dvclose
    reason = "without a source the equation has its extremes on the boundary; a head beyond is made"
    remedy = "tighten the solver's closures; on skewed cells compare with and without xt3d"
    return (
        Gate(
            name="no_head_below_its_boundaries",
            metric=f"{FLOW}head_min_m",
            low=min(float(values.min()) for values in levels) - slack,
            reason=f"{reason} by the scheme",
            remedy=remedy,
        ),
        Gate(
            name="no_head_above_its_boundaries",
            metric=f"{FLOW}head_max_m",
            high=max(float(values.max()) for values in levels) + slack,
            reason=f"{reason} by the scheme",
            remedy=remedy,
        ),
    )
