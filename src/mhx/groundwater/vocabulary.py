"""Every metric that a groundwater run may report: name, unit, kind, meaning.

`flow_metrics.*` of a flow process, `transport_metrics.*` of transport, `mesh_metrics.*` of a mesh,
`observation_metrics.*` of measured data.  Words with `<component>` (MODFLOW's package type in lower
case: chd, rcha, drn, riv, ghb, wel, evt, sto-ss, sto-sy), `<id>` (of a boundary, constraint or
observation) and `<zone>` stand for all of that form.
Rates are positive; `in` is into the groundwater.  The last step is the last one saved.
"""

from collections.abc import Iterator
from dataclasses import replace

from mhx.evidence.metrics import Metric, Vocabulary
from mhx.groundwater.measured.vocabulary import OBSERVED
from mhx.groundwater.measured.vocabulary import ROWS as MEASURED
from mhx.groundwater.transport.vocabulary import ROWS as SOLUTE

FLOW, MESH, TRANSPORT = "flow_metrics.", "mesh_metrics.", "transport_metrics."

FIELDS = {
    "head": ("m", "head"),
    "watertable_depth": ("m", "depth of the water table below ground, negative above it"),
    "outflow_drain": ("m3/s", "water that drains take from a cell"),
    "accumulation_flux": ("m3/s", "drained water that has run downslope as far as a cell"),
    "recharge_flux": ("m/s", "recharge that a cell accepts, per area"),
}
"""Fields that a run can store per cell: unit and meaning."""

PARAMETERS = {
    "K": ("m/s", "hydraulic conductivity along the first axis"),
    "K22_ratio": ("1", "K22 over K"),
    "K33_ratio": ("1", "K33 over K"),
    "angle1": ("degrees", "angle of the first axis, anticlockwise from east"),
    "Ss": ("1/m", "specific storage"),
    "Sy": ("1", "specific yield"),
}

Row = tuple[str, str, str, str]

