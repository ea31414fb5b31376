"""`flow_metrics.*` of a finished flow run, from its `FlowResult` alone.

Rates are m3/s, heads m; the last step is the last one saved.  A metric without a value (the head
of a model that is dry everywhere) is NaN, and what cannot be told is left out: rates are
integrated over time only when every step was saved.  What each word means: `vocabulary.py`.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mhx.groundwater.grid import Floats
from mhx.groundwater.listing import Step
from mhx.groundwater.results import FlowResult, water_table_depth, wet_cells
from mhx.groundwater.units import DAY

FLOODED_M = 0.01
"""Water this high above ground counts as flooding [m]."""


def flow_metrics(result: FlowResult) -> dict[str, float]:
    """Every metric of `vocabulary.py` that this run has, without the prefix."""
    return {
        "duration_s": result.about["duration_s"],
        "n_cells": _cells(result),
        "n_layers": len(result.bottoms),
        "n_timesteps": result.saved,
        **{key: result.about["formulation"][key] for key in ("newton", "xt3d", "time_unit_days")},
        **result.about["parameters"],
        **_solver_metrics(result.steps, result.about.get("unprinted", ())),
        **_budget_metrics(result),
        **_head_metrics(result),
        **_water_metrics(result),
        **_statistics("head", _taking_part(result, result.heads[-1])),
        **{
            key: value
            for name, values in result.fields.items()
            for key, value in _statistics(name, values[-1]).items()
        },
    }


def _cells(result: FlowResult) -> int:
    """Cells of a layer that take part in any."""
    return int(result.areas.size if result.active is None else result.active.any(axis=0).sum())


def _taking_part(result: FlowResult, values: Floats) -> Floats:
    """Values of the cells of all layers that take part."""
    return values if result.active is None else values[result.active]


def _solver_metrics(steps: Sequence[Step], unprinted: Sequence[int]) -> dict[str, float]:
    """Convergence and percent discrepancies of every step; NaN where one could not be read.

    unprinted: indices of steps whose balance the listing was not asked for.
    """
    rows = np.array([(step.percent_cumulative, step.percent_step) for step in steps])
    rows += 0.0  # the listing prints -0.00, too
    told_of = np.delete(rows, list(unprinted), axis=0)
    rows = told_of if told_of.size else rows
    worst = np.abs(rows).max(axis=0)
    failed = sum(not step.converged for step in steps)
    told = all(step.outer for step in steps)  # else the listing has another form
    return {
        "mass_balance_rows": int(np.isfinite(rows).sum()),
        "max_abs_mass_balance_percent_error": float(worst.max()),
        "mean_mass_balance_percent_error": float(rows.mean()),
        "last_mass_balance_percent_error": float(rows[-1, 1]),
        "max_abs_step_percent_discrepancy": float(worst[1]),
        "max_abs_cumulative_percent_discrepancy": float(worst[0]),
        "converged": int(not failed),
        "steps_total": len(steps),
        "steps_not_converged": failed,
        "outer_iterations_total": sum(step.outer for step in steps) if told else math.nan,
        "inner_iterations_total": sum(step.inner for step in steps) if told else math.nan,
    }


def _budget_metrics(result: FlowResult) -> dict[str, float]:
    found: dict[str, float] = {}
    sums = np.zeros((2, result.saved))
    tables: dict[str, Floats] = {}
    last = result.saved - 1
    for row in result.budget:
        if row.boundary:
            if row.saved == last:
                for way, rate in (("in", row.rate_in), ("out", row.rate_out)):
                    # a package may have several rows: what it takes, and what of it moves on
                    name = f"budget_{row.boundary}_rate_{way}_m3_s"
                    found[name] = found.get(name, 0.0) + rate
            continue
        table = tables.setdefault(row.component, np.zeros((2, result.saved)))
        table[:, row.saved] = row.rate_in, row.rate_out
        sums[:, row.saved] += table[:, row.saved]
    lengths = result.length_d * DAY
    for component, table in tables.items():
        name = f"budget_{component}"
        total = table.sum(axis=1)
        found |= {
            f"{name}_total_in": float(total[0]),
            f"{name}_total_out": float(total[1]),
            f"{name}_net": float(total[0] - total[1]),
            f"{name}_rate_in_m3_s": float(table[0, -1]),
            f"{name}_rate_out_m3_s": float(table[1, -1]),
        }
        if result.all_saved:
            volume = table @ lengths
            found |= {
                f"{name}_mean_in_m3_s": float(volume[0] / lengths.sum()),
                f"{name}_mean_out_m3_s": float(volume[1] / lengths.sum()),
                f"{name}_volume_in_m3": float(volume[0]),
                f"{name}_volume_out_m3": float(volume[1]),
            }
    largest = sums.max(axis=0)
    off = np.abs(sums[0] - sums[1])
    found["closure_relative"] = float(np.max(off / np.where(largest > 0, largest, 1.0)))
    return {**found, **_recharge_metrics(result, tables)}


def _recharge_metrics(result: FlowResult, tables: Mapping[str, Floats]) -> dict[str, float]:
    nominal = result.about["recharge_nominal_m3_s"]
    accepted = 0.0
    for component in ("rcha", "rch"):
        if (table := tables.get(component)) is not None:
            accepted += float(table[0, -1] - table[1, -1])
    if nominal is None:  # a model of others, whose recharge is not known before it has run
        return {"recharge_accepted_m3_s": accepted}
    return {
        "recharge_nominal_m3_s": nominal,
        "recharge_accepted_m3_s": accepted,
        "recharge_accepted_fraction": accepted / nominal if nominal else math.nan,
    }


def _head_metrics(result: FlowResult) -> dict[str, float]:
    heads, areas = result.heads[-1], np.broadcast_to(result.areas, result.bottoms.shape)
    wet = np.isfinite(heads)
    free = wet.copy()
    free.ravel()[result.fixed] = False
    low, high = _extremes(heads[wet])
    free_low, free_high = _extremes(heads[free])
    fixed = np.zeros(result.bottoms.size, dtype=bool)
    fixed[result.fixed] = True
    columns = result.columns
    above_fixed = (fixed[columns.nodes] & columns.there).any(axis=0)
    fixed_area = float(columns.areas[above_fixed].sum())
    return {
        "head_range_m": high - low,
        "head_min_m": low,
        "head_max_m": high,
        "head_free_range_m": free_high - free_low,
        "head_mean_area_m": _mean(heads[wet], areas[wet]),
        "fixed_head_cells": int(result.fixed.size),
        "fixed_head_area_m2": fixed_area,
        "fixed_head_area_fraction": fixed_area / float(columns.areas.sum()),
    }


def _water_metrics(result: FlowResult) -> dict[str, float]:
    """Water table, flooding and dryness; the shares of the worst saved step."""
    ground = result.columns
    total, count = float(ground.areas.sum()), int(ground.there.sum())
    worst = np.zeros(5)
    for step in result.heads:
        heads = ground.of(step)
        wet = wet_cells(heads, ground.bottoms)
        depth = water_table_depth(heads, ground.top, ground.bottoms)
        flooded = depth < -FLOODED_M
        parched = ~wet.any(axis=0)
        worst = np.maximum(
            worst,
            (
                flooded.mean(),
                ground.areas.sum(where=flooded) / total,
                0.0 - float(depth.min(where=flooded, initial=0.0)),
                1.0 - wet.sum() / count,
                ground.areas.sum(where=parched) / total,
            ),
        )
    there = np.isfinite(depth)
    shallow, deep = _extremes(depth[there])
    names = (
        *("flooded_cell_fraction", "flooded_area_fraction", "flooded_depth_max_m"),
        *("dry_cell_fraction", "dry_area_fraction"),
    )
    return {
        **dict(zip(names, worst.tolist(), strict=True)),
        "watertable_depth_mean_area_m": _mean(depth[there], ground.areas[there]),
        "watertable_depth_min_m": shallow,
        "watertable_depth_max_m": deep,
        "saturated_volume_m3": _saturated_volume(result),
    }


def _saturated_volume(result: FlowResult) -> float:
    """Confined cells are saturated to their top, whatever their head."""
    tops = np.vstack([result.top, result.bottoms[:-1]])
    thickness = tops - result.bottoms
    if result.about["formulation"]["convertible"]:
        heads = np.nan_to_num(result.heads[-1], nan=-math.inf)
        below = np.clip(heads - result.bottoms, 0.0, thickness)
        thickness = (
            below if result.confined is None else np.where(result.confined, thickness, below)
        )
    if result.active is not None:
        thickness = np.where(result.active, thickness, 0.0)
    return float((thickness @ result.areas).sum())


def _statistics(name: str, values: Floats) -> dict[str, float]:
    """The words of 7.1 over one field."""
    there = values[np.isfinite(values)]
    low, high = _extremes(there)
    return {
        f"{name}_total_count": values.size,
        f"{name}_finite_count": there.size,
        f"{name}_nodata_count": values.size - there.size,
        f"{name}_finite_fraction": there.size / values.size,
        f"{name}_min": low,
        f"{name}_max": high,
        f"{name}_mean": float(there.mean()) if there.size else math.nan,
        f"{name}_abs_max": max(abs(low), abs(high)),
        f"{name}_positive_sum": float(there.sum(where=there > 0)),
        f"{name}_negative_sum": float(there.sum(where=there < 0)),
    }


def _extremes(values: Floats) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (math.nan, math.nan)


def _mean(values: Floats, weights: Floats) -> float:
    return float(values @ weights / weights.sum()) if values.size else math.nan