_FLOW: tuple[Row, ...] = (
    ("duration_s", "s", "duration", "wall clock of the solver process"),
    ("n_cells", "1", "count", "active cells per layer"),
    ("n_layers", "1", "count", "layers"),
    ("n_timesteps", "1", "count", "saved steps"),
    ("mass_balance_rows", "1", "count", "percent discrepancies read from the listing, two a step"),
    *(
        (f"{which}mass_balance_percent_error", "percent", kind, f"{meaning} of these, water only")
        for which, kind, meaning in (
            ("max_abs_", "extremum", "largest absolute value"),
            ("mean_", "mean", "mean"),
            ("last_", "point", "last"),
        )
    ),
    ("head_range_m", "m", "extremum", "largest less smallest head, last step"),
    ("closure_relative", "1", "extremum", "abs(in - out)/max(in, out), worst step, budget file"),
    ("max_abs_step_percent_discrepancy", "percent", "extremum", "listing, rates of every step"),
    (
        *("max_abs_cumulative_percent_discrepancy", "percent", "extremum"),
        "listing, volumes up to every step",
    ),
    ("converged", "1", "count", "1 when every step converged, else 0"),
    ("steps_total", "1", "count", "time steps"),
    ("steps_not_converged", "1", "count", "time steps that did not converge"),
    ("outer_iterations_total", "1", "count", "outer iterations of all steps"),
    ("inner_iterations_total", "1", "count", "inner iterations of all steps"),
    ("recharge_nominal_m3_s", "m3/s", "integral", "recharge rate times area of its cells"),
    ("recharge_accepted_m3_s", "m3/s", "integral", "recharge that the budget shows, last step"),
    ("recharge_accepted_fraction", "1", "point", "accepted over nominal recharge"),
    ("fixed_head_cells", "1", "count", "cells with a fixed head"),
    ("fixed_head_area_m2", "m2", "integral", "their area in the plane"),
    ("fixed_head_area_fraction", "1", "mean", "the same over the whole area"),
    ("flooded_cell_fraction", "1", "mean", "cells with the water table 0.01 m above ground"),
    ("flooded_area_fraction", "1", "mean", "their share of the area, worst saved step"),
    ("flooded_depth_max_m", "m", "extremum", "deepest water above ground, worst saved step"),
    ("dry_cell_fraction", "1", "mean", "cells that are dry or whose head is below their bottom"),
    ("dry_area_fraction", "1", "mean", "share of the area that is dry in every layer, worst step"),
    ("head_mean_area_m", "m", "mean", "mean head, weighted by area, last step"),
    ("head_min_m", "m", "extremum", "smallest head, last step"),
    ("head_max_m", "m", "extremum", "largest head, last step"),
    ("head_free_range_m", "m", "extremum", "range of heads over cells that are not fixed"),
    ("watertable_depth_mean_area_m", "m", "mean", "depth of the water table, weighted by area"),
    ("watertable_depth_min_m", "m", "extremum", "smallest depth, negative above ground"),
    ("watertable_depth_max_m", "m", "extremum", "largest depth of the water table"),
    ("saturated_volume_m3", "m3", "integral", "volume of ground below the water table, last step"),
    ("newton", "1", "count", "1 with Newton-Raphson and upstream weighting, else 0"),
    ("xt3d", "1", "count", "1 with the full flux of non-orthogonal faces, else 0"),
    ("time_unit_days", "1", "count", "1 when MODFLOW runs in days, 0 in seconds"),
    *(
        (f"param_{name}{zone}", unit, "point", f"{meaning}{where}")
        for name, (unit, meaning) in PARAMETERS.items()
        for zone, where in (("", ""), ("_<zone>", " in a zone"))
    ),
    ("budget_<component>_total_in", "m3/s", "integral", "sum over saved steps of the rate in"),
    ("budget_<component>_total_out", "m3/s", "integral", "sum over saved steps of the rate out"),
    ("budget_<component>_net", "m3/s", "integral", "total in less total out"),
    (
        *("budget_<component>_rate_in_m3_s", "m3/s", "integral"),
        "rate in, last step; also by id of a boundary or source that is no component",
    ),
    (
        *("budget_<component>_rate_out_m3_s", "m3/s", "integral"),
        "rate out, last step; also by id of a boundary or source that is no component",
    ),
    ("budget_<component>_mean_in_m3_s", "m3/s", "mean", "rate in, mean over time"),
    ("budget_<component>_mean_out_m3_s", "m3/s", "mean", "rate out, mean over time"),
    ("budget_<component>_volume_in_m3", "m3", "integral", "water in over the whole time"),
    ("budget_<component>_volume_out_m3", "m3", "integral", "water out over the whole time"),
    (
        "budget_<id>_rate_in_m3_s",
        "m3/s",
        "integral",
        "rate in by one boundary or source, last step",
    ),
    (
        "budget_<id>_rate_out_m3_s",
        "m3/s",
        "integral",
        "rate out by one boundary or source, last step",
    ),
)

_STATISTICS: tuple[tuple[str, str | None, str, str], ...] = (
    ("total_count", "1", "count", "values"),
    ("finite_count", "1", "count", "values that are numbers"),
    ("nodata_count", "1", "count", "values that are missing"),
    ("finite_fraction", "1", "mean", "share that are numbers"),
    ("min", None, "extremum", "smallest"),
    ("max", None, "extremum", "largest"),
    ("mean", None, "mean", "mean over cells, unweighted"),
    ("abs_max", None, "extremum", "largest absolute value"),
    ("positive_sum", None, "integral", "sum of what is positive"),
    ("negative_sum", None, "integral", "sum of what is negative"),
)

_MESH: tuple[Row, ...] = (
    ("duration_s", "s", "duration", "wall clock of making the mesh and its metrics"),
    ("n_cells", "1", "count", "cells"),
    ("n_nodes", "1", "count", "vertices"),
    ("n_edges", "1", "count", "edges"),
    ("area_total_m2", "m2", "integral", "sum of the cell areas"),
    ("area_error_relative", "1", "extremum", "abs(sum of cell areas - polygon area)/polygon area"),
    ("cell_area_min_m2", "m2", "extremum", "smallest cell"),
    ("cell_area_max_m2", "m2", "extremum", "largest cell"),
    ("cell_area_mean_m2", "m2", "mean", "mean cell"),
    ("cell_area_ratio", "1", "extremum", "largest over smallest cell"),
    ("h_effective_m", "m", "mean", "square root of the mean cell area"),
    ("h_min_m", "m", "extremum", "square root of the smallest cell area"),
    ("min_angle_deg", "degrees", "extremum", "smallest interior angle"),
    ("min_angle_p05_deg", "degrees", "extremum", "5th percentile of the smallest angles of cells"),
    ("max_angle_deg", "degrees", "extremum", "largest interior angle"),
    ("aspect_max", "1", "extremum", "largest ratio of sides of the minimum rotated rectangle"),
    ("aspect_mean", "1", "mean", "mean ratio of these sides"),
    ("area_ratio_max", "1", "extremum", "larger over smaller of two neighbours"),
    ("orthogonality_max_deg", "degrees", "extremum", "largest angle of connection and face normal"),
    (
        "orthogonality_mean_deg",
        "degrees",
        "mean",
        "mean of these angles; 0: two-point flux is exact",
    ),
    ("orthogonality_p95_deg", "degrees", "extremum", "95th percentile of these angles"),
    ("orthogonality_fraction_gt_1deg", "1", "mean", "share of connections beyond 1 degree"),
    ("face_offset_max", "1", "extremum", "largest offset of connection and face centre, face = 1"),
    ("face_offset_mean", "1", "mean", "mean of these offsets; above 0.5 the face is missed"),
    ("short_face_fraction", "1", "mean", "share of faces shorter than 0.1 h"),
    ("neighbours_max", "1", "count", "neighbours of one cell at most"),
    ("boundary_cell_area_max_m2", "m2", "extremum", "largest cell at the outline"),
    ("symmetric_difference_fraction", "1", "extremum", "area not shared by cells and polygon"),
    ("outline_hausdorff_m", "m", "extremum", "largest distance of outer ring and polygon"),
    (
        "euler_characteristic",
        "1",
        "count",
        "vertices - edges + cells; 1 for one piece without holes",
    ),
    ("duplicate_vertices", "1", "count", "vertices in the same place"),
    ("edges_not_shared_by_two", "1", "count", "inner edges without exactly two cells"),
    ("cells_not_clockwise", "1", "count", "cells whose corners do not run clockwise"),
    ("islands", "1", "count", "pieces that touch no other, less one"),
    (
        "constraint_vertex_distance_min_over_h",
        "1",
        "extremum",
        "closest constraint vertices over h",
    ),
    ("constraint_<id>_edge_distance_max_m", "m", "extremum", "from the line to the nearest edge"),
    ("constraint_<id>_edge_distance_rms_m", "m", "mean", "root mean square of these distances"),
    ("constraint_<id>_centre_distance_max_m", "m", "extremum", "to it from centres of its cells"),
    ("constraint_<id>_covered_fraction", "1", "mean", "share of it on edges, or on centres"),
    ("constraint_<id>_cells", "1", "count", "cells that the line passes"),
    ("catchment_area_m2", "m2", "integral", "raster cells that drain through the outlet"),
    ("catchment_relief_m", "m", "extremum", "highest less lowest elevation of these cells"),
    ("catchment_stream_length_m", "m", "integral", "main stream from raster cell to raster cell"),
    ("outline_area_change_relative", "1", "extremum", "polygon over raster cells, less one"),
    ("outline_simplification_hausdorff_m", "m", "extremum", "polygon and rim of raster cells"),
)


def _words() -> Iterator[Metric]:
    for prefix, rows in ((FLOW, _FLOW), (MESH, _MESH), (OBSERVED, MEASURED), (TRANSPORT, SOLUTE)):
        for name, unit, kind, meaning in rows:
            yield Metric(f"{prefix}{name}", unit, meaning, kind)
    for field, (own, meaning) in FIELDS.items():
        for name, other, kind, which in _STATISTICS:
            told = f"{meaning}: {which}, last step"
            yield Metric(f"{FLOW}{field}_{name}", other or own, told, kind)


def _every_word() -> Iterator[Metric]:
    """Also those of one model of several, which is named before the word."""
    words = list(_words())
    yield from words
    for word in words:
        prefix, _, rest = word.name.partition(".")
        if f"{prefix}." in (FLOW, TRANSPORT):
            told = f"{word.meaning}; of one model of several"
            yield replace(word, name=f"{prefix}.<model>.{rest}", meaning=told)


VOCABULARY = Vocabulary(_every_word())
